//! One Sync's part of a line: what its facts say together, in whatever order they came.

use chrono::{DateTime, Utc};

use super::{Fact, FactKind, Knot, KnotState, RolloutKey, RolloutLine, Station};
use crate::health::HealthStatus;

type At = DateTime<Utc>;

/// What the facts of one Sync amount to.
#[derive(Debug, Default)]
pub(super) struct Rollout {
    applied_at: Option<At>,
    /// A verdict on health of any kind shows that the tag was applied by then.
    judged_at: Option<At>,
    healthy_at: Option<At>,
    failed: Option<(At, String)>,
    health: Option<(At, HealthStatus, Option<String>)>,
    skipped_at: Option<At>,
    retired_at: Option<At>,
}

impl Rollout {
    pub(super) fn take(&mut self, fact: &Fact) {
        let at = fact.happened_at();
        match &fact.kind {
            FactKind::Applied { .. } => earliest(&mut self.applied_at, at),
            FactKind::ApplyFailed { message, .. } => newest(&mut self.failed, (fact.at, message.clone())),
            FactKind::Health { status, reason, .. } => {
                earliest(&mut self.judged_at, at);
                if *status == HealthStatus::Healthy {
                    earliest(&mut self.healthy_at, at);
                }
                newest(&mut self.health, (fact.at, *status, reason.clone()));
            }
            FactKind::Skipped { .. } => earliest(&mut self.skipped_at, at),
            FactKind::RolloutRetired { .. } => earliest(&mut self.retired_at, at),
            _ => {}
        }
    }

    /// When it was applied, at the latest.
    pub(super) fn applied_at(&self) -> Option<At> {
        self.applied_at.into_iter().chain(self.judged_at).min()
    }

    /// When its workloads were first healthy.
    pub(super) fn healthy_at(&self) -> Option<At> {
        self.healthy_at
    }

    /// When it stopped to count: skipped without having been applied, or retired before it was healthy.
    pub(super) fn left_out_at(&self) -> Option<At> {
        let skipped = self.skipped_at.filter(|_| self.applied_at().is_none());
        let retired = self.retired_at.filter(|_| self.healthy_at.is_none());
        skipped.into_iter().chain(retired).min()
    }

    /// Whether it is left out because its Sync or cluster is gone.
    pub(super) fn is_retired(&self) -> bool {
        self.retired_at.is_some()
    }

    /// The earliest sign that the branch carried the change.
    pub(super) fn merged_by(&self) -> Option<At> {
        let failed = self.failed.as_ref().map(|(at, _)| *at);
        self.applied_at().into_iter().chain(failed).chain(self.skipped_at).min()
    }

    /// Where it stands on its way to `Applied`, and why it is stuck there and since when.
    pub(super) fn applying(&self) -> (KnotState, Option<String>, Option<At>) {
        match (&self.failed, self.applied_at()) {
            (_, Some(_)) => (KnotState::Done, None, None),
            (Some((at, message)), None) => (KnotState::Failed, Some(message.clone()), Some(*at)),
            (None, None) => (KnotState::Moving, None, None),
        }
    }

    /// Where it stands on its way to `Healthy`, and why it is stuck there and since when.
    pub(super) fn healing(&self) -> (KnotState, Option<String>, Option<At>) {
        if self.applied_at().is_none() {
            return (KnotState::NotYet, None, None);
        }
        if self.healthy_at.is_some() {
            return (KnotState::Done, None, None);
        }
        match &self.health {
            Some((at, HealthStatus::Degraded | HealthStatus::Missing, reason)) => {
                (KnotState::Failed, reason.clone(), Some(*at))
            }
            Some((at, HealthStatus::Suspended, reason)) => {
                let reason = reason.clone().unwrap_or_else(|| "a workload is suspended".to_owned());
                (KnotState::Waiting, Some(reason), Some(*at))
            }
            Some((at, _, reason)) => (KnotState::Moving, reason.clone(), Some(*at)),
            None => (KnotState::Moving, None, None),
        }
    }

    pub(super) fn line(&self, rollout: &RolloutKey, merged_at: Option<At>) -> RolloutLine {
        let (applied, apply_reason, _) = self.applying();
        let (healthy, heal_reason, _) = self.healing();
        let left_out = self.left_out_at().is_some();
        let shown = |state| if left_out && state != KnotState::Done { KnotState::NotYet } else { state };
        RolloutLine {
            rollout: rollout.clone(),
            applied: Knot {
                station: Station::Applied,
                state: shown(applied),
                at: self.applied_at(),
                inferred: self.applied_at() != self.applied_at,
                took_ms: took(merged_at, self.applied_at()),
            },
            healthy: Knot {
                station: Station::Healthy,
                state: shown(healthy),
                at: self.healthy_at,
                inferred: false,
                took_ms: took(self.applied_at(), self.healthy_at),
            },
            reason: apply_reason.or(heal_reason).filter(|_| !left_out),
            left_out,
        }
    }
}

/// Milliseconds between two stations, where both are known.
pub(super) fn took(from: Option<At>, to: Option<At>) -> Option<i64> {
    Some((to? - from?).num_milliseconds())
}

pub(super) fn earliest(slot: &mut Option<At>, at: At) {
    *slot = Some(slot.map_or(at, |known| known.min(at)));
}

/// Keeps the greater value; values start with their instant, and the rest makes the choice the same in any order.
pub(super) fn newest<T: Ord>(slot: &mut Option<T>, value: T) {
    if slot.as_ref().is_none_or(|known| *known < value) {
        *slot = Some(value);
    }
}
