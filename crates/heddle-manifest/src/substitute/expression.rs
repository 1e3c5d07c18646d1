//! The grammar of substitution, as Flux's `envsubst` reads it, its peculiarities included: a word of a default may hold
//! expressions, `$$` is a `$`, and `\/` and `\\` are plain within `${name/text/new}` alone.

use super::{
    SubstituteError,
    operation::{Operation, Where},
};

/// How deep expressions may nest.
const MAX_DEPTH: usize = 50;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Expression(Expression),
}

/// `${…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub name: String,
    pub operation: Operation,
    pub arguments: Vec<Part>,
}

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Vec<Part>, SubstituteError> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(inner) = rest.strip_prefix("${") {
            let mut reader = Reader { rest: inner, depth: 0 };
            let expression = reader.expression().map_err(|reason| malformed(rest, reason))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Expression(expression));
            rest = reader.rest;
        } else {
            plain.push('$');
            rest = rest.strip_prefix("$$").unwrap_or(&rest[1..]);
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

/// Shows as much of the expression as helps to find it.
fn malformed(text: &str, reason: &'static str) -> SubstituteError {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find('}').map_or(line.len(), |at| at + 1);
    SubstituteError::Malformed { text: line[..end].chars().take(60).collect(), reason }
}

const NOT_CLOSED: &str = "a `}` is missing, or something else stands before it";
const NO_WORD: &str = "something is missing before the `}`";

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Reads what follows `${`, its `}` too.
    fn expression(&mut self) -> Result<Expression, &'static str> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("it nests too deep");
        }
        let expression = if self.take("#") { self.with_name(Operation::Length)? } else { self.named()? };
        if !self.take("}") {
            return Err(NOT_CLOSED);
        }
        self.depth -= 1;
        Ok(expression)
    }

    fn with_name(&mut self, operation: Operation) -> Result<Expression, &'static str> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return Err("it has no name of a variable");
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(Expression { name: name.to_owned(), operation, arguments: Vec::new() })
    }

    fn named(&mut self) -> Result<Expression, &'static str> {
        let mut expression = self.with_name(Operation::None)?;
        // The longer of two that start alike comes first.
        let operations = [
            (":=", Operation::Default),
            (":-", Operation::Default),
            (":?", Operation::Default),
            (":+", Operation::Default),
            ("=", Operation::Default),
            (":", Operation::Slice),
            (",,", Operation::Case { upper: false, all: true }),
            (",", Operation::Case { upper: false, all: false }),
            ("^^", Operation::Case { upper: true, all: true }),
            ("^", Operation::Case { upper: true, all: false }),
            ("##", Operation::TrimStart { longest: true }),
            ("#", Operation::TrimStart { longest: false }),
            ("%%", Operation::TrimEnd { longest: true }),
            ("%", Operation::TrimEnd { longest: false }),
            ("//", Operation::Replace(Where::All)),
            ("/#", Operation::Replace(Where::Start)),
            ("/%", Operation::Replace(Where::End)),
            ("/", Operation::Replace(Where::First)),
        ];
        let Some((_, operation)) = operations.into_iter().find(|(sign, _)| self.take(sign)) else {
            return Ok(expression);
        };
        expression.operation = operation;
        expression.arguments = match operation {
            Operation::Default => self.words()?,
            Operation::Slice => self.bounds()?,
            Operation::TrimStart { .. } | Operation::TrimEnd { .. } => vec![self.argument(&['}'], false)?],
            Operation::Replace(_) => self.replacement()?,
            Operation::None | Operation::Length | Operation::Case { .. } => Vec::new(),
        };
        Ok(expression)
    }

    /// Any number of texts and expressions up to the `}`.
    fn words(&mut self) -> Result<Vec<Part>, &'static str> {
        let mut words = Vec::new();
        while !self.rest.starts_with('}') {
            words.push(self.argument(&['}'], false)?);
        }
        Ok(words)
    }

    fn bounds(&mut self) -> Result<Vec<Part>, &'static str> {
        let mut bounds = vec![self.argument(&[':', '}'], false)?];
        let rest = self.rest.trim_start_matches(':');
        if rest.len() < self.rest.len() {
            self.rest = rest;
            bounds.push(self.argument(&['}'], false)?);
        }
        Ok(bounds)
    }

    fn replacement(&mut self) -> Result<Vec<Part>, &'static str> {
        let text = if self.rest.starts_with('/') { Part::Text(String::new()) } else { self.argument(&['/'], true)? };
        let rest = self.rest.trim_start_matches('/');
        if rest.len() == self.rest.len() {
            return Err("a `/` is missing between what is replaced and what is written");
        }
        self.rest = rest;
        if rest.starts_with('}') {
            return Ok(vec![text]);
        }
        Ok(vec![text, self.argument(&['}'], true)?])
    }

    /// One expression, or a text up to one of the ends or to an expression.
    fn argument(&mut self, ends: &[char], escapes: bool) -> Result<Part, &'static str> {
        if self.take("${") {
            return self.expression().map(Part::Expression);
        }
        let mut text = String::new();
        let mut rest = self.rest;
        while let Some(next) = rest.chars().next() {
            let is_escaped = escapes && ["$$", "\\/", "\\\\"].iter().any(|escape| rest.starts_with(escape));
            if !is_escaped && (ends.contains(&next) || rest.starts_with("${")) {
                break;
            }
            rest = &rest[next.len_utf8()..];
            if is_escaped {
                text.push_str(&rest[..1]);
                rest = &rest[1..];
            } else {
                text.push(next);
            }
        }
        if rest.len() == self.rest.len() {
            return Err(NO_WORD);
        }
        self.rest = rest;
        Ok(Part::Text(text))
    }

    fn take(&mut self, sign: &str) -> bool {
        let rest: Option<&'a str> = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}
