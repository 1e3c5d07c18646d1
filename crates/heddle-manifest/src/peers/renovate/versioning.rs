//! Renovate's `regex:` versioning, in `match` and `extract` for the tag that runs. Source:
//! <https://docs.renovatebot.com/modules/versioning/regex/>.
//!
//! Groups that need not be there and say which tags are of one kind (`compatibility`, `prerelease`) have no words in one
//! rule for all tags. Beside a tag that runs they have: what it has must be equal, what it lacks must be missing.

use std::ops::Range;

use heddle_core::image::Tag;
use regex::Captures;
use regex_syntax::ast::{self, AssertionKind, Ast, GroupKind, RepetitionKind, RepetitionRange};

use super::rules::compile;

/// The groups that are numbers, in the order in which they count.
const NUMBERS: [&str; 5] = ["major", "minor", "patch", "build", "revision"];

/// The groups that say which tags are of one kind.
const KINDS: [&str; 2] = ["prerelease", "compatibility"];

const NOT_UNDERSTOOD: &str = "the expression of `versioning: regex` is not understood here";

/// What the versioning comes to beside a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versioning {
    /// `match`.
    pub matches: String,
    /// `extract`.
    pub extract: String,
    /// Numbers that the tag lacks and Renovate would take.
    pub lacks: Vec<&'static str>,
}

/// Reads the expression beside the tag that runs.
///
/// # Errors
/// With the reason why no rule says the same.
pub(super) fn read(expression: &str, running: Option<&Tag>, ignores_unstable: bool) -> Result<Versioning, String> {
    let compiled = compile(expression, "").ok_or(NOT_UNDERSTOOD)?;
    let ast = ast::parse::Parser::new().parse(expression).map_err(|_| NOT_UNDERSTOOD)?;
    let names: Vec<&str> = compiled.capture_names().flatten().collect();
    if let Some(other) = names.iter().find(|name| !NUMBERS.contains(name) && !KINDS.contains(name)) {
        return Err(format!("the group `{other}` of `versioning: regex` has no counterpart"));
    }
    if !NUMBERS[..3].iter().any(|name| names.contains(name)) {
        return Err("`versioning: regex` names none of the groups `major`, `minor` and `patch`".to_owned());
    }
    let running = running.ok_or("no tag stands there, and by `versioning: regex` Renovate moves none")?.as_str();
    let found = compiled
        .captures(running)
        .ok_or_else(|| format!("`{running}` does not match `versioning: regex`, so Renovate leaves it as it is"))?;
    if names.contains(&"prerelease") {
        judge_prerelease(&found, running, ignores_unstable)?;
    }
    let matches = narrowed(expression, &ast, &names, &found)?;
    let same = compile(&matches, "").is_some_and(|narrowed| {
        let text = |name: &&str| found.name(name).map(|group| group.as_str());
        narrowed.captures(running).is_some_and(|again| {
            let kept = names.iter().filter(|name| text(name).is_some());
            kept.into_iter().all(|name| again.name(name).map(|group| group.as_str()) == text(name))
        })
    });
    if !same {
        return Err(format!("`versioning: regex` reads `{running}` in several ways, which one rule cannot say"));
    }
    let extract = template(&found, running)?;
    let lacks = NUMBERS.into_iter().filter(|name| names.contains(name) && found.name(name).is_none()).collect();
    Ok(Versioning { matches, extract, lacks })
}

/// A pre-release that runs leads to what no rule says, and so do pre-releases that follow on releases.
fn judge_prerelease(found: &Captures<'_>, running: &str, ignores_unstable: bool) -> Result<(), String> {
    if found.name("prerelease").is_some_and(|group| !group.as_str().is_empty()) {
        return Err(format!(
            "`{running}` is a pre-release by the group `prerelease` of `versioning: regex`, and what follows on one there \
             has no counterpart"
        ));
    }
    if !ignores_unstable {
        return Err(
            "the group `prerelease` of `versioning: regex` beside `ignoreUnstable: false` has no counterpart".into()
        );
    }
    Ok(())
}

/// The expression with what must be equal to the running tag written out, and without what that lacks.
fn narrowed(expression: &str, ast: &Ast, names: &[&str], found: &Captures<'_>) -> Result<String, String> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for name in names {
        let places = places(ast, name);
        match (found.name(name), places) {
            (Some(text), Some((group, _))) if KINDS.contains(name) => {
                changes.push((group, format!("(?<{name}>{})", regex::escape(text.as_str()))));
            }
            (None, Some((_, Some(optional)))) if ends(ast) => changes.push((optional, String::new())),
            (None, Some((_, Some(_)))) => {
                return Err(format!(
                    "`versioning: regex` does not say how a tag ends (`$`), so tags with and without `{name}` cannot be \
                     told apart"
                ));
            }
            (None, _) => {
                return Err(format!(
                    "the group `{name}` of `versioning: regex` stands in one of several ways to write a tag, which one \
                     rule cannot say"
                ));
            }
            _ => {}
        }
    }
    // What lies in another change goes with it.
    let outer: Vec<Range<usize>> = changes.iter().map(|(range, _)| range.clone()).collect();
    let is_inner = |range: &Range<usize>| {
        outer.iter().any(|other| other != range && other.start <= range.start && range.end <= other.end)
    };
    changes.retain(|(range, _)| !is_inner(range));
    changes.sort_by_key(|(range, _)| range.start);
    changes.dedup();
    let mut text = expression.to_owned();
    for (range, new) in changes.into_iter().rev() {
        text.replace_range(range, &new);
    }
    Ok(text)
}

/// Where a group stands in the expression, and what around it need not be there.
fn places(ast: &Ast, name: &str) -> Option<(Range<usize>, Option<Range<usize>>)> {
    let span = |span: &ast::Span| span.start.offset..span.end.offset;
    match ast {
        Ast::Group(group) => {
            if let GroupKind::CaptureName { name: own, .. } = &group.kind
                && own.name == name
            {
                return Some((span(&group.span), None));
            }
            places(&group.ast, name)
        }
        Ast::Repetition(repetition) => {
            let (group, optional) = places(&repetition.ast, name)?;
            let may_lack = match &repetition.op.kind {
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => true,
                RepetitionKind::OneOrMore => false,
                RepetitionKind::Range(
                    RepetitionRange::Exactly(least)
                    | RepetitionRange::AtLeast(least)
                    | RepetitionRange::Bounded(least, _),
                ) => *least == 0,
            };
            Some((group, optional.or_else(|| may_lack.then(|| span(&repetition.span)))))
        }
        Ast::Concat(concat) => concat.asts.iter().find_map(|inner| places(inner, name)),
        // Which of the ways is taken, one rule cannot say; what need not be there within one of them is another matter.
        Ast::Alternation(ways) => ways.asts.iter().find_map(|inner| places(inner, name)),
        _ => None,
    }
}

/// Whether the expression says how a tag ends.
fn ends(ast: &Ast) -> bool {
    let is_end = |ast: &Ast| matches!(ast, Ast::Assertion(assertion) if matches!(assertion.kind, AssertionKind::EndLine | AssertionKind::EndText));
    match ast {
        Ast::Concat(concat) => concat.asts.last().is_some_and(is_end),
        other => is_end(other),
    }
}

/// The numbers that count. Those that come before another and are not there count as 0.
fn template(found: &Captures<'_>, running: &str) -> Result<String, String> {
    let has = |name: &str| found.name(name).is_some();
    let mut numbers: Vec<&str> = NUMBERS[..3].to_vec();
    // A revision counts behind a build alone.
    numbers.extend(["build"].into_iter().filter(|name| has(name)));
    numbers.extend(["revision"].into_iter().filter(|name| has(name) && has("build")));
    while numbers.last().is_some_and(|name| !has(name)) {
        numbers.pop();
    }
    if let Some(wrong) = numbers.iter().filter_map(|name| found.name(name)).find(|group| !is_number(group.as_str())) {
        return Err(format!(
            "`{}` of `{running}` is no number, as a group of `versioning: regex` says it is",
            wrong.as_str()
        ));
    }
    let written = numbers.iter().map(|name| if has(name) { format!("${{{name}}}") } else { "0".to_owned() });
    Ok(written.collect::<Vec<_>>().join("."))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
