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
mod tests {
    use super::*;

    fn message(body: &str) -> CommitMessage {
        let intent = "018f6d2c-0000-7000-8000-000000000001".parse().unwrap();
        CommitMessage { subject: "Bump api\nto v2".into(), body: body.into(), intent }
    }

    #[test]
    fn a_message_ends_in_its_trailer() {
        let trailer = "Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001";
        assert_eq!(message("").whole(), format!("Bump api to v2\n\n{trailer}"));
        assert_eq!(message("why\n").whole(), format!("Bump api to v2\n\nwhy\n\n{trailer}"));
    }

    #[test]
    fn intents_are_found_also_in_a_squash() {
        let squashed = format!("Bump (#1)\n\n* {}\n\n* another\n\nheddle-intent:   x\n", message("").whole());
        assert_eq!(intents(&squashed), [message("").intent]);
        assert!(intents("a person's commit\n\nNot-Heddle-Intent: 018f6d2c-0000-7000-8000-000000000001").is_empty());
    }
}
