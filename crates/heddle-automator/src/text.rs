//! What the bot writes for people: titles, pull requests, commit messages.
//!
//! Whatever comes from a registry or a repository is foreign: it stands in code spans only, without control characters,
//! and short, so that no tag can become a link, a mention or a closing keyword (CVE-2024-28175 was such a text).

use std::{collections::BTreeSet, fmt::Write as _};

use chrono::{DateTime, Utc};
use heddle_core::{
    id::ProposalId,
    image::{Digest, ImageRepository, Tag},
    place::Place,
    request::{Reason, Requested, RuleEdit},
};
use heddle_wire::automator::PlannedChange;

/// GitHub takes 256 characters; titles are cut well before.
const MAX_TITLE_CHARS: usize = 200;

/// GitHub takes 65,536 characters.
const MAX_BODY_CHARS: usize = 60_000;

/// The longest foreign text in one code span.
const MAX_SPAN_CHARS: usize = 200;

/// Rows of the table; more are counted.
const MAX_ROWS: usize = 50;

/// What the link to the change stands for until its id is known.
pub const CHANGE_URL: &str = "{change_url}";

/// A row of the table: one change at one place.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The place.
    pub place: &'a Place,
    /// The effective image.
    pub image: &'a ImageRepository,
    /// The tag that stands there.
    pub from: Option<&'a Tag>,
    /// The tag that is written.
    pub to: &'a Tag,
    /// The digest that is written beside it.
    pub to_digest: Option<&'a Digest>,
    /// When a scan or a notice first showed the tag.
    pub pushed_at: Option<DateTime<Utc>>,
    /// What is known of its signature.
    pub signature: &'a Signature,
    /// What asks for it.
    pub cause: Cause<'a>,
}

/// What is known of the signature of an image that is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Signature {
    /// No rule asks for one.
    #[default]
    NotAsked,
    /// It was verified under each of these.
    By {
        /// Their names.
        signers: BTreeSet<String>,
        /// When it was last seen what the tag names.
        seen_at: Option<DateTime<Utc>>,
    },
    /// A rule asks for one by any of these, and a person named the image, of which none is known.
    NotKnown(BTreeSet<String>),
}

impl Signature {
    /// Of several rules that all choose the same image.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NotAsked, one) | (one, Self::NotAsked) => one,
            (Self::By { signers: one, seen_at }, Self::By { signers: other, seen_at: other_at }) => {
                Self::By { signers: one.into_iter().chain(other).collect(), seen_at: seen_at.min(other_at) }
            }
            (Self::NotKnown(one), Self::NotKnown(other) | Self::By { signers: other, .. })
            | (Self::By { signers: one, .. }, Self::NotKnown(other)) => {
                Self::NotKnown(one.into_iter().chain(other).collect())
            }
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::NotAsked => "–".to_owned(),
            Self::By { signers, .. } => listed(signers),
            Self::NotKnown(_) => "not known".to_owned(),
        }
    }
}

/// What asks for a change.
#[derive(Debug, Clone)]
pub enum Cause<'a> {
    /// A rule.
    Rule {
        /// Its policy, as it is written.
        policy: &'a str,
        /// Where it stands: `.heddle.yaml:7`.
        place: String,
    },
    /// A person.
    Person(&'a Requested),
}

impl Cause<'_> {
    fn in_words(&self) -> String {
        match self {
            Self::Rule { policy, place } => format!("{} ({})", span(policy), span(place)),
            Self::Person(requested) => format!("asked for by {}", span(&requested.by.name)),
        }
    }
}

impl Row<'_> {
    /// The workload; a kustomization's entry names none, so there the image stands for those that run it.
    fn workload(&self) -> &str {
        if self.place.object == "Kustomization" { self.image.short_name() } else { &self.place.object }
    }
}

/// `Update api to 1.4.2 in prod`, also for several changes.
pub fn title(changes: &[PlannedChange]) -> String {
    let mut images: Vec<(&ImageRepository, String)> =
        changes.iter().map(|change| (&change.image, goal(change))).collect();
    images.sort();
    images.dedup();
    let mut environments: Vec<&str> = Vec::new();
    for change in changes {
        if !environments.contains(&change.environment.as_str()) {
            environments.push(change.environment.as_str());
        }
    }
    let what = match images.as_slice() {
        [(image, tag)] => format!("{} to {tag}", image.short_name()),
        [(first, a), (second, b)] => format!("{} to {a} and {} to {b}", first.short_name(), second.short_name()),
        more => format!("{} images", more.len()),
    };
    let title = format!("Update {} in {}", clean(&what), environments.join(", "));
    title.chars().take(MAX_TITLE_CHARS).collect()
}

/// What a change goes to. Where the tag stays, the digest says what is new.
fn goal(change: &PlannedChange) -> String {
    match &change.to_digest {
        Some(digest) if change.from.as_ref() == Some(&change.to) => build(&change.to, Some(digest)),
        _ => change.to.to_string(),
    }
}

/// `1.4.2`, or `1.4.2@sha256:4b825dc642cb`.
fn build(tag: &Tag, digest: Option<&Digest>) -> String {
    digest.map_or_else(|| tag.to_string(), |digest| format!("{tag}@{}", digest.short()))
}

/// The text of a pull request; [`CHANGE_URL`] and the hidden marker are filled in when their ids are known.
pub fn pull_request(rows: &[Row<'_>], environments: &str, requested: Option<&Requested>) -> String {
    let mut body = requested.map(asked_for).unwrap_or_default();
    let says_signed = rows.iter().any(|row| *row.signature != Signature::NotAsked);
    let (column, line) = if says_signed { (" Signed by |", "---|") } else { ("", "") };
    // Writing to a string does not fail.
    let _ =
        writeln!(body, "| Workload | Place | From | To | Pushed | Policy |{column}\n|---|---|---|---|---|---|{line}");
    for row in rows.iter().take(MAX_ROWS) {
        let from = row.from.map_or_else(|| "–".to_owned(), |tag| span(tag.as_str()));
        let pushed = row.pushed_at.map_or_else(|| "–".to_owned(), |at| at.format("%Y-%m-%d %H:%M UTC").to_string());
        // Writing to a string does not fail.
        let _ = writeln!(
            body,
            "| {} | {} | {from} | {} | {pushed} | {} |{}",
            span(row.workload()),
            span(&format!("{}:{}", row.place.file, row.place.line)),
            span(&build(row.to, row.to_digest)),
            row.cause.in_words(),
            if says_signed { format!(" {} |", row.signature.in_words()) } else { String::new() },
        );
    }
    if rows.len() > MAX_ROWS {
        let _ = writeln!(body, "\n… and {} more places.", rows.len() - MAX_ROWS);
    }
    body.push_str(&signatures(rows));
    let _ = write!(
        body,
        "\n`●──◐──○──○──○` pushed → **proposed** → merged → applied → healthy: [follow this change]({CHANGE_URL})\n\n\
         **After the merge** the clusters of {} take it over at once, and their result shows on the change's page.\n\n\
         {} **To roll back** after the merge, revert the merge: what was reverted stays back until something newer comes.\n",
        span(environments),
        if requested.is_some() { TO_DECLINE } else { TO_HOLD },
    );
    body.chars().take(MAX_BODY_CHARS).collect()
}

/// What was verified before these rows were written, what was not, and what that does not cover.
fn signatures(rows: &[Row<'_>]) -> String {
    let verified = |row: &Row<'_>| match row.signature {
        Signature::By { seen_at, .. } => Some((row.to_digest.is_none(), *seen_at)),
        Signature::NotAsked | Signature::NotKnown(_) => None,
    };
    let mut words = String::new();
    if rows.iter().any(|row| verified(row).is_some()) {
        words.push_str(
            "\n**Signed by** names whose signature was verified, in its row alone, for the image under *To*.",
        );
    }
    let bare = rows.iter().filter_map(verified).filter(|(is_bare, _)| *is_bare).map(|(_, seen_at)| seen_at).min();
    if let Some(seen_at) = bare {
        let at = seen_at.map_or_else(String::new, |at| format!(", {}", at.format("%Y-%m-%d %H:%M UTC")));
        // Writing to a string does not fail.
        let _ = write!(
            words,
            " Where the tag stands without a digest, that is what it named when it was last seen{at}; it may come to name \
             another image, which nobody verified.",
        );
    }
    if !words.is_empty() {
        words.push('\n');
    }
    let not_known = rows.iter().filter_map(|row| match row.signature {
        Signature::NotKnown(signers) => Some(signers),
        Signature::NotAsked | Signature::By { .. } => None,
    });
    let signers: BTreeSet<String> = not_known.flatten().cloned().collect();
    if !signers.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(
            words,
            "\n**Not known**: the rules ask for a signature by {}, and none is known of what is written here, since a person \
             named it.",
            listed(&signers),
        );
    }
    words
}

/// Signers as code spans: "`keys/a.pub`, `keys/b.pub`".
fn listed(signers: &BTreeSet<String>) -> String {
    let spans: Vec<String> = signers.iter().take(MAX_ROWS).map(|signer| span(signer)).collect();
    spans.join(", ")
}

const TO_HOLD: &str =
    "**To hold** it, close this pull request: nothing up to this tag comes again, only something newer.";

const TO_DECLINE: &str =
    "**To decline** it, close this pull request: the request ends, and what the rules choose goes on.";

/// Who asked, and why.
fn asked_for(requested: &Requested) -> String {
    let why = requested.reason.as_ref().map_or_else(String::new, |reason| format!(": {}", span(reason.as_str())));
    format!("**Asked for** by {}{why}\n\n", span(&requested.by.name))
}

/// The text of a pull request with what is known once it is announced. The marker lets the bot know its own.
pub fn announced(body: &str, change_url: &str, proposal: ProposalId) -> String {
    format!("{}\n<!-- heddle:proposal={proposal} -->\n", body.replace(CHANGE_URL, change_url))
}

/// `Hold acme/api in prod at 1.4.1`, also for several entries of `.heddle.yaml`. An entry of a file may name anything; in a
/// title stands what could stand in a reason and refers to no issue.
pub fn rules_title(edits: &[RuleEdit]) -> String {
    let is_plain = |title: &String| !title.contains('#') && title.parse::<Reason>().is_ok();
    let title = match edits {
        [edit] => Some(clean(&edit.to_string()))
            .filter(is_plain)
            .unwrap_or_else(|| "change an entry of .heddle.yaml".to_owned()),
        more => format!("change {} entries of .heddle.yaml", more.len()),
    };
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).take(MAX_TITLE_CHARS).collect()
}

/// The text of a pull request for entries of `.heddle.yaml`.
pub fn rules(requested: &Requested, edits: &[RuleEdit], diff: &str) -> String {
    let fence = "`".repeat(longest_run(diff).max(2) + 1);
    let body = format!(
        "{}{}\n{fence}diff\n{}\n{fence}\n\n**After the merge** it counts at once. {TO_DECLINE}\n",
        asked_for(requested),
        rule_list(edits),
        diff.trim_end(),
    );
    if body.chars().count() <= MAX_BODY_CHARS { body } else { format!("{}{}", asked_for(requested), rule_list(edits)) }
}

/// What a pull request does to `.heddle.yaml`, one line each.
pub fn rule_list(edits: &[RuleEdit]) -> String {
    let mut list = String::from("\nInto `.heddle.yaml`:\n\n");
    for edit in edits.iter().take(MAX_ROWS) {
        // Writing to a string does not fail.
        let _ = writeln!(list, "- {}", span(&edit.to_string()));
    }
    list
}

/// The body of a commit's message; its trailer is added where the commit is made.
pub fn commit_body(changes: &[PlannedChange], edits: &[RuleEdit]) -> String {
    let mut body = String::new();
    for edit in edits.iter().take(MAX_ROWS) {
        // Writing to a string does not fail.
        let _ = writeln!(body, ".heddle.yaml: {}", span(&edit.to_string()));
    }
    for change in changes.iter().take(MAX_ROWS) {
        let from = change.from.as_ref().map_or_else(String::new, |tag| format!(" from {}", span(tag.as_str())));
        // Writing to a string does not fail.
        let _ = writeln!(
            body,
            "{}{from} to {} in {}: {}",
            span(change.image.as_str()),
            span(&build(&change.to, change.to_digest.as_ref())),
            change.environment,
            change.why,
        );
    }
    body
}

/// The hidden marker of [`refused`], by which it is made once.
pub fn refused_marker(key: &str) -> String {
    format!("heddle:refused-{key}")
}

/// What is said on a pull request that did not get what a key of `updates` asks for.
pub fn refused(key: &str, why: &str) -> String {
    format!("`updates.{key}` of `.heddle.yaml` could not be followed here: {}. Mend it there.", span(why))
}

/// The hidden marker of [`FOREIGN_BRANCH`], by which it is made once.
pub const FOREIGN_BRANCH_MARKER: &str = "heddle:foreign-branch";

/// The comment on a proposal's branch that a person committed to.
pub const FOREIGN_BRANCH: &str = "Someone committed to this branch, so it is theirs now: it is left as it is, and newer \
     tags wait. Merge or close this pull request to let them come.";

/// The hidden marker of the comment that says why a pull request was closed.
pub const CLOSED_MARKER: &str = "heddle:closed";

/// A foreign text as a code span that can stand in a table.
pub fn span(text: &str) -> String {
    let text = clean(text);
    // A span may hold any run of backticks shorter or longer than its fence.
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    // Within a table a bar ends the cell even in a code span.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Without control characters and without those that turn the direction of text, and short.
fn clean(text: &str) -> String {
    let plain = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().filter(plain).take(MAX_SPAN_CHARS).collect()
}

#[cfg(test)]
mod tests;
