//! What a Sync has applied, as the cluster keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Contest, DesiredObject, GroupKind, HookEnd, Live, LiveObject, ObjectKey, Origin, OwnEntry};

/// Objects that a namespace or a definition is known to hold by name, each of up to about 600 bytes. Of one that holds more
/// it is not known when it is empty, so it stays.
pub const MAX_HOLDS: usize = 200;

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
    /// Objects that would go with it, were let go of, and stay: of a namespace or a definition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<ObjectKey>,
    /// Whether there are more of them than are noted, so that it is not known when all are gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_more: bool,
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
            holds: Vec::new(),
            holds_more: false,
            fights: Vec::new(),
        }
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

    /// Notes that an object is about to be applied. What is known of it stays, but for a manifest that is going to be
    /// another one: an apply that is cut short may have been done all the same.
    pub fn announce(&mut self, desired: &DesiredObject) {
        let entry = self.entries.entry(desired.key.clone());
        let entry = entry.or_insert_with(|| InventoryEntry::announced(desired.key.clone(), &desired.api_version));
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
    /// which the kinds are served.
    pub fn let_go(&mut self, key: &ObjectKey, plurals: &BTreeMap<GroupKind, String>) {
        self.forget(key);
        for holder in self.entries.values_mut().filter(|entry| key.goes_with(&entry.key, plurals)) {
            if holder.holds.contains(key) {
                continue;
            }
            match holder.holds.len() < MAX_HOLDS {
                true => holder.holds.push(key.clone()),
                false => holder.holds_more = true,
            }
        }
    }

    /// Forgets an object: it was seen to be gone, or proved not to be ours.
    pub fn forget(&mut self, key: &ObjectKey) {
        self.entries.remove(key);
    }
}

impl FromIterator<InventoryEntry> for Inventory {
    fn from_iter<I: IntoIterator<Item = InventoryEntry>>(entries: I) -> Self {
        Self { entries: entries.into_iter().map(|entry| (entry.key.clone(), entry)).collect() }
    }
}

#[cfg(test)]
mod tests;
