//! Globs over repositories and paths, as `.heddle.yaml` writes them.

use regex::Regex;

/// A glob in which `*` stays between slashes, `**` crosses them and `?` is one character.
#[derive(Debug, Clone)]
pub struct Glob {
    text: String,
    expression: Regex,
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Glob {
    /// Reads a glob. `None` when it is empty, holds a space or is longer than 500 characters.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 500 || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return None;
        }
        let mut expression = String::from("^");
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("**/") {
                // `**/x` also names `x` at the root.
                expression.push_str("(?:.*/)?");
                rest = after;
            } else if let Some(after) = rest.strip_prefix("**") {
                expression.push_str(".*");
                rest = after;
            } else {
                match first {
                    '*' => expression.push_str("[^/]*"),
                    '?' => expression.push_str("[^/]"),
                    other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                }
                rest = &rest[first.len_utf8()..];
            }
        }
        expression.push('$');
        Some(Self { text: text.to_owned(), expression: Regex::new(&expression).ok()? })
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.expression.is_match(text)
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
