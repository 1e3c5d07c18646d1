//! The documents of a file as values, read as kubectl reads them.
//!
//! kubectl splits a file at lines that start with `---` before it parses anything, so one broken document leaves the
//! others readable. Scalars follow YAML 1.1 (`yes`, `0644`), the last of two equal keys wins, and whole-number floats are
//! integers. What a document means is not known here.

use std::{borrow::Cow, ops::Range};

use serde_json::{Number, Value};
use serde_saphyr::{DefaultMessageFormatter, Location, localizer::Localizer, options::DuplicateKeyPolicy};

use crate::yaml::{Documents, Node};

/// One document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The line of its first word, from 1.
    pub line: u32,
    /// What it holds; `null` when it is empty.
    pub value: Result<Value, DocumentError>,
}

/// A document that is no YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DocumentError {
    /// The line in the file, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

/// Reads every document of a file.
pub fn read_documents(text: &str) -> impl Iterator<Item = Document> {
    split(text).into_iter().map(|part| {
        let value = parse_document(part.text).map_err(|error| {
            let line = part.first_line + error.line.saturating_sub(1);
            DocumentError { line, ..error }
        });
        Document { line: part.line, value }
    })
}

/// The line of a field, in the object that starts at a line; of what is around it, where it is not there. The object is a
/// document, or an item of a list in one. The way to the field is written as messages have it:
/// `spec.containers[0].image`, or `.spec.containers[name="api"].image`.
pub fn line_of(text: &str, object_line: u32, field: &str) -> Option<u32> {
    let part = split(text).into_iter().rfind(|part| part.line <= object_line)?;
    let documents = Documents::read(part.text);
    let root = documents.roots.first()?;
    let mut node = match (object_line + 1).checked_sub(part.first_line) {
        Some(inner) if object_line != part.line => item_at(root, inner)?,
        _ => root,
    };
    let mut line = None;
    let mut rest = field;
    while let Some((at, value, after)) = step(node, rest) {
        (line, node, rest) = (Some(part.first_line + at.position.line - 1), value, after);
    }
    line
}

/// The item of a list of objects, or of a list in it, that starts at a line.
fn item_at(list: &Node, line: u32) -> Option<&Node> {
    let (_, items) = list.entries().iter().find(|(key, _)| key.text() == Some("items"))?;
    // The last that starts there or before holds the line.
    let item = items.items().iter().rfind(|item| item.position.line <= line)?;
    if item.position.line == line { Some(item) } else { item_at(item, line) }
}

/// The key or member that a way starts with, its value, and the rest of the way. Keys may have dots; the longest that fits
/// is meant.
fn step<'n, 'f>(node: &'n Node, field: &'f str) -> Option<(&'n Node, &'n Node, &'f str)> {
    let field = field.trim_start_matches('.');
    if let Some((index, rest)) = field.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let item = match index.parse::<usize>() {
            Ok(index) => node.items().get(index)?,
            Err(_) => node.items().iter().find(|item| has_keys(item, index))?,
        };
        return Some((item, item, rest));
    }
    let fits = |(key, value): &'n (Node, Node)| {
        let rest = field.strip_prefix(key.text().filter(|text| !text.is_empty())?)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then_some((key, value, rest))
    };
    node.entries().iter().filter_map(fits).min_by_key(|(_, _, rest)| rest.len())
}

/// Whether a member of a list has these keys, written as the API server has them: `containerPort=80,protocol="TCP"`. A key
/// that is left out has its default, which may be meant.
fn has_keys(item: &Node, keys: &str) -> bool {
    keys.split(',').all(|pair| {
        pair.split_once('=').is_some_and(|(key, value)| {
            let known = item.entries().iter().find(|(known, _)| known.text() == Some(key));
            known.is_none_or(|(_, known)| known.text() == Some(value.trim_matches('"')))
        })
    })
}

/// Where the documents of a file start.
#[derive(Debug)]
pub struct DocumentStarts(Vec<usize>);

impl DocumentStarts {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        Self(parts_of(text).into_iter().map(|part| part.start).collect())
    }

    /// The number of the document that holds a byte, from 1; `None` where the file is one document.
    pub fn number_at(&self, byte: usize) -> Option<usize> {
        (self.0.len() > 1).then(|| self.0.partition_point(|start| *start <= byte).max(1))
    }
}

/// The bytes of each document of a file, without the lines between them.
pub fn parts_of(text: &str) -> Vec<Range<usize>> {
    let start = |part: &Part<'_>| part.text.as_ptr() as usize - text.as_ptr() as usize;
    split(text).iter().map(|part| start(part)..start(part) + part.text.len()).collect()
}

struct Part<'a> {
    text: &'a str,
    /// The line on which the text starts.
    first_line: u32,
    /// The line of the first word in it.
    line: u32,
}

/// Splits a file at lines that start with `---`.
fn split(text: &str) -> Vec<Part<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parts = Vec::new();
    let (mut start, mut first_line, mut at) = (0, 1, 0);
    for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
        if line.starts_with("---") {
            parts.push(part(&text[start..at], first_line));
            // What follows on the marker's own line belongs to the document.
            (start, first_line) = (at + 3, number);
        }
        at += line.len();
    }
    parts.push(part(&text[start..], first_line));
    parts
}

fn part(text: &str, first_line: u32) -> Part<'_> {
    let is_word = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    };
    let before = text.lines().take_while(|line| !is_word(line)).count();
    Part { text, first_line, line: first_line + u32::try_from(before).unwrap_or(0) }
}

/// Reads a text that is one document.
///
/// # Errors
/// When it is no YAML; the line counts from the start of the text.
pub fn parse_document(text: &str) -> Result<Value, DocumentError> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Null);
    }
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| u32::try_from(location.line()).unwrap_or(1));
        let words = error.render_with_formatter(&DefaultMessageFormatter.with_localizer(&ColumnAlone));
        DocumentError { line, message: format!("it is no valid YAML: {words}") }
    })?;
    Ok(with_integers(value))
}

/// Places in messages without their line: it counts from the start of the document, and stands beside the message.
struct ColumnAlone;

impl Localizer for ColumnAlone {
    fn attach_location<'a>(&self, base: Cow<'a, str>, place: Location) -> Cow<'a, str> {
        if place == Location::UNKNOWN { base } else { format!("{base} in column {}", place.column()).into() }
    }
}

/// Writes a value as a document that every YAML reader takes for the same value.
pub fn write_document(value: &Value) -> String {
    // JSON is YAML: it says the same where the writer cannot.
    serde_saphyr::to_string(value).unwrap_or_else(|_| format!("{value:#}\n"))
}

/// `1.0` and `1e3` are integers to Kubernetes.
fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            // JSON readers in Go have no larger integers.
            Some(float) if number.is_u64() && number.as_i64().is_none() => {
                Number::from_f64(float).map_or(Value::Null, Value::Number)
            }
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                Value::Number(Number::from(float as i64))
            }
            _ => Value::Number(number),
        },
        Value::Array(items) => items.into_iter().map(with_integers).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, with_integers(value))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
