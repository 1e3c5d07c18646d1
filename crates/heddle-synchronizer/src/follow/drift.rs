//! What others change in the cluster: explained, and healed or told.

use chrono::{DateTime, Utc};
use heddle_kube::{Applied, ApplyRequest};
use heddle_reconcile::{Apply, Inventory, ObjectKey, Plan, Reason, changed_fields, managers_of};
use heddle_wire::agent::DriftReport;

use super::{Follower, objects::WantedObject};

/// How many drifts are told.
const MAX_DRIFTS: usize = 50;

impl Follower {
    /// An object that the watch does not show any more may have lost its label alone: then somebody's entry says who did
    /// it.
    pub(super) async fn look_at_vanished(&mut self, plan: &Plan, objects: &[WantedObject]) {
        let drifted = plan.waves.iter().flatten().filter(|apply| apply.reason == Reason::Drifted);
        for object in drifted.map(|apply| &objects[apply.index]) {
            let key = &object.desired.key;
            if self.view.live.objects.contains_key(key) {
                continue;
            }
            if let Ok(Some(found)) = self.client.find_metadata(key, &object.served).await {
                self.view.take_odd(key, found.managed_fields);
            }
        }
    }

    /// Notes a drift, after what an apply answered: the fields that came back are those that somebody had changed.
    pub(super) fn note_drift(&mut self, key: &ObjectKey, applied: &Applied, healed_at: Option<DateTime<Utc>>) {
        let before = self.view.odd_fields(key);
        let fields = before.map(|before| changed_fields(before, &applied.managed_fields)).unwrap_or_default();
        let who = before.and_then(|before| managers_of(before, &fields));
        let at = who.as_ref().and_then(|who| who.time.parse().ok()).unwrap_or_else(Utc::now);
        let drift = DriftReport { object: key.to_string(), manager: who.map(|who| who.manager), fields, at, healed_at };
        tracing::info!(sync = %self.name, object = %key, manager = drift.manager, fields = ?drift.fields,
            "{key} was changed in the cluster{}", if healed_at.is_some() { " and put back" } else { "" });
        self.drifts.push_front(drift);
        self.drifts.truncate(MAX_DRIFTS);
    }

    /// Tells drifts that are not to be healed. A dry run says which fields an apply would bring back.
    pub(super) async fn detect(&mut self, drifted: &[Apply], objects: &[WantedObject], inventory: &Inventory) {
        for apply in drifted {
            let object = &objects[apply.index];
            let key = &object.desired.key;
            let entry = self.view.entry_of(key);
            if self.detected.get(key) == Some(&entry) || !self.view.drifted(&object.desired, inventory) {
                continue;
            }
            let manifest = serde_json::from_str(&object.text).unwrap_or_default();
            let request = ApplyRequest { key, served: &object.served, manifest: &manifest, dry_run: true };
            match self.client.apply(request).await {
                Ok(applied) => {
                    self.note_drift(key, &applied, None);
                    self.detected.insert(key.clone(), entry);
                }
                Err(error) => {
                    let error = self.redactor.redact(&error.to_string());
                    tracing::warn!(sync = %self.name, object = %key, "a drift cannot be explained: {error}");
                }
            }
        }
    }
}
