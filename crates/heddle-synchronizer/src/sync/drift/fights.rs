//! Fields that others change again and again, and objects that others delete again and again. They are kept in the
//! inventory, so that another process goes on where this one ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use heddle_reconcile::{Contest, FightBreaker, Inventory, ObjectKey, find_field, hash_text, lost_fields, own_leaves};
use serde_json::Value;

use super::super::{
    cluster::Observed,
    desired::{Desired, PlacedObject},
};

/// Stands for the whole object: it was deleted, or what changed cannot be told.
const WHOLE: &str = "";

/// Fields that are kept in the inventory of a Sync. Of more, those are kept that are left alone for the longest.
pub(crate) const MAX_KEPT: usize = 50;

/// A field with a longer path is not kept.
const MAX_PATH_BYTES: usize = 1024;

/// The fights of a Sync.
#[derive(Debug, Default)]
pub(super) struct Fights {
    fights: HashMap<ObjectKey, Fight>,
    /// Whether those are among them that were kept before.
    is_recalled: bool,
}

/// A fight over an object.
#[derive(Debug, Default)]
struct Fight {
    fields: BTreeMap<String, Contest>,
    /// The fields that were ours when it was applied last, and those that were left to others then. Nothing is known of it
    /// before the first apply of this process; that one leaves to others what is left alone.
    own: BTreeSet<String>,
}

/// A field that is left as it is, because it is fought over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sync) struct LeftAlone {
    /// Of which object.
    pub key: ObjectKey,
    /// Which; `None` for the whole object.
    pub field: Option<String>,
    /// Who changed it last, where that is known.
    pub manager: Option<String>,
    /// Whether the object is not there.
    pub is_gone: bool,
    /// The owner that the manifest names.
    pub named_owner: Option<String>,
    /// When it is tried again.
    pub until: DateTime<Utc>,
}

impl Fights {
    pub fn is_empty(&self) -> bool {
        self.fights.is_empty()
    }

    /// Goes on with what was kept, when that is read for the first time.
    pub fn recall(&mut self, inventory: &Inventory) {
        if std::mem::replace(&mut self.is_recalled, true) {
            return;
        }
        for entry in inventory.iter().filter(|entry| !entry.fights.is_empty()) {
            let fields = entry.fights.iter().map(|contest| (contest.field.clone(), contest.clone())).collect();
            self.fights.entry(entry.key.clone()).or_insert(Fight { fields, own: BTreeSet::new() });
        }
    }

    /// What is to be kept, by object.
    pub fn kept(&self, now: DateTime<Utc>) -> BTreeMap<ObjectKey, Vec<Contest>> {
        let all = self.fights.iter().flat_map(|(key, fight)| fight.fields.values().map(move |contest| (key, contest)));
        let mut all: Vec<_> = all.filter(|(_, contest)| contest.field.len() <= MAX_PATH_BYTES).collect();
        all.sort_by_key(|(key, contest)| {
            (std::cmp::Reverse(contest.breaker.paused_until(now)), *key, contest.field.as_str())
        });
        let mut kept: BTreeMap<ObjectKey, Vec<Contest>> = BTreeMap::new();
        for (key, contest) in all.into_iter().take(MAX_KEPT) {
            kept.entry(key.clone()).or_default().push(contest.clone());
        }
        kept
    }

    /// Notes that fields were put back; without any, that the object was.
    pub fn note(&mut self, object: &PlacedObject, fields: &[String], manager: Option<&str>, now: DateTime<Utc>) {
        let manifest = manifest_of(object);
        let fight = self.fights.entry(object.key().clone()).or_default();
        let whole = [WHOLE.to_owned()];
        for field in if fields.is_empty() { &whole } else { fields } {
            let contest = fight.fields.entry(field.clone()).or_insert_with(|| Contest {
                field: field.clone(),
                manager: None,
                wanted: wanted(object, &manifest, field),
                breaker: FightBreaker::default(),
            });
            contest.breaker.note(now);
            contest.manager = manager.map(str::to_owned).or(contest.manager.take());
        }
    }

    /// Notes what an apply came to: these are our fields now, and `left` were left to others.
    pub fn observe_applied(&mut self, key: &ObjectKey, managed_fields: &Value, left: &[String]) {
        if let Some(fight) = self.fights.get_mut(key) {
            fight.own = own_leaves(managed_fields);
            let fought = left.iter().filter(|field| fight.fields.contains_key(*field));
            fight.own.extend(fought.cloned());
        }
    }

    /// Forgets what is over, and what is about another value than the one that is wanted now: that one is tried at once.
    pub fn forget_settled(&mut self, desired: &Desired, now: DateTime<Utc>) {
        if self.fights.is_empty() {
            return;
        }
        let objects: HashMap<&ObjectKey, &PlacedObject> =
            desired.objects().iter().map(|object| (object.key(), object)).collect();
        self.fights.retain(|key, fight| {
            let Some(object) = objects.get(key) else { return false };
            let manifest = manifest_of(object);
            fight.fields.retain(|field, contest| {
                !contest.breaker.is_over(now) && contest.wanted == wanted(object, &manifest, field)
            });
            !fight.fields.is_empty()
        });
    }

    /// The fields of an object that are left alone.
    pub fn paused(&self, key: &ObjectKey, now: DateTime<Utc>) -> Vec<String> {
        let fields = self.fights.get(key).into_iter().flat_map(|fight| &fight.fields);
        let paused = fields.filter(|(field, contest)| *field != WHOLE && contest.breaker.is_paused(now));
        paused.map(|(field, _)| field.clone()).collect()
    }

    /// Whether all that is not as it was applied is left alone.
    pub fn leaves_alone(&self, key: &ObjectKey, observed: &Observed, now: DateTime<Utc>) -> bool {
        self.fights.get(key).is_some_and(|fight| {
            let lost = fight.lost(key, observed);
            lost.iter().all(|field| fight.fields.get(field).is_some_and(|contest| contest.breaker.is_paused(now)))
        })
    }

    /// What of the objects is left alone now.
    pub fn left_alone(
        &self,
        desired: &Desired,
        observed: &Observed,
        inventory: &Inventory,
        now: DateTime<Utc>,
    ) -> Vec<LeftAlone> {
        if self.fights.is_empty() {
            return Vec::new();
        }
        let mut left = Vec::new();
        for object in desired.objects() {
            let key = object.key();
            let Some(fight) = self.fights.get(key).filter(|_| observed.drifted(&object.desired, inventory)) else {
                continue;
            };
            for field in fight.lost(key, observed) {
                let Some(contest) = fight.fields.get(&field) else { continue };
                let Some(until) = contest.breaker.paused_until(now) else { continue };
                left.push(LeftAlone {
                    key: key.clone(),
                    manager: contest.manager.clone(),
                    is_gone: observed.is_missed(key),
                    named_owner: named_owner(&manifest_of(object)),
                    field: Some(field).filter(|field| field != WHOLE),
                    until,
                });
            }
        }
        left
    }

    /// When something that is left alone is tried again.
    pub fn next_try(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let contests = self.fights.values().flat_map(|fight| fight.fields.values());
        contests.filter_map(|contest| contest.breaker.paused_until(now)).min()
    }
}

impl Fight {
    /// What is not as it was when it was put back last.
    fn lost(&self, key: &ObjectKey, observed: &Observed) -> Vec<String> {
        let seen = observed.changed_fields(key).filter(|_| !observed.is_missed(key));
        let lost = seen.map(|seen| lost_fields(&self.own, seen)).unwrap_or_default();
        if lost.is_empty() { vec![WHOLE.to_owned()] } else { lost }
    }
}

fn manifest_of(object: &PlacedObject) -> Value {
    serde_json::from_str(&object.text).unwrap_or_default()
}

/// Hash of what is wanted at a field. A short value of a Secret could be guessed by its own, so there it is the manifest's.
fn wanted(object: &PlacedObject, manifest: &Value, field: &str) -> String {
    if field == WHOLE || object.key().kind.kind == "Secret" {
        return object.desired.manifest.clone();
    }
    hash_text(find_field(manifest, field).map(ToString::to_string).unwrap_or_default())
}

/// Where an owner does not exist, Kubernetes deletes what names it.
fn named_owner(manifest: &Value) -> Option<String> {
    let owner = manifest["metadata"]["ownerReferences"].as_array()?.first()?;
    Some(format!("{} {}", owner["kind"].as_str()?, owner["name"].as_str()?))
}
