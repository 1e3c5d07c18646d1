//! Inventories, as ConfigMaps that belong to their Sync and go when it goes.
//!
//! A ConfigMap holds a megabyte, so a large inventory is cut into a power of two of shards by the hash of each key. Their
//! number is part of their names: a growing inventory is first written whole under the new number, then the old one is
//! deleted, and the reader takes the largest number of which every shard is there. A kill in between leaves either a
//! whole old inventory or a whole new one.

use std::collections::{BTreeMap, BTreeSet};

use heddle_reconcile::{Inventory, InventoryEntry, ObjectKey, hash_text};
use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};

use crate::{KubeError, OwnClient, error::bounded, sync::Sync};

/// Entries in a shard, about 300 bytes each.
const SHARD_ENTRIES: usize = 1500;

const SYNC_LABEL: &str = "heddle.dev/inventory-of";

const KEY: &str = "entries";

impl OwnClient {
    /// Reads the inventory of a Sync; one that was never written is empty.
    ///
    /// # Errors
    /// When the API server cannot be asked, or a shard cannot be read: then nothing may be pruned or written.
    pub async fn load_inventory(&self, sync: &Sync) -> Result<Inventory, KubeError> {
        let shards = self.list_shards(sync).await?;
        let counts: BTreeSet<usize> = shards.keys().map(|(count, _)| *count).collect();
        let whole = |count: &&usize| (0..**count).all(|index| shards.contains_key(&(**count, index)));
        let Some(count) = counts.iter().rev().find(whole) else { return Ok(Inventory::default()) };
        let mut entries: Vec<InventoryEntry> = Vec::new();
        for index in 0..*count {
            let text = shards.get(&(*count, index)).map_or("[]", String::as_str);
            let shard: Vec<InventoryEntry> = serde_json::from_str(text).map_err(|error| {
                let name = shard_name(sync, *count, index);
                KubeError::Refused(format!("the inventory in the ConfigMap {name} cannot be read: {error}"))
            })?;
            entries.extend(shard);
        }
        Ok(entries.into_iter().collect())
    }

    /// Writes what differs between two states of an inventory. `written` is what the cluster holds.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be applied.
    pub async fn save_inventory(
        &self,
        sync: &Sync,
        written: &Inventory,
        inventory: &Inventory,
    ) -> Result<(), KubeError> {
        if written == inventory {
            return Ok(());
        }
        let (old, new) = (shards_of(written), shards_of(inventory));
        let (old_count, count) = (old.len(), new.len());
        let is_first = written.is_empty();
        for (index, text) in new.iter().enumerate() {
            if is_first || old_count != count || old[index] != *text {
                self.write_shard(sync, count, index, text).await?;
            }
        }
        if old_count != count || is_first {
            self.delete_other_shards(sync, count).await?;
        }
        Ok(())
    }

    async fn list_shards(&self, sync: &Sync) -> Result<BTreeMap<(usize, usize), String>, KubeError> {
        let selector = format!("{SYNC_LABEL}={}", uid(sync)?);
        let list = bounded(self.config_maps().list(&ListParams::default().labels(&selector))).await?;
        let shards = list.items.into_iter().filter_map(|map| {
            let numbers = shard_numbers(map.metadata.name.as_deref()?)?;
            Some((numbers, map.data?.remove(KEY)?))
        });
        Ok(shards.collect())
    }

    async fn write_shard(&self, sync: &Sync, count: usize, index: usize, text: &str) -> Result<(), KubeError> {
        let name = shard_name(sync, count, index);
        let owner = OwnerReference {
            api_version: Sync::api_version(&()).into_owned(),
            kind: Sync::kind(&()).into_owned(),
            name: sync.metadata.name.clone().unwrap_or_default(),
            uid: uid(sync)?.to_owned(),
            ..OwnerReference::default()
        };
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                labels: Some([(SYNC_LABEL.to_owned(), uid(sync)?.to_owned())].into()),
                owner_references: Some(vec![owner]),
                ..ObjectMeta::default()
            },
            data: Some([(KEY.to_owned(), text.to_owned())].into()),
            ..ConfigMap::default()
        };
        let params = PatchParams::apply(crate::own::MANAGER).force();
        bounded(self.config_maps().patch(&name, &params, &Patch::Apply(&map))).await?;
        Ok(())
    }

    async fn delete_other_shards(&self, sync: &Sync, count: usize) -> Result<(), KubeError> {
        for (other, index) in self.list_shards(sync).await?.into_keys().filter(|(other, _)| *other != count) {
            let name = shard_name(sync, other, index);
            match bounded(self.config_maps().delete(&name, &DeleteParams::default())).await {
                Ok(_) | Err(KubeError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client().clone(), self.namespace())
    }
}

fn uid(sync: &Sync) -> Result<&str, KubeError> {
    sync.metadata.uid.as_deref().ok_or_else(|| KubeError::Refused("the Sync has no UID".to_owned()))
}

/// The text of each shard.
fn shards_of(inventory: &Inventory) -> Vec<String> {
    let count = inventory.len().div_ceil(SHARD_ENTRIES).max(1).next_power_of_two();
    let mut shards: Vec<Vec<&InventoryEntry>> = vec![Vec::new(); count];
    for entry in inventory.iter() {
        shards[bucket(&entry.key, count)].push(entry);
    }
    shards.iter().map(|shard| serde_json::to_string(shard).unwrap_or_default()).collect()
}

fn bucket(key: &ObjectKey, count: usize) -> usize {
    let hash = hash_text(format!("{key:?}"));
    usize::from_str_radix(&hash[..6], 16).unwrap_or(0) % count
}

fn shard_name(sync: &Sync, count: usize, index: usize) -> String {
    format!("{}-inventory-{index}-of-{count}", sync.metadata.name.as_deref().unwrap_or_default())
}

fn shard_numbers(name: &str) -> Option<(usize, usize)> {
    let (_, numbers) = name.rsplit_once("-inventory-")?;
    let (index, count) = numbers.split_once("-of-")?;
    Some((count.parse().ok()?, index.parse().ok()?))
}
