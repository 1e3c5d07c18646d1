//! What a Sync has applied, as the cluster keeps it.

mod holds;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Contest, DesiredObject, GroupKind, HookEnd, Live, LiveObject, ObjectKey, Origin, OwnEntry};

pub use self::holds::{Holds, MAX_HOLDS};

/// One object that a Sync has applied, or was about to apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryEntry {
    /// Which.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// The version under which it was applied last.
    pub version: String,
    /// Its UID; `None` while it was announced and never seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Hash of the manifest that was applied last; `None` while it was announced only, or is about to be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
    /// Hash of the manifest that was applied before another one was announced of which it is not known whether it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// Our entry in its `managedFields` right after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<OwnEntry>,
    /// How it ended, where it is a hook and was seen to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<HookEnd>,
    /// Whether its delete was approved and goes on until it is gone, however the plan looks by then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// Where it stood in the repository when that was read last; `None` where an earlier release applied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What would go with it, was let go of, and stays: of a namespace or a definition.
    #[serde(flatten)]
    pub holds: Holds,
    /// Whether another Sync has it, and only that is kept of it here which that one may not have noted yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_others: bool,
    /// The fields of it that are fought over, so that a fight is not fought anew after a restart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fights: Vec<Contest>,
}

impl InventoryEntry {
    /// Of an object of which nothing is known but that it is about to be applied.
    pub fn announced(key: ObjectKey, version: &str) -> Self {
        let version = version.to_owned();
        Self {
            key,
            version,
            uid: None,
            manifest: None,
            was: None,
            entry: None,
            ended: None,
            leaving: false,
            origin: None,
            holds: Holds::default(),
            is_others: false,
            fights: Vec::new(),
        }
    }

    /// Of a namespace or a definition that another Sync has.
    fn note(key: ObjectKey) -> Self {
        Self { is_others: true, ..Self::announced(key, "") }
    }

    /// Whether our fields in `entry` are those that were ours right after the last apply, whenever that was.
    pub fn has_fields_of(&self, entry: Option<&OwnEntry>) -> bool {
        self.entry.as_ref().zip(entry).is_some_and(|(known, seen)| known.fields == seen.fields)
    }
}

/// Everything that a Sync has applied. The cluster holds it before the first object is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    entries: BTreeMap<ObjectKey, InventoryEntry>,
    /// What namespaces and definitions of other Syncs hold, until these have it noted.
    notes: BTreeMap<ObjectKey, InventoryEntry>,
}

impl Inventory {
    /// The entry of an object.
    pub fn find(&self, key: &ObjectKey) -> Option<&InventoryEntry> {
        self.entries.get(key)
    }

    /// The entry of an object that was applied as it is wanted now; of a hook: in this run.
    pub fn find_applied(&self, desired: &DesiredObject) -> Option<&InventoryEntry> {
        self.find(&desired.key).filter(|entry| entry.manifest.as_ref() == Some(&desired.manifest))
    }

    /// Every entry, by key.
    pub fn iter(&self) -> impl Iterator<Item = &InventoryEntry> {
        self.entries.values()
    }

    /// How many objects it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every entry and every note, as they are stored.
    pub fn stored(&self) -> impl Iterator<Item = &InventoryEntry> {
        self.entries.values().chain(self.notes.values())
    }

    /// How many entries and notes there are.
    pub fn stored_len(&self) -> usize {
        self.entries.len() + self.notes.len()
    }

    /// Notes that an object is about to be applied. What is known of it stays, but for a manifest that is going to be
    /// another one: an apply that is cut short may have been done all the same.
    pub fn announce(&mut self, desired: &DesiredObject) {
        let entry = self.entries.entry(desired.key.clone());
        let entry = entry.or_insert_with(|| InventoryEntry::announced(desired.key.clone(), &desired.api_version));
        if let Some(note) = self.notes.remove(&desired.key) {
            entry.holds.merge(&note.holds);
        }
        desired.api_version.clone_into(&mut entry.version);
        if let Some(before) = entry.manifest.take_if(|manifest| *manifest != desired.manifest) {
            entry.was = Some(before);
        }
    }

    /// What is wanted again as it was before another manifest was announced, and is seen to be so, was never changed.
    pub fn settle(&mut self, desired: &[DesiredObject], live: &Live) {
        for object in desired {
            let Some(entry) = self.entries.get_mut(&object.key) else { continue };
            let is_wanted_as_it_was = entry.manifest.is_none() && entry.was.as_ref() == Some(&object.manifest);
            let is_as_it_was = |live: &LiveObject| {
                live.entry.is_some() && live.entry == entry.entry && Some(&live.uid) == entry.uid.as_ref()
            };
            if is_wanted_as_it_was && live.objects.get(&object.key).is_some_and(is_as_it_was) {
                entry.manifest = entry.was.take();
            }
        }
    }

    /// Notes that the delete of an object was approved.
    pub fn approve(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.leaving = true;
        }
    }

    /// Notes that an object is about to be deleted: what was applied of it does not count any more, so that it is made anew
    /// where it is wanted again, and is no drift.
    pub fn unsettle(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            (entry.manifest, entry.was, entry.entry) = (None, None, None);
        }
    }

    /// An object is wanted: what was approved before, when it was not, does not count any more.
    pub fn want(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.leaving = false;
        }
    }

    /// Notes what is fought over, by object; of all others nothing is.
    pub fn note_fights(&mut self, mut fights: BTreeMap<ObjectKey, Vec<Contest>>) {
        for (key, entry) in &mut self.entries {
            entry.fights = fights.remove(key).unwrap_or_default();
        }
    }

    /// Notes where an object stands in the repository, where the inventory has it.
    pub fn place(&mut self, key: &ObjectKey, origin: Option<&Origin>) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.origin.as_ref() != origin) {
            entry.origin = origin.cloned();
        }
    }

    /// Takes an entry in, in place of what was known of its object.
    pub fn put(&mut self, entry: InventoryEntry) {
        self.entries.insert(entry.key.clone(), entry);
    }

    /// Lets go of an object that stays in the cluster. What it would go with keeps a note of it. `plurals` are the names under
    /// which the kinds are served, `elsewhere` namespaces and definitions of other Syncs with which it would go.
    pub fn let_go(&mut self, key: &ObjectKey, plurals: &BTreeMap<GroupKind, String>, elsewhere: &[ObjectKey]) {
        self.forget(key);
        for holder in self.entries.values_mut().filter(|entry| key.goes_with(&entry.key, plurals)) {
            holder.holds.note(key);
        }
        for holder in elsewhere.iter().filter(|holder| !self.entries.contains_key(*holder)) {
            let note = self.notes.entry(holder.clone());
            note.or_insert_with(|| InventoryEntry::note(holder.clone())).holds.note(key);
        }
    }

    /// Gives up an object that another Sync takes. What it holds stays noted until that one has noted it.
    pub fn give_up(&mut self, key: &ObjectKey) {
        if let Some(entry) = self.entries.remove(key).filter(|entry| !entry.holds.is_empty()) {
            self.notes.insert(key.clone(), InventoryEntry { holds: entry.holds, ..InventoryEntry::note(key.clone()) });
        }
    }

    /// Takes back that an object was announced, of which `before` was known: nothing was written. What it holds by now stays
    /// noted, for whoever had that noted may have forgotten it since.
    pub fn take_back(&mut self, key: &ObjectKey, before: Option<&InventoryEntry>) {
        match (before, self.find(key)) {
            (None, _) => self.give_up(key),
            (Some(before), Some(now)) => self.put(InventoryEntry { holds: now.holds.clone(), ..before.clone() }),
            (Some(before), None) => self.put(before.clone()),
        }
    }

    /// What is known to be held by namespaces and definitions, its own and those of others.
    pub fn holds(&self) -> impl Iterator<Item = (&ObjectKey, &Holds)> {
        self.stored().filter(|entry| !entry.holds.is_empty()).map(|entry| (&entry.key, &entry.holds))
    }

    /// Notes what others know to be held by an entry.
    pub fn note_holds(&mut self, key: &ObjectKey, holds: &Holds) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.holds.merge(holds);
        }
    }

    /// Forgets what is held by a namespace or a definition of another Sync where `is_noted` says that it is noted there.
    pub fn forget_notes(&mut self, is_noted: impl Fn(&ObjectKey, &Holds) -> bool) {
        self.notes.retain(|key, note| !is_noted(key, &note.holds));
    }

    /// Forgets an object: it was seen to be gone, or proved not to be ours.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.entries.remove(key);
    }
}

impl FromIterator<InventoryEntry> for Inventory {
    fn from_iter<I: IntoIterator<Item = InventoryEntry>>(entries: I) -> Self {
        let all = entries.into_iter().map(|entry| (entry.key.clone(), entry));
        let (notes, entries) = all.partition(|(_, entry)| entry.is_others);
        Self { entries, notes }
    }
}

#[cfg(test)]
mod tests;
