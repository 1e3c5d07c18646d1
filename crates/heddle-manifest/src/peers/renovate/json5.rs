//! JSON with comments and the freedoms of JSON5, read as the YAML that it nearly is, so that every value has its line.

use crate::yaml::{Documents, Node};

/// Reads a text.
///
/// # Errors
/// With the line, where it is no JSON5.
pub(super) fn read(text: &str) -> Result<Node, (u32, String)> {
    let documents = Documents::read(&as_yaml(text));
    match (documents.error, documents.roots.into_iter().next()) {
        (Some(error), _) => Err((error.position.line, error.message)),
        (None, Some(root)) if root.is_mapping() => Ok(root),
        _ => Err((1, "it holds no object".to_owned())),
    }
}

/// The text without comments, with all strings in double quotes; every value stays on its line.
fn as_yaml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(character) = rest.next() {
        match (character, rest.peek()) {
            ('"' | '\'', _) => string(character, &mut rest, &mut out),
            ('/', Some('/')) => while rest.next_if(|next| *next != '\n').is_some() {},
            ('/', Some('*')) => comment(&mut rest, &mut out),
            ('\t', _) => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}

type Rest<'t> = std::iter::Peekable<std::str::Chars<'t>>;

fn comment(rest: &mut Rest<'_>, out: &mut String) {
    let mut last = ' ';
    for character in rest.by_ref().skip(1) {
        if character == '\n' {
            out.push('\n');
        }
        if last == '*' && character == '/' {
            return;
        }
        last = character;
    }
}

fn string(quote: char, rest: &mut Rest<'_>, out: &mut String) {
    out.push('"');
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some(escaped @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' | 'u')) => out.extend(['\\', escaped]),
                // A line that goes on, and letters that need no escape.
                Some('\n') | None => {}
                Some(other) => out.push(other),
            },
            end if end == quote => break,
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
}
