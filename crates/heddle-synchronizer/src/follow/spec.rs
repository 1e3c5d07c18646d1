//! The spec of a Sync, read.

use std::time::Duration;

use heddle_core::git::{BranchName, RepoUrl};
use heddle_kube::sync::SyncSpec;
use heddle_wire::{agent::Source, text::MAX_PATH_BYTES};
use url::Url;

use crate::interval::read_interval;

/// What a Sync follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    pub address: Url,
    pub repository: RepoUrl,
    pub branch: BranchName,
    /// Without slashes at its ends.
    pub path: String,
    pub interval: Duration,
}

impl Spec {
    /// Reads what the API server let through; a fault comes as a sentence.
    pub fn read(spec: &SyncSpec) -> Result<Self, String> {
        let address =
            Url::parse(&spec.repository).map_err(|error| format!("`spec.repository` is no address: {error}"))?;
        let repository = RepoUrl::try_from(spec.repository.clone()).map_err(|error| error.to_string())?;
        let branch = spec.branch.parse().map_err(|error| format!("`spec.branch`: {error}"))?;
        let interval = read_interval(&spec.interval)
            .ok_or_else(|| format!("`spec.interval` is `{}`: write it like `90s`, `1m` or `1h30m`", spec.interval))?;
        if spec.path.len() > MAX_PATH_BYTES || spec.path.chars().any(char::is_control) {
            return Err(format!("`spec.path` is at most {MAX_PATH_BYTES} bytes long and holds no control characters"));
        }
        Ok(Self { address, repository, branch, path: spec.path.trim_matches('/').to_owned(), interval })
    }

    /// As it is told.
    pub fn source(&self) -> Source {
        Source { repository: self.repository.clone(), branch: self.branch.clone(), path: self.path.as_str().into() }
    }
}
