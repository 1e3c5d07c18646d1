//! What is applied: a revision, and of what. A revision of another repository, branch or path says nothing of what a Sync
//! follows now.

use heddle_core::git::Revision;
use heddle_kube::sync::{AppliedSource, SyncStatus};
use heddle_wire::agent::Source;

use super::spec::Spec;

/// A revision that was fully applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    /// What was followed then.
    pub source: Source,
    /// The revision.
    pub revision: Revision,
}

impl Applied {
    /// What the status says. An earlier release wrote no source: its revision was of what the spec says.
    pub fn read(status: &SyncStatus, spec: &Result<Spec, String>) -> Option<Self> {
        let revision = status.applied_revision.clone()?.try_into().ok()?;
        let source = match &status.applied_source {
            None => spec.as_ref().ok()?.source(),
            Some(AppliedSource { repository, branch, path }) => Source {
                repository: repository.parse().ok()?,
                branch: branch.parse().ok()?,
                path: path.as_str().into(),
            },
        };
        Some(Self { source, revision })
    }

    /// The revision, where it is one of what a spec follows. What cannot be read follows what was followed before.
    pub fn of(&self, spec: &Result<Spec, String>) -> Option<&Revision> {
        let is_same = spec.as_ref().map_or(true, |spec| spec.source() == self.source);
        is_same.then_some(&self.revision)
    }

    /// The source, as the status has it.
    pub fn source_for_status(&self) -> AppliedSource {
        let Source { repository, branch, path } = &self.source;
        AppliedSource { repository: repository.to_string(), branch: branch.to_string(), path: path.to_string() }
    }
}

#[cfg(test)]
mod tests;
