//! Hooks: objects that run with each change instead of being kept.
//!
//! A change of anything in the path is a reason to run, as with Argo CD's syncs. So a hook counts as applied for what it
//! says itself and for everything else that the path holds; the inventory keeps both in one hash, and a restart runs
//! nothing twice.

use serde::{Deserialize, Serialize};

use crate::{DesiredObject, ObjectKey, hash_text};

/// What becomes of a hook when it has run. It is made anew for each run in any case, which is Argo CD's
/// `BeforeHookCreation`: a Job that has run does not run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hook {
    /// Whether it is deleted when it succeeded.
    pub delete_succeeded: bool,
    /// Whether it is deleted when it failed.
    pub delete_failed: bool,
}

impl Hook {
    /// Whether what has ended so is deleted.
    pub fn deletes(self, end: &HookEnd) -> bool {
        match end {
            HookEnd::Succeeded => self.delete_succeeded,
            HookEnd::Failed { .. } => self.delete_failed,
        }
    }
}

/// How a hook ended. A failure is kept only where the hook is deleted for it; else the object itself says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HookEnd {
    /// It did what it is for.
    Succeeded,
    /// It did not.
    Failed {
        /// What was seen of it.
        reason: String,
    },
}

/// The hooks that are to be deleted, by how each of all has ended. What succeeded stays until every hook of its phase
/// has: a Job may need the account that came with it.
pub fn ended_hooks<'a>(
    desired: impl Iterator<Item = &'a DesiredObject> + Clone,
    end_of: impl Fn(&DesiredObject) -> Option<&'a HookEnd>,
) -> Vec<&'a ObjectKey> {
    let hooks = desired.filter_map(|object| Some((object, object.order.hook?)));
    let is_over = |object: &DesiredObject| {
        let mut all = hooks.clone().filter(|(other, _)| other.order.phase == object.order.phase);
        all.all(|(other, _)| end_of(other) == Some(&HookEnd::Succeeded))
    };
    let is_due = |object: &DesiredObject, hook: Hook| match end_of(object) {
        Some(end @ HookEnd::Failed { .. }) => hook.deletes(end),
        Some(end @ HookEnd::Succeeded) => hook.deletes(end) && is_over(object),
        None => false,
    };
    hooks.clone().filter(|(object, hook)| is_due(object, *hook)).map(|(object, _)| &object.key).collect()
}

/// A hash of everything that hooks run for: the objects that are no hooks, in any order.
pub fn run_of<'a>(desired: impl Iterator<Item = &'a DesiredObject>) -> String {
    let kept = desired.filter(|object| object.order.hook.is_none());
    let mut hashes: Vec<&str> = kept.map(|object| object.manifest.as_str()).collect();
    hashes.sort_unstable();
    hash_text(hashes.join("\n"))
}

/// The hash under which a hook with this manifest is known in this run.
pub fn hook_manifest(manifest: &str, run: &str) -> String {
    hash_text(format!("{manifest}\n{run}"))
}
