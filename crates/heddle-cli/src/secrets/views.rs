//! A text as others read it: what is written in it in base64, with escapes, or as a part of an address or a page.
//!
//! Whoever writes a value down may write it otherwise, and in one form within another. Each view takes one form off.

use std::ops::Range;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Shorter runs of the letters of base64 are words, and hold less than four bytes.
const SHORTEST_RUN: usize = 6;

/// What ends in the middle of a letter, as a part of a longer run does, is read all the same.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Where in the text runs of the letters of base64 stand, of either alphabet. One may be broken into lines, as mail breaks it.
pub(super) fn base64_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut line_start = at;
        let mut end = at;
        loop {
            while at < bytes.len() && is_letter(bytes[at]) {
                at += 1;
            }
            end = if at > line_start { at } else { end };
            // A full line of the letters goes on in the next one.
            let ending = usize::from(bytes.get(at) == Some(&b'\r'));
            if at - line_start < FULL_LINE || bytes.get(at + ending) != Some(&b'\n') {
                break;
            }
            at += ending + 1;
            while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
                at += 1;
            }
            line_start = at;
        }
        if end - start >= SHORTEST_RUN {
            let padding = bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
            runs.push(start..end + padding);
        }
        at = at.max(start + 1);
    }
    runs
}

/// The shortest line that goes on in the next.
const FULL_LINE: usize = 40;

const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What may be written in a run of base64: other letters may stand right before it, so it is read from four places.
pub(super) fn decoded(run: &str) -> Vec<String> {
    let letters: Vec<u8> = run
        .bytes()
        .filter(|byte| is_letter(*byte))
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        })
        .collect();
    let from = |start: usize| {
        let part = letters.get(start..)?;
        // A rest of one letter holds no byte.
        let part = &part[..part.len() - usize::from(part.len() % 4 == 1)];
        LENIENT.decode(part).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    (0..4).filter_map(from).collect()
}

/// The text without one form of escapes, in each form that changes it.
pub(super) fn unescaped(text: &str) -> Vec<String> {
    let mut views = vec![
        percent_decoded(text),
        percent_decoded(&text.replace('+', " ")),
        html_unescaped(text),
        without_backslashes(text),
        text.replace("'\"'\"'", "'").replace("'\\''", "'"),
    ];
    views.retain(|view| view != text);
    views.sort_unstable();
    views.dedup();
    views
}

/// Longer references, which lead zeros make, are written by nobody.
const LONGEST_REFERENCE: usize = 16;

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The references that programs write for the letters that HTML and XML keep for themselves, and all by number.
fn html_unescaped(text: &str) -> String {
    const NAMED: [(&str, char); 5] = [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let near = rest.as_bytes().iter().take(LONGEST_REFERENCE).position(|byte| *byte == b';');
        let name = near.map_or("", |end| &rest[1..end]);
        let digits = name.strip_prefix('#').map(|digits| match digits.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        });
        let named = || NAMED.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
        let (letter, length) = match digits.and_then(|code| char::from_u32(code.ok()?)).or_else(named) {
            Some(letter) => (letter, name.len() + 2),
            None => ('&', 1),
        };
        plain.push(letter);
        rest = &rest[length..];
    }
    plain + rest
}

/// Without the backslashes of JSON, YAML, HCL and shells.
fn without_backslashes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some(kind @ ('u' | 'x')) => match numbered(letters.as_str(), kind) {
                Some((read, length)) => {
                    plain.push(read);
                    letters = letters.as_str()[length..].chars();
                }
                None => plain.push(kind),
            },
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

/// The letter that `\\u` or `\\x` names by its number, and how many bytes of the text behind that it takes. Letters that UTF-16
/// writes in two halves are named in two.
fn numbered(text: &str, kind: char) -> Option<(char, usize)> {
    let code = |text: &str, count: usize| {
        let digits = text.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    if kind == 'x' {
        return Some((char::from_u32(code(text, 2)?)?, 2));
    }
    let first = code(text, 4)?;
    if let Some(letter) = char::from_u32(first) {
        return Some((letter, 4));
    }
    let second = code(text[4..].strip_prefix("\\u")?, 4)?;
    let halves = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let letter = char::decode_utf16(halves).next()?.ok()?;
    Some((letter, 10))
}
