//! What reads of a repository and reports of a cluster say about changes: new facts, and nothing else.
//!
//! Pure: what was known and what is seen now come in as values, facts go out. Saying the same thing twice is allowed,
//! whoever stores facts drops repeats.

mod barred;
mod environment;
mod read;
mod report;

use chrono::{DateTime, Utc};

pub use barred::{BarredTag, PastChange, TakenBack, barred};
pub use environment::{EnvironmentPath, FollowingSync, environment_of, implicit_environment, rollouts_of};
pub use read::{HeadRevision, PlacedImage, PullRequestEnd, ReadView, changes_of, read, taken_back};
pub use report::{Deployed, DeployedWhat, Rolling, report};

use crate::{
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, ProposalId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    pipeline::{Clock, FactKind, RolloutKey},
    place::Place,
};

/// A change as far as it is known when something new is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// The change.
    pub id: ChangeId,
    /// Its number; a newer change has a higher one.
    pub sequence: i64,
    /// Its branch.
    pub branch: BranchName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its effective image.
    pub image: ImageRepository,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest it goes to, where it pins one.
    pub to_digest: Option<Digest>,
    /// The places it writes.
    pub places: Vec<Place>,
    /// The changes that it rolls back.
    pub rolls_back: Vec<ChangeId>,
    /// The proposal that carries it.
    pub proposal: Option<ProposalId>,
    /// The intents under which it was written or tried.
    pub intents: Vec<IntentId>,
    /// How far it came.
    pub stage: Stage,
    /// Whether its line has ended.
    pub ended: bool,
}

/// How far a change came in Git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// No commit and no pull request carries it.
    Unwritten,
    /// A commit or pull request carries it.
    Proposed,
    /// Its branch carries it since the head with this number.
    Merged {
        /// The number of the first head that contains it.
        ordinal: i64,
    },
    /// A person took it back, or it was replaced; Git has nothing more to say about it.
    Settled,
}

/// A fact that follows from what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The change it is about.
    pub change: ChangeId,
    /// The fact.
    pub fact: FactKind,
    /// When, by the clock of its source.
    pub at: DateTime<Utc>,
    /// What `at` is worth.
    pub clock: Clock,
    /// For a merge, what is fixed by it.
    pub merge: Option<Merge>,
}

/// What a merge fixes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The revision.
    pub revision: Revision,
    /// The number of the first head that contains it.
    pub ordinal: i64,
    /// The Syncs that it rolls out to.
    pub rollouts: Vec<RolloutKey>,
}

#[cfg(test)]
mod tests;
