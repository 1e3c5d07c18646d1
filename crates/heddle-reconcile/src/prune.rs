//! What may be deleted, and when a person is asked first.
//!
//! A delete needs proof of ownership: the inventory's UID and the label of the Sync on the live object. A plan that is
//! large, that takes away what holds data or other objects, or that comes from a path with nothing in it, stops until it
//! is approved by its hash.

use std::collections::BTreeSet;

use crate::{Inventory, Live, ObjectKey, hash_text, wave_of};

/// A plan of more deletes than this asks, when they are also a large share.
const MANY: usize = 10;

/// A plan of more than this share of the inventory, in percent, asks, when the deletes are also many.
const LARGE_SHARE_PERCENT: usize = 20;

/// The circumstances of a prune.
#[derive(Debug, Clone, Copy)]
pub struct PruneRules<'a> {
    /// UID of the Sync.
    pub owner: &'a str,
    /// How many objects the repository has.
    pub desired: usize,
    /// The plan that a person approved.
    pub approved: Option<&'a str>,
}

/// An object to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prune {
    /// Which.
    pub key: ObjectKey,
    /// The version under which it was applied.
    pub version: String,
    /// Its UID, which the delete demands; `None` when its apply was never confirmed and nothing watches its kind.
    pub uid: Option<String>,
    /// Whether the live object was seen to be ours. Where the watch knows nothing, it has to be looked at first.
    pub proved: bool,
}

/// A prune that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Its hash, by which it is approved.
    pub plan: String,
    /// Why it stopped.
    pub reason: String,
    /// What it would delete.
    pub objects: Vec<ObjectKey>,
}

/// What becomes of the objects that the repository does not have any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneVerdict {
    /// To delete, wave by wave: what needs others goes first.
    pub waves: Vec<Vec<Prune>>,
    /// Gone already, or not ours: the inventory forgets them.
    pub forget: Vec<ObjectKey>,
    /// Ours, and to be kept, because they say so themselves: the inventory forgets them too.
    pub kept: Vec<ObjectKey>,
    /// Waiting for a person; then nothing is deleted.
    pub stopped: Option<Stopped>,
}

/// Decides about `surplus`.
pub fn judge_prune(surplus: &[ObjectKey], inventory: &Inventory, live: &Live, rules: PruneRules<'_>) -> PruneVerdict {
    let mut verdict = PruneVerdict::default();
    let mut deletes = Vec::new();
    for key in surplus {
        match judge(key, inventory, live, rules.owner) {
            Judgement::Delete(prune) => deletes.push(prune),
            Judgement::Forget => verdict.forget.push(key.clone()),
            Judgement::Keep => verdict.kept.push(key.clone()),
            Judgement::Wait => {}
        }
    }
    if let Some(reason) = reason_to_ask(&deletes, inventory.len(), rules.desired) {
        let plan = plan_hash(&deletes);
        if rules.approved != Some(plan.as_str()) {
            let objects = deletes.into_iter().map(|prune| prune.key).collect();
            verdict.stopped = Some(Stopped { plan, reason, objects });
            return verdict;
        }
    }
    deletes.sort_by_key(|prune| std::cmp::Reverse(wave_of(&prune.key.kind)));
    verdict.waves = deletes.chunk_by(|a, b| wave_of(&a.key.kind) == wave_of(&b.key.kind)).map(<[_]>::to_vec).collect();
    verdict
}

enum Judgement {
    Delete(Prune),
    Forget,
    Keep,
    Wait,
}

fn judge(key: &ObjectKey, inventory: &Inventory, live: &Live, owner: &str) -> Judgement {
    let Some(known) = inventory.find(key) else { return Judgement::Forget };
    let delete = |uid: Option<&String>, proved| {
        Judgement::Delete(Prune { key: key.clone(), version: known.version.clone(), uid: uid.cloned(), proved })
    };
    match live.objects.get(key) {
        // Gone, or without our label: then there is no proof.
        None if live.covers(key) => Judgement::Forget,
        None => delete(known.uid.as_ref(), false),
        Some(object) if object.owner.as_deref() != Some(owner) => Judgement::Forget,
        // Made anew by somebody else. An object whose apply was never confirmed is proved by our label alone.
        Some(object) if known.uid.as_ref().is_some_and(|uid| uid != &object.uid) => Judgement::Forget,
        Some(object) if object.keep => Judgement::Keep,
        Some(object) if object.deleting => Judgement::Wait,
        Some(object) => delete(Some(&object.uid), true),
    }
}

fn reason_to_ask(deletes: &[Prune], managed: usize, desired: usize) -> Option<String> {
    let count = deletes.len();
    if count == 0 {
        return None;
    }
    if desired == 0 {
        return Some(format!("the path holds no objects any more, and {count} would be deleted"));
    }
    let holders: BTreeSet<&str> =
        deletes.iter().map(|prune| prune.key.kind.kind.as_str()).filter(holds_others).collect();
    if !holders.is_empty() {
        let holders: Vec<&str> = holders.into_iter().collect();
        return Some(format!("it would delete a {}, and what is in it", holders.join(" and a ")));
    }
    if count > MANY && count * 100 > managed * LARGE_SHARE_PERCENT {
        return Some(format!("it would delete {count} of {managed} objects"));
    }
    None
}

/// Kinds whose objects take data or other objects with them.
fn holds_others(kind: &&str) -> bool {
    matches!(*kind, "Namespace" | "CustomResourceDefinition" | "PersistentVolume" | "PersistentVolumeClaim")
}

fn plan_hash(deletes: &[Prune]) -> String {
    let mut lines: Vec<String> = deletes.iter().map(|prune| format!("{:?} {:?}", prune.key, prune.uid)).collect();
    lines.sort();
    hash_text(lines.join("\n"))
}

#[cfg(test)]
mod tests;
