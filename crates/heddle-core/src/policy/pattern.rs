//! `glob:` and `regexp:` patterns over tags.

use regex::{Regex, RegexBuilder};

/// The largest compiled expression, so that no rule eats the memory of the process.
const SIZE_LIMIT_BYTES: usize = 1 << 20;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The regular expression is refused.
    #[error("`{0}` is no regular expression: {1}")]
    Expression(String, String),
    /// A prefix that is neither `glob:` nor `regexp:`.
    #[error("`{0}` has an unknown prefix: write `glob:…` or `regexp:…`")]
    Prefix(String),
}

/// A pattern over tags: `glob:1.*` (the whole tag; `*` any text, `?` one character) or `regexp:-debug$` (found anywhere).
/// Without a prefix it is a glob.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    expression: Regex,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the prefix is unknown or the expression is refused.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let expression = match text.split_once(':') {
            Some(("regexp" | "regex", expression)) => expression.to_owned(),
            Some(("glob", glob)) => glob_expression(glob),
            Some(_) => return Err(PatternError::Prefix(text.to_owned())),
            None => glob_expression(text),
        };
        Ok(Self { text: text.to_owned(), expression: compile(&expression)? })
    }

    /// Whether the tag matches.
    pub fn matches(&self, tag: &str) -> bool {
        self.expression.is_match(tag)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Compiles an expression of a rule within its limits.
pub(super) fn compile(expression: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(expression).size_limit(SIZE_LIMIT_BYTES).build().map_err(|error| {
        // The library draws a picture over several lines; its last line says what is wrong.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        PatternError::Expression(expression.to_owned(), reason)
    })
}

fn glob_expression(glob: &str) -> String {
    let body: String = glob
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            other => regex::escape(other.encode_utf8(&mut [0; 4])),
        })
        .collect();
    format!("^{body}$")
}
