//! What others changed in the cluster: explained, and kept for the report.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, Utc};
use heddle_kube::Applied;
use heddle_reconcile::{
    DriftVerdict, FightBreaker, Inventory, ObjectKey, OwnEntry, Takeover, changed_fields, judge_drift, managers_of,
};
use heddle_wire::agent::DriftReport;

use super::{
    cluster::Observed,
    desired::{Desired, DesiredObject},
};

/// How many drifts are told.
pub(crate) const MAX_DRIFTS: usize = 50;

/// The drifts of a Sync.
#[derive(Debug, Default)]
pub(super) struct DriftLog {
    /// The latest, newest first.
    reports: VecDeque<DriftReport>,
    /// Drifts that were told and are not healed, by what was seen of the object.
    detected: HashMap<ObjectKey, Option<OwnEntry>>,
    fights: Fights,
}

impl DriftLog {
    /// The latest drifts, newest first.
    pub fn reports(&self) -> impl Iterator<Item = &DriftReport> {
        self.reports.iter()
    }

    /// Notes a drift, after what an apply answered: the fields that came back are those that somebody had changed. What
    /// was left to others is no drift, and gives `None`.
    pub fn note(
        &mut self,
        object: &DesiredObject,
        applied: &Applied,
        observed: &Observed,
        healed_at: Option<DateTime<Utc>>,
    ) -> Option<&DriftReport> {
        let key = object.key();
        let (fields, who) = changed(object, applied, observed)?;
        if let Some(at) = healed_at {
            self.fights.note(key, at);
        }
        let at = who.as_ref().and_then(|who| who.time.parse().ok()).or(healed_at).unwrap_or_else(Utc::now);
        let drift = DriftReport {
            object: key.to_string().into(),
            manager: who.map(|who| who.manager.into()),
            fields: fields.into_iter().map(Into::into).collect(),
            at,
            healed_at,
        };
        self.reports.push_front(drift);
        self.reports.truncate(MAX_DRIFTS);
        self.reports.front()
    }

    /// Notes that a drift that is not to be healed was told as it is seen now.
    pub fn detect(&mut self, key: &ObjectKey, observed: &Observed) {
        self.detected.insert(key.clone(), observed.entry_of(key));
    }

    /// Whether a drift was told as it is seen now.
    pub fn was_told(&self, key: &ObjectKey, observed: &Observed) -> bool {
        self.detected.get(key) == Some(&observed.entry_of(key))
    }

    /// An object is as the repository wants it.
    pub fn is_mended(&mut self, key: &ObjectKey) {
        self.detected.remove(key);
    }

    /// Whether an object is left alone for now, because it was put back again and again.
    pub fn is_paused(&self, key: &ObjectKey, now: DateTime<Utc>) -> bool {
        self.fights.is_paused(key, now)
    }

    /// Whether any object was put back lately.
    pub fn fights(&self) -> bool {
        !self.fights.0.is_empty()
    }

    /// Whether the watches show a drift that was neither told nor is left alone.
    pub fn has_news(&self, desired: &Desired, observed: &Observed, inventory: &Inventory, now: DateTime<Utc>) -> bool {
        desired.objects().iter().any(|object| {
            observed.drifted(&object.desired, inventory)
                && !self.is_paused(object.key(), now)
                && !self.was_told(object.key(), observed)
        })
    }
}

/// Which fields were changed, and by whom; `None` when there was no drift after all.
fn changed(object: &DesiredObject, applied: &Applied, observed: &Observed) -> Option<(Vec<String>, Option<Takeover>)> {
    let Some(seen) = observed.changed_fields(object.key()) else { return Some((Vec::new(), None)) };
    match judge_drift(&object.key().kind, &applied.managed_fields, seen, &object.rules) {
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

/// When objects were put back lately.
#[derive(Debug, Default)]
struct Fights(HashMap<ObjectKey, FightBreaker>);

impl Fights {
    fn note(&mut self, key: &ObjectKey, now: DateTime<Utc>) {
        self.0.retain(|_, breaker| breaker.is_on(now));
        self.0.entry(key.clone()).or_default().note(now);
    }

    fn is_paused(&self, key: &ObjectKey, now: DateTime<Utc>) -> bool {
        self.0.get(key).is_some_and(|breaker| breaker.held_until(now).is_some())
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
            assert!(!fights.is_paused(&key("a"), now));
            fights.note(&key("a"), now);
        }
        assert!(fights.is_paused(&key("a"), start + TimeDelta::seconds(30)));
        assert!(!fights.is_paused(&key("b"), start + TimeDelta::seconds(30)));
        assert!(!fights.is_paused(&key("a"), start + TimeDelta::seconds(61)));
    }
}
