//! Where in its repository an object stands, and when what is missing may be missing by mistake.
//!
//! An object whose file is gone was taken out by somebody. One whose file is there and gives no objects any more may be
//! behind a link, a damaged text or an empty one: nobody can tell from the revision alone, so it is remembered from where
//! each object came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Inventory, ObjectKey, hash_text};

/// The longest path that is kept as it is, in bytes. Thousands of them stand in one ConfigMap.
const MAX_PATH_BYTES: usize = 200;

/// Where in its repository an object stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file, without the commit or digest of a remote base; of a path of more than 200 bytes its first directories and a
    /// hash.
    file: String,
    /// The directory of the kustomization that built it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl Origin {
    /// An object of this file, built by the kustomization in this directory.
    pub fn new(file: &str, unit: Option<&str>) -> Self {
        Self { file: kept(file), unit: unit.map(kept) }
    }

    /// Every path that it lies at or in.
    fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.file).chain(&self.unit).flat_map(|path| upwards(path))
    }
}

/// Objects that left the path, and the place that they came from, which is there and gives nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect<'a> {
    /// The place.
    pub place: &'a str,
    /// The objects, by key.
    pub objects: Vec<&'a ObjectKey>,
}

/// Those of `surplus` that came from one of `barren`: files and directories of the revision that are there and give no
/// objects. What stands in none of these was taken out.
pub fn suspects<'a>(
    surplus: impl IntoIterator<Item = &'a ObjectKey>,
    inventory: &Inventory,
    barren: impl IntoIterator<Item = &'a str>,
) -> Vec<Suspect<'a>> {
    let barren: BTreeMap<String, &str> = barren.into_iter().map(|place| (kept(place), place)).collect();
    let mut found: BTreeMap<&str, Vec<&ObjectKey>> = BTreeMap::new();
    for key in surplus {
        let origin = inventory.find(key).and_then(|entry| entry.origin.as_ref());
        if let Some(place) = origin.and_then(|origin| origin.paths().find_map(|path| barren.get(path))) {
            found.entry(place).or_default().push(key);
        }
    }
    found.into_iter().map(|(place, objects)| Suspect { place, objects }).collect()
}

/// A path, and every directory that it lies in.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(directory, _)| directory))
}

/// A path as it is kept: the same one at each commit, and not too long.
fn kept(path: &str) -> String {
    shortened(&path.split('/').map(without_id).collect::<Vec<_>>().join("/"))
}

/// The name of a directory or a file without the commit or the digest behind an `@`, by which each state of a remote base
/// has a place of its own.
fn without_id(name: &str) -> &str {
    let is_id = |id: &str| matches!(id.len(), 40 | 64) && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    name.rsplit_once('@').filter(|(_, id)| is_id(id)).map_or(name, |(name, _)| name)
}

fn shortened(path: &str) -> String {
    if path.len() <= MAX_PATH_BYTES {
        return path.to_owned();
    }
    let hash = hash_text(path);
    let room = MAX_PATH_BYTES - hash.len();
    let directories = upwards(path).find(|directory| directory.len() < room).unwrap_or_default();
    format!("{directories}/{hash}")
}

#[cfg(test)]
mod tests;
