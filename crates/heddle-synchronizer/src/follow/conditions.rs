//! The conditions of a Sync, and since when they hold.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use heddle_kube::sync::SyncCondition;
use heddle_wire::agent::Condition;

/// In the order in which people read them.
const ORDER: [&str; 8] =
    ["Ready", "Fetched", "Rendered", "Applied", "Pruned", "Healthy", "InstallManifest", "Leftovers"];

/// What a Sync has to be to be ready, one after the other.
const CHAIN: [&str; 5] = ["Fetched", "Rendered", "Applied", "Pruned", "Healthy"];

#[derive(Debug, Default)]
pub(super) struct Conditions(BTreeMap<String, Condition>);

impl Conditions {
    /// Goes on from what the status said before the process began.
    pub fn from_status(conditions: &[SyncCondition]) -> Self {
        let read = |condition: &SyncCondition| {
            Some(Condition {
                kind: condition.kind.as_str().into(),
                status: condition.status.as_str().into(),
                reason: condition.reason.as_str().into(),
                message: condition.message.as_str().into(),
                since: condition.last_transition_time.parse().ok()?,
            })
        };
        Self(conditions.iter().filter_map(read).map(|condition| (condition.kind.to_string(), condition)).collect())
    }

    /// Says how a condition is now; `None` is `Unknown`. Its time changes with its status alone.
    pub fn set(&mut self, kind: &'static str, status: Option<bool>, reason: &str, message: &str, now: DateTime<Utc>) {
        let status = match status {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let since = self.0.get(kind).filter(|before| before.status == status).map_or(now, |before| before.since);
        let condition = Condition {
            kind: kind.into(),
            status: status.into(),
            reason: reason.into(),
            message: message.into(),
            since,
        };
        self.0.insert(kind.to_owned(), condition);
    }

    /// Says nothing about a condition any more.
    pub fn remove(&mut self, kind: &str) {
        self.0.remove(kind);
    }

    pub fn find(&self, kind: &str) -> Option<&Condition> {
        self.0.get(kind)
    }

    pub fn is_true(&self, kind: &str) -> bool {
        self.0.get(kind).is_some_and(|condition| condition.status == "True")
    }

    /// The first condition in the chain that is not true.
    pub fn first_fault(&self) -> Option<&Condition> {
        CHAIN.iter().filter_map(|kind| self.0.get(*kind)).find(|condition| condition.status != "True")
    }

    pub fn list(&self) -> Vec<Condition> {
        ORDER.iter().filter_map(|kind| self.0.get(*kind)).cloned().collect()
    }

    /// As the Sync's status has them.
    pub fn for_status(&self, generation: Option<i64>) -> Vec<SyncCondition> {
        let write = |condition: Condition| SyncCondition {
            kind: condition.kind.into(),
            status: condition.status.into(),
            reason: condition.reason.into(),
            message: condition.message.into(),
            last_transition_time: condition.since.to_rfc3339_opts(SecondsFormat::Secs, true),
            observed_generation: generation,
        };
        self.list().into_iter().map(write).collect()
    }
}
