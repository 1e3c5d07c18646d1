//! What may be deleted, and when a person is asked first.
//!
//! A delete needs proof of ownership: the inventory's UID and the label of the Sync on the live object. What others still
//! need is kept: a namespace with something in it, a definition with objects, an object that goes by another name now.
//! A plan that is large, that takes away what holds data or other objects, or that comes from a path with nothing in it,
//! stops until it is approved by its hash. `docs/reference/plan-and-prune.md` has the rules.

mod guard;

use std::collections::{BTreeMap, BTreeSet};

use crate::{GroupKind, Inventory, Live, LiveObject, ObjectKey, class_of, hash_text};

pub use guard::PruneGuard;

/// A plan of more deletes than this asks, when they are also a large share.
const MANY: usize = 10;

/// A plan of more than this share of the inventory, in percent, asks, when the deletes are also many.
const LARGE_SHARE_PERCENT: usize = 20;

/// Namespaces that every cluster has.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// How far the revision came from which objects are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Not all of it could be read and rendered: what is missing may be missing by mistake.
    Unread,
    /// Not all of it could be applied: what should take the place of what is missing may have failed.
    Unapplied,
    /// It is in the cluster.
    Applied,
}

/// The circumstances of a prune.
#[derive(Debug, Clone, Copy)]
pub struct PruneRules<'a> {
    /// UID of the Sync.
    pub owner: &'a str,
    /// How many objects the repository has.
    pub desired: usize,
    /// How far the revision came.
    pub reached: Reached,
    /// The plan that a person approved.
    pub approved: Option<&'a str>,
    /// Namespaces that no Sync writes to. What is in them from before is let go and never deleted.
    pub closed: &'a [&'a str],
    /// The plural name under which each kind is served.
    pub plurals: &'a BTreeMap<GroupKind, String>,
    /// Why namespaces and definitions stay that were looked into, whatever the watch knows.
    pub needed: &'a BTreeMap<ObjectKey, String>,
}

impl PruneRules<'_> {
    /// The closed namespace that an object lies in, or is.
    fn closed_around<'k>(&self, key: &'k ObjectKey) -> Option<&'k String> {
        let lies_in = if key.kind.is_namespace() { Some(&key.name) } else { key.namespace.as_ref() };
        lies_in.filter(|namespace| self.closed.contains(&namespace.as_str()))
    }
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
pub struct Spared {
    /// Which.
    pub key: ObjectKey,
    /// Why.
    pub reason: String,
}

/// An object that is being deleted and is still there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminating {
    /// Which.
    pub key: ObjectKey,
    /// Who has to let it go.
    pub finalizers: Vec<String>,
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
    /// To delete, step by step: what needs others goes first, and the next step begins when all of it is gone.
    pub steps: Vec<Vec<Prune>>,
    /// Gone already, or not ours: the inventory forgets them.
    pub forget: Vec<ObjectKey>,
    /// Ours, and not to be deleted, with the reason: the inventory forgets them too.
    pub kept: Vec<Spared>,
    /// Ours, and not to be deleted while something else needs them: the inventory keeps them.
    pub held: Vec<Spared>,
    /// Being deleted and not gone: the inventory keeps them until they are.
    pub terminating: Vec<Terminating>,
    /// To delete once those are gone that need them.
    pub waiting: Vec<Prune>,
    /// Waiting for a person.
    pub stopped: Option<Stopped>,
    /// Whether a person was asked and has approved what is to be deleted.
    pub is_approved: bool,
}

impl PruneVerdict {
    /// The namespaces and definitions that are to be deleted.
    pub fn holders(&self) -> Vec<ObjectKey> {
        let deletes = self.steps.iter().flatten().chain(&self.waiting).map(|prune| &prune.key);
        deletes.filter(|key| key.holds_others()).cloned().collect()
    }

    /// The namespaces and definitions that are to be deleted, or that a person is to be asked about.
    pub fn holders_in_question(&self) -> Vec<ObjectKey> {
        let asked = self.stopped.iter().flat_map(|stopped| &stopped.objects).filter(|key| key.holds_others());
        self.holders().into_iter().chain(asked.cloned()).collect()
    }
}

/// Decides about `surplus`.
pub fn judge_prune(surplus: &[ObjectKey], inventory: &Inventory, live: &Live, rules: PruneRules<'_>) -> PruneVerdict {
    let mut verdict = PruneVerdict::default();
    let rest = Rest::new(surplus, inventory, live, &rules);
    let mut deletes = Vec::new();
    for key in surplus {
        let hold = |reason: &str| Spared { key: key.clone(), reason: reason.to_owned() };
        match judge(key, inventory, live, &rest, &rules) {
            Judgement::Terminating(finalizers) => {
                verdict.terminating.push(Terminating { key: key.clone(), finalizers });
            }
            _ if rules.reached == Reached::Unread => {
                verdict.held.push(hold("not everything could be read, so it may be missing by mistake"));
            }
            // What holds no data and owns nothing is not missed, and may be what the others fail by.
            _ if rules.reached == Reached::Unapplied && !calls_admission(&key.kind) => {
                verdict.held.push(hold("not everything could be applied, so what takes its place may be missing"));
            }
            Judgement::Delete(prune) => deletes.push(prune),
            Judgement::Forget => verdict.forget.push(key.clone()),
            Judgement::Keep(reason) => verdict.kept.push(hold(&reason)),
            Judgement::Hold(reason) => verdict.held.push(hold(&reason)),
        }
    }
    ask(&mut verdict, &mut deletes, inventory, live, &rules);
    arrange(&mut verdict, deletes);
    verdict
}

/// Takes out of the deletes what a person has to approve and has not.
fn ask(
    verdict: &mut PruneVerdict,
    deletes: &mut Vec<Prune>,
    inventory: &Inventory,
    live: &Live,
    rules: &PruneRules<'_>,
) {
    let is_leaving = |prune: &Prune| inventory.find(&prune.key).is_some_and(|entry| entry.leaving);
    let (leaving, asked): (Vec<Prune>, Vec<Prune>) = std::mem::take(deletes).into_iter().partition(is_leaving);
    *deletes = leaving;
    let plan = plan_hash(&asked);
    match reason_to_ask(&asked, live, inventory.len(), rules.desired) {
        Some(reason) if rules.approved != Some(plan.as_str()) => {
            let objects = asked.into_iter().map(|prune| prune.key).collect();
            verdict.stopped = Some(Stopped { plan, reason, objects });
        }
        reason => {
            verdict.is_approved = reason.is_some();
            deletes.extend(asked);
        }
    }
}

/// Puts the deletes in order. What others may need that are not gone yet waits for them.
fn arrange(verdict: &mut PruneVerdict, mut deletes: Vec<Prune>) {
    let last = verdict.terminating.iter().map(|object| class_of(&object.key.kind)).max();
    deletes.sort_by_key(|prune| std::cmp::Reverse(class_of(&prune.key.kind)));
    let now = deletes.partition_point(|prune| last.is_none_or(|last| class_of(&prune.key.kind) >= last));
    verdict.waiting = deletes.split_off(now);
    verdict.steps =
        deletes.chunk_by(|a, b| class_of(&a.key.kind) == class_of(&b.key.kind)).map(<[_]>::to_vec).collect();
}

/// Whether objects of a kind have the API server call a webhook at each write.
fn calls_admission(kind: &GroupKind) -> bool {
    let is_webhook = matches!(kind.kind.as_str(), "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration");
    is_webhook && kind.group == "admissionregistration.k8s.io"
}

enum Judgement {
    Delete(Prune),
    Forget,
    Keep(String),
    Hold(String),
    Terminating(Vec<String>),
}

/// What stays in the cluster when the surplus goes.
struct Rest<'a> {
    uids: BTreeSet<&'a str>,
    keys: Vec<&'a ObjectKey>,
    namespaces: BTreeMap<&'a str, &'a ObjectKey>,
    plurals: &'a BTreeMap<GroupKind, String>,
    needed: &'a BTreeMap<ObjectKey, String>,
}

impl<'a> Rest<'a> {
    fn new(surplus: &[ObjectKey], inventory: &'a Inventory, live: &'a Live, rules: &PruneRules<'a>) -> Self {
        let gone: BTreeSet<&ObjectKey> = surplus.iter().collect();
        let ours = || inventory.iter().filter(|entry| !gone.contains(&entry.key));
        // What another Sync has, and what of ours says itself that it stays, as far as the watch shows it: in this plan,
        // or let go by one before.
        let is_kept = |key: &ObjectKey, object: &LiveObject| {
            !object.deleting && (object.guard.reason_to_keep().is_some() || rules.closed_around(key).is_some())
        };
        // What was seen last where nothing is watched any more says nothing: there `needed` has what a look found.
        let others = live.objects.iter().filter(|(key, object)| {
            object.owner.as_deref().is_some_and(|one| one != rules.owner || is_kept(key, object)) && live.covers(key)
        });
        let keys: Vec<&ObjectKey> = ours().map(|entry| &entry.key).chain(others.map(|(key, _)| key)).collect();
        let namespaces = keys.iter().filter_map(|key| Some((key.namespace.as_deref()?, *key))).collect();
        let uids = ours().filter_map(|entry| entry.uid.as_deref()).collect();
        Self { uids, keys, namespaces, plurals: rules.plurals, needed: rules.needed }
    }

    /// Why an object stays although the path does not have it any more.
    fn need_for(&self, key: &ObjectKey) -> Option<String> {
        if key.kind.is_namespace() && SYSTEM_NAMESPACES.contains(&key.name.as_str()) {
            return Some("it belongs to Kubernetes itself and is never deleted".to_owned());
        }
        let inside = match key.kind.is_namespace() {
            true => self.namespaces.get(key.name.as_str()),
            false if key.kind.is_definition() => self.keys.iter().find(|other| other.goes_with(key, self.plurals)),
            false => None,
        };
        inside.map(|inside| reason_to_hold(key, inside)).or_else(|| self.needed.get(key).cloned())
    }
}

/// Why a namespace or a definition stays in which `inside` was found.
pub fn reason_to_hold(holder: &ObjectKey, inside: &ObjectKey) -> String {
    match holder.kind.is_namespace() {
        true => format!("{inside} lies in it and stays"),
        false => format!("{inside} is one of its objects and stays"),
    }
}

fn judge(key: &ObjectKey, inventory: &Inventory, live: &Live, rest: &Rest<'_>, rules: &PruneRules<'_>) -> Judgement {
    let Some(known) = inventory.find(key) else { return Judgement::Forget };
    // The same object under another group or version, as an Ingress of `extensions` is one of `networking.k8s.io`.
    if known.uid.as_deref().is_some_and(|uid| rest.uids.contains(uid)) {
        return Judgement::Forget;
    }
    if let Some(namespace) = rules.closed_around(key) {
        return Judgement::Keep(format!("no Sync writes to the namespace `{namespace}` any more: delete it by hand"));
    }
    // What a watch saw last before it failed is no proof: it is looked at.
    let seen = live.objects.get(key).filter(|_| live.covers(key));
    let is_ours = |object: &LiveObject| {
        // An object whose apply was never confirmed is proved by our label alone.
        object.owner.as_deref() == Some(rules.owner) && known.uid.as_ref().is_none_or(|uid| uid == &object.uid)
    };
    if let Some(object) = seen.filter(|object| object.deleting && is_ours(object)) {
        return Judgement::Terminating(object.finalizers.clone());
    }
    let is_gone = match seen {
        // Gone, or without our label: then there is no proof.
        None => live.covers(key),
        // Another Sync's, or made anew by somebody else.
        Some(object) => !is_ours(object),
    };
    // First: nothing is needed that is not there, and what is not ours is not ours to hold.
    if is_gone {
        return Judgement::Forget;
    }
    if let Some(reason) = rest.need_for(key) {
        return Judgement::Hold(reason);
    }
    let delete = |uid: Option<&String>, proved| {
        Judgement::Delete(Prune { key: key.clone(), version: known.version.clone(), uid: uid.cloned(), proved })
    };
    match seen {
        None => delete(known.uid.as_ref(), false),
        Some(object) => match object.guard.reason_to_keep() {
            Some(reason) => Judgement::Keep(reason),
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
        deletes.iter().map(|prune| prune.key.kind.kind.as_str()).filter(|kind| takes_others_along(kind)).collect();
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
pub(crate) fn takes_others_along(kind: &str) -> bool {
    matches!(kind, "Namespace" | "CustomResourceDefinition" | "PersistentVolume" | "PersistentVolumeClaim")
}

fn plan_hash(deletes: &[Prune]) -> String {
    let mut lines: Vec<String> = deletes.iter().map(|prune| format!("{:?} {:?}", prune.key, prune.uid)).collect();
    lines.sort();
    hash_text(lines.join("\n"))
}

#[cfg(test)]
mod tests;
