//! What of a step may be applied now, and what waits until something else is healthy.
//!
//! Without annotations nothing waits: health is watched, and holds no commit up. A person who writes waves, hooks or
//! `depends-on` asks for it. Nothing is waited for inside of an apply: what waits is in the next plan again, and a later
//! commit is planned without regard to it.

use heddle_core::health::HealthStatus;

use crate::{Apply, DesiredObject, GroupKind, Phase, Plan, Reason, health::has_health};

/// How far an object is, as those that come after it ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is applied, and healthy or of a kind that has no health.
    Done,
    /// It is applied and not healthy yet.
    Underway {
        /// Whether it is known not to come further by itself, as with an image that cannot be pulled.
        is_stuck: bool,
    },
    /// It is degraded; of a hook: it failed.
    Broken,
    /// It is not applied: it could not be, or waits itself.
    NotApplied,
}

impl Progress {
    /// How far an object that is applied is, by its health; `is_stuck` is known from its pods.
    ///
    /// A claim that nobody uses yet counts as done: many are bound only when a pod asks for them, and the pod may be of a
    /// later wave (argo-cd#12840).
    pub fn of(kind: &GroupKind, status: HealthStatus, is_stuck: bool) -> Self {
        let is_claim = kind.group.is_empty() && kind.kind == "PersistentVolumeClaim";
        match status {
            _ if !has_health(kind) => Self::Done,
            HealthStatus::Healthy => Self::Done,
            HealthStatus::Progressing if is_claim => Self::Done,
            HealthStatus::Degraded => Self::Broken,
            HealthStatus::Missing | HealthStatus::Suspended => Self::Underway { is_stuck: true },
            HealthStatus::Progressing | HealthStatus::Unknown | HealthStatus::Terminating => {
                Self::Underway { is_stuck }
            }
        }
    }
}

/// Why an object is not applied now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// This one, which it cannot do without, could not be applied.
    Needs(usize),
    /// This one has to be healthy first.
    Awaits(usize),
    /// What ran last under its name still runs.
    StillRuns,
}

/// An object that is not applied now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the list of desired objects.
    pub index: usize,
    /// Why.
    pub why: Why,
}

/// One step, told apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened<'a> {
    /// What may be applied now.
    pub ready: Vec<&'a Apply>,
    /// What may not.
    pub waiting: Vec<Waiting>,
}

impl Plan {
    /// Tells a step of this plan apart. All earlier ones are through: `progress` says how each object is by now.
    ///
    /// Drift is repaired at once; it waits only for what it cannot do without.
    pub fn open<'a>(
        &self,
        step: &'a [Apply],
        desired: &[DesiredObject],
        progress: impl Fn(usize) -> Progress,
    ) -> Opened<'a> {
        let mut opened = Opened::default();
        let barrier = step.first().and_then(|first| self.barrier(first.index, desired, &progress));
        for apply in step {
            let index = apply.index;
            let is_missing = |needed: &&usize| progress(**needed) == Progress::NotApplied;
            let is_behind = |needed: &&usize| progress(**needed) != Progress::Done;
            let needs = self.needs[index].iter().find(is_missing).copied().map(Why::Needs);
            let asked = || self.awaited[index].iter().find(is_behind).copied().or(barrier).map(Why::Awaits);
            let still_runs = || {
                let runs = progress(index) == Progress::Underway { is_stuck: false };
                (desired[index].order.hook.is_some() && runs).then_some(Why::StillRuns)
            };
            let why = match apply.reason {
                Reason::Drifted => needs,
                Reason::New | Reason::Changed => needs.or_else(asked).or_else(still_runs),
            };
            match why {
                Some(why) => opened.waiting.push(Waiting { index, why }),
                None => opened.ready.push(apply),
            }
        }
        opened
    }

    /// Of all that belongs to an earlier phase or wave than this object, the one that is farthest from being healthy.
    fn barrier(&self, index: usize, desired: &[DesiredObject], progress: impl Fn(usize) -> Progress) -> Option<usize> {
        let moment = self.moments[index];
        let earlier = (0..desired.len()).filter(|other| self.moments[*other] < moment);
        let counts = |other: &usize| desired[*other].order.phase != Phase::SyncFail;
        let behind = earlier.filter(counts).filter_map(|other| Some((rank(progress(other))?, other)));
        behind.min().map(|(_, other)| other)
    }
}

/// What people want to hear of first.
fn rank(progress: Progress) -> Option<u8> {
    match progress {
        Progress::Broken => Some(0),
        Progress::NotApplied => Some(1),
        Progress::Underway { is_stuck: true } => Some(2),
        Progress::Underway { is_stuck: false } => Some(3),
        Progress::Done => None,
    }
}

#[cfg(test)]
mod tests;
