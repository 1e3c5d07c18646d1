//! Values that must not be told, hidden wherever they stand: also where a tool repeats them in another value or in an error.

mod views;

use aho_corasick::{AhoCorasick, MatchKind};
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
        let builder = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&patterns);
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
        let mut hidden = String::with_capacity(text.len());
        finder.replace_all_with(text, &mut hidden, |found, _, hidden| {
            let value = Value::String(self.values[found.pattern().as_usize()].clone());
            hidden.push_str(self.fingerprint(&value).as_str().unwrap_or_default());
            true
        });
        let hidden = self.hide_runs(finder, &hidden);
        self.hide_lines(finder, hidden)
    }

    /// Without runs of base64 in which a value is written.
    fn hide_runs(&self, finder: &AhoCorasick, text: &str) -> String {
        let mut hidden = String::with_capacity(text.len());
        let mut told = 0;
        for run in views::base64_runs(text) {
            let block = &text[run.clone()];
            if views::decoded(block).iter().any(|view| holds(finder, view, MOST_FORMS - 1)) {
                hidden.push_str(&text[told..run.start]);
                hidden.push_str(&self.print(block));
                told = run.end;
            }
        }
        hidden + &text[told..]
    }

    /// Without lines in which a value is written with escapes that are no form of ours.
    fn hide_lines(&self, finder: &AhoCorasick, text: String) -> String {
        if !text.contains(['%', '&', '\\', '+', '\'']) {
            return text;
        }
        let hide = |line: &str| {
            let bare = line.trim();
            let is_held = views::unescaped(bare).iter().any(|view| holds(finder, view, MOST_FORMS - 1));
            if is_held { line.replace(bare, &self.print(bare)) } else { line.to_owned() }
        };
        text.split_inclusive('\n').map(hide).collect()
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

/// Whether one of the values stands in a text, as it is or in another form.
fn holds(finder: &AhoCorasick, text: &str, depth: usize) -> bool {
    if finder.is_match(text) {
        return true;
    }
    depth > 0
        && (views::unescaped(text).iter().any(|view| holds(finder, view, depth - 1))
            || views::base64_runs(text)
                .into_iter()
                .any(|run| views::decoded(&text[run]).iter().any(|view| holds(finder, view, depth - 1))))
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
