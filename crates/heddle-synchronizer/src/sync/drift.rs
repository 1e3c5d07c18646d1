//! What others changed in the cluster: explained, and kept for the report.

mod fights;

use std::collections::{BTreeSet, HashMap, VecDeque};

use chrono::{DateTime, Utc};
use heddle_kube::Applied;
use heddle_reconcile::{
    DriftRules, DriftVerdict, Inventory, ObjectKey, Takeover, changed_fields, hash_holders, judge_drift, managers_of,
};
use heddle_wire::agent::DriftReport;

use self::fights::Fights;
pub(super) use self::fights::LeftAlone;
pub(crate) use self::fights::MAX_KEPT;

use super::{
    cluster::Observed,
    desired::{Desired, PlacedObject},
};

/// How many drifts are told.
pub(crate) const MAX_DRIFTS: usize = 50;

/// The drifts of a Sync.
#[derive(Debug, Default)]
pub(super) struct DriftLog {
    /// The latest, newest first.
    reports: VecDeque<DriftReport>,
    /// Objects that are not to be healed and were looked at, as they were then.
    looked_at: HashMap<ObjectKey, LookedAt>,
    fights: Fights,
}

/// An object that is not as it was applied, or was not, and is not to be healed.
#[derive(Debug)]
struct LookedAt {
    /// The fields that others had written.
    fields: Vec<String>,
    holders: Holders,
}

/// What the watch shows of an object that is to be looked at.
#[derive(Debug, PartialEq, Eq)]
enum Holders {
    /// The object is gone, or not ours any more.
    Gone,
    /// Nothing that was not so after the last apply.
    AsApplied,
    /// Who holds the fields, hashed.
    Of(String),
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
        object: &PlacedObject,
        applied: &Applied,
        observed: &Observed,
        healed_at: Option<DateTime<Utc>>,
    ) -> Option<&DriftReport> {
        let key = object.key();
        let (fields, who) = changed(object, applied, observed)?;
        if let Some(at) = healed_at {
            let manager = who.as_ref().map(|who| who.manager.as_str());
            self.fights.note(object, &fields, manager, at);
        }
        let at = who.as_ref().and_then(|who| who.time.parse().ok()).or(healed_at).unwrap_or_else(Utc::now);
        let drift = DriftReport {
            object: key.to_string().into(),
            manager: who.map(|who| who.manager.into()),
            fields: fields.into_iter().map(Into::into).collect(),
            at,
            healed_at,
        };
        self.push(drift);
        self.reports.front()
    }

    /// Of an object there is one drift that is not over, the latest. Of too many those go first that are over, but for the
    /// one that is new: it is told yet.
    fn push(&mut self, drift: DriftReport) {
        self.reports.retain(|one| one.healed_at.is_some() || one.object != drift.object);
        self.reports.push_front(drift);
        if self.reports.len() > MAX_DRIFTS {
            let over = (1..=MAX_DRIFTS).rev().find(|&index| self.reports[index].healed_at.is_some());
            self.reports.remove(over.unwrap_or(MAX_DRIFTS));
        }
    }

    /// Notes that an object that is not to be healed was looked at by a dry run: it differs, and that was told, or it is as Git
    /// has it, whoever has its fields.
    pub fn note_look(
        &mut self,
        object: &PlacedObject,
        applied: &Applied,
        observed: &Observed,
        differs: bool,
        now: DateTime<Utc>,
    ) {
        let fields = changed(object, applied, observed).map(|(fields, _)| fields).unwrap_or_default();
        self.remember_look(object.key(), fields, observed, differs, now);
    }

    fn remember_look(
        &mut self,
        key: &ObjectKey,
        fields: Vec<String>,
        observed: &Observed,
        differs: bool,
        now: DateTime<Utc>,
    ) {
        let holders = holders(key, observed, &fields);
        self.looked_at.insert(key.clone(), LookedAt { fields, holders });
        if !differs {
            self.close(key, now);
        }
    }

    /// Whether an object was looked at as it is now.
    pub fn was_looked_at(&self, key: &ObjectKey, observed: &Observed) -> bool {
        self.looked_at.get(key).is_some_and(|look| look.holders == holders(key, observed, &look.fields))
    }

    /// Whether a drift of an object is told and not over.
    pub fn is_open(&self, key: &ObjectKey) -> bool {
        self.open(key).next().is_some()
    }

    /// An object is as the repository wants it: what was told of it and not put back then, is now.
    pub fn is_mended(&mut self, key: &ObjectKey, now: DateTime<Utc>) {
        self.looked_at.remove(key);
        self.close(key, now);
    }

    /// Forgets what is not known any more: drifts of objects that are not wanted, and where nobody looks, all that are not over.
    pub fn forget_unknown(&mut self, desired: &Desired, is_off: bool) {
        self.looked_at.retain(|key, _| !is_off && desired.keys().contains(key));
        if self.reports.iter().all(|drift| drift.healed_at.is_some()) {
            return;
        }
        let wanted: BTreeSet<String> = desired.keys().iter().map(ToString::to_string).collect();
        self.reports.retain(|drift| drift.healed_at.is_some() || (!is_off && wanted.contains(&*drift.object)));
    }

    fn open(&self, key: &ObjectKey) -> impl Iterator<Item = &DriftReport> {
        let name = key.to_string();
        self.reports.iter().filter(move |drift| drift.healed_at.is_none() && drift.object == name.as_str())
    }

    fn close(&mut self, key: &ObjectKey, now: DateTime<Utc>) {
        let name = key.to_string();
        let open = self.reports.iter_mut().filter(|drift| drift.healed_at.is_none() && drift.object == name.as_str());
        open.for_each(|drift| drift.healed_at = Some(now));
    }

    /// Goes on with the fights that the inventory has kept.
    pub fn recall(&mut self, inventory: &Inventory) {
        self.fights.recall(inventory);
    }

    /// Has an inventory keep the fights.
    pub fn keep_in(&self, inventory: &mut Inventory, now: DateTime<Utc>) {
        inventory.note_fights(self.fights.kept(now));
    }

    /// Forgets the fights that are over, and those about values that are not wanted any more.
    pub fn forget_settled(&mut self, desired: &Desired, now: DateTime<Utc>) {
        self.fights.forget_settled(desired, now);
    }

    /// The rules for an apply: what is fought over is left to whoever has it.
    pub fn rules_for(&self, object: &PlacedObject, now: DateTime<Utc>) -> DriftRules {
        object.rules.and_ignore(self.fights.paused(object.key(), now))
    }

    /// Notes what an apply came to.
    pub fn observe_applied(&mut self, key: &ObjectKey, applied: &Applied) {
        self.fights.observe_applied(key, &applied.managed_fields, &applied.settled.left);
    }

    /// Whether any of these fields is left alone, because it is fought over.
    pub fn leaves_any(&self, key: &ObjectKey, fields: &[String], now: DateTime<Utc>) -> bool {
        self.fights.paused(key, now).iter().any(|paused| fields.contains(paused))
    }

    /// Whether all that others changed of an object is left alone for now, because it was put back again and again.
    pub fn leaves_alone(&self, key: &ObjectKey, observed: &Observed, now: DateTime<Utc>) -> bool {
        self.fights.leaves_alone(key, observed, now)
    }

    /// What is left alone for now.
    pub fn left_alone(
        &self,
        desired: &Desired,
        observed: &Observed,
        inventory: &Inventory,
        now: DateTime<Utc>,
    ) -> Vec<LeftAlone> {
        self.fights.left_alone(desired, observed, inventory, now)
    }

    /// When something that is left alone is tried again.
    pub fn next_try(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.fights.next_try(now)
    }

    /// Whether any object was put back lately.
    pub fn fights(&self) -> bool {
        !self.fights.is_empty()
    }

    /// Whether the watches show a drift that was neither told nor is left alone.
    pub fn has_news(&self, desired: &Desired, observed: &Observed, inventory: &Inventory, now: DateTime<Utc>) -> bool {
        desired.objects().iter().any(|object| {
            observed.drifted(&object.desired, inventory)
                && !self.leaves_alone(object.key(), observed, now)
                && !self.was_looked_at(object.key(), observed)
        })
    }
}

/// Who holds these fields of an object.
fn holders(key: &ObjectKey, observed: &Observed, fields: &[String]) -> Holders {
    match observed.changed_fields(key) {
        Some(seen) => Holders::Of(hash_holders(seen, fields)),
        None if observed.is_missed(key) => Holders::Gone,
        None => Holders::AsApplied,
    }
}

/// Which fields were changed, and by whom; `None` when there was no drift after all.
fn changed(object: &PlacedObject, applied: &Applied, observed: &Observed) -> Option<(Vec<String>, Option<Takeover>)> {
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

#[cfg(test)]
mod tests;
