//! What is applied: a revision, and of what. A revision of another repository, branch or path says nothing of what a Sync
//! follows now.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use heddle_core::git::Revision;
use heddle_kube::sync::{AppliedSource, SyncStatus};
use heddle_reconcile::DesiredObject;
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

/// What a whole revision was made of, by two small numbers an object: enough to count what the next one changes, and little
/// beside the objects themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prints(BTreeMap<u64, u64>);

impl Prints {
    /// Of these objects.
    pub fn of<'a>(objects: impl Iterator<Item = &'a DesiredObject>) -> Self {
        Self(objects.map(|object| (number(&object.key), number(&object.manifest))).collect())
    }

    /// How many objects came, left or are different here than in `before`.
    pub fn count_changed(&self, before: &Self) -> u64 {
        let (now, before) = (&self.0, &before.0);
        let new = now.iter().filter(|(key, manifest)| before.get(key) != Some(manifest)).count();
        let gone = before.keys().filter(|key| !now.contains_key(key)).count();
        (new + gone) as u64
    }
}

fn number(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
