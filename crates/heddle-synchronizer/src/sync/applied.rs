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
mod tests {
    use heddle_kube::sync::SyncSpec;

    use super::*;

    fn spec(branch: &str, path: &str) -> Result<Spec, String> {
        let spec = serde_json::json!({"repository": "https://example.org/acme/config", "branch": branch, "path": path});
        Spec::read(&serde_json::from_value::<SyncSpec>(spec).unwrap(), "heddle-system")
    }

    fn status(source: Option<AppliedSource>) -> SyncStatus {
        SyncStatus { applied_revision: Some("a".repeat(40)), applied_source: source, ..SyncStatus::default() }
    }

    #[test]
    fn a_revision_of_another_source_is_none_of_what_is_followed_now() {
        let applied = Applied::read(&status(None), &spec("main", "apps")).unwrap();
        assert!(applied.of(&spec("main", "/apps/")).is_some());
        assert_eq!(applied.of(&spec("next", "apps")), None);
        assert_eq!(applied.of(&spec("main", "other")), None);
        assert!(applied.of(&spec("a..b", "apps")).is_some(), "what cannot be read has changed nothing");
        // The process begins anew after the spec was edited.
        let written = status(Some(applied.source_for_status()));
        assert_eq!(Applied::read(&written, &spec("next", "apps")).unwrap(), applied);
        assert_eq!(Applied::read(&SyncStatus::default(), &spec("main", "apps")), None);
    }
}
