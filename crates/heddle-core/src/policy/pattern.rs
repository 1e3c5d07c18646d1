//! Patterns over tags: Heddle's own `glob:` and `regexp:`, and the forms of the peers.

use regex::bytes::{Regex, RegexBuilder};

use super::limit::{MAX_COMPILED_BYTES, MAX_EXPRESSION_BYTES};

/// The steps in which the size of a compiled expression is learnt: it is the least with which it can be compiled.
const SIZES_BYTES: [usize; 3] = [4 << 10, 16 << 10, MAX_COMPILED_BYTES];

/// What an expression may take beside that while it is searched for, in bytes. Tags are short, so little is enough.
const SEARCH_BYTES: usize = 256 << 10;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The regular expression is refused.
    #[error("`{0}` is no regular expression: {1}")]
    Expression(String, String),
    /// A prefix that is neither `glob:` nor `regexp:`.
    #[error("`{0}` has an unknown prefix: write `glob:…` or `regexp:…`")]
    Prefix(String),
    /// A glob that cannot be read.
    #[error("`{0}` is no glob: {1}")]
    Glob(String, &'static str),
    /// Longer than [`MAX_EXPRESSION_BYTES`].
    #[error("the expression is {0} bytes long, and {MAX_EXPRESSION_BYTES} are the most: write a shorter one")]
    TooLong(usize),
    /// Larger than [`MAX_COMPILED_BYTES`].
    #[error(
        "`{0}` needs more than {MAX_COMPILED_BYTES} bytes once compiled: repeat less, and write `[a-z]` where a class of \
         Unicode such as `\\pL` stands"
    )]
    TooLarge(String),
}

/// A pattern over tags: `glob:1.*` (the whole tag; `*` any text, `?` one character) or `regexp:-debug$` (found anywhere).
/// Without a prefix it is a glob.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    expression: Expression,
}

/// A compiled regular expression.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    pub regex: Regex,
    /// About what it takes, in bytes.
    pub size_bytes: usize,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When the prefix is unknown or the expression is refused.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let expression = match text.split_once(':') {
            Some(("regexp" | "regex", expression)) => expression.to_owned(),
            Some(("glob", glob)) => glob_expression(glob, true),
            Some(_) => return Err(PatternError::Prefix(text.to_owned())),
            None => glob_expression(text, true),
        };
        Ok(Self { text: text.to_owned(), expression: compile(&expression)? })
    }

    /// A regular expression that is found anywhere in the tag.
    pub(super) fn expression(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.to_owned(), expression: compile(text)? })
    }

    /// A glob over the whole tag in which `*` alone is special, as Flux 1 and Keel have it.
    pub(super) fn star_glob(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.to_owned(), expression: compile(&glob_expression(text, false))? })
    }

    /// A tag as it is written.
    pub(super) fn exactly(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.to_owned(), expression: compile(&format!("^{}$", regex::escape(text)))? })
    }

    /// A glob over the whole tag as Go's `filepath.Match` has it: `*`, `?`, `[a-z]`, `[^a-z]` and `\` before a character.
    pub(super) fn go_glob(text: &str) -> Result<Self, PatternError> {
        Ok(Self { text: text.to_owned(), expression: compile(&go_glob_expression(text)?)? })
    }

    /// Whether the tag matches.
    pub fn matches(&self, tag: &str) -> bool {
        self.expression.regex.is_match(tag.as_bytes())
    }

    /// About what the compiled expression takes, in bytes.
    pub(super) fn size_bytes(&self) -> usize {
        self.expression.size_bytes
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Compiles an expression of a rule within its limits.
///
/// Tags are ASCII, so `\w` and `\d` are, as in the language of Go that the peers use; that also keeps them small. Only an
/// expression that asks for classes of Unicode is compiled with them.
pub(super) fn compile(expression: &str) -> Result<Expression, PatternError> {
    if expression.len() > MAX_EXPRESSION_BYTES {
        return Err(PatternError::TooLong(expression.len()));
    }
    match compile_as(expression, false) {
        Err(PatternError::Expression(..)) => compile_as(expression, true),
        outcome => outcome,
    }
}

fn compile_as(expression: &str, unicode: bool) -> Result<Expression, PatternError> {
    for size_bytes in SIZES_BYTES {
        let mut builder = RegexBuilder::new(expression);
        match builder.unicode(unicode).size_limit(size_bytes).dfa_size_limit(SEARCH_BYTES).build() {
            Ok(regex) => return Ok(Expression { regex, size_bytes }),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => return Err(refused(expression, &error)),
        }
    }
    Err(PatternError::TooLarge(expression.to_owned()))
}

/// The library draws a picture over several lines; its last line says what is wrong.
fn refused(expression: &str, error: &regex::Error) -> PatternError {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
    PatternError::Expression(expression.to_owned(), reason)
}

fn glob_expression(glob: &str, question_mark: bool) -> String {
    let body: String = glob
        .chars()
        .map(|c| match c {
            '*' => ".*".to_owned(),
            '?' if question_mark => ".".to_owned(),
            other => escaped(other),
        })
        .collect();
    format!("^(?s:{body})$")
}

pub(super) fn go_glob_expression(glob: &str) -> Result<String, PatternError> {
    let refused = |reason| PatternError::Glob(glob.to_owned(), reason);
    let mut body = String::from("^");
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => body.push_str("[^/]*"),
            '?' => body.push_str("[^/]"),
            '\\' => body.push_str(&escaped(chars.next().ok_or_else(|| refused("`\\` stands at its end"))?)),
            '[' => body.push_str(&go_class(&mut chars).ok_or_else(|| refused("a `[` is not closed"))?),
            other => body.push_str(&escaped(other)),
        }
    }
    body.push('$');
    Ok(body)
}

/// What stands between `[` and `]`, as a class of an expression; `None` when it is not closed or empty.
fn go_class(chars: &mut std::str::Chars<'_>) -> Option<String> {
    let mut class = String::from("[");
    let mut first = true;
    let mut any = false;
    loop {
        let c = match chars.next()? {
            '^' if first => {
                class.push('^');
                first = false;
                continue;
            }
            ']' if any => break,
            '-' if any => {
                class.push('-');
                continue;
            }
            '\\' => chars.next()?,
            other => other,
        };
        class.push_str(&escaped(c));
        (first, any) = (false, true);
    }
    class.push(']');
    Some(class)
}

fn escaped(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}
