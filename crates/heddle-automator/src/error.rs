//! Why a piece of work ended without its result, and what people read of it.

use chrono::{DateTime, Utc};
use heddle_client::ClientError;
use heddle_github::{CommitError, GitHubError};
use heddle_source::{FetchError, ReadError};

/// Why a piece of work ended without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The work is somebody else's now. Nothing more is reported.
    #[error("the lease was lost")]
    LeaseLost,
    /// The branch moved while it was read or written; a read is due.
    #[error("the branch moved")]
    Moved,
    /// The API took tags for rules that are not those at the head; a read is due.
    #[error(
        "the rules or images at the head are not those that were read last, so no tag is chosen before they are read again"
    )]
    OtherRules,
    /// The API did not take it.
    #[error("the API failed")]
    Api(#[source] ClientError),
    /// Git.
    #[error("the repository could not be fetched")]
    Fetch(#[from] FetchError),
    /// The local clone.
    #[error("the local clone could not be read")]
    Store(#[from] ReadError),
    /// GitHub.
    #[error("GitHub failed")]
    GitHub(#[source] GitHubError),
    /// GitHub asks for patience.
    #[error("GitHub's rate limit lasts until {0}")]
    RateLimited(DateTime<Utc>),
    /// It took longer than its kind of work may.
    #[error("it was not done within {secs} s")]
    Overdue {
        /// The limit, in seconds.
        secs: u64,
    },
    /// What cannot happen unless a task panicked.
    #[error("{0}")]
    Other(String),
}

impl From<ClientError> for WorkError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::LeaseLost => Self::LeaseLost,
            other => Self::Api(other),
        }
    }
}

impl From<GitHubError> for WorkError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::RateLimited { retry_at } => Self::RateLimited(retry_at),
            other => Self::GitHub(other),
        }
    }
}

impl From<CommitError> for WorkError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Moved { .. } => Self::Moved,
            CommitError::RateLimited { retry_at } => Self::RateLimited(retry_at),
            CommitError::Other(error) => Self::GitHub(error),
            other => Self::Other(other.to_string()),
        }
    }
}

impl WorkError {
    /// When the work may be tried again, where that is known.
    pub fn retry_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::RateLimited(at) => Some(*at),
            // The read that is due now sees the new head.
            Self::Moved => Some(Utc::now()),
            _ => None,
        }
    }

    /// The failure for people: our words and those of its cause.
    pub fn sentence(&self) -> String {
        chain(self).chars().take(500).collect()
    }
}

/// An error with its causes, once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}
