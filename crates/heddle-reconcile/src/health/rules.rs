//! The rules of custom resources, kept as text: one block a family of kinds, the first line that fits decides.
//!
//! `docs/reference/health.md` explains the language. The verdicts are those of Argo CD's `resource_customizations` where it
//! has the kind, else those of the kind's own documentation. Each block carries examples (`~`), which are run as tests.

mod path;
mod term;

use std::{collections::HashMap, sync::LazyLock};

use heddle_core::health::HealthStatus;
use serde_json::Value;

use self::term::{Found, Term};
use super::Verdict;
use crate::GroupKind;

const TEXTS: [&str; 5] = [
    include_str!("rules/delivery.rules"),
    include_str!("rules/data.rules"),
    include_str!("rules/cloud.rules"),
    include_str!("rules/network.rules"),
    include_str!("rules/platform.rules"),
];

/// Every rule by kind; read once.
static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let blocks = TEXTS.iter().flat_map(|text| read(text).expect("a test reads every rule")).collect();
    Book::new(blocks)
});

/// The verdict of the rules, where they know the kind.
pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    let block = BOOK.find(kind)?;
    block.lines.iter().find_map(|line| line.judge(object))
}

/// The kinds of one family, what is said of them, and examples.
struct Block {
    kinds: Vec<KindPattern>,
    lines: Vec<Line>,
    #[cfg(test)]
    examples: Vec<&'static str>,
}

/// `argoproj.io/Rollout`, `velero.io/*` or `*.upbound.io/*`.
struct KindPattern {
    group: &'static str,
    kind: &'static str,
}

struct Line {
    status: HealthStatus,
    terms: Vec<Term>,
}

impl Line {
    /// The verdict, where every term fits.
    fn judge(&self, object: &Value) -> Option<Verdict> {
        let mut said = None;
        for term in &self.terms {
            let found = term.find(object)?;
            said = said.or(found.said());
        }
        let (reason, message) = said.unwrap_or_else(|| Found::default_words(self.status, object));
        let message = if self.status == HealthStatus::Healthy { String::new() } else { message };
        Some(Verdict::new(self.status, reason, message))
    }
}

struct Book {
    blocks: Vec<Block>,
    exact: HashMap<(&'static str, &'static str), usize>,
    /// Patterns with a `*`, most exact first.
    wide: Vec<(usize, usize)>,
}

impl Book {
    fn new(blocks: Vec<Block>) -> Self {
        let places = || {
            blocks.iter().enumerate().flat_map(|(index, block)| (0..block.kinds.len()).map(move |place| (index, place)))
        };
        let pattern = |&(block, place): &(usize, usize)| &blocks[block].kinds[place];
        let is_exact = |place: &(usize, usize)| !pattern(place).group.starts_with('*') && pattern(place).kind != "*";
        let exact = places().filter(is_exact).map(|place| {
            let KindPattern { group, kind } = pattern(&place);
            ((*group, *kind), place.0)
        });
        let exact = exact.collect();
        let mut wide: Vec<_> = places().filter(|place| !is_exact(place)).collect();
        wide.sort_by_key(|place| {
            (pattern(place).group.starts_with('*'), std::cmp::Reverse(pattern(place).group.len()))
        });
        Self { blocks, exact, wide }
    }

    fn find(&self, kind: &GroupKind) -> Option<&Block> {
        let exact = self.exact.get(&(kind.group.as_str(), kind.kind.as_str())).copied();
        let wide = || self.wide.iter().find(|(block, place)| self.blocks[*block].kinds[*place].fits(kind));
        exact.or_else(|| wide().map(|(block, _)| *block)).map(|block| &self.blocks[block])
    }
}

impl KindPattern {
    fn fits(&self, kind: &GroupKind) -> bool {
        let group = match self.group.strip_prefix('*') {
            Some(end) => kind.group.ends_with(end),
            None => kind.group == self.group,
        };
        group && (self.kind == "*" || self.kind == kind.kind)
    }
}

/// Reads one file of rules.
fn read(text: &'static str) -> Result<Vec<Block>, String> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut in_kinds = false;
    for (number, line) in text.lines().enumerate() {
        let fault = |fault: String| format!("line {}: {fault}", number + 1);
        let content = line.trim();
        if content.is_empty() || line.starts_with('#') {
            in_kinds = false;
        } else if line.starts_with(' ') {
            let block = blocks.last_mut().ok_or_else(|| fault("no kinds stand above it".to_owned()))?;
            in_kinds = false;
            if let Some(example) = content.strip_prefix("~ ") {
                block.add_example(example);
            } else {
                block.lines.push(read_line(content).map_err(fault)?);
            }
        } else {
            let kinds = content.split(' ').map(read_kind).collect::<Result<Vec<_>, _>>().map_err(fault)?;
            match blocks.last_mut().filter(|_| in_kinds) {
                Some(block) => block.kinds.extend(kinds),
                None => blocks.push(Block::new(kinds)),
            }
            in_kinds = true;
        }
    }
    Ok(blocks)
}

impl Block {
    fn new(kinds: Vec<KindPattern>) -> Self {
        Self {
            kinds,
            lines: Vec::new(),
            #[cfg(test)]
            examples: Vec::new(),
        }
    }

    #[cfg(test)]
    fn add_example(&mut self, example: &'static str) {
        self.examples.push(example);
    }

    #[cfg(not(test))]
    fn add_example(&mut self, _: &'static str) {}
}

fn read_kind(text: &'static str) -> Result<KindPattern, String> {
    let (group, kind) = text.rsplit_once('/').ok_or_else(|| format!("`{text}` is no group/Kind"))?;
    Ok(KindPattern { group, kind })
}

fn read_line(text: &'static str) -> Result<Line, String> {
    let mut words = path::words(text).into_iter();
    let status = read_status(words.next().unwrap_or_default())?;
    let terms = words.map(Term::read).collect::<Result<_, _>>()?;
    Ok(Line { status, terms })
}

fn read_status(word: &str) -> Result<HealthStatus, String> {
    Ok(match word {
        "healthy" => HealthStatus::Healthy,
        "progressing" => HealthStatus::Progressing,
        "degraded" => HealthStatus::Degraded,
        "suspended" => HealthStatus::Suspended,
        "missing" => HealthStatus::Missing,
        "unknown" => HealthStatus::Unknown,
        _ => return Err(format!("`{word}` is no verdict")),
    })
}

#[cfg(test)]
mod tests;
