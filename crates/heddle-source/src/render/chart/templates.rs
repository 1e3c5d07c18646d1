//! What the templates of a chart call, read from their text.
//!
//! Nothing is carried out here. A call in a text that is no template costs a render, and nothing else.

use std::collections::BTreeSet;

/// Functions that give something else each time. Source: `github.com/Masterminds/sprig/v3`, `functions.go`; the order of
/// what `keys` and `values` give is that of a map in Go.
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
    /// Takes in what a text calls.
    pub(super) fn take(&mut self, text: &str) {
        for word in actions(text).flat_map(|action| words(action).map(|(_, word)| word)) {
            self.random |= RANDOM.contains(&word);
            self.few |= FEW.contains(&word);
            self.clock |= CLOCK.contains(&word);
            self.lookup |= word == "lookup";
        }
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
