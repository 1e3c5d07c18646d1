//! Values that must not be told, hidden wherever they stand: also where a tool repeats them in another value or in an error.

mod views;

use std::{collections::BTreeMap, ops::Range};

use aho_corasick::{AhoCorasick, Match, MatchKind};
use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_reconcile::diff::Mask;
use serde_json::Value;

/// The shortest value that is looked for in other texts. A shorter one is hidden in its own place alone, because it stands
/// everywhere by chance.
const SHORTEST: usize = 4;

/// How often what is written in one form within another is taken out of it.
const MOST_FORMS: usize = 3;

/// What Go's `net/url`, in which the tools are written, keeps as it is beside `-_.~`: in a query, as name and password, in
/// a segment of a path, and in a path.
const KEPT: [&str; 4] = ["", "$&+,;=", "$&+=:@", "$&+,/:;=@"];

/// Values that must not be told. Each becomes a fingerprint, so that one sees whether it changed.
pub(crate) struct Secrets {
    mask: Mask,
    finder: Option<AhoCorasick>,
    /// The value whose form each pattern is.
    values: Vec<String>,
}

impl Secrets {
    /// All texts and numbers in these values.
    pub(crate) fn of<'a>(values: impl IntoIterator<Item = &'a Value>, mask: Mask) -> Self {
        let mut texts = Vec::new();
        values.into_iter().for_each(|value| collect(value, &mut texts));
        texts.sort_unstable();
        texts.dedup();
        let mut patterns = Vec::new();
        let mut values = Vec::new();
        for text in texts {
            for form in forms(&text).into_iter().filter(|form| form.len() >= SHORTEST) {
                patterns.push(form);
                values.push(text.clone());
            }
        }
        // Values may overlap, and each is found: the tail of one that was passed over would be told.
        let builder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&patterns);
        Self { mask, finder: builder.ok().filter(|_| !patterns.is_empty()), values }
    }

    /// A value that stands in a place which is secret. Of a list or an object its members' names are secret too.
    pub(crate) fn fingerprint(&self, value: &Value) -> Value {
        match value {
            Value::Array(_) | Value::Object(_) => self.mask.fingerprint(&Value::String(value.to_string())),
            value => self.mask.fingerprint(value),
        }
    }

    /// The text without any of the values. Where one is written in another form, so that what of it is the value cannot be
    /// told, the run of base64 or the line is hidden as a whole.
    pub(crate) fn hide(&self, text: &str) -> String {
        let Some(finder) = &self.finder else { return text.to_owned() };
        // What stands there as it is may hide another form of a value, as `%2520` does one that holds `%20`: once more without it.
        self.hide_once(finder, &self.hide_once(finder, text))
    }

    /// Everything is found in the text as it stands, because a value that is taken out first may be a part of another one, whose
    /// other form nobody would know any more.
    fn hide_once(&self, finder: &AhoCorasick, text: &str) -> String {
        let mut hidden = self.plain(finder, text);
        hidden.extend(self.runs(finder, text).into_iter().map(Hidden::whole));
        hidden.extend(self.lines(finder, text).into_iter().map(Hidden::whole));
        hidden.sort_by_key(|one| (one.place.start, std::cmp::Reverse(one.place.end)));
        let mut told = String::with_capacity(text.len());
        let mut at = 0;
        for one in joined(hidden) {
            told.push_str(&text[at..one.place.start]);
            told.push_str(&self.print(one.value.unwrap_or(&text[one.place.clone()])));
            at = one.place.end;
        }
        told + &text[at..]
    }

    /// Where values stand as they are, or in a form of ours.
    fn plain(&self, finder: &AhoCorasick, text: &str) -> Vec<Hidden<'_>> {
        let hidden = |found: Match| Hidden { place: found.range(), value: Some(self.value_of(found)) };
        finder.find_overlapping_iter(text).map(hidden).collect()
    }

    /// Runs of base64 in which a value is written, but for those that are a value's form.
    fn runs(&self, finder: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
        let mut runs = views::base64_runs(text);
        runs.retain(|run| self.run_holds(finder, &text[run.clone()], MOST_FORMS - 1));
        runs
    }

    /// Lines in which a value is written with escapes that are no form of ours.
    fn lines(&self, finder: &AhoCorasick, text: &str) -> Vec<Range<usize>> {
        if !text.contains(['%', '&', '\\', '+', '\'']) {
            return Vec::new();
        }
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let bare = line.trim();
            let begins = start + (line.len() - line.trim_start().len());
            start += line.len();
            let known = Known { counts: self.count(finder, bare), text: bare };
            if views::unescaped(bare).iter().any(|view| self.holds(finder, view, &known, MOST_FORMS - 1)) {
                lines.push(begins..begins + bare.len());
            }
        }
        lines
    }

    /// Whether a value stands in a text more often than is known, as it is or in another form.
    fn holds(&self, finder: &AhoCorasick, text: &str, known: &Known<'_>, depth: usize) -> bool {
        let is_more = |(value, count): (&&str, &usize)| known.counts.get(value).is_none_or(|known| known < count);
        if self.count(finder, text).iter().any(is_more) {
            return true;
        }
        let is_new = |run: &&str| !known.text.contains(run);
        depth > 0
            && (views::unescaped(text).iter().any(|view| self.holds(finder, view, known, depth - 1))
                || views::base64_runs(text)
                    .into_iter()
                    .map(|run| &text[run])
                    .filter(is_new)
                    .any(|run| self.run_holds(finder, run, depth - 1)))
    }

    fn run_holds(&self, finder: &AhoCorasick, run: &str, depth: usize) -> bool {
        let is_form = finder.find_overlapping_iter(run).any(|found| found.range() == (0..run.len()));
        !is_form && views::decoded(run).iter().any(|view| self.holds(finder, view, &Known::default(), depth))
    }

    /// How often each value stands in a text.
    fn count<'a>(&'a self, finder: &AhoCorasick, text: &str) -> BTreeMap<&'a str, usize> {
        let mut counts = BTreeMap::new();
        for found in finder.find_overlapping_iter(text) {
            *counts.entry(self.value_of(found)).or_default() += 1;
        }
        counts
    }

    fn value_of(&self, found: Match) -> &str {
        &self.values[found.pattern().as_usize()]
    }

    fn print(&self, text: &str) -> String {
        self.fingerprint(&Value::String(text.to_owned())).as_str().unwrap_or_default().to_owned()
    }

    /// The value without any of the values, in its members' names too.
    pub(crate) fn hide_in(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide(text)),
            Value::Number(number) => {
                let text = number.to_string();
                let hidden = self.hide(&text);
                if hidden == text { value.clone() } else { Value::String(hidden) }
            }
            Value::Array(items) => items.iter().map(|item| self.hide_in(item)).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| (self.hide(name), self.hide_in(value))).collect()
            }
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }
}

/// A part of a text that is not told.
#[derive(Debug, Clone)]
struct Hidden<'a> {
    place: Range<usize>,
    /// The value whose fingerprint stands there; that of the part itself where what of it is the value cannot be told.
    value: Option<&'a str>,
}

impl Hidden<'_> {
    const fn whole(place: Range<usize>) -> Self {
        Self { place, value: None }
    }
}

/// What is hidden of a text without its views.
#[derive(Default)]
struct Known<'a> {
    /// How often each value stands there as it is.
    counts: BTreeMap<&'a str, usize>,
    /// The text, whose runs of base64 are judged by themselves.
    text: &'a str,
}

/// Parts that lie over each other become one, which is hidden as a whole; one within another is hidden with it. They come by
/// where they begin, the longest first.
fn joined(parts: Vec<Hidden<'_>>) -> Vec<Hidden<'_>> {
    let mut all: Vec<Hidden<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        match all.last_mut().filter(|last| part.place.start < last.place.end) {
            Some(last) if part.place.end <= last.place.end => {}
            Some(last) => *last = Hidden::whole(last.place.start..part.place.end),
            None => all.push(part),
        }
    }
    all
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !["true", "false", "null"].contains(&text.as_str()) => texts.push(text.clone()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(members) => members.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

/// Every form in which a value may stand in another text: as it is, in base64, as a part of JSON, as a part of an address, and
/// each of its lines.
fn forms(text: &str) -> Vec<String> {
    let json = Value::String(text.to_owned()).to_string();
    let mut forms = vec![
        text.to_owned(),
        text.trim().to_owned(),
        BASE64_STANDARD.encode(text),
        json[1..json.len() - 1].to_owned(),
        // Go's JSON may stand in a page, and the value itself: as Go, Python and XML write it.
        html_escaped(text, "&#34;", "&#39;"),
        html_escaped(text, "&quot;", "&#x27;"),
        html_escaped(text, "&quot;", "&apos;"),
        json[1..json.len() - 1].replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect(),
        percent_encoded(text, "").replace("%20", "+"),
    ];
    forms.extend(KEPT.iter().map(|kept| percent_encoded(text, kept)));
    if text.trim().contains('\n') {
        // Lines of brackets alone stand in every document.
        let lines =
            text.lines().map(str::trim).filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= SHORTEST);
        forms.extend(lines.map(str::to_owned));
    }
    forms.sort_unstable();
    forms.dedup();
    forms
}

fn html_escaped(text: &str, double: &str, single: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', double).replace('\'', single)
}

/// The text in percent-encoding, in which letters, digits, `-_.~` and what else is `kept` stand for themselves.
fn percent_encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let char = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-_.~".contains(char) || kept.contains(char) {
            encoded.push(char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
