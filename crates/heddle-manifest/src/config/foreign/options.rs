//! The options of a peer's policy, in whatever style they are written.

use super::super::fields::Report;
use crate::yaml::Node;

/// A peer's options: those that choose tags, and those that do not and are passed over in silence.
pub(super) struct Fields<'a>(&'a Node);

impl<'a> Fields<'a> {
    /// An unknown key is a mistake when it is near to one that chooses tags, else a note.
    pub fn read(node: &'a Node, what: &str, known: &[&str], silent: &[&str], report: &mut Report) -> Option<Self> {
        if !node.is_mapping() && !node.is_null() {
            report.wrong(node, format!("{what} must be a mapping, and this is {}", node.kind()));
            return None;
        }
        for (key, _) in node.entries() {
            let name = key.text().unwrap_or_default();
            if ![known, silent].iter().any(|keys| keys.iter().any(|known| folded(known) == folded(name))) {
                report.unknown(key, what, known);
            }
        }
        Some(Self(node))
    }

    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let entries = self.0.entries().iter().rev();
        entries
            .clone()
            .find(|(name, _)| name.text().is_some_and(|name| folded(name) == folded(key)))
            .map(|(_, value)| value)
    }

    /// A text; empty where there is none. `None` when it is something else.
    pub fn text(&self, key: &str, report: &mut Report) -> Option<String> {
        self.get(key).map_or(Some(String::new()), |node| word(node, key, report))
    }

    /// A list, or one text with commas between its members.
    pub fn texts(&self, key: &str, report: &mut Report) -> Vec<String> {
        match self.get(key) {
            Some(node) => match node.text() {
                Some(text) => split_list(text),
                None => words(node, key, report),
            },
            None => Vec::new(),
        }
    }

    pub fn list(&self, key: &str, report: &mut Report) -> Vec<String> {
        self.get(key).map(|node| words(node, key, report)).unwrap_or_default()
    }

    /// `Some(None)` where it is not given.
    pub fn flag(&self, key: &str, report: &mut Report) -> Option<Option<bool>> {
        match self.get(key).filter(|node| !node.is_null()) {
            None => Some(None),
            Some(node) => report.flag(node, key).map(Some),
        }
    }
}

/// The members of a list that stands as one text, as annotations have it.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// A key without regard to its style: annotations are written with dashes, objects in camel case.
pub(super) fn folded(key: &str) -> String {
    key.chars().filter(|c| *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// A text, which may be empty.
pub(super) fn word(node: &Node, key: &str, report: &mut Report) -> Option<String> {
    match node.text() {
        Some(text) => Some(text.to_owned()),
        None if node.is_null() => Some(String::new()),
        None => {
            report.wrong(node, format!("`{key}` is {}, and must be a text", node.kind()));
            None
        }
    }
}

pub(super) fn words(node: &Node, key: &str, report: &mut Report) -> Vec<String> {
    report.list(node, key).iter().filter_map(|item| word(item, key, report)).collect()
}
