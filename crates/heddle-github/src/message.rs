//! Messages of our commits, and the trailer that leads back to their intent.

use heddle_core::id::IntentId;

const TRAILER: &str = "Heddle-Intent";

/// The message of a commit of ours. It always carries the trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMessage {
    /// The first line.
    pub subject: String,
    /// What follows; may be empty.
    pub body: String,
    /// The attempt that makes the commit.
    pub intent: IntentId,
}

impl CommitMessage {
    /// Everything after the subject.
    pub(crate) fn rest(&self) -> String {
        let body = self.body.trim();
        let gap = if body.is_empty() { "" } else { "\n\n" };
        format!("{body}{gap}{TRAILER}: {}", self.intent)
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
