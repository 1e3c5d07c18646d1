//! The new texts of a proposal, and what it says.

use std::collections::BTreeMap;

use heddle_core::{
    change::Mode,
    image::{Digest, Tag},
    name::EnvironmentName,
};
use heddle_manifest::{Edit, EditError, config::Ruling, edit};
use heddle_wire::automator::{PlannedChange, PlannedProposal};
use similar::TextDiff;

use super::{NewText, OpenView, Wanted, choice::written, joined};
use crate::text::{self, Cause, Row};

/// The longest diff that is kept of one change.
const MAX_DIFF_CHARS: usize = 20_000;

/// Writes one commit or pull request. `wanted` is not empty and of one branch.
pub(super) fn proposal(
    wanted: &[&Wanted<'_>],
    mode: Mode,
    group: &str,
    open: Option<&OpenView<'_>>,
    rules: Option<&NewText>,
) -> (PlannedProposal, Vec<NewText>) {
    let changes = changes(wanted);
    let branch = wanted[0].branch;
    let environments = wanted.iter().flat_map(|wanted| wanted.environments.iter().copied());
    let rows: Vec<Row<'_>> = wanted.iter().map(|wanted| row(wanted)).collect();
    let request = wanted[0].request;
    let mut body = text::pull_request(&rows, &joined(environments), request.map(|request| &request.requested));
    if rules.is_some() {
        body.push_str(&text::rule_list(request.map_or(&[], |request| request.asked.edits())));
    }
    let proposal = PlannedProposal {
        updates: open.map(|open| open.proposal.id),
        request: request.map(|request| request.id),
        mode,
        group: group.to_owned(),
        base_branch: branch.name.clone(),
        base: branch.head.clone(),
        expected_head: open.and_then(|open| open.head.or(open.proposal.head.as_ref())).cloned(),
        title: text::title(&changes),
        body,
        changes,
    };
    let texts = texts(wanted).into_iter().chain(rules.cloned()).collect();
    (proposal, texts)
}

/// One change for each environment, image and step, with all its places.
pub(super) fn changes(wanted: &[&Wanted<'_>]) -> Vec<PlannedChange> {
    type Key<'a> = (&'a EnvironmentName, String, Option<&'a Tag>, &'a Tag, Option<&'a Digest>);
    let mut grouped: BTreeMap<Key<'_>, Vec<&Wanted<'_>>> = BTreeMap::new();
    for wanted in wanted {
        for environment in &wanted.environments {
            let image = wanted.occurrence.image.repository.to_string();
            let key = (*environment, image, wanted.from, &wanted.to, wanted.to_digest.as_ref());
            grouped.entry(key).or_default().push(wanted);
        }
    }
    let change = |((environment, _, from, to, to_digest), places): (Key<'_>, Vec<&Wanted<'_>>)| PlannedChange {
        environment: environment.clone(),
        image: places[0].occurrence.image.repository.clone(),
        from: from.cloned(),
        to: to.clone(),
        from_digest: from_digest(&places),
        to_digest: to_digest.cloned(),
        places: places.iter().map(|wanted| wanted.occurrence.place.clone()).collect(),
        diff: diff(&places),
        why: places[0].why.clone(),
    };
    grouped.into_iter().map(change).collect()
}

/// The digest that stands at all of these places.
fn from_digest(wanted: &[&Wanted<'_>]) -> Option<Digest> {
    let first = wanted.first()?.occurrence.image.digest.as_ref()?;
    wanted.iter().all(|one| one.occurrence.image.digest.as_ref() == Some(first)).then(|| first.clone())
}

fn row<'a>(wanted: &'a Wanted<'_>) -> Row<'a> {
    let policy = |rule: &'a Ruling| rule.policy.as_ref().and_then(|policy| policy.semver.as_deref());
    let cause = match wanted.request {
        Some(request) => Cause::Person(&request.requested),
        None => Cause::Rule {
            policy: wanted.rule.and_then(policy).unwrap_or_default(),
            place: wanted.rule.map(|rule| format!("{}:{}", rule.file, rule.line)).unwrap_or_default(),
        },
    };
    Row {
        place: &wanted.occurrence.place,
        image: &wanted.occurrence.image.repository,
        from: wanted.from,
        to: &wanted.to,
        to_digest: wanted.to_digest.as_ref(),
        pushed_at: wanted.pushed_at,
        signature: &wanted.signature,
        cause,
    }
}

/// The files with all edits. Each edit was tried alone before, so that a refusal has its own finding.
fn texts(wanted: &[&Wanted<'_>]) -> Vec<NewText> {
    let mut files: BTreeMap<&str, Vec<&Wanted<'_>>> = BTreeMap::new();
    for wanted in wanted {
        files.entry(&wanted.occurrence.place.file).or_default().push(wanted);
    }
    files
        .into_iter()
        .filter_map(|(path, wanted)| {
            let before = wanted.first()?.branch.files.get(path)?;
            let edits: Result<Vec<Vec<Edit>>, EditError> = wanted
                .iter()
                .map(|wanted| wanted.occurrence.edits(&written(&wanted.to, wanted.to_digest.as_ref())))
                .collect();
            Some(NewText { path: path.to_owned(), text: edit(before, &edits.ok()?.concat()).ok()? })
        })
        .collect()
}

fn diff(wanted: &[&Wanted<'_>]) -> String {
    let Some(first) = wanted.first() else { return String::new() };
    let mut text = String::new();
    for new in texts(wanted) {
        text.push_str(&unified(&new.path, first.branch.files.get(&new.path).unwrap_or_default(), &new.text));
    }
    text.chars().take(MAX_DIFF_CHARS).collect()
}

/// The lines of a file that change, as unified diff.
pub(super) fn unified(path: &str, before: &str, after: &str) -> String {
    let (old, new) = (format!("a/{path}"), format!("b/{path}"));
    TextDiff::from_lines(before, after).unified_diff().context_radius(2).header(&old, &new).to_string()
}
