//! The line of a change: pushed → proposed → merged → applied → healthy, computed from facts and nothing else.

mod line;
mod revision;
mod rollout;
#[cfg(test)]
mod tests;

pub use line::line;
pub use revision::{
    AppliedRevision, Left, RevisionEnd, RevisionHistory, RevisionInSync, RevisionLine, RevisionSyncLine, SyncNow,
    revision_line,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    change::{Gate, ProposalRef},
    git::Revision,
    health::HealthStatus,
    id::ClusterId,
    name::SyncName,
};

/// One Sync that a change rolls out to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutKey {
    /// The cluster.
    pub cluster: ClusterId,
    /// The Sync in it.
    pub sync: SyncName,
}

/// How finely the clock counts that says when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Clock {
    /// As finely as ours.
    Fine,
    /// Whole seconds, as the times of commits and GitHub's are: what happened in the middle of one has its beginning.
    WholeSeconds,
}

/// Something that was seen to happen to a change. Facts arrive in any order and more than once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// What happened.
    pub kind: FactKind,
    /// When, by the clock of its source.
    pub at: DateTime<Utc>,
    /// What `at` is worth.
    pub clock: Clock,
    /// When we heard of it, by our clock.
    pub seen_at: DateTime<Utc>,
}

impl Fact {
    /// When it happened, as a line shows it: `at`, and within a second that its source did not divide, when we heard of
    /// it, at the latest the second's end.
    pub fn happened_at(&self) -> DateTime<Utc> {
        match self.clock {
            Clock::Fine => self.at,
            Clock::WholeSeconds => self.seen_at.clamp(self.at, self.at + LAST_OF_A_SECOND),
        }
    }
}

/// From the beginning of a second to its last millisecond.
const LAST_OF_A_SECOND: TimeDelta = TimeDelta::milliseconds(999);

/// What can happen to a change.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum FactKind {
    /// The tag was pushed to its registry, or first seen there.
    Pushed,
    /// A gate keeps the change from being written. The newest such fact counts, until the change is proposed.
    Gated {
        /// The gate.
        gate: Gate,
    },
    /// A commit or pull request carries the change.
    Proposed {
        /// Where.
        proposal: ProposalRef,
    },
    /// The environment's branch carries the tag at its place.
    Merged {
        /// The first revision known to carry it.
        revision: Revision,
        /// The person who merged, where a person did.
        by: Option<String>,
    },
    /// A person closed the pull request unmerged, or merged another value.
    Declined {
        /// The person, where known.
        by: Option<String>,
    },
    /// The branch carried the tag and then another that no newer change put there.
    Reverted {
        /// The revision that took it back.
        revision: Revision,
    },
    /// A newer tag took this one's place before it was healthy.
    Superseded {
        /// The newer tag.
        by: String,
    },
    /// Its place, environment or repository is gone.
    Retired {
        /// Why, in a sentence.
        reason: String,
    },
    /// A Sync applied a revision that contains the change, with this tag among its images.
    Applied {
        /// The Sync.
        rollout: RolloutKey,
        /// The applied revision.
        revision: Revision,
    },
    /// A Sync could not apply such a revision.
    ApplyFailed {
        /// The Sync.
        rollout: RolloutKey,
        /// The revision.
        revision: Revision,
        /// The first error, with file and line.
        message: String,
    },
    /// The verdict on the workloads that run the tag after it was applied.
    Health {
        /// The Sync.
        rollout: RolloutKey,
        /// The verdict.
        status: HealthStatus,
        /// The root cause where it is not healthy.
        reason: Option<String>,
    },
    /// The Sync reported a later revision without having shown this one.
    Skipped {
        /// The Sync.
        rollout: RolloutKey,
    },
    /// The Sync or its cluster was deleted.
    RolloutRetired {
        /// The Sync.
        rollout: RolloutKey,
    },
}

/// All that is known of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The Syncs it rolls out to, fixed at the merge; `None` before.
    pub rollouts: Option<Vec<RolloutKey>>,
    /// What happened, in any order.
    pub facts: Vec<Fact>,
    /// Why nobody reads the image's registry now, where that is so.
    pub unread: Option<Unread>,
}

/// Why a registry is not read. Until it is, no update writes the image anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// In a sentence, with the remedy.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The five stations, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Station {
    /// The tag is in its registry.
    Pushed,
    /// A commit or pull request carries it.
    Proposed,
    /// The environment's branch carries it.
    Merged,
    /// Every Sync of the place applied it.
    Applied,
    /// Its workloads are healthy everywhere.
    Healthy,
}

/// The state of a knot of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KnotState {
    /// Reached.
    Done,
    /// Happening now.
    Moving,
    /// Waiting for a person or a rule.
    Waiting,
    /// Stuck on a fault.
    Failed,
    /// Not yet, or never where the change has ended.
    NotYet,
}

impl KnotState {
    /// What of several parts stands for all: the worst, which weighs least.
    fn weight(self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Waiting => 1,
            Self::Moving => 2,
            Self::NotYet => 3,
            Self::Done => 4,
        }
    }
}

/// One station of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Knot {
    /// Which station.
    pub station: Station,
    /// Its state.
    pub state: KnotState,
    /// When it was reached.
    pub at: Option<DateTime<Utc>>,
    /// Whether `at` was inferred from a later station.
    pub inferred: bool,
    /// Milliseconds from the station before.
    pub took_ms: Option<i64>,
}

/// How a change ended. An end is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Healthy everywhere.
    Healthy,
    /// A newer tag took its place.
    Superseded,
    /// A person said no.
    Declined,
    /// A person took it back.
    Reverted,
    /// Its place is gone.
    Retired,
    /// Merged, and no cluster follows this place.
    NoCluster,
}

/// How one Sync is doing with a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutLine {
    /// The Sync.
    pub rollout: RolloutKey,
    /// Applied.
    pub applied: Knot,
    /// Healthy.
    pub healthy: Knot,
    /// Why it is stuck there.
    pub reason: Option<String>,
    /// It counts no more: skipped, or its cluster was deleted.
    pub left_out: bool,
}

/// The line of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// The five knots, in order.
    pub knots: Vec<Knot>,
    /// How it ended, if it did.
    pub end: Option<End>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What it waits for, in a sentence, where it has not ended.
    pub reason: Option<String>,
    /// Since when it waits for that.
    pub since: Option<DateTime<Utc>>,
    /// Each Sync by itself.
    pub rollouts: Vec<RolloutLine>,
}
