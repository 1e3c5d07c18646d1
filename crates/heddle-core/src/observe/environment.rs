//! Which environment a Sync is shown under, and which Syncs a place rolls out to.

use super::Tracked;
use crate::{git::BranchName, name::EnvironmentName, pipeline::RolloutKey};

/// An environment's name, path and branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentPath {
    /// Its name.
    pub name: EnvironmentName,
    /// Its path, without slashes at its ends; empty for the root.
    pub path: String,
    /// Its branch.
    pub branch: BranchName,
}

/// A Sync that follows the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowingSync {
    /// The Sync.
    pub key: RolloutKey,
    /// The branch it follows.
    pub branch: BranchName,
    /// The path it follows, without slashes at its ends.
    pub path: String,
}

/// The environment with the longest path that holds `path` on `branch`.
pub fn environment_of<'a>(
    environments: &'a [EnvironmentPath],
    branch: &BranchName,
    path: &str,
) -> Option<&'a EnvironmentPath> {
    environments
        .iter()
        .filter(|environment| environment.branch == *branch && holds(&environment.path, path))
        .max_by_key(|environment| environment.path.len())
}

/// The environment that a Sync is shown under where none covers its path.
pub fn implicit_environment(branch: &BranchName, path: &str) -> EnvironmentPath {
    EnvironmentPath { name: EnvironmentName::implicit_for(path), path: path.to_owned(), branch: branch.clone() }
}

/// The Syncs that a change rolls out to: those shown under its environment on its branch.
///
/// A Sync that follows only a part of the environment's path is left out when the environment's own files that the
/// change writes all lie beside that part. Files outside the environment's path (shared bases) reach all its Syncs.
pub fn rollouts_of(change: &Tracked, environments: &[EnvironmentPath], syncs: &[FollowingSync]) -> Vec<RolloutKey> {
    let mut rollouts: Vec<RolloutKey> = syncs
        .iter()
        .filter(|sync| sync.branch == change.branch)
        .filter(|sync| {
            let implicit = implicit_environment(&sync.branch, &sync.path);
            let environment = environment_of(environments, &sync.branch, &sync.path).unwrap_or(&implicit);
            environment.name == change.environment
                && (change.places.is_empty()
                    || change
                        .places
                        .iter()
                        .any(|place| !holds(&environment.path, &place.file) || holds(&sync.path, &place.file)))
        })
        .map(|sync| sync.key.clone())
        .collect();
    rollouts.sort();
    rollouts.dedup();
    rollouts
}

/// Whether `inner` is `outer` or lies below it.
fn holds(outer: &str, inner: &str) -> bool {
    outer.is_empty() || inner == outer || inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}
