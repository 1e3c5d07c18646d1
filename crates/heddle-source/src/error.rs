//! Why a revision could not be fetched or read. No message holds a credential.

use heddle_core::git::{BranchName, Revision};

use crate::{
    PathError, TreePath,
    limits::{MAX_FILE_BYTES, MAX_OBJECT_BYTES},
};

/// Why a fetch failed, in the terms in which a caller acts.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address itself is wrong; nothing was sent.
    #[error("the repository's address is refused: {reason}")]
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The repository has no such branch.
    #[error("the repository has no branch `{branch}`")]
    BranchMissing {
        /// The branch that was asked for.
        branch: BranchName,
    },
    /// The repository does not give this commit.
    #[error("the repository has no commit {commit}, or does not give single commits: name one of a branch or a tag")]
    CommitMissing {
        /// The commit that was asked for.
        commit: Revision,
    },
    /// The host wants a login, or refuses this one. A new token may help.
    #[error("the git host refused the login (401): a credential is missing, expired or wrong")]
    Unauthorized,
    /// The login is good and may not read this repository.
    #[error("the git host forbids reading this repository (403)")]
    Forbidden,
    /// No such repository, or one that the login may not see: hosts answer both alike.
    #[error("the git host knows no such repository, or does not show it to this login (404)")]
    NotFound,
    /// The host did not answer, or answered with a fault of its own. Retry later.
    #[error("the git host cannot be reached: {reason}")]
    Unreachable {
        /// The root cause.
        reason: String,
    },
    /// It took too long. Retry later.
    #[error("the fetch took longer than {limit_secs} s")]
    TimedOut {
        /// The limit that was passed.
        limit_secs: u64,
    },
    /// The host sends more than is ever taken.
    #[error("the fetch brought more than {limit_mib} MiB: keep large files elsewhere, or move the manifests out")]
    TooLarge {
        /// The limit that was passed.
        limit_mib: u64,
    },
    /// The repository holds an object that is too large to be unpacked, or too many of them.
    #[error(
        "the repository holds an object of more than {limit_mib} MiB, or more objects than fit: keep large files elsewhere"
    )]
    ObjectTooLarge {
        /// The limit of one object.
        limit_mib: u64,
    },
    /// The host leads to another one. Nothing was read there, and no login was sent.
    #[error("the git host leads to another host, `{host}`: if that is meant, follow it by its own address")]
    Redirected {
        /// The other host.
        host: String,
    },
    /// The address, or one that it leads to, may not be asked.
    #[error("{reason}")]
    Refused {
        /// Why not, and what to do.
        reason: String,
    },
    /// It is not what it is to be.
    #[error("it has the SHA-256 {found}: if that is meant, write it behind `#sha256=`")]
    OtherContent {
        /// That of what was sent.
        found: String,
    },
    /// The local store cannot be used.
    #[error("the local store of repositories cannot be used")]
    Store(#[source] std::io::Error),
    /// Nothing a caller can mend.
    #[error("git failed: {0}")]
    Other(String),
}

impl FetchError {
    /// Whether a new credential may help.
    pub fn is_about_credentials(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Forbidden | Self::NotFound)
    }

    /// Maps gix's error once, by what the transport saw.
    pub(crate) fn from_gix(error: gix::Error) -> Self {
        if error.is_unauthenticated() {
            return Self::Unauthorized;
        }
        if error.is_resource_exhausted() {
            return Self::ObjectTooLarge { limit_mib: MAX_OBJECT_BYTES >> 20 };
        }
        let http = error.downcast_any_ref::<reqwest::Error>();
        match http.and_then(reqwest::Error::status).map(|status| status.as_u16()) {
            Some(401) => return Self::Unauthorized,
            Some(403) => return Self::Forbidden,
            Some(404 | 410) => return Self::NotFound,
            Some(status @ (429 | 500..)) => return Self::Unreachable { reason: format!("it answered {status}") },
            _ => {}
        }
        let reason = root_cause(error.probable_cause());
        let transport = error.iter_errors().any(|error| error.is::<gix::protocol::transport::client::Error>());
        if http.is_some() || transport || error.is_retryable() {
            Self::Unreachable { reason }
        } else {
            Self::Other(reason)
        }
    }
}

pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// Why a file of a fetched revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The revision has no such file.
    #[error("`{path}` does not exist in this revision")]
    Missing {
        /// The path that was asked for.
        path: TreePath,
    },
    /// The path is a directory, or a link to another repository.
    #[error("`{path}` is not a file")]
    NotAFile {
        /// The path that was asked for.
        path: TreePath,
    },
    /// A directory that holds a name that is not taken. Nothing of it is used.
    #[error("the directory `/{directory}` is refused, and so is all that was to be read with it")]
    BadTree {
        /// Where it lies.
        directory: TreePath,
        /// What is wrong.
        source: PathError,
    },
    /// There are more files than are ever listed.
    #[error(
        "there are more than {limit} files and directories: point to a smaller directory, or move what is no manifest out"
    )]
    TooManyEntries {
        /// The limit that was passed.
        limit: usize,
    },
    /// The file is larger than any that is read.
    #[error("`{path}` has {size_bytes} bytes, and at most {} MiB are read of a file", MAX_FILE_BYTES >> 20)]
    FileTooLarge {
        /// The file.
        path: TreePath,
        /// Its size.
        size_bytes: u64,
    },
    /// All files, and what renderers wrote, are together more than is ever read for one path.
    #[error("the path holds more than {limit_mib} MiB of manifests: split it, or move what is no manifest out")]
    TooManyBytes {
        /// The limit that was passed.
        limit_mib: u64,
    },
    /// An object of git is larger than any that is unpacked.
    #[error("the repository holds an object of more than {limit_mib} MiB: keep large files elsewhere")]
    ObjectTooLarge {
        /// The limit that was passed.
        limit_mib: u64,
    },
    /// The local store is damaged.
    #[error("the local store of this revision is damaged: {0}")]
    Damaged(String),
}
