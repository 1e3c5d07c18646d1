//! The conditions of a Sync: what each stage has to say, and since when it holds.

mod said;

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use heddle_core::git::Revision;
use heddle_kube::sync::SyncCondition;
use heddle_wire::agent::Condition;

pub(in crate::sync) use said::{
    Said, applying, bad_spec, compared, fetched, fought_over, generated, healthy, leftovers, manifest,
    other_controller, progress, ready, remote_bases, rendered, take_over, unwatched,
};

/// What a condition is about, in the order in which people read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sync) enum ConditionKind {
    Ready,
    Reconciling,
    Stalled,
    Fetched,
    Rendered,
    Applied,
    Pruned,
    Healthy,
    Watched,
    InstallManifest,
    Leftovers,
    TakeOver,
    Generated,
    OtherController,
    RemoteBases,
    FoughtOver,
}

impl ConditionKind {
    const ALL: [Self; 16] = [
        Self::Ready,
        Self::Reconciling,
        Self::Stalled,
        Self::Fetched,
        Self::Rendered,
        Self::Applied,
        Self::Pruned,
        Self::Healthy,
        Self::Watched,
        Self::InstallManifest,
        Self::Leftovers,
        Self::TakeOver,
        Self::Generated,
        Self::OtherController,
        Self::RemoteBases,
        Self::FoughtOver,
    ];

    /// What a Sync has to be to be ready, one after the other.
    const CHAIN: [Self; 5] = [Self::Fetched, Self::Rendered, Self::Applied, Self::Pruned, Self::Healthy];

    fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Fetched => "Fetched",
            Self::Rendered => "Rendered",
            Self::Applied => "Applied",
            Self::Pruned => "Pruned",
            Self::Healthy => "Healthy",
            Self::Watched => "Watched",
            Self::InstallManifest => "InstallManifest",
            Self::Leftovers => "Leftovers",
            Self::TakeOver => "TakeOver",
            Self::Generated => "Generated",
            Self::OtherController => "OtherController",
            Self::RemoteBases => "RemoteBases",
            Self::FoughtOver => "FoughtOver",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is said of a Sync now, and since when.
#[derive(Debug, Default)]
pub(in crate::sync) struct Conditions(BTreeMap<ConditionKind, ConditionState>);

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ConditionState {
    /// `None` is `Unknown`.
    status: Option<bool>,
    reason: String,
    message: String,
    since: DateTime<Utc>,
    /// Whether it is not going to pass by itself, where it is not as it should be.
    is_lasting: bool,
}

impl Conditions {
    /// Goes on from what the status said before the process began.
    pub fn from_status(conditions: &[SyncCondition]) -> Self {
        let read = |condition: &SyncCondition| {
            let status = match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            };
            let state = ConditionState {
                status,
                reason: condition.reason.clone(),
                message: condition.message.clone(),
                since: condition.last_transition_time.parse().ok()?,
                is_lasting: false,
            };
            Some((ConditionKind::read(&condition.kind)?, state))
        };
        Self(conditions.iter().filter_map(read).collect())
    }

    /// Takes in what is said now. The time of a condition changes with its status alone.
    pub fn say(&mut self, said: Said, now: DateTime<Utc>) {
        let Said { kind, status, reason, message, is_lasting } = said;
        let since = self.0.get(&kind).filter(|before| before.status == status).map_or(now, |before| before.since);
        self.0.insert(kind, ConditionState { status, reason, message, since, is_lasting });
    }

    /// Takes in what there is to say about a condition that most of the time is not there.
    pub fn say_if(&mut self, kind: ConditionKind, said: Option<Said>, now: DateTime<Utc>) {
        match said {
            Some(said) => self.say(said, now),
            None => drop(self.0.remove(&kind)),
        }
    }

    /// Says what follows from all others: whether the Sync is ready, on its way or stuck.
    pub fn conclude(&mut self, is_suspended: bool, applied: Option<&Revision>, now: DateTime<Utc>) {
        let ready = ready(self, is_suspended, applied);
        let (reconciling, stalled) = progress(&ready, is_suspended);
        self.say(ready, now);
        self.say_if(ConditionKind::Reconciling, reconciling, now);
        self.say_if(ConditionKind::Stalled, stalled, now);
    }

    /// Whether a condition is `True`.
    pub fn is_true(&self, kind: ConditionKind) -> bool {
        self.0.get(&kind).is_some_and(|state| state.status == Some(true))
    }

    /// The sentence of a condition.
    pub fn message_of(&self, kind: ConditionKind) -> Option<&str> {
        self.0.get(&kind).map(|state| state.message.as_str())
    }

    /// The first condition in the chain that is not as it should be.
    fn first_fault(&self) -> Option<&ConditionState> {
        let mut chain = ConditionKind::CHAIN.iter().filter_map(|kind| self.0.get(kind));
        let fault = chain.find(|state| state.status != Some(true));
        // This one is there only while it is true.
        fault.or_else(|| self.0.get(&ConditionKind::FoughtOver))
    }

    /// Every condition that there can be, and whether it is `True`.
    pub fn truths(&self) -> impl Iterator<Item = (&'static str, bool)> {
        ConditionKind::ALL.into_iter().map(|kind| (kind.as_str(), self.is_true(kind)))
    }

    /// As the report has them. `Reconciling` and `Stalled` say for tools on the cluster what `Ready` says.
    pub fn for_report(&self) -> Vec<Condition> {
        let is_for_tools = |kind: &ConditionKind| matches!(kind, ConditionKind::Reconciling | ConditionKind::Stalled);
        self.list(|kind| !is_for_tools(kind))
    }

    fn list(&self, is_meant: impl Fn(&ConditionKind) -> bool) -> Vec<Condition> {
        let write = |(kind, state): (&ConditionKind, &ConditionState)| Condition {
            kind: kind.as_str().into(),
            status: status_word(state.status).into(),
            reason: state.reason.as_str().into(),
            message: state.message.as_str().into(),
            since: state.since,
        };
        self.0.iter().filter(|(kind, _)| is_meant(kind)).map(write).collect()
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
        self.list(|_| true).into_iter().map(write).collect()
    }
}

fn status_word(status: Option<bool>) -> &'static str {
    match status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    }
}

#[cfg(test)]
pub(super) mod tests;
