//! What the watches know about the cluster, reduced to what is asked of it. Events in, answers out.
//!
//! The watches show the objects that carry this Sync's label. Those of other Syncs are listed where a plan needs them, and
//! known as they were then.

mod places;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use heddle_kube::{Applied, KubeError, Metadata, WatchEvent, WatchPlace, WatchedObject};
use heddle_reconcile::{DesiredObject, Inherited, Inventory, Live, LiveObject, ObjectKey, OwnEntry, has_drifted};
use serde_json::Value;

pub(crate) use self::places::BLIND_AFTER;
use self::{places::Unwatched, verdicts::Known};

#[derive(Debug, Default)]
pub(in crate::sync) struct Observed {
    /// Own objects, and those of other Syncs in `foreign`.
    pub live: Live,
    /// Objects that carry the label of another Sync, or did when they were listed.
    foreign: BTreeSet<ObjectKey>,
    judged: BTreeMap<ObjectKey, Known>,
    /// `managedFields` of objects that are not as they were applied.
    changed_fields: HashMap<ObjectKey, Value>,
    /// What others applied of objects and can be taken over.
    inherited: HashMap<ObjectKey, Inherited>,
    /// Lists that are under way, and what they told.
    listing: HashMap<WatchPlace, BTreeSet<ObjectKey>>,
    /// Objects of which the last verdict is kept when they are gone.
    hooks: BTreeSet<ObjectKey>,
    /// Those that are gone: UID, last verdict and its reason.
    gone: HashMap<ObjectKey, (String, HealthStatus, String)>,
    /// Every place that is to be watched.
    watched: BTreeSet<WatchPlace>,
    /// Places that cannot be watched.
    unwatchable: BTreeMap<WatchPlace, Unwatched>,
}

impl Observed {
    /// Takes in what a watch saw. Says whether it makes another comparison worth while.
    pub fn observe(&mut self, seen: WatchEvent, inventory: Option<&Inventory>, now: DateTime<Utc>) -> bool {
        match seen {
            WatchEvent::Object(object) => self.observe_object(*object, inventory, now),
            WatchEvent::Gone { key, resource_version } => {
                let newer =
                    self.live.objects.get(&key).is_some_and(|live| is_newer(&live.resource_version, &resource_version));
                if !newer {
                    self.forget(&key);
                }
            }
            WatchEvent::Restarted(place) => {
                self.listing.insert(place, BTreeSet::new());
            }
            WatchEvent::Complete(place) => {
                let told = self.listing.remove(&place).unwrap_or_default();
                let stays = |key: &ObjectKey| !is_at(&place, key) || told.contains(key) || self.foreign.contains(key);
                let gone: Vec<ObjectKey> = self.live.objects.keys().filter(|key| !stays(key)).cloned().collect();
                for key in gone {
                    self.forget(&key);
                }
                self.unwatchable.remove(&place);
                self.live.covered.insert(place);
            }
            WatchEvent::Unwatchable(place, verb, fault) => {
                self.live.covered.remove(&place);
                let before = self.unwatchable.remove(&place);
                let is_unserved = |fault: &KubeError| matches!(fault, KubeError::NotServed(_));
                let was_unserved = before.as_ref().is_some_and(|before| is_unserved(&before.fault));
                let since = before.map_or(now, |before| before.since);
                let is_news = is_unserved(&fault) && !was_unserved;
                self.unwatchable.insert(place, Unwatched { verb, fault, since });
                return is_news;
            }
        }
        false
    }

    /// Objects that Heddle has applied and no Sync has any more, by the labels that they carry. What others made and
    /// labelled like ours, as Kubernetes and operators do, has no entry of ours; what belongs to another object goes with
    /// that.
    pub fn leftovers(&self, has_owner: impl Fn(&ObjectKey, &str) -> bool) -> Vec<ObjectKey> {
        let is_left = |(key, live): &(&ObjectKey, &LiveObject)| {
            let is_ours_to_name =
                !live.deleting && !live.is_owned && live.entry.is_some() && live.guard.reason_to_keep().is_none();
            is_ours_to_name && live.owner.as_deref().is_some_and(|owner| !has_owner(key, owner))
        };
        self.live.objects.iter().filter(is_left).map(|(key, _)| key.clone()).collect()
    }

    fn observe_object(&mut self, object: WatchedObject, inventory: Option<&Inventory>, now: DateTime<Utc>) {
        let WatchedObject { key, live, managed_fields, inherited, judged } = object;
        self.note_listed(&key);
        let known = self.live.objects.get(&key);
        if known.is_some_and(|known| is_newer(&known.resource_version, &live.resource_version)) {
            return;
        }
        if let Some(judged) = judged {
            let before = self.judged.get(&key);
            let same = before.filter(|before| before.judged.verdict.status == judged.verdict.status);
            let since = same.map_or(now, |before| before.since);
            let resource_version = live.resource_version.clone();
            self.judged.insert(key.clone(), Known { judged, since, resource_version });
        }
        let applied = inventory.and_then(|inventory| inventory.find(&key)).and_then(|entry| entry.entry.as_ref());
        if applied.is_some() && applied == live.entry.as_ref() {
            self.changed_fields.remove(&key);
        } else {
            self.changed_fields.insert(key.clone(), managed_fields);
        }
        self.note_inherited(&key, inherited);
        self.foreign.remove(&key);
        self.live.objects.insert(key, live);
    }

    fn note_inherited(&mut self, key: &ObjectKey, inherited: Option<Inherited>) {
        match inherited {
            Some(inherited) => drop(self.inherited.insert(key.clone(), inherited)),
            None => drop(self.inherited.remove(key)),
        }
    }

    /// An object exists while its place is being listed: it is not gone when that list is complete, wherever in it the
    /// object stands.
    fn note_listed(&mut self, key: &ObjectKey) {
        for (_, told) in self.listing.iter_mut().filter(|(place, _)| is_at(place, key)) {
            told.insert(key.clone());
        }
    }

    /// Takes in what an apply answered, before the watch tells the same.
    pub fn observe_applied(&mut self, key: &ObjectKey, owner: &str, applied: &Applied) {
        self.note_listed(key);
        self.changed_fields.remove(key);
        self.foreign.remove(key);
        let live = LiveObject {
            uid: applied.uid.clone(),
            resource_version: applied.resource_version.clone(),
            owner: Some(owner.to_owned()),
            entry: applied.entry.clone(),
            guard: applied.guard,
            deleting: applied.deleting,
            ..LiveObject::default()
        };
        let known = self.live.objects.get(key);
        if !known.is_some_and(|known| is_newer(&known.resource_version, &live.resource_version)) {
            self.live.objects.insert(key.clone(), live);
            self.note_inherited(key, applied.inherited.clone());
        }
    }

    /// Takes in that an object is being deleted, before the watch tells the same.
    pub fn observe_deleting(&mut self, key: &ObjectKey, finalizers: &[String]) {
        if let Some(live) = self.live.objects.get_mut(key) {
            (live.deleting, live.finalizers) = (true, finalizers.to_vec());
        }
    }

    /// An object is not as it was applied, or was not applied as a whole.
    pub fn observe_changed(&mut self, key: &ObjectKey, managed_fields: Value) {
        self.changed_fields.insert(key.clone(), managed_fields);
    }

    /// Takes in an object that does not carry our label any more.
    pub fn observe_lost(&mut self, key: &ObjectKey, found: Metadata) {
        self.changed_fields.insert(key.clone(), found.managed_fields.clone());
        if found.owner.is_some() {
            self.observe_owner(key, Some(found));
        }
    }

    /// Takes in whether an object where nothing is seen is another Sync's, in place of what was known of it.
    pub fn observe_owner(&mut self, key: &ObjectKey, others: Option<Metadata>) {
        if self.foreign.remove(key) {
            self.live.objects.remove(key);
        }
        if let Some(found) = others {
            let live = LiveObject {
                uid: found.uid,
                resource_version: String::new(),
                owner: found.owner,
                entry: OwnEntry::find(&found.managed_fields),
                guard: found.guard,
                ..LiveObject::default()
            };
            self.foreign.insert(key.clone());
            self.live.objects.insert(key.clone(), live);
        }
    }

    /// Forgets objects of other Syncs that are not wanted, where nothing is seen: nobody would say that they are gone.
    pub fn forget_foreign(&mut self, is_wanted: impl Fn(&ObjectKey) -> bool) {
        let is_past = |key: &&ObjectKey| !is_wanted(key) && !self.live.covers(key);
        let past: Vec<ObjectKey> = self.foreign.iter().filter(is_past).cloned().collect();
        for key in past {
            self.foreign.remove(&key);
            self.live.objects.remove(&key);
        }
    }

    /// Takes in all objects of other Syncs at a place, in place of what was known of them.
    pub fn observe_foreign(&mut self, place: &WatchPlace, objects: Vec<(ObjectKey, LiveObject)>) {
        let known: Vec<ObjectKey> = self.foreign.iter().filter(|key| is_at(place, key)).cloned().collect();
        for key in known {
            self.foreign.remove(&key);
            self.live.objects.remove(&key);
        }
        for (key, live) in objects {
            let is_ours =
                self.live.objects.get(&key).is_some_and(|own| !is_newer(&live.resource_version, &own.resource_version));
            if !is_ours {
                self.foreign.insert(key.clone());
                self.live.objects.insert(key, live);
            }
        }
    }

    /// An object is not there any more, or is not ours.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.foreign.remove(key);
        let live = self.live.objects.remove(key);
        if let (Some(live), Some(known)) = (live, self.judged.remove(key))
            && self.hooks.contains(key)
        {
            let verdict = known.judged.verdict;
            self.gone.insert(key.clone(), (live.uid, verdict.status, verdict.message));
        }
        self.changed_fields.remove(key);
        self.inherited.remove(key);
    }

    /// What others applied of an object and can be taken over.
    pub fn inherited(&self, key: &ObjectKey) -> Option<&Inherited> {
        self.inherited.get(key)
    }

    /// Whether anything that we have applied is somebody else's too.
    pub fn has_shared(&self) -> bool {
        self.inherited.values().any(Inherited::has_shared)
    }

    /// Objects that carry the label of another Sync, with its UID.
    pub fn foreign(&self) -> impl Iterator<Item = (&ObjectKey, &String)> {
        self.foreign.iter().filter_map(|key| Some((key, self.live.objects.get(key)?.owner.as_ref()?)))
    }

    /// Whether somebody changed or deleted an object that was applied.
    pub fn drifted(&self, desired: &DesiredObject, inventory: &Inventory) -> bool {
        let known = inventory.find(&desired.key).filter(|known| known.manifest.is_some());
        known.is_some_and(|known| has_drifted(desired, known, &self.live))
    }

    /// Whether an object of ours is not seen any more, or carries another label.
    pub fn is_missed(&self, key: &ObjectKey) -> bool {
        self.live.covers(key) && (!self.live.objects.contains_key(key) || self.foreign.contains(key))
    }

    /// The `managedFields` of an object that is not as it was applied.
    pub fn changed_fields(&self, key: &ObjectKey) -> Option<&Value> {
        self.changed_fields.get(key)
    }
}

fn is_at(place: &WatchPlace, key: &ObjectKey) -> bool {
    place.0 == key.kind && (place.1.is_none() || place.1 == key.namespace)
}

/// Resource versions are numbers that grow, by the API server's own word since 1.35 and in fact since ever.
fn is_newer(a: &str, b: &str) -> bool {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a > b,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
