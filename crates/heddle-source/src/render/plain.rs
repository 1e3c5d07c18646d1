//! Plain YAML and JSON, read as kubectl reads them.
//!
//! kubectl splits a file at lines that start with `---` before it parses anything, so one broken document leaves the
//! others readable. Scalars follow YAML 1.1 (`yes`, `0644`), the last of two equal keys wins, and whole-number floats are
//! integers.

use serde_json::{Number, Value};
use serde_saphyr::options::DuplicateKeyPolicy;

use super::{RenderError, Rendered, RenderedObject};

/// More documents than this in one file are refused.
const MAX_DOCUMENTS: usize = 20_000;

/// Reads the objects of a file.
pub(super) fn read_file(file: &str, bytes: &[u8], rendered: &mut Rendered) {
    let fail = |line, message: String| RenderError { file: Some(file.to_owned()), line, message };
    let Ok(text) = std::str::from_utf8(bytes) else {
        rendered.errors.push(fail(None, "it is not UTF-8".to_owned()));
        return;
    };
    let mut found = false;
    for (count, document) in split(text).into_iter().enumerate() {
        if count == MAX_DOCUMENTS {
            rendered.errors.push(fail(Some(document.line), format!("it has more than {MAX_DOCUMENTS} documents")));
            return;
        }
        match parse(document.text) {
            Ok(Value::Null) => {}
            Ok(value) => {
                found |= take(value, file, document.line, rendered);
            }
            Err((line, message)) => {
                found = true;
                rendered.errors.push(fail(Some(document.first_line + line.saturating_sub(1)), message));
            }
        }
    }
    if !found {
        rendered.notes.push(format!("{file} holds no manifests and was passed over"));
    }
}

/// Takes an object, or each of a list, in. Says whether it was meant as a manifest.
fn take(value: Value, file: &str, line: u32, rendered: &mut Rendered) -> bool {
    let mut fail = |message: &str| {
        let (file, message) = (Some(file.to_owned()), message.to_owned());
        rendered.errors.push(RenderError { file, line: Some(line), message });
        true
    };
    match (value["apiVersion"].as_str(), value["kind"].as_str()) {
        (None, None) => return false,
        (Some(_), None) => return fail("it has an `apiVersion` and no `kind`"),
        (None, Some(_)) => return fail("it has a `kind` and no `apiVersion`"),
        (Some(_), Some(kind)) if kind.ends_with("List") && value["items"].is_array() => {
            let Value::Object(mut list) = value else { return true };
            if let Some(Value::Array(items)) = list.remove("items") {
                for item in items {
                    take(item, file, line, rendered);
                }
            }
            return true;
        }
        (Some(_), Some(_)) => {}
    }
    if value["metadata"]["name"].as_str().is_none_or(str::is_empty) {
        return fail("it has no `metadata.name`");
    }
    rendered.objects.push(RenderedObject { value, file: Some(file.to_owned()), line: Some(line) });
    true
}

struct Document<'a> {
    text: &'a str,
    /// The line on which the text starts.
    first_line: u32,
    /// The line of the first word in it.
    line: u32,
}

/// Splits a file at lines that start with `---`.
fn split(text: &str) -> Vec<Document<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Vec::new();
    let (mut start, mut first_line, mut at) = (0, 1, 0);
    for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
        if line.starts_with("---") {
            documents.push(document(&text[start..at], first_line));
            // What follows on the marker's own line belongs to the document.
            (start, first_line) = (at + 3, number);
        }
        at += line.len();
    }
    documents.push(document(&text[start..], first_line));
    documents
}

fn document(text: &str, first_line: u32) -> Document<'_> {
    let is_word = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    };
    let before = text.lines().take_while(|line| !is_word(line)).count();
    Document { text, first_line, line: first_line + u32::try_from(before).unwrap_or(0) }
}

/// Parses one document; an error comes with its line in the text, from 1.
pub(super) fn parse(text: &str) -> Result<Value, (u32, String)> {
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
        (line, format!("it is no valid YAML: {error}"))
    })?;
    Ok(with_integers(value))
}

/// `1.0` and `1e3` are integers to Kubernetes.
fn with_integers(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
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
