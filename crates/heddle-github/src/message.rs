//! Messages of our commits, and the trailers that lead back to their intent and to who asked.

use heddle_core::{id::IntentId, request::Requested};

const TRAILER: &str = "Heddle-Intent";

/// The message of a commit of ours. It always carries the trailer of its intent, and those of who asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMessage {
    /// The first line.
    pub subject: String,
    /// What follows; may be empty.
    pub body: String,
    /// The person who asked for it, where one did.
    pub requested: Option<Requested>,
    /// The attempt that makes the commit.
    pub intent: IntentId,
}

impl CommitMessage {
    /// Everything after the subject.
    pub(crate) fn rest(&self) -> String {
        let body = self.body.trim();
        let gap = if body.is_empty() { "" } else { "\n\n" };
        let requested: String =
            self.requested.iter().flat_map(Requested::trailers).map(|trailer| format!("{trailer}\n")).collect();
        format!("{body}{gap}{requested}{TRAILER}: {}", self.intent)
    }

    /// The whole message.
    pub(crate) fn whole(&self) -> String {
        format!("{}\n\n{}", self.headline(), self.rest())
    }

    /// The subject on one line.
    pub(crate) fn headline(&self) -> String {
        self.subject.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The intents that a message names. A squash joins the messages of several commits, so every line counts, not the
/// last paragraph alone.
pub(crate) fn intents(message: &str) -> Vec<IntentId> {
    let intent = |line: &str| {
        let (key, value) = line.trim().split_once(':')?;
        if key.eq_ignore_ascii_case(TRAILER) { value.trim().parse().ok() } else { None }
    };
    let mut found: Vec<IntentId> = Vec::new();
    for id in message.lines().filter_map(intent) {
        if !found.contains(&id) {
            found.push(id);
        }
    }
    found
}

#[cfg(test)]
mod tests;
