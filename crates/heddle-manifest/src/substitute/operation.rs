//! What is done with the value of a variable.

use std::borrow::Cow;

use regex::Regex;

/// An operation on a value; what it needs comes as arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `${name}`.
    None,
    /// `${name:=word}`, also with `=`, `:-`, `:+`, `:?`: to Flux they are one, the word where the value is empty.
    Default,
    /// `${#name}`: bytes.
    Length,
    /// `${name^}`, `${name^^}`, `${name,}`, `${name,,}`.
    Case { upper: bool, all: bool },
    /// `${name:position}`, `${name:position:length}`; bytes.
    Slice,
    /// `${name#pattern}`, `${name##pattern}`.
    TrimStart { longest: bool },
    /// `${name%pattern}`, `${name%%pattern}`.
    TrimEnd { longest: bool },
    /// `${name/text/new}`, `//`, `/#`, `/%`.
    Replace(Where),
}

/// Which matches are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    First,
    All,
    Start,
    End,
}

impl Operation {
    /// Whether it deals with a variable that has no value.
    pub fn has_default(self) -> bool {
        self == Self::Default
    }

    pub fn apply(self, value: &str, arguments: &[String]) -> String {
        let first = arguments.first().map_or("", String::as_str);
        let second = arguments.get(1).map(String::as_str);
        match self {
            Self::None => value.to_owned(),
            Self::Default if value.is_empty() => arguments.concat(),
            Self::Default => value.to_owned(),
            Self::Length => value.len().to_string(),
            Self::Case { upper, all } => with_case(value, upper, all),
            Self::Slice => slice(value, first, second).into_owned(),
            Self::TrimStart { longest } => trim(value, first, longest, Side::Start),
            Self::TrimEnd { longest } => trim(value, first, longest, Side::End),
            Self::Replace(which) => replace(value, first, second, which),
        }
    }
}

fn with_case(value: &str, upper: bool, all: bool) -> String {
    let change = |text: &str| if upper { text.to_uppercase() } else { text.to_lowercase() };
    let end = if all { value.len() } else { value.chars().next().map_or(0, char::len_utf8) };
    format!("{}{}", change(&value[..end]), &value[end..])
}

/// Positions that cannot be read leave the value as it is, as in a shell.
fn slice<'a>(value: &'a str, position: &str, length: Option<&str>) -> Cow<'a, str> {
    let whole = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let Ok(position) = position.parse::<i64>() else { return value.into() };
    // A negative position counts from the end, and stops at the start.
    let start = if position < 0 { whole.saturating_add(position).max(0) } else { position };
    let end = match length.map(str::parse::<i64>) {
        None => whole,
        Some(Err(_)) => return value.into(),
        Some(Ok(length)) if length < 0 => whole.saturating_add(length),
        Some(Ok(length)) => start.saturating_add(length).min(whole),
    };
    let index = |at: i64| usize::try_from(at).unwrap_or(0);
    if start >= end {
        return "".into();
    }
    String::from_utf8_lossy(&value.as_bytes()[index(start)..index(end)])
}

#[derive(Clone, Copy)]
enum Side {
    Start,
    End,
}

/// Takes away what the pattern matches at one side, at least one character; a pattern that cannot be read matches nothing.
fn trim(value: &str, pattern: &str, longest: bool, side: Side) -> String {
    let Some(pattern) = glob(pattern) else { return value.to_owned() };
    let ends = value.char_indices().map(|(at, _)| at).chain([value.len()]);
    let matching = |at: &usize| match side {
        Side::Start => *at > 0 && pattern.is_match(&value[..*at]),
        Side::End => *at < value.len() && pattern.is_match(&value[*at..]),
    };
    let mut matches = ends.filter(matching);
    let at = match (side, longest) {
        (Side::Start, false) | (Side::End, true) => matches.next(),
        (Side::Start, true) | (Side::End, false) => matches.next_back(),
    };
    match (at, side) {
        (None, _) => value.to_owned(),
        (Some(at), Side::Start) => value[at..].to_owned(),
        (Some(at), Side::End) => value[..at].to_owned(),
    }
}

/// A shell's pattern: `*`, `?`, `[a-z]`, `[^a]`, `\` before a character that stands for itself.
fn glob(pattern: &str) -> Option<Regex> {
    let mut expression = r"(?s)\A".to_owned();
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '\\' => expression.push_str(&regex::escape(characters.next()?.encode_utf8(&mut [0; 4]))),
            '[' => {
                expression.push('[');
                expression.extend(characters.next_if_eq(&'^'));
                loop {
                    match characters.next()? {
                        ']' => break,
                        '-' => expression.push('-'),
                        '\\' => expression.push_str(&regex::escape(characters.next()?.encode_utf8(&mut [0; 4]))),
                        other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                    }
                }
                expression.push(']');
            }
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&(expression + r"\z")).ok()
}

/// Texts are replaced by themselves, not as patterns.
fn replace(value: &str, text: &str, new: Option<&str>, which: Where) -> String {
    match (which, new) {
        (Where::First, new) => value.replacen(text, new.unwrap_or_default(), 1),
        (Where::All, new) => value.replace(text, new.unwrap_or_default()),
        (Where::Start, Some(new)) => {
            value.strip_prefix(text).map_or_else(|| value.to_owned(), |rest| format!("{new}{rest}"))
        }
        (Where::End, Some(new)) => {
            value.strip_suffix(text).map_or_else(|| value.to_owned(), |rest| format!("{rest}{new}"))
        }
        // Without anything to write Flux leaves these as they are.
        (Where::Start | Where::End, None) => value.to_owned(),
    }
}
