//! What the templates of a chart call, read from their text.
//!
//! Nothing is carried out here. A call in a text that is no template costs a render, and nothing else.

use std::collections::BTreeSet;

use heddle_manifest::documents::parse_document;
use serde_json::Value;

/// Functions that give something else each time. Source: `github.com/Masterminds/sprig/v3`, `functions.go`; the order of
/// what `keys` and `values` give is that of a map in Go. Templates are carried out with `keys` in order ([`with_sorted_keys`]).
const RANDOM: [&str; 20] = [
    "bcrypt",
    "encryptAES",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "htpasswd",
    "keys",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "shuffle",
    "uuidv4",
    "values",
];

/// Those of them that often give the same twice.
const FEW: [&str; 5] = ["keys", "randInt", "randNumeric", "shuffle", "values"];

/// Those of them that give the same in another order.
const REORDER: [&str; 3] = ["keys", "shuffle", "values"];

/// Functions that ask the clock.
const CLOCK: [&str; 7] = ["ago", "dateInZone", "date_in_zone", "date", "htmlDate", "htmlDateInZone", "now"];

/// What stands for `now` in the second of two renders: another time.
const ANOTHER_TIME: &str = "(toDate \"2006-01-02\" \"1997-07-13\")";

/// How many values are named of one text.
pub(super) const MAX_NAMED: usize = 3;

/// What of a chart does not give the same each time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Calls {
    /// Something random.
    pub random: bool,
    /// Something random of which there are few, so that two in a row may be the same.
    pub few: bool,
    /// The clock.
    pub clock: bool,
    /// The cluster, of which a render sees nothing.
    pub lookup: bool,
}

impl Calls {
    /// Everything, where it cannot be told what is called.
    pub(super) const ANY: Self = Self { random: true, few: true, clock: true, lookup: true };

    /// Takes in what a text calls.
    pub(super) fn take(&mut self, text: &str) {
        for (action, at, word) in
            actions(text).flat_map(|action| words(action).map(move |(at, word)| (action, at, word)))
        {
            if word == "keys" && is_sorted(action, at + word.len()) {
                continue;
            }
            self.random |= RANDOM.contains(&word);
            self.few |= FEW.contains(&word);
            self.clock |= CLOCK.contains(&word);
            self.lookup |= word == "lookup";
        }
    }

    /// Takes in what the texts of a file of values call, as a chart has them carried out by `tpl`.
    pub(super) fn take_values(&mut self, text: &str) {
        self.take(text);
        let mut texts = Vec::new();
        note_texts(&parse_document(text).unwrap_or_default(), &mut texts);
        texts.iter().for_each(|text| self.take(text));
    }

    /// Whether a second render may give something else.
    pub(super) fn vary(self) -> bool {
        self.random || self.clock
    }
}

/// The text of a template at another time; `None` where it does not ask for it.
pub(super) fn at_another_time(text: &str) -> Option<String> {
    let start = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let places = actions(text).flat_map(|action| words(action).map(move |(at, word)| (start(action) + at, word)));
    let places: Vec<usize> = places.filter(|(_, word)| *word == "now").map(|(at, _)| at).collect();
    let mut changed = String::new();
    let mut from = 0;
    for at in &places {
        changed.push_str(&text[from..*at]);
        changed.push_str(ANOTHER_TIME);
        from = at + "now".len();
    }
    changed.push_str(&text[from..]);
    (!places.is_empty()).then_some(changed)
}

/// A file of values at another time, in its texts; `None` where none asks for it. Quotes in a text may be written in ways that
/// hide a call.
pub(super) fn values_at_another_time(text: &str) -> Option<String> {
    let mut values = parse_document(text).ok()?;
    change_texts(&mut values).then(|| values.to_string())
}

/// Every text in a value.
fn note_texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| note_texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| note_texts(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts another time into every text. Says whether one asks for it.
fn change_texts(value: &mut Value) -> bool {
    match value {
        Value::String(text) => match at_another_time(text) {
            Some(other) => {
                *text = other;
                true
            }
            None => false,
        },
        Value::Array(items) => items.iter_mut().map(change_texts).filter(|is_changed| *is_changed).count() > 0,
        Value::Object(fields) => fields.values_mut().map(change_texts).filter(|is_changed| *is_changed).count() > 0,
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The text of a template in which whatever `keys` gives is sorted: helm itself gives it in any order, another one each time.
/// `None` where nothing has to be changed.
pub(super) fn with_sorted_keys(text: &str) -> Option<String> {
    let start = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut ends: Vec<usize> = Vec::new();
    for action in actions(text) {
        let calls = words(action).filter(|(_, word)| *word == "keys").map(|(at, word)| at + word.len());
        let unsorted = calls.filter(|end| !is_sorted(action, *end));
        ends.extend(unsorted.map(|end| start(action) + command_end(action, end)));
    }
    ends.sort_unstable();
    let mut changed = String::new();
    let mut from = 0;
    for end in &ends {
        changed.push_str(&text[from..*end]);
        changed.push_str(" | sortAlpha");
        from = *end;
    }
    changed.push_str(&text[from..]);
    (!ends.is_empty()).then_some(changed)
}

/// Whether what a call gives is sorted at once.
fn is_sorted(action: &str, from: usize) -> bool {
    let next = action[command_end(action, from)..].trim_start().strip_prefix('|');
    next.is_some_and(|next| next.trim_start().starts_with("sortAlpha"))
}

/// Where the command ends of which a place is a part: before a `|`, the end of its parentheses or of the action.
fn command_end(action: &str, from: usize) -> usize {
    let bytes = action.as_bytes();
    let (mut at, mut depth) = (from, 0_usize);
    while at < bytes.len() {
        match bytes[at] {
            b'(' => depth += 1,
            b')' | b'|' if depth == 0 => break,
            b')' => depth -= 1,
            _ => {}
        }
        at = past(bytes, at);
    }
    // What stands before the end belongs to the action: `-}}`.
    let command = action[from..at].trim_end();
    let command = if at == bytes.len() { command.strip_suffix('-').unwrap_or(command).trim_end() } else { command };
    from + command.len()
}

/// The ways to values that a text names, without `.Values`.
pub(super) fn values_in(text: &str) -> BTreeSet<String> {
    actions(text).flat_map(values).collect()
}

/// The values that stand beside calls which do not give the same each time, or which ask the cluster: with one of them set
/// the call is mostly not made.
pub(super) fn values_beside_calls(text: &str) -> BTreeSet<String> {
    let is_meant = |word: &str| RANDOM.contains(&word) && !REORDER.contains(&word) || word == "now" || word == "lookup";
    let calls = |action: &&str| words(action).any(|(_, word)| is_meant(word));
    let all = actions(text).filter(calls).flat_map(values);
    all.take(MAX_NAMED).collect()
}

/// What stands between `{{` and `}}`, without comments.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, inner) = rest.split_once("{{")?;
            let is_comment = inner.trim_start_matches('-').trim_start().starts_with("/*");
            let len = if is_comment { inner.find("*/").unwrap_or(inner.len()) } else { action_len(inner) };
            rest = &inner[len..];
            if !is_comment {
                return Some(&inner[..len]);
            }
        }
    })
}

/// How long an action is: texts in it may hold braces.
fn action_len(inner: &str) -> usize {
    let bytes = inner.as_bytes();
    let mut at = 0;
    while at < bytes.len() && !bytes[at..].starts_with(b"}}") {
        at = past(bytes, at);
    }
    at.min(bytes.len())
}

/// The place behind a text that begins at a place, or behind one byte.
fn past(bytes: &[u8], at: usize) -> usize {
    let quote = bytes[at];
    if !matches!(quote, b'"' | b'`' | b'\'') {
        return at + 1;
    }
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != quote {
        end += if bytes[end] == b'\\' && quote != b'`' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

/// The functions that an action names, each with its place.
fn words(action: &str) -> impl Iterator<Item = (usize, &str)> {
    names(action).filter(|(at, _)| !action[..*at].ends_with(['.', '$']))
}

/// The ways to the values that an action names, without `.Values`.
fn values(action: &str) -> impl Iterator<Item = String> {
    let fields = names(action).filter(|(at, name)| *name == "Values" && action[..*at].ends_with('.'));
    fields.filter_map(|(at, name)| {
        let way = action[at + name.len()..].strip_prefix('.')?;
        let end = way.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(way.len());
        Some(way[..end].trim_end_matches('.').to_owned()).filter(|way| !way.is_empty())
    })
}

/// Every name of an action that stands in no text, with its place.
fn names(action: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = action.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            if !is_part(bytes[at]) {
                at = past(bytes, at);
                continue;
            }
            while at < bytes.len() && is_part(bytes[at]) {
                at += 1;
            }
            return Some((start, &action[start..at]));
        }
        None
    })
}

#[cfg(test)]
mod tests;
