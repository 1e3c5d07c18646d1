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
    /// The file; of a path of more than 200 bytes its first directories and a hash.
    file: String,
    /// The directory of the kustomization that built it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

impl Origin {
    /// An object of this file, built by the kustomization in this directory.
    pub fn new(file: &str, unit: Option<&str>) -> Self {
        Self { file: shortened(file), unit: unit.map(shortened) }
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
    let barren: BTreeMap<String, &str> = barren.into_iter().map(|place| (shortened(place), place)).collect();
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

/// A path as it is kept.
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
mod tests {
    use super::*;
    use crate::{GroupKind, InventoryEntry};

    fn key(name: &str) -> ObjectKey {
        ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: None, name: name.into() }
    }

    /// Which of the objects from these files are suspect, with the place, when these places give nothing.
    #[track_caller]
    fn check(origins: &[(&str, Option<&str>)], barren: &[&str], expected: &[(&str, &str)]) {
        let entry = |(file, unit): &(&str, Option<&str>)| InventoryEntry {
            origin: Some(Origin::new(file, *unit)),
            ..InventoryEntry::announced(key(file), "v1")
        };
        let inventory: Inventory = origins.iter().map(entry).collect();
        let text = serde_json::to_string(&inventory.iter().collect::<Vec<_>>()).unwrap();
        let inventory: Inventory = serde_json::from_str::<Vec<InventoryEntry>>(&text).unwrap().into_iter().collect();
        let surplus: Vec<ObjectKey> = origins.iter().map(|(file, _)| key(file)).collect();
        let found = suspects(&surplus, &inventory, barren.iter().copied());
        let told: Vec<(&str, &str)> = found
            .iter()
            .flat_map(|suspect| suspect.objects.iter().map(|key| (key.name.as_str(), suspect.place)))
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_file_that_is_gone_was_taken_out_and_one_that_gives_nothing_is_suspect() {
        check(
            &[("apps/a.yaml", None), ("apps/b.yaml", None)],
            &["apps/a.yaml", "apps/values.yaml"],
            &[("apps/a.yaml", "apps/a.yaml")],
        );
        check(&[("apps/a.yaml", None)], &["apps/a", "a.yaml", "apps/a.yaml/b"], &[]);
    }

    #[test]
    fn what_stands_in_the_place_of_its_directory_is_suspect() {
        check(&[("apps/web/a.yaml", None)], &["apps/web"], &[("apps/web/a.yaml", "apps/web")]);
        check(&[("base/a.yaml", Some("apps/web"))], &["apps/web"], &[("base/a.yaml", "apps/web")]);
        check(&[("base/a.yaml", Some("apps/web"))], &["base/a.yaml"], &[("base/a.yaml", "base/a.yaml")]);
        check(&[("base/a.yaml", Some("apps/web"))], &["apps/we", "bas"], &[]);
    }

    #[test]
    fn of_a_long_path_the_file_and_the_first_directories_are_known() {
        let directory = format!("apps/{}", "d/".repeat(100));
        let (long, other) = (format!("{directory}a.yaml"), format!("{directory}b.yaml"));
        check(&[(&long, None)], &[&other, &long], &[(&long, &long)]);
        check(&[(&long, None)], &["apps/d/d"], &[(&long, "apps/d/d")]);
        assert!(Origin::new(&long, None).file.len() <= MAX_PATH_BYTES);
    }

    #[test]
    fn what_an_earlier_release_applied_is_from_nowhere() {
        let entry: InventoryEntry =
            serde_json::from_str(r#"{"group":"","kind":"ConfigMap","name":"a","version":"v1"}"#).unwrap();
        let (surplus, inventory) = (key("a"), [entry].into_iter().collect());
        assert_eq!(suspects([&surplus], &inventory, ["", "a.yaml"]), []);
    }
}
