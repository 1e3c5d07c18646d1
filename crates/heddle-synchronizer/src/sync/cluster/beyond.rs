//! Objects of other Syncs, which our own watches do not show: where a plan has to know of them, and what Syncs that are gone
//! have left.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use heddle_kube::{KubeError, Served, WatchPlace};
use heddle_reconcile::{Inventory, ObjectKey};
use tokio::time::{Instant, timeout_at};

use super::{super::desired::Desired, CONCURRENCY, ClusterFault, ClusterState, LIST_LIMIT, place_of};

impl ClusterState {
    /// Whether a Sync is gone since the objects of others were listed at every place.
    pub fn misses_a_sync(&self, living: &BTreeMap<String, String>) -> bool {
        self.syncs_then.as_ref().is_some_and(|then| then.iter().any(|uid| !living.contains_key(uid)))
    }

    /// Looks for what Syncs that are gone have left: at every place once and whenever one is gone since, and where there is
    /// such a thing as long as it is there. A place that cannot be asked about now is asked about the next time.
    pub async fn look_for_leftovers(&mut self, desired: &Desired, living: &BTreeMap<String, String>) {
        let places = self.places(desired);
        let wanted = if self.syncs_then.is_some() && !self.misses_a_sync(living) {
            let left = self.observed.foreign().filter(|(_, owner)| !living.contains_key(*owner));
            left.map(|(key, _)| place_of(key)).collect()
        } else {
            places.keys().cloned().collect()
        };
        match self.look_beyond(wanted, &places).await {
            Ok(()) => self.syncs_then = Some(living.keys().cloned().collect()),
            Err(fault) => tracing::debug!("leftovers cannot be looked for: {}", fault.message),
        }
    }

    /// Lists the objects of other Syncs at these places.
    pub(super) async fn look_beyond(
        &mut self,
        wanted: BTreeSet<WatchPlace>,
        places: &BTreeMap<WatchPlace, Served>,
    ) -> Result<(), ClusterFault> {
        // What may not be listed may not be watched either, and nothing is known of it.
        let wanted = wanted.into_iter().filter(|place| self.observed.live.covered.contains(place));
        let wanted = wanted.filter_map(|place| places.get(&place).map(|served| (place, served)));
        let lists: Vec<_> = wanted
            .map(|(place, served)| {
                let (client, owner) = (&self.client, &self.owner);
                async move {
                    let found = client.list_others(served, place.1.as_deref(), owner).await;
                    (place, found)
                }
            })
            .collect();
        let found: Vec<_> = futures::stream::iter(lists).buffer_unordered(CONCURRENCY).collect().await;
        for (place, found) in found {
            self.observed.observe_foreign(&place, found?);
        }
        Ok(())
    }

    /// Looks at each object that is new to this Sync and stands where nothing is seen: it may be another living one's. Of what
    /// cannot be looked at within [`LIST_LIMIT`] it is not known whose it is.
    pub(super) async fn look_for_owners(&mut self, desired: &Desired, living: &BTreeMap<String, String>) {
        self.unknown_owners.clear();
        self.observed.forget_foreign(|key| desired.keys().contains(key));
        if living.keys().all(|uid| *uid == self.owner) {
            return;
        }
        let is_known = |key: &ObjectKey| self.inventory().is_some_and(|inventory| inventory.find(key).is_some());
        let is_unseen = |key: &ObjectKey| !is_known(key) && !self.observed.live.covers(key);
        let unseen = desired.objects().iter().filter(|object| is_unseen(object.key()));
        let (client, deadline) = (&self.client, Instant::now() + LIST_LIMIT);
        let looks: Vec<_> = unseen
            .map(|object| async move {
                let look = client.find_metadata(object.key(), &object.served);
                let late = |_| Err(KubeError::Unavailable("it did not say in time whose the object is".to_owned()));
                (object.key(), timeout_at(deadline, look).await.unwrap_or_else(late))
            })
            .collect();
        let found: Vec<_> = futures::stream::iter(looks).buffer_unordered(CONCURRENCY).collect().await;
        for (key, found) in found {
            match found {
                Ok(found) => self.observed.observe_owner(key, found.filter(|found| found.is_of_another(&self.owner))),
                // It is defined by the same path, and nobody can have one yet.
                Err(KubeError::NotServed(_)) => self.observed.observe_owner(key, None),
                Err(error) => drop(self.unknown_owners.insert(key.clone(), error)),
            }
        }
    }

    /// Where a plan has to know of the objects of others, which our own watches do not show: an object that is new to this
    /// Sync may be another living one's; and a namespace or a definition that is to go may hold some.
    pub(super) fn places_before_a_plan(
        &self,
        desired: &Desired,
        places: &BTreeMap<WatchPlace, Served>,
        living: &BTreeMap<String, String>,
    ) -> BTreeSet<WatchPlace> {
        let inventory = self.inventory().into_iter().flat_map(Inventory::iter).map(|entry| &entry.key);
        let mut leaves = inventory.filter(|key| !desired.keys().contains(key));
        if leaves.any(ObjectKey::holds_others) {
            return places.keys().cloned().collect();
        }
        let is_alone = living.keys().all(|uid| *uid == self.owner);
        let is_known = |key: &ObjectKey| self.inventory().is_some_and(|inventory| inventory.find(key).is_some());
        desired.keys().iter().filter(|key| !is_alone && !is_known(key)).map(place_of).collect()
    }

    /// Objects at the places of this Sync that Heddle has applied and no Sync has any more. `living` are all Syncs.
    pub fn leftovers(&self, desired: &Desired, living: &BTreeMap<String, String>) -> Vec<ObjectKey> {
        let Some(inventory) = self.inventory() else { return Vec::new() };
        self.observed.leftovers(|key, owner| {
            let is_held = if owner == self.owner { inventory.find(key).is_some() } else { living.contains_key(owner) };
            is_held || desired.keys().contains(key)
        })
    }
}
