//! What the program says while it plans or applies: `plan -json`, one JSON object a line.
//!
//! Rules: "Machine-Readable UI" of Terraform and OpenTofu. The piece of source beside a message is never told: it is text of
//! the user's in which anything may stand.

use serde::Deserialize;

use crate::{
    limits::{MAX_TOOL_MESSAGE_BYTES, MAX_TOOL_MESSAGES},
    secrets::Secrets,
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// What the program says, before anything in it is hidden. It shows itself to nobody.
pub(crate) struct Message {
    pub(crate) severity: Severity,
    summary: String,
    detail: String,
    /// What it is about: a resource or a provider, in whose words it then speaks.
    address: Option<String>,
    /// `main.tf:3`.
    place: Option<String>,
}

/// All that it said.
#[derive(Default)]
pub(crate) struct Messages {
    pub(crate) told: Vec<Message>,
    /// How many more there were.
    pub(crate) more: usize,
    /// Whether an error asks for `init`, which nobody but the user runs.
    pub(crate) wants_init: bool,
    /// Whether the plan is of some objects alone, because `-target` or `-exclude` stands in the user's settings.
    pub(crate) leaves_out: bool,
    /// How many objects an apply made, changed and removed.
    pub(crate) summary: Option<Summary>,
}

/// What an apply did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(crate) struct Summary {
    #[serde(default)]
    pub(crate) add: u64,
    #[serde(default)]
    pub(crate) change: u64,
    #[serde(default)]
    pub(crate) remove: u64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Diagnostic {
        diagnostic: Diagnostic,
    },
    ChangeSummary {
        changes: Summary,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Diagnostic {
    #[serde(default)]
    severity: String,
    #[serde(default)]
    summary: String,
    #[serde(default)]
    detail: String,
    address: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    filename: String,
    start: Start,
}

#[derive(Deserialize)]
struct Start {
    line: u64,
}

impl Messages {
    /// Reads what the program printed. Lines that are no JSON are passed over.
    pub(crate) fn read(printed: &[u8]) -> Self {
        let mut messages = Self::default();
        for line in printed.split(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(Line::Diagnostic { diagnostic }) => messages.take(diagnostic.into()),
                Ok(Line::ChangeSummary { changes }) => messages.summary = Some(changes),
                Ok(Line::Other) | Err(_) => {}
            }
        }
        messages
    }

    /// What a message says of the whole plan is noted of each, also of those that are not kept.
    fn take(&mut self, one: Message) {
        let asks = |text: &str| text.contains("tofu init") || text.contains("terraform init");
        self.wants_init |= one.severity == Severity::Error && (asks(&one.summary) || asks(&one.detail));
        self.leaves_out |= one.summary.contains("targeting is in effect");
        if self.told.len() < MAX_TOOL_MESSAGES {
            self.told.push(one);
        } else {
            self.more += 1;
        }
    }

    /// The texts of one severity, for people. Without `secrets`, nothing is told in the words of a provider.
    pub(crate) fn texts(&self, severity: Severity, secrets: Option<&Secrets>) -> Vec<String> {
        self.told.iter().filter(|one| one.severity == severity).map(|one| one.text(secrets)).collect()
    }
}

impl From<Diagnostic> for Message {
    fn from(one: Diagnostic) -> Self {
        let severity = if one.severity == "warning" { Severity::Warning } else { Severity::Error };
        let place = one.range.map(|range| format!("{}:{}", range.filename, range.start.line));
        Self { severity, summary: one.summary, detail: one.detail, address: one.address, place }
    }
}

impl Message {
    fn text(&self, secrets: Option<&Secrets>) -> String {
        let place = self.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let about = self.address.as_ref().map(|address| format!("{address}: ")).unwrap_or_default();
        let words = match (secrets, &self.address) {
            (None, Some(_)) => "it failed, and what is secret in its words is not known".to_owned(),
            _ if self.detail.is_empty() => self.summary.clone(),
            _ => format!("{}: {}", self.summary.trim_end_matches(['.', ':']), self.detail),
        };
        let text = format!("{place}{about}{words}");
        cut(&secrets.map_or_else(|| text.clone(), |secrets| secrets.hide(&text)))
    }
}

/// The text, or its beginning where it is too long.
fn cut(text: &str) -> String {
    if text.len() <= MAX_TOOL_MESSAGE_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_TOOL_MESSAGE_BYTES - '…'.len_utf8())])
}

#[cfg(test)]
mod tests;
