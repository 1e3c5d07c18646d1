//! What to write, in which order, and what to leave alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    GroupKind, Inventory, InventoryEntry, ObjectKey, Order, OwnEntry, Phase, PruneGuard,
    order::graph::{Arranged, Moment, Step},
};

/// An object as the repository wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredObject {
    /// Which.
    pub key: ObjectKey,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Hash of the manifest as it would be applied.
    pub manifest: String,
    /// The kind that it defines, when it is a definition of custom resources.
    pub defines: Option<GroupKind>,
    /// Whether it goes away by itself when it is done, as a Job with `ttlSecondsAfterFinished` does.
    pub may_vanish: bool,
    /// When it is applied, as it asks itself.
    pub order: Order,
}

/// What the watch knows about an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveObject {
    /// Its UID.
    pub uid: String,
    /// Its resource version.
    pub resource_version: String,
    /// The Sync whose label it carries.
    pub owner: Option<String>,
    /// Our entry in its `managedFields`.
    pub entry: Option<OwnEntry>,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What it says itself about being deleted.
    pub guard: PruneGuard,
    /// Who has to let it go before it is gone.
    pub finalizers: Vec<String>,
    /// Whether it belongs to another object, and goes with that.
    pub is_owned: bool,
}

/// What the watch knows.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Objects that carry the label of any Sync.
    pub objects: BTreeMap<ObjectKey, LiveObject>,
    /// Kinds and namespaces whose list is complete. About others nothing is known.
    pub covered: BTreeSet<(GroupKind, Option<String>)>,
}

impl Live {
    /// Whether the watch would know the object if it existed and carried a label.
    pub fn covers(&self, key: &ObjectKey) -> bool {
        let place = (key.kind.clone(), key.namespace.clone());
        self.covered.contains(&place) || self.covered.contains(&(place.0, None))
    }
}

/// What a Sync may touch, and who else is there.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// UID of the Sync.
    pub owner: String,
    /// All Syncs that exist: name by UID.
    pub living: BTreeMap<String, String>,
    /// Objects that the Sync whose label they carry has given up.
    pub given_up: BTreeSet<ObjectKey>,
    /// Namespaces; empty for all.
    pub namespaces: Vec<String>,
    /// Kinds; empty for all.
    pub kinds: Vec<String>,
}

/// Why an object is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The Sync did not have it.
    New,
    /// Its manifest changed, or its last apply is not known to have ended well.
    Changed,
    /// Somebody changed or deleted it in the cluster.
    Drifted,
}

/// An object to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apply {
    /// Its place in the list of desired objects.
    pub index: usize,
    /// Why.
    pub reason: Reason,
}

/// An object that is left alone although the repository has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its place in the list of desired objects.
    pub index: usize,
    /// Why, and what to do.
    pub message: String,
}

/// What to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What to apply, step by step: everything of one step at the same time, a later one when it is through.
    pub steps: Vec<Vec<Apply>>,
    /// What each desired object needs, by place in the list: when one of these fails, it is not applied, and others are.
    pub needs: Vec<Vec<usize>>,
    /// Those of them that have to be healthy first.
    pub(crate) awaited: Vec<Vec<usize>>,
    /// The phase and the wave of each desired object.
    pub(crate) moments: Vec<Moment>,
    /// What to apply when the sync fails, and only then.
    pub on_failure: Vec<Apply>,
    /// Objects that are as they should be.
    pub unchanged: usize,
    /// Objects that are left alone.
    pub refusals: Vec<Refusal>,
    /// Objects of the inventory that the repository does not have any more.
    pub surplus: Vec<ObjectKey>,
}

/// Compares what should be with what is known.
pub fn plan(desired: &[DesiredObject], inventory: &Inventory, live: &Live, scope: &Scope) -> Plan {
    let mut plan = Plan::default();
    let arranged = Arranged::new(desired);
    let mut steps: BTreeMap<Step, Vec<Apply>> = BTreeMap::new();
    let mut seen: HashSet<&ObjectKey> = HashSet::with_capacity(desired.len());
    for (index, object) in desired.iter().enumerate() {
        let fault = if seen.insert(&object.key) {
            refuse(object, live, scope)
        } else {
            Some(format!("{} stands twice in the path: remove one of the two", object.key))
        };
        let step = match (fault, arranged.steps[index]) {
            (None, Some(step)) => step,
            (fault, _) => {
                let message = fault.unwrap_or_else(|| endless_wait(desired, &arranged, index));
                plan.refusals.push(Refusal { index, message });
                continue;
            }
        };
        match reason_to_apply(object, inventory, live) {
            Some(reason) if object.order.phase == Phase::SyncFail => plan.on_failure.push(Apply { index, reason }),
            Some(reason) => steps.entry(step).or_default().push(Apply { index, reason }),
            None => plan.unchanged += 1,
        }
    }
    for step in steps.values_mut() {
        step.sort_by(|a, b| desired[a.index].key.cmp(&desired[b.index].key));
    }
    plan.steps = steps.into_values().collect();
    plan.needs = arranged.needs;
    plan.awaited = arranged.awaited;
    plan.moments = arranged.moments;
    plan.surplus = inventory.iter().map(|entry| &entry.key).filter(|key| !seen.contains(key)).cloned().collect();
    plan
}

/// Why an object has no place in the order.
fn endless_wait(desired: &[DesiredObject], arranged: &Arranged, index: usize) -> String {
    let name = |index: &usize| desired[*index].key.to_string();
    match arranged.circle(index) {
        Some(circle) => {
            let members: Vec<String> = circle.iter().chain([&index]).map(name).collect();
            format!("it waits for itself: {}; take one of these dependencies off", members.join(" → "))
        }
        None => {
            let blocked = arranged.needs[index].iter().find(|needed| arranged.steps[**needed].is_none());
            format!("it waits for {}, which waits for itself", blocked.map(name).unwrap_or_default())
        }
    }
}

fn refuse(object: &DesiredObject, live: &Live, scope: &Scope) -> Option<String> {
    let key = &object.key;
    let namespace = if key.kind.is_namespace() { Some(&key.name) } else { key.namespace.as_ref() };
    if let Some(namespace) = namespace
        && !scope.namespaces.is_empty()
        && !scope.namespaces.contains(namespace)
    {
        return Some(format!(
            "{key} lies outside of the namespaces of the Sync: add `{namespace}` to `spec.namespaces`"
        ));
    }
    if !scope.kinds.is_empty() && !scope.kinds.iter().any(|name| key.kind.is_named(name)) {
        return Some(format!("{key} is not of the kinds of the Sync: add `{}` to `spec.kinds`", key.kind));
    }
    let owner = live.objects.get(key)?.owner.as_ref()?;
    if owner == &scope.owner || scope.given_up.contains(key) {
        return None;
    }
    let name = scope.living.get(owner)?;
    Some(format!("{key} belongs to another Sync, `{name}`: take it out of the path of one of the two"))
}

fn reason_to_apply(object: &DesiredObject, inventory: &Inventory, live: &Live) -> Option<Reason> {
    let Some(known) = inventory.find(&object.key) else { return Some(Reason::New) };
    if known.manifest.as_ref() != Some(&object.manifest) {
        return Some(if known.manifest.is_some() { Reason::Changed } else { Reason::New });
    }
    has_drifted(object, known, live).then_some(Reason::Drifted)
}

/// Whether somebody changed or deleted an object after it was applied. Where nothing is watched, nothing is known.
pub fn has_drifted(object: &DesiredObject, known: &InventoryEntry, live: &Live) -> bool {
    let seen = live.objects.get(&object.key);
    if object.order.hook.is_some() {
        // It ran as it was; what became of it since is no drift, unless it went before it ended.
        return seen.is_none() && known.ended.is_none() && live.covers(&object.key);
    }
    let as_applied =
        |live: &LiveObject| live.entry.is_some() && live.entry == known.entry && Some(&live.uid) == known.uid.as_ref();
    // The common case first: the rest looks through the places that are watched.
    !seen.is_some_and(as_applied) && (seen.is_some() || !object.may_vanish) && live.covers(&object.key)
}

#[cfg(test)]
mod tests;
