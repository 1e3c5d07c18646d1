//! Pull requests, as their host tells of them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::git::{BranchName, Revision};

/// A pull request that brought a commit, or is to bring it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BringingPullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its page.
    pub url: String,
    /// The login of who opened it.
    pub author: String,
    /// The branch that it goes to.
    pub base: BranchName,
    /// When it was opened. Its commits were pushed then at the latest; hosts tell no earlier instant.
    pub opened_at: DateTime<Utc>,
    /// What became of it.
    pub end: PullRequestFate,
}

/// What became of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum PullRequestFate {
    /// It is open.
    Open,
    /// It was merged.
    Merged {
        /// The commit on its base that carries it: a merge, or all of it squashed.
        revision: Revision,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was closed and not merged.
    Closed {
        /// When.
        at: Option<DateTime<Utc>>,
    },
}
