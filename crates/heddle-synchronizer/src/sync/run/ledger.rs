//! The inventory of a run: it holds an object before that is written, and tells the other Syncs what it holds.

use chrono::Utc;
use heddle_kube::KubeError;
use heddle_reconcile::{Apply, Holds, ObjectKey};

use super::{
    super::{desired::PlacedObject, telling::note_holds},
    Run, RunContext,
};

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
        self.exchange_notes();
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
        if note_holds(self.known, &self.inventory) {
            ctx.neighbors.publish(&name.name, self.known.clone());
        }
        Ok(())
    }

    /// Notes what others have let go of in what this Sync has, and forgets what they have noted of what was let go of here: so
    /// that a namespace which moved, or is another one's, is not deleted with what stays in it.
    pub(super) fn exchange_notes(&mut self) {
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let holders = self.inventory.iter().map(|entry| &entry.key).filter(|key| key.holds_others());
        let noted: Vec<(ObjectKey, Holds)> =
            holders.map(|key| (key.clone(), neighbors.noted_by_others(name, key))).collect();
        for (key, holds) in noted {
            self.inventory.note_holds(&key, &holds);
        }
        self.inventory.forget_notes(|key, holds| neighbors.have_others_noted(name, key, holds));
    }

    /// Takes back that an object was announced: the API server has said that it wrote nothing. The former run of a hook is
    /// gone all the same.
    pub(super) fn take_back(&mut self, object: &PlacedObject) {
        let key = object.key();
        match self.before.get(key) {
            Some(Some(_)) if object.desired.order.hook.is_some() => {}
            Some(before) => self.inventory.take_back(key, before.as_ref()),
            None => {}
        }
    }
}
