//! The inventory of a run: it holds an object before that is written, and tells the other Syncs what it holds.

use std::collections::BTreeSet;

use chrono::Utc;
use heddle_kube::KubeError;
use heddle_reconcile::{Apply, ObjectKey};

use super::{super::desired::PlacedObject, Run, RunContext};

impl Run<'_> {
    /// The inventory holds an object before the object is written, and the others know of it before.
    pub(super) async fn announce(&mut self, applies: impl Iterator<Item = &Apply>) -> Result<(), KubeError> {
        for apply in applies {
            let desired = &self.object(apply.index).desired;
            let before = self.inventory.find(&desired.key);
            if let Some(before) = before.filter(|entry| entry.version != desired.api_version) {
                self.versions.insert(desired.key.clone(), before.version.clone());
            }
            self.before.entry(desired.key.clone()).or_insert_with(|| before.cloned());
            self.inventory.announce(desired);
        }
        for object in self.context.desired.objects() {
            self.inventory.place(object.key(), object.origin.as_ref());
        }
        self.save().await
    }

    /// Has the cluster hold the inventory, and tells the others what it holds.
    pub(super) async fn save(&mut self) -> Result<(), KubeError> {
        let RunContext { ctx, sync, name, .. } = self.context;
        self.drift.keep_in(&mut self.inventory, Utc::now());
        let is_new = self.cluster.inventory() != Some(&self.inventory);
        self.cluster.save(&ctx.own, sync, self.inventory.clone()).await?;
        // What is as it was is not written, and nobody is asked.
        self.is_answered |= is_new;
        let holds: BTreeSet<ObjectKey> = self.inventory.iter().map(|entry| entry.key.clone()).collect();
        if self.known.holds.as_deref() != Some(&holds) {
            self.known.holds = Some(holds.into());
            ctx.neighbors.publish(&name.name, self.known.clone());
        }
        Ok(())
    }

    /// Takes back that an object was announced: the API server has said that it wrote nothing. The former run of a hook is
    /// gone all the same.
    pub(super) fn take_back(&mut self, object: &PlacedObject) {
        let key = object.key();
        match self.before.get(key) {
            Some(None) => self.inventory.forget(key),
            Some(Some(before)) if object.desired.order.hook.is_none() => self.inventory.put(before.clone()),
            _ => {}
        }
    }
}
