//! Inventories, as ConfigMaps that belong to their Sync and go when it goes.
//!
//! One ConfigMap, the head, holds the inventory. A ConfigMap takes a megabyte, so the head of a large inventory names
//! shards instead, and each shard's name tells what it holds. A new state is written as new shards first and then, in one
//! request, as a new head; what the head does not name is deleted last. So whoever reads finds one whole state, the old or
//! the new, wherever a writer was cut short, and what does not fit together is an error and never an empty inventory. What
//! could not be deleted is no part of any state: a later write deletes it.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use heddle_reconcile::{Inventory, InventoryEntry, ObjectKey, hash_text};
use k8s_openapi::{
    api::core::v1::ConfigMap,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{
    Api, Resource,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};

use crate::{KubeError, OwnClient, error::bounded, sync::Sync};

mod legacy;

/// Entries in a shard, about 400 bytes each.
const SHARD_ENTRIES: usize = 1000;

/// Shards that are written or deleted at a time.
const CONCURRENCY: usize = 8;

const SYNC_LABEL: &str = "heddle.dev/inventory-of";

/// Where a ConfigMap holds entries.
const ENTRIES: &str = "entries";

/// Where a head names its shards.
const SHARDS: &str = "shards";

/// The data of ConfigMaps by their names.
type Maps = BTreeMap<String, BTreeMap<String, String>>;

/// An inventory as the cluster holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredInventory {
    /// The inventory.
    pub inventory: Inventory,
    /// Whether ConfigMaps of states before are still there, which the next write deletes.
    pub has_garbage: bool,
}

impl OwnClient {
    /// Reads the inventory of a Sync; one that was never written is empty. One of an earlier release is written anew.
    ///
    /// # Errors
    /// When the API server cannot be asked, or what is there is no whole inventory: then nothing may be pruned or written.
    pub async fn load_inventory(&self, sync: &Sync) -> Result<StoredInventory, KubeError> {
        let names = Names::of(sync)?;
        let maps = self.list_maps(sync).await?;
        match read(&names, &maps)? {
            Stored::Nothing => Ok(StoredInventory::default()),
            Stored::Whole(inventory) => {
                let has_garbage = maps.len() > names.shards(&inventory).len() + 1;
                Ok(StoredInventory { inventory, has_garbage })
            }
            Stored::Legacy(inventory) => {
                let has_garbage = self.write(sync, &names, &Inventory::default(), &inventory).await?;
                Ok(StoredInventory { inventory, has_garbage })
            }
        }
    }

    /// Has the cluster hold another state than `stored`, and notes it there.
    ///
    /// # Errors
    /// When it cannot be written: then nothing may be applied.
    pub async fn save_inventory(
        &self,
        sync: &Sync,
        stored: &mut StoredInventory,
        inventory: Inventory,
    ) -> Result<(), KubeError> {
        if stored.inventory == inventory {
            return Ok(());
        }
        let names = Names::of(sync)?;
        let is_alone = |inventory: &Inventory| (1..=SHARD_ENTRIES).contains(&inventory.stored_len());
        let has_garbage = if is_alone(&stored.inventory) && is_alone(&inventory) && !stored.has_garbage {
            self.write_map(sync, &names.head, (ENTRIES, text_of(inventory.stored()))).await?;
            false
        } else {
            self.write(sync, &names, &stored.inventory, &inventory).await?
        };
        *stored = StoredInventory { inventory, has_garbage };
        Ok(())
    }

    /// Writes a whole inventory beside the ConfigMaps that are there, and deletes those that are no part of it. What is new
    /// in it is written while those that are there are listed. Says whether any is left that is no part of it: with the
    /// head the state is written, whatever becomes of the rest.
    async fn write(
        &self,
        sync: &Sync,
        names: &Names<'_>,
        written: &Inventory,
        inventory: &Inventory,
    ) -> Result<bool, KubeError> {
        let before: BTreeSet<String> = names.shards(written).into_keys().collect();
        let shards = names.shards(inventory);
        let (known, new): (Vec<_>, Vec<_>) = shards.iter().partition(|(name, _)| before.contains(*name));
        let (present, ()) = tokio::try_join!(self.list_names(sync), self.write_shards(sync, new))?;
        let missing = known.into_iter().filter(|(name, _)| !present.contains(*name)).collect();
        self.write_shards(sync, missing).await?;
        let head = match shards.is_empty() {
            true => (ENTRIES, text_of(inventory.stored())),
            false => (SHARDS, shards.keys().map(String::as_str).collect::<Vec<_>>().join("\n")),
        };
        self.write_map(sync, &names.head, head).await?;
        let is_over = |name: &&String| **name != names.head && !shards.contains_key(*name);
        let deletes: Vec<_> = present.iter().filter(is_over).map(|name| self.delete_map(name)).collect();
        let deleted: Vec<bool> = futures::stream::iter(deletes).buffer_unordered(CONCURRENCY).collect().await;
        Ok(deleted.contains(&false))
    }

    async fn write_shards(&self, sync: &Sync, shards: Vec<(&String, &String)>) -> Result<(), KubeError> {
        let writes: Vec<_> = shards.into_iter().map(|(name, text)| self.write_shard(sync, name, text)).collect();
        futures::stream::iter(writes).buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Creates a shard. A large text costs the API server a fifth in a create of what it does in an
    /// apply, which it reads as YAML.
    async fn write_shard(&self, sync: &Sync, name: &str, text: &str) -> Result<(), KubeError> {
        let entries = (ENTRIES, text.to_owned());
        let params = PostParams { field_manager: Some(crate::own::MANAGER.to_owned()), ..PostParams::default() };
        match bounded(self.config_maps().create(&params, &config_map(sync, name, entries.clone())?)).await {
            // One of this name holds the same, or was changed.
            Err(KubeError::Conflict(_)) => self.write_map(sync, name, entries).await,
            created => created.map(drop),
        }
    }

    /// Deletes a part of a state before. Says whether it is gone.
    async fn delete_map(&self, name: &str) -> bool {
        match bounded(self.config_maps().delete(name, &DeleteParams::default())).await {
            Ok(_) | Err(KubeError::NotFound(_)) => true,
            Err(error) => {
                tracing::warn!(
                    config_map = name,
                    "a part of an inventory that is over stays until the next write: {error}"
                );
                false
            }
        }
    }

    async fn list_maps(&self, sync: &Sync) -> Result<Maps, KubeError> {
        let list = bounded(self.config_maps().list(&of(sync)?)).await?;
        let named = |map: ConfigMap| Some((map.metadata.name?, map.data.unwrap_or_default()));
        Ok(list.items.into_iter().filter_map(named).collect())
    }

    async fn list_names(&self, sync: &Sync) -> Result<BTreeSet<String>, KubeError> {
        let list = bounded(self.config_maps().list_metadata(&of(sync)?)).await?;
        Ok(list.items.into_iter().filter_map(|map| map.metadata.name).collect())
    }

    async fn write_map(&self, sync: &Sync, name: &str, data: (&str, String)) -> Result<(), KubeError> {
        let map = config_map(sync, name, data)?;
        let params = PatchParams::apply(crate::own::MANAGER).force();
        bounded(self.config_maps().patch(name, &params, &Patch::Apply(&map))).await?;
        Ok(())
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client().clone(), self.namespace())
    }
}

/// A ConfigMap that goes when its Sync does.
fn config_map(sync: &Sync, name: &str, (key, text): (&str, String)) -> Result<ConfigMap, KubeError> {
    let uid = uid(sync)?;
    let owner = OwnerReference {
        api_version: Sync::api_version(&()).into_owned(),
        kind: Sync::kind(&()).into_owned(),
        name: sync.metadata.name.clone().unwrap_or_default(),
        uid: uid.to_owned(),
        ..OwnerReference::default()
    };
    Ok(ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([(SYNC_LABEL.to_owned(), uid.to_owned())].into()),
            owner_references: Some(vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some([(key.to_owned(), text)].into()),
        ..ConfigMap::default()
    })
}

/// What the ConfigMaps of a Sync come to.
#[derive(Debug, PartialEq, Eq)]
enum Stored {
    /// It was never written.
    Nothing,
    /// A state, all of it.
    Whole(Inventory),
    /// A state that an earlier release wrote.
    Legacy(Inventory),
}

fn read(names: &Names<'_>, maps: &Maps) -> Result<Stored, KubeError> {
    let Some(head) = maps.get(&names.head) else {
        return Ok(if maps.is_empty() { Stored::Nothing } else { Stored::Legacy(legacy::read(maps)?) });
    };
    if let Some(text) = head.get(ENTRIES) {
        return Ok(Stored::Whole(parse(&names.head, text)?.into_iter().collect()));
    }
    let shards = head.get(SHARDS).ok_or_else(|| broken(format!("the ConfigMap {} holds none", names.head)))?;
    let mut entries = Vec::new();
    for name in shards.lines() {
        let text = maps.get(name).and_then(|map| map.get(ENTRIES));
        let text = text.ok_or_else(|| broken(format!("the ConfigMap {name} is missing")))?;
        if names.shard(text) != name {
            return Err(broken(format!("the ConfigMap {name} was changed")));
        }
        entries.extend(parse(name, text)?);
    }
    Ok(Stored::Whole(entries.into_iter().collect()))
}

/// The names of the ConfigMaps of a Sync.
struct Names<'a> {
    sync: &'a str,
    uid: &'a str,
    head: String,
}

impl<'a> Names<'a> {
    fn of(sync: &'a Sync) -> Result<Self, KubeError> {
        let name = sync.metadata.name.as_deref().unwrap_or_default();
        Ok(Self { sync: name, uid: uid(sync)?, head: format!("{name}-inventory") })
    }

    /// The shards of an inventory, text by name; none where the head has room for all of it.
    fn shards(&self, inventory: &Inventory) -> BTreeMap<String, String> {
        if inventory.stored_len() <= SHARD_ENTRIES {
            return BTreeMap::new();
        }
        cut(inventory).into_iter().map(|text| (self.shard(&text), text)).collect()
    }

    /// The name of a shard with this text. A Sync that is created anew under its name shares no shard with the one before.
    fn shard(&self, text: &str) -> String {
        format!("{}-inventory-{}", self.sync, &hash_text(format!("{}\n{text}", self.uid))[..32])
    }
}

fn of(sync: &Sync) -> Result<ListParams, KubeError> {
    Ok(ListParams::default().labels(&format!("{SYNC_LABEL}={}", uid(sync)?)))
}

fn uid(sync: &Sync) -> Result<&str, KubeError> {
    sync.metadata.uid.as_deref().ok_or_else(|| KubeError::Refused("the Sync has no UID".to_owned()))
}

/// The texts of the shards. An object keeps its shard while the inventory does not grow or shrink by half.
fn cut(inventory: &Inventory) -> Vec<String> {
    let count = inventory.stored_len().div_ceil(SHARD_ENTRIES).next_power_of_two();
    let mut shards: Vec<Vec<&InventoryEntry>> = vec![Vec::new(); count];
    for entry in inventory.stored() {
        shards[bucket(&entry.key, count)].push(entry);
    }
    shards.into_iter().filter(|shard| !shard.is_empty()).map(text_of).collect()
}

fn bucket(key: &ObjectKey, count: usize) -> usize {
    let hash = hash_text(format!("{key:?}"));
    usize::from_str_radix(&hash[..6], 16).unwrap_or(0) % count
}

fn text_of<'a>(entries: impl IntoIterator<Item = &'a InventoryEntry>) -> String {
    serde_json::to_string(&entries.into_iter().collect::<Vec<_>>()).expect("entries have texts as keys")
}

fn parse(name: &str, text: &str) -> Result<Vec<InventoryEntry>, KubeError> {
    serde_json::from_str(text).map_err(|error| broken(format!("the ConfigMap {name} cannot be read: {error}")))
}

fn broken(reason: String) -> KubeError {
    KubeError::Refused(format!(
        "the inventory is not whole, and nothing is written or pruned without it: {reason}; restore it, or delete the \
         ConfigMaps with the label {SYNC_LABEL} to begin anew"
    ))
}

#[cfg(test)]
mod tests;
