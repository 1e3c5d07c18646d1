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
    let told: Vec<(&str, &str)> =
        found.iter().flat_map(|suspect| suspect.objects.iter().map(|key| (key.name.as_str(), suspect.place))).collect();
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
fn a_file_of_a_remote_base_is_the_same_one_at_another_commit() {
    let at = |id: &str, file: &str| format!(".remote/github.com/acme/base@{id}/{file}");
    let (old, new) = ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "0fb1c5ea5a1d6d9a0f3b1b5e3b0c44298fc1c149");
    check(&[(&at(old, "a.yaml"), None)], &[&at(new, "a.yaml")], &[(&at(old, "a.yaml"), &at(new, "a.yaml"))]);
    check(&[(&at(old, "a.yaml"), None)], &[&at(new, "b.yaml")], &[]);
    let long = format!("{}a.yaml", "d/".repeat(100));
    check(&[(&at(old, &long), None)], &[&at(new, &long)], &[(&at(old, &long), &at(new, &long))]);
    // A person may name a directory alike.
    check(&[("apps/web@home/a.yaml", None)], &["apps/web@work/a.yaml"], &[]);
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
