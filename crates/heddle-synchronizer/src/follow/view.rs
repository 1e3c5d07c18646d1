//! What the watches know about the cluster, reduced to what is asked of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use heddle_kube::{Applied, Judged, Place, Seen, SeenObject};
use heddle_reconcile::{Desired, Inventory, Live, LiveObject, ObjectKey, OwnEntry, has_drifted};
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct View {
    pub live: Live,
    judged: BTreeMap<ObjectKey, Known>,
    /// `managedFields` of objects that are not as they were applied.
    odd: HashMap<ObjectKey, Value>,
    /// Lists that are under way, and what they told.
    listing: HashMap<Place, BTreeSet<ObjectKey>>,
    /// Objects of which the last verdict is kept when they are gone.
    hooks: BTreeSet<ObjectKey>,
    /// Those that are gone: UID, last verdict and its reason.
    gone: HashMap<ObjectKey, (String, HealthStatus, String)>,
    /// Places that cannot be watched, and why.
    pub blind: BTreeMap<Place, String>,
}

/// How an object is doing, and since when.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub judged: Judged,
    pub since: DateTime<Utc>,
    resource_version: String,
}

impl View {
    /// Takes in what a watch saw.
    pub fn take(&mut self, seen: Seen, inventory: Option<&Inventory>, now: DateTime<Utc>) {
        match seen {
            Seen::Object(object) => self.take_object(*object, inventory, now),
            Seen::Gone { key, resource_version } => {
                let newer =
                    self.live.objects.get(&key).is_some_and(|live| is_newer(&live.resource_version, &resource_version));
                if !newer {
                    self.forget(&key);
                }
            }
            Seen::Restarted(place) => {
                self.listing.insert(place, BTreeSet::new());
            }
            Seen::Complete(place) => {
                let told = self.listing.remove(&place).unwrap_or_default();
                let at_place = |key: &ObjectKey| key.kind == place.0 && (place.1.is_none() || key.namespace == place.1);
                let gone: Vec<ObjectKey> =
                    self.live.objects.keys().filter(|key| at_place(key) && !told.contains(key)).cloned().collect();
                for key in gone {
                    self.forget(&key);
                }
                self.blind.remove(&place);
                self.live.covered.insert(place);
            }
            Seen::Blind(place, error) => {
                self.live.covered.remove(&place);
                self.blind.insert(place, error.to_string());
            }
        }
    }

    fn take_object(&mut self, object: SeenObject, inventory: Option<&Inventory>, now: DateTime<Utc>) {
        let SeenObject { key, live, managed_fields, judged } = object;
        for (place, told) in &mut self.listing {
            if place.0 == key.kind && (place.1.is_none() || place.1 == key.namespace) {
                told.insert(key.clone());
            }
        }
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
            self.odd.remove(&key);
        } else {
            self.odd.insert(key.clone(), managed_fields);
        }
        self.live.objects.insert(key, live);
    }

    /// Takes in what an apply answered, before the watch tells the same.
    pub fn take_applied(&mut self, key: &ObjectKey, owner: &str, applied: &Applied) {
        self.odd.remove(key);
        let keep = self.live.objects.get(key).is_some_and(|live| live.keep);
        let live = LiveObject {
            uid: applied.uid.clone(),
            resource_version: applied.resource_version.clone(),
            owner: Some(owner.to_owned()),
            entry: applied.entry.clone(),
            deleting: false,
            keep,
        };
        let known = self.live.objects.get(key);
        if !known.is_some_and(|known| is_newer(&known.resource_version, &live.resource_version)) {
            self.live.objects.insert(key.clone(), live);
        }
    }

    /// Takes in the `managedFields` of an object that carries no label.
    pub fn take_odd(&mut self, key: &ObjectKey, managed_fields: Value) {
        self.odd.insert(key.clone(), managed_fields);
    }

    pub fn forget(&mut self, key: &ObjectKey) {
        let live = self.live.objects.remove(key);
        if let (Some(live), Some(known)) = (live, self.judged.remove(key))
            && self.hooks.contains(key)
        {
            let verdict = known.judged.verdict;
            self.gone.insert(key.clone(), (live.uid, verdict.status, verdict.message));
        }
        self.odd.remove(key);
    }

    /// Whether somebody changed or deleted an object that was applied.
    pub fn drifted(&self, desired: &Desired, inventory: &Inventory) -> bool {
        let known = inventory.find(&desired.key).filter(|known| known.manifest.is_some());
        known.is_some_and(|known| has_drifted(desired, known, &self.live))
    }

    pub fn entry_of(&self, key: &ObjectKey) -> Option<OwnEntry> {
        self.live.objects.get(key)?.entry.clone()
    }

    /// The `managedFields` of an object that is not as it was applied.
    pub fn odd_fields(&self, key: &ObjectKey) -> Option<&Value> {
        self.odd.get(key)
    }

    /// How an object is doing; `None` while the watch has not seen what was applied last.
    pub fn known(&self, key: &ObjectKey) -> Option<&Known> {
        let known = self.judged.get(key)?;
        let live = self.live.objects.get(key)?;
        (!is_newer(&live.resource_version, &known.resource_version)).then_some(known)
    }

    /// The images that an object runs, whatever its state.
    pub fn last_known(&self, key: &ObjectKey) -> Option<&Known> {
        self.judged.get(key)
    }

    /// From now on the last verdict on these is kept when they are gone.
    pub fn remember(&mut self, hooks: BTreeSet<ObjectKey>) {
        self.gone.retain(|key, _| hooks.contains(key));
        self.hooks = hooks;
    }

    /// The verdict on the object with this UID, also when it is gone by now; `None` while nothing was said of it.
    pub fn last_word(&self, key: &ObjectKey, uid: &str) -> Option<(HealthStatus, String)> {
        if self.live.objects.get(key).is_some_and(|live| live.uid == uid) {
            let verdict = &self.known(key)?.judged.verdict;
            return Some((verdict.status_at(Utc::now()), verdict.message.clone()));
        }
        let (_, status, message) = self.gone.get(key).filter(|(gone, ..)| gone == uid)?;
        Some((*status, message.clone()))
    }

    /// When the next verdict changes by itself, because nobody waits for ever for a controller that says nothing.
    pub fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ends = self.judged.values().filter_map(|known| known.judged.verdict.waits_until);
        ends.filter(|end| *end > now).min()
    }

    /// The verdict on an object that ought to exist.
    pub fn status_of(&self, desired: &Desired) -> HealthStatus {
        let key = &desired.key;
        match self.known(key) {
            Some(known) => known.judged.verdict.status_at(Utc::now()),
            None if self.live.objects.contains_key(key) => HealthStatus::Progressing,
            None if desired.may_vanish => HealthStatus::Healthy,
            None if self.live.covers(key) => HealthStatus::Missing,
            None => HealthStatus::Unknown,
        }
    }
}

/// Resource versions are numbers that grow, by the API server's own word since 1.35 and in fact since ever.
fn is_newer(a: &str, b: &str) -> bool {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a > b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use heddle_reconcile::{GroupKind, health::judge};
    use serde_json::json;

    use super::*;

    fn seen(name: &str, object: &Value, now: DateTime<Utc>) -> Seen {
        let kind = GroupKind { group: "example.org".into(), kind: "Widget".into() };
        let live = LiveObject {
            uid: name.to_owned(),
            resource_version: "1".into(),
            owner: None,
            entry: None,
            deleting: false,
            keep: false,
        };
        let judged = Judged { verdict: judge(object, now), images: Vec::new(), pod_labels: Vec::new() };
        let key = ObjectKey { kind, namespace: None, name: name.to_owned() };
        Seen::Object(Box::new(SeenObject { key, live, managed_fields: Value::Null, judged: Some(judged) }))
    }

    #[test]
    fn a_verdict_that_changes_by_itself_is_looked_at_when_it_does() {
        let now: DateTime<Utc> = "2026-11-24T01:00:00Z".parse().unwrap();
        let mut view = View::default();
        let widget = |created: &str| {
            let metadata = json!({"name": "w", "generation": 1, "creationTimestamp": created});
            json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": metadata, "spec": {}})
        };
        view.take(seen("old", &widget("2026-11-23T01:00:00Z"), now), None, now);
        assert_eq!(view.next_change(now), None);
        for (name, created) in [("young", "2026-11-24T00:59:40Z"), ("younger", "2026-11-24T00:59:50Z")] {
            view.take(seen(name, &widget(created), now), None, now);
        }
        let first = view.next_change(now).unwrap();
        assert!(first > now && first < now + TimeDelta::seconds(60), "{first}");
        let second = view.next_change(first).unwrap();
        assert_eq!(second - first, TimeDelta::seconds(10));
        assert_eq!(view.next_change(second), None);
    }
}
