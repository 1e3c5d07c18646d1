//! A change: one image bump in one environment, and how it is written.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::git::Revision;

/// How a rule lets its changes be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Straight onto the branch.
    Commit,
    /// By a pull request that a person merges.
    #[default]
    PullRequest,
    /// Not at all; the change is shown only. The strictest mode: at a place that environments share it wins.
    Observe,
}

/// What keeps a chosen tag from being written, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Gate {
    /// The kind of gate.
    pub kind: GateKind,
    /// A sentence for people, naming the rule and where it stands.
    pub reason: String,
    /// When it opens by itself; `None` where a person must act.
    pub until: Option<DateTime<Utc>>,
}

/// The kinds of gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// Younger than the rule's `min_age`.
    Age,
    /// Not known to be signed by whom the rule names.
    Signature,
    /// Within a freeze.
    Freeze,
    /// Not yet healthy, or not for long enough, in the environment before.
    Promotion,
    /// Held by a person.
    Hold,
    /// Outside the schedule.
    Schedule,
    /// The limit of open proposals or of writes an hour is reached.
    Limit,
    /// The rule observes only.
    Observe,
    /// The proposal's branch belongs to a person who committed to it.
    Branch,
    /// GitHub refused the write: a protected branch, a permission that was taken.
    Refused,
    /// Something that the rule needs is broken or not built; nothing is written until it is mended.
    Broken,
}

/// Where a proposal stands in Git.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ProposalRef {
    /// A commit on the environment's branch.
    Commit {
        /// The commit.
        revision: Revision,
        /// Its page.
        url: Option<String>,
    },
    /// A pull request.
    PullRequest {
        /// Its number in the repository.
        number: u64,
        /// Its page.
        url: String,
    },
}
