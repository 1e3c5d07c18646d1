//! Reads a mapping key by key, and tells what is unknown, missing or of the wrong kind, with its place.

use std::collections::HashSet;

use crate::{
    Finding,
    config::CONFIG_FILE,
    yaml::{Node, Position},
};

/// The code of what is right, and cannot be followed yet.
pub(super) const NOT_BUILT: &str = "not-built";

/// How many findings one file of rules gives. What comes behind them is counted, so that it stops what it may have
/// stopped, and not told.
pub const MAX_FINDINGS: usize = 500;

/// Findings, as they are collected. All come at once.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    faults: usize,
    untold: usize,
}

impl Report {
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings.sort();
        self.findings.dedup();
        if self.untold > 0 {
            let position = self.findings.last().map_or(Position { line: 1, column: 1 }, |last| last.position);
            let message = format!("{} more are wrong: mend those above first", self.untold);
            self.findings.push(Finding {
                file: CONFIG_FILE.to_owned(),
                position,
                code: "too-many",
                message,
                blocks: self.faults > 0,
            });
        }
        self.findings
    }

    /// Takes what another found that keeps nothing from being written.
    pub(super) fn take_notes(&mut self, other: Self) {
        self.untold += other.untold;
        other.findings.into_iter().for_each(|finding| self.push(Finding { blocks: false, ..finding }));
    }

    /// How many mistakes there are: a part is broken when reading it adds one. What is right and not built is none.
    pub(super) fn faults(&self) -> usize {
        self.faults
    }

    pub(super) fn add(&mut self, position: Position, code: &'static str, message: String) {
        self.faults += usize::from(code != NOT_BUILT);
        self.push(Finding { file: CONFIG_FILE.to_owned(), position, code, message, blocks: true });
    }

    pub(super) fn note(&mut self, position: Position, code: &'static str, message: String) {
        self.push(Finding { file: CONFIG_FILE.to_owned(), position, code, message, blocks: false });
    }

    fn push(&mut self, finding: Finding) {
        if self.findings.len() < MAX_FINDINGS { self.findings.push(finding) } else { self.untold += 1 }
    }

    pub(super) fn wrong(&mut self, node: &Node, message: String) {
        self.add(node.position, "wrong-value", message);
    }

    /// The entries of a mapping. Keys outside `known` and keys written twice become findings.
    pub(super) fn fields<'a>(&mut self, node: &'a Node, what: &str, known: &[&str]) -> Option<&'a Node> {
        if !node.is_mapping() {
            self.wrong(node, format!("{what} is {}, and must be a mapping", node.kind()));
            return None;
        }
        let mut seen = HashSet::new();
        for (key, _) in node.entries() {
            let name = key.text().unwrap_or_default();
            if !seen.insert(name) {
                self.add(key.position, "duplicate-key", format!("`{name}` stands twice: keep one"));
            }
            if !known.contains(&name) {
                let nearest = nearest(name, known).map(|word| format!(", write `{word}`"));
                let known = || format!(": it has {}", listed(known));
                let message = format!("{what} has no key `{}`{}", shown(name), nearest.unwrap_or_else(known));
                self.add(key.position, "unknown-key", message);
            }
        }
        Some(node)
    }

    /// A key that a peer may have and we do not know: a mistake when it is nearly one that we know, else a note.
    pub(super) fn unknown(&mut self, key: &Node, what: &str, known: &[&str]) {
        let name = shown(key.text().unwrap_or_default());
        match nearest(&name, known) {
            Some(word) => self.add(key.position, "unknown-key", format!("{what} have no key `{name}`, write `{word}`")),
            None => {
                self.note(key.position, "unknown-key", format!("`{name}` says nothing about tags and is passed over"))
            }
        }
    }

    /// A text; `None` with a finding when it is something else.
    pub(super) fn text<'a>(&mut self, node: &'a Node, key: &str) -> Option<&'a str> {
        match node.text() {
            Some(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.wrong(node, format!("`{key}` is {}, and must be a text", kind(node)));
                None
            }
        }
    }

    /// The members of a list; a finding when it is none.
    pub(super) fn list<'a>(&mut self, node: &'a Node, key: &str) -> &'a [Node] {
        if !node.is_list() && !node.is_null() {
            self.wrong(node, format!("`{key}` is {}, and must be a list", kind(node)));
        }
        node.items()
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        self.list(node, key).iter().filter_map(|item| self.text(item, key).map(str::to_owned)).collect()
    }

    pub(super) fn flag(&mut self, node: &Node, key: &str) -> Option<bool> {
        match node.text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.wrong(node, format!("`{key}` must be `true` or `false`"));
                None
            }
        }
    }

    /// One word of a closed list.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(node, key)?;
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if known.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let remedy = nearest(text, &names).map(|word| format!("write `{word}`"));
            let remedy = remedy.unwrap_or_else(|| format!("write {}", listed(&names)));
            self.wrong(node, format!("`{key}` has no `{}`: {remedy}", shown(text)));
        }
        known
    }
}

fn kind(node: &Node) -> &'static str {
    match node.text() {
        Some(text) if text.trim().is_empty() => "empty",
        _ => node.kind(),
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// A foreign text, short and without control characters, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// How many letters of a word that nobody knows are compared with known ones.
const MAX_COMPARED_LETTERS: usize = 100;

/// The known word that a person most likely meant: at most two letters, or a third of the word, away.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word: String = word.chars().take(MAX_COMPARED_LETTERS).collect();
    let near = known.iter().map(|candidate| (strsim::levenshtein(&word, candidate), *candidate)).min()?;
    (near.0 <= (word.chars().count() / 3).max(2) && near.0 < near.1.len()).then_some(near.1)
}
