//! Why GitHub did not do what it was asked.

use heddle_core::{
    Timestamp,
    git::{BranchName, Revision},
};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// Nothing was done. Come again at `retry_at`, and not before: going on is punished.
    #[error("GitHub's rate limit lasts until {retry_at}")]
    RateLimited {
        /// When to come again.
        retry_at: Timestamp,
    },
    /// The token ended, was revoked, or never was one.
    #[error("GitHub does not accept the credentials")]
    Unauthorized,
    /// The credentials do not reach that far.
    #[error("GitHub forbids it: {message}")]
    Forbidden {
        /// GitHub's words.
        message: String,
    },
    /// It does not exist, or the credentials do not see it.
    #[error("GitHub finds no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// The request makes no sense in the present state.
    #[error("GitHub refuses: {message}")]
    Refused {
        /// The status: 405, 409, 422, …; 200 for a mutation.
        status: u16,
        /// GitHub's words.
        message: String,
    },
    /// No answer, or one that blames GitHub itself. A write may have been carried out: look before trying again.
    #[error("GitHub is not available: {reason}")]
    Unavailable {
        /// What was seen, without secrets.
        reason: String,
    },
    /// The answer has another form than GitHub documents.
    #[error("GitHub's answer about {what} cannot be read")]
    Unreadable {
        /// What was asked for.
        what: String,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// An address, a certificate or a key that was given is broken.
    #[error("{what} cannot be used: {reason}")]
    Setup {
        /// What was given.
        what: &'static str,
        /// What is wrong with it, without the thing itself.
        reason: String,
    },
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The branch is not where it was expected to be. Nothing was written; read the files again.
    #[error("branch `{branch}` is no longer at {expected}")]
    Moved {
        /// The branch.
        branch: BranchName,
        /// Where it should have been.
        expected: Revision,
    },
    /// A branch that was to be made exists already. Nothing was written.
    #[error("branch `{branch}` exists already")]
    Exists {
        /// The branch.
        branch: BranchName,
    },
    /// The edits leave every file as it is. Nothing was written: GitHub closes a pull request that changes nothing.
    #[error("the edits change nothing")]
    NothingChanged,
    /// Nothing was written. Come again at `retry_at`.
    #[error("GitHub's rate limit lasts until {retry_at}")]
    RateLimited {
        /// When to come again.
        retry_at: Timestamp,
    },
    /// Everything else. After [`GitHubError::Unavailable`] the commit may have been made.
    #[error(transparent)]
    Other(GitHubError),
}

impl From<GitHubError> for CommitError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::RateLimited { retry_at } => Self::RateLimited { retry_at },
            other => Self::Other(other),
        }
    }
}
