//! What others change in the cluster: explained, and healed or told.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_kube::Applied;
use heddle_reconcile::{
    Apply, DriftVerdict, FightBreaker, Inventory, ObjectKey, Plan, Reason, Takeover, changed_fields, judge_drift,
    managers_of,
};
use heddle_wire::agent::DriftReport;

use super::{Follower, apply::dry_run, objects::WantedObject};
use crate::metrics::{FoundBy, Verb};

/// How many drifts are told.
const MAX_DRIFTS: usize = 50;

/// When objects were put back lately.
#[derive(Debug, Default)]
pub(super) struct Fights(HashMap<ObjectKey, FightBreaker>);

impl Fights {
    fn note(&mut self, key: &ObjectKey, now: DateTime<Utc>) {
        self.0.retain(|_, breaker| breaker.is_on(now));
        self.0.entry(key.clone()).or_default().note(now);
    }

    /// Whether an object is left alone for now.
    pub fn hold(&self, key: &ObjectKey, now: DateTime<Utc>) -> bool {
        self.0.get(key).is_some_and(|breaker| breaker.held_until(now).is_some())
    }

    /// Whether any object was put back lately.
    pub fn are_on(&self) -> bool {
        !self.0.is_empty()
    }
}

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

    /// Notes a drift, after what an apply answered: the fields that came back are those that somebody had changed. What
    /// was left to others is no drift.
    pub(super) fn note_drift(
        &mut self,
        object: &WantedObject,
        applied: &Applied,
        found_by: FoundBy,
        healed_at: Option<DateTime<Utc>>,
    ) {
        let key = &object.desired.key;
        let Some((fields, who)) = self.changed(object, applied) else { return };
        self.metrics.drifted(found_by);
        if healed_at.is_some() {
            self.fights.note(key, Utc::now());
        }
        let at = who.as_ref().and_then(|who| who.time.parse().ok()).unwrap_or_else(Utc::now);
        let manager = who.map(|who| who.manager);
        tracing::info!(sync = %self.name, object = %key, manager, fields = ?fields,
            "{key} was changed in the cluster{}", if healed_at.is_some() { " and put back" } else { "" });
        let drift = DriftReport {
            object: key.to_string().into(),
            manager: manager.map(Into::into),
            fields: fields.into_iter().map(Into::into).collect(),
            at,
            healed_at,
        };
        self.drifts.push_front(drift);
        self.drifts.truncate(MAX_DRIFTS);
    }

    /// Which fields were changed, and by whom; `None` when there was no drift after all.
    fn changed(&self, object: &WantedObject, applied: &Applied) -> Option<(Vec<String>, Option<Takeover>)> {
        let Some(seen) = self.view.odd_fields(&object.desired.key) else { return Some((Vec::new(), None)) };
        match judge_drift(&object.desired.key.kind, &applied.managed_fields, seen, &object.rules) {
            DriftVerdict::None | DriftVerdict::Yielded { .. } => None,
            DriftVerdict::Changed { paths, by } => Some((paths, by)),
            // What was lost is known all the same: an apply has brought it back.
            DriftVerdict::LookInFull(_) => {
                let fields = changed_fields(seen, &applied.managed_fields);
                let who = managers_of(seen, &fields);
                Some((fields, who))
            }
        }
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
            let (_, tried) = dry_run(&self.client, object).await;
            self.metrics.wrote(Verb::DryRun, tried.is_ok());
            match tried {
                Ok(applied) => {
                    self.note_drift(object, &applied, FoundBy::Watch, None);
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use heddle_reconcile::GroupKind;

    use super::*;

    #[test]
    fn an_object_that_is_fought_over_is_left_alone_for_a_while_and_others_are_not() {
        let key =
            |name: &str| ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: None, name: name.into() };
        let (mut fights, start) = (Fights::default(), Utc::now());
        for second in 0..5 {
            let now = start + TimeDelta::seconds(second);
            assert!(!fights.hold(&key("a"), now));
            fights.note(&key("a"), now);
        }
        assert!(fights.hold(&key("a"), start + TimeDelta::seconds(30)));
        assert!(!fights.hold(&key("b"), start + TimeDelta::seconds(30)));
        assert!(!fights.hold(&key("a"), start + TimeDelta::seconds(61)));
    }
}
