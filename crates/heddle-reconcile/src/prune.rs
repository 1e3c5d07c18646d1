//! What may be deleted, and when a person is asked first.
//!
//! A delete needs proof of ownership: the inventory's UID and the label of the Sync on the live object. What others still
//! need is kept: a namespace with something in it, a definition with objects, an object that goes by another name now.
//! A plan that is large, that takes away what holds data or other objects, or that comes from a path with nothing in it,
//! stops until it is approved by its hash. `docs/reference/plan-and-prune.md` has the rules.

mod guard;

use std::collections::{BTreeMap, BTreeSet};

use crate::{GroupKind, Inventory, Live, ObjectKey, hash_text, wave_of};

pub use guard::PruneGuard;

/// A plan of more deletes than this asks, when they are also a large share.
const MANY: usize = 10;

/// A plan of more than this share of the inventory, in percent, asks, when the deletes are also many.
const LARGE_SHARE_PERCENT: usize = 20;

/// Namespaces that every cluster has.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// The circumstances of a prune.
#[derive(Debug, Clone, Copy)]
pub struct PruneRules<'a> {
    /// UID of the Sync.
    pub owner: &'a str,
    /// How many objects the repository has.
    pub desired: usize,
    /// Whether the repository was read and rendered as a whole, and everything in it applied. What is missing from a
    /// part may be missing by mistake.
    pub complete: bool,
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

/// An object that stays, for the time being.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub key: ObjectKey,
    /// Why.
    pub reason: String,
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
    pub kept: Vec<Held>,
    /// Ours, and not to be deleted while something else needs them: the inventory keeps them.
    pub held: Vec<Held>,
    /// Waiting for a person; then nothing is deleted.
    pub stopped: Option<Stopped>,
}

/// Decides about `surplus`.
pub fn judge_prune(surplus: &[ObjectKey], inventory: &Inventory, live: &Live, rules: PruneRules<'_>) -> PruneVerdict {
    let mut verdict = PruneVerdict::default();
    if !rules.complete {
        let reason = "not everything was read and applied, so it may be missing by mistake".to_owned();
        verdict.held = surplus.iter().map(|key| Held { key: key.clone(), reason: reason.clone() }).collect();
        return verdict;
    }
    let rest = Rest::new(surplus, inventory, live, rules.owner);
    let mut deletes = Vec::new();
    for key in surplus {
        match judge(key, inventory, live, &rest, rules.owner) {
            Judgement::Delete(prune) => deletes.push(prune),
            Judgement::Forget => verdict.forget.push(key.clone()),
            Judgement::Keep(reason) => verdict.kept.push(Held { key: key.clone(), reason }),
            Judgement::Hold(reason) => verdict.held.push(Held { key: key.clone(), reason }),
            Judgement::Wait => {}
        }
    }
    if let Some(reason) = reason_to_ask(&deletes, live, inventory.len(), rules.desired) {
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
    Keep(String),
    Hold(String),
    Wait,
}

/// What stays in the cluster when the surplus goes.
struct Rest<'a> {
    uids: BTreeSet<&'a str>,
    keys: Vec<&'a ObjectKey>,
    namespaces: BTreeMap<&'a str, &'a ObjectKey>,
}

impl<'a> Rest<'a> {
    fn new(surplus: &[ObjectKey], inventory: &'a Inventory, live: &'a Live, owner: &str) -> Self {
        let gone: BTreeSet<&ObjectKey> = surplus.iter().collect();
        let ours = || inventory.iter().filter(|entry| !gone.contains(&entry.key));
        // What another Sync has, as far as the watch shows it.
        let others = live.objects.iter().filter(|(_, object)| object.owner.as_deref().is_some_and(|one| one != owner));
        let keys: Vec<&ObjectKey> = ours().map(|entry| &entry.key).chain(others.map(|(key, _)| key)).collect();
        let namespaces = keys.iter().filter_map(|key| Some((key.namespace.as_deref()?, *key))).collect();
        Self { uids: ours().filter_map(|entry| entry.uid.as_deref()).collect(), keys, namespaces }
    }

    /// Why an object stays although the path does not have it any more.
    fn need_for(&self, key: &ObjectKey) -> Option<String> {
        if key.kind.is_namespace() {
            if SYSTEM_NAMESPACES.contains(&key.name.as_str()) {
                return Some("it belongs to Kubernetes itself and is never deleted".to_owned());
            }
            let inside = self.namespaces.get(key.name.as_str())?;
            return Some(format!("{inside} lies in it and stays"));
        }
        if !key.kind.is_definition() {
            return None;
        }
        let of_it = self.keys.iter().find(|other| defines(&key.name, &other.kind))?;
        Some(format!("{of_it} is one of its objects and stays"))
    }
}

/// Whether a definition of this name, `certificates.cert-manager.io`, is that of a kind.
fn defines(definition: &str, kind: &GroupKind) -> bool {
    let Some((plural, group)) = definition.split_once('.') else { return false };
    let kind_name = kind.kind.to_lowercase();
    // Plurals end in many ways: policies, gateways, ingresses.
    let stem = kind_name.strip_suffix('y').unwrap_or(&kind_name);
    group == kind.group && plural.starts_with(stem)
}

fn judge(key: &ObjectKey, inventory: &Inventory, live: &Live, rest: &Rest<'_>, owner: &str) -> Judgement {
    let Some(known) = inventory.find(key) else { return Judgement::Forget };
    // The same object under another group or version, as an Ingress of `extensions` is one of `networking.k8s.io`.
    if known.uid.as_deref().is_some_and(|uid| rest.uids.contains(uid)) {
        return Judgement::Forget;
    }
    if let Some(reason) = rest.need_for(key) {
        return Judgement::Hold(reason);
    }
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
        Some(object) => match object.guard.reason_to_keep() {
            Some(reason) => Judgement::Keep(reason),
            None if object.deleting => Judgement::Wait,
            None => delete(Some(&object.uid), true),
        },
    }
}

fn reason_to_ask(deletes: &[Prune], live: &Live, managed: usize, desired: usize) -> Option<String> {
    let count = deletes.len();
    if count == 0 {
        return None;
    }
    if desired == 0 {
        return Some(format!("the path holds no objects any more, and {count} would be deleted"));
    }
    let holders: BTreeSet<&str> =
        deletes.iter().map(|prune| prune.key.kind.kind.as_str()).filter(|kind| holds_others(kind)).collect();
    if !holders.is_empty() {
        let holders: Vec<&str> = holders.into_iter().collect();
        return Some(format!("it would delete a {}, and what is in it", holders.join(" and a ")));
    }
    let asks = |prune: &Prune| match live.objects.get(&prune.key)?.guard {
        PruneGuard::Ask(name) => Some(format!("{} asks for it by its `{name}`", prune.key)),
        PruneGuard::None | PruneGuard::Keep(_) => None,
    };
    if let Some(reason) = deletes.iter().find_map(asks) {
        return Some(reason);
    }
    if count > MANY && count * 100 > managed * LARGE_SHARE_PERCENT {
        return Some(format!("it would delete {count} of {managed} objects"));
    }
    None
}

/// Kinds whose objects take data or other objects with them.
pub(crate) fn holds_others(kind: &str) -> bool {
    matches!(kind, "Namespace" | "CustomResourceDefinition" | "PersistentVolume" | "PersistentVolumeClaim")
}

fn plan_hash(deletes: &[Prune]) -> String {
    let mut lines: Vec<String> = deletes.iter().map(|prune| format!("{:?} {:?}", prune.key, prune.uid)).collect();
    lines.sort();
    hash_text(lines.join("\n"))
}

#[cfg(test)]
mod tests;
