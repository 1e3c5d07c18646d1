//! Inventories as 0.1 wrote them: shards whose names tell their number and their count, and no head.

use std::collections::{BTreeMap, BTreeSet};

use heddle_reconcile::Inventory;

use super::{ENTRIES, Maps, broken, parse};
use crate::KubeError;

/// Reads the largest set of shards of which each is there.
pub(super) fn read(maps: &Maps) -> Result<Inventory, KubeError> {
    let numbered = maps.iter().filter_map(|(name, map)| Some((numbers(name)?, (name, map.get(ENTRIES)?))));
    let shards: BTreeMap<(usize, usize), (&String, &String)> = numbered.collect();
    let counts: BTreeSet<usize> = shards.keys().map(|(count, _)| *count).collect();
    let is_whole = |count: &&usize| (0..**count).all(|index| shards.contains_key(&(**count, index)));
    let Some(count) = counts.iter().rev().find(is_whole) else {
        return Err(broken("some of its ConfigMaps are missing".to_owned()));
    };
    let mut entries = Vec::new();
    for (_, (name, text)) in shards.range((*count, 0)..(*count, *count)) {
        entries.extend(parse(name, text)?);
    }
    Ok(entries.into_iter().collect())
}

/// `NAME-inventory-INDEX-of-COUNT`, the count first.
fn numbers(name: &str) -> Option<(usize, usize)> {
    let (_, numbers) = name.rsplit_once("-inventory-")?;
    let (index, count) = numbers.split_once("-of-")?;
    Some((count.parse().ok()?, index.parse().ok()?))
}
