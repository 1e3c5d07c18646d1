//! How much the next report says, after one that the API did not take. Plain values.

use heddle_wire::agent::{MAX_SYNCS, MAX_WORKLOADS, SyncReport};

/// Why the API does not take a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is too large, for the API or for something on the way.
    #[error("it is too large: {0}")]
    TooLarge(String),
    /// Its content is refused.
    #[error("it is refused: {0}")]
    Content(String),
    /// The API failed at it again and again, which may be the report's fault or not.
    #[error("the API failed at it each time: {0}")]
    Failing(String),
}

/// What to do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Say it in smaller reports.
    Smaller,
    /// It is the one thing that the API does not take: set it aside.
    Reject,
}

/// How many things (facts, states, the list of the Syncs that are there) a report says.
#[derive(Debug)]
pub(super) struct Portion {
    most: usize,
    /// A report that said nothing was taken, so an API that fails at a single thing does not fail at everything.
    is_api_well: bool,
}

impl Default for Portion {
    fn default() -> Self {
        Self { most: usize::MAX, is_api_well: false }
    }
}

impl Portion {
    pub fn most(&self) -> usize {
        self.most
    }

    /// A report of so many things was taken.
    pub fn taken(&mut self, items: usize) {
        *self = match (self.most, items) {
            (0, _) => Self { most: 1, is_api_well: true },
            _ => Self::default(),
        };
    }

    /// A report of so many things was not taken.
    pub fn refused(&mut self, items: usize, refusal: &Refusal) -> Step {
        let may_be_the_api = matches!(refusal, Refusal::Failing(_)) && !self.is_api_well;
        match items {
            0 | 1 if may_be_the_api => {
                self.most = 0;
                Step::Smaller
            }
            0 | 1 => {
                *self = Self::default();
                Step::Reject
            }
            _ => {
                self.most = items / 2;
                Step::Smaller
            }
        }
    }
}

/// The room for states in a report.
pub(super) struct Room {
    syncs: usize,
    workloads: usize,
    bytes: usize,
    is_empty: bool,
}

impl Room {
    pub fn new(most: usize, bytes: usize) -> Self {
        Self { syncs: most.min(MAX_SYNCS), workloads: MAX_WORKLOADS, bytes, is_empty: true }
    }

    /// Takes a state in, if it fits. The first is taken whatever its size: one that fits nowhere is the API's to refuse, and
    /// one that was never sent would wait for ever, with all that stand behind it.
    pub fn take(&mut self, state: &SyncReport) -> bool {
        let bytes = serde_json::to_vec(state).map_or(usize::MAX, |text| text.len());
        let workloads = state.count_workloads();
        let fits = workloads <= self.workloads && bytes <= self.bytes;
        if self.syncs == 0 || !(fits || self.is_empty) {
            return false;
        }
        *self = Self {
            syncs: self.syncs - 1,
            workloads: self.workloads.saturating_sub(workloads),
            bytes: self.bytes.saturating_sub(bytes),
            is_empty: false,
        };
        true
    }
}

#[cfg(test)]
mod tests;
