use heddle_reconcile::GroupKind;

use super::*;

const UID: &str = "0b6c1d52-0000-4000-8000-000000000001";

fn names() -> Names<'static> {
    Names { sync: "shop", uid: UID, head: "shop-inventory".into() }
}

fn inventory(count: usize) -> Inventory {
    let entry = |number: usize| {
        let kind = GroupKind::new("v1", "ConfigMap");
        let key = ObjectKey { kind, namespace: Some("default".into()), name: format!("c-{number}") };
        InventoryEntry { uid: Some(format!("uid-{number}")), ..InventoryEntry::announced(key, "v1") }
    };
    (0..count).map(entry).collect()
}

fn map(name: &str, key: &str, text: String) -> (String, BTreeMap<String, String>) {
    (name.to_owned(), [(key.to_owned(), text)].into())
}

/// The ConfigMaps of a large inventory, shards first and the head last, in the order in which they are written.
fn written(inventory: &Inventory) -> Vec<(String, BTreeMap<String, String>)> {
    let mut maps: Vec<_> = cut(inventory).into_iter().map(|text| map(&names().shard(&text), ENTRIES, text)).collect();
    let shards: Vec<_> = maps.iter().map(|(name, _)| name.clone()).collect();
    maps.push(map(&names().head, SHARDS, shards.join("\n")));
    maps
}

#[test]
fn an_interrupted_write_leaves_the_state_before() {
    let (before, mut after) = (inventory(4000), inventory(4000));
    after.forget(&before.iter().next().unwrap().key.clone());
    let (old, new) = (written(&before), written(&after));
    for cut in 0..new.len() {
        let mut maps: Maps = old.iter().cloned().collect();
        maps.extend(new[..cut].iter().cloned());
        assert_eq!(read(&names(), &maps).unwrap(), Stored::Whole(before.clone()), "{cut} written");
    }
    let mut maps: Maps = old.into_iter().chain(new.iter().cloned()).collect();
    assert_eq!(read(&names(), &maps).unwrap(), Stored::Whole(after.clone()));
    maps.retain(|name, _| new.iter().any(|(kept, _)| kept == name));
    assert_eq!(read(&names(), &maps).unwrap(), Stored::Whole(after));
}

#[test]
fn what_is_missing_or_was_changed_is_an_error_and_never_less_of_an_inventory() {
    let all = written(&inventory(4000));
    for (name, _) in &all {
        let mut maps: Maps = all.iter().cloned().collect();
        maps.remove(name);
        assert!(matches!(read(&names(), &maps), Err(KubeError::Refused(_))), "{name}");
        maps.extend([map(name, ENTRIES, if *name == names().head { "rubbish".into() } else { "[]".into() })]);
        assert!(matches!(read(&names(), &maps), Err(KubeError::Refused(_))), "{name}");
    }
    assert_eq!(read(&names(), &Maps::new()).unwrap(), Stored::Nothing);
}

#[test]
fn a_change_of_one_object_writes_one_shard() {
    let (before, mut after) = (inventory(4000), inventory(4000));
    after.approve(&before.iter().next().unwrap().key);
    let old: BTreeSet<_> = written(&before).into_iter().map(|(name, _)| name).collect();
    let new: BTreeSet<_> = written(&after).into_iter().map(|(name, _)| name).collect();
    assert_eq!((new.difference(&old).count(), old.difference(&new).count()), (1, 1));
}

#[test]
fn shards_of_another_life_of_the_sync_have_other_names() {
    let other = Names { uid: "0b6c1d52-0000-4000-8000-000000000002", ..names() };
    assert_ne!(names().shard("[]"), other.shard("[]"));
}

#[test]
fn an_inventory_of_an_earlier_release_is_read_when_it_is_whole() {
    let legacy = |count: usize, index: usize, of: &Inventory| {
        map(&format!("shop-inventory-{index}-of-{count}"), ENTRIES, text_of(of.iter()))
    };
    let one: Maps = [legacy(1, 0, &inventory(5)), legacy(4, 0, &inventory(0))].into();
    assert_eq!(read(&names(), &one).unwrap(), Stored::Legacy(inventory(5)));
    let two: Maps = [legacy(2, 0, &inventory(5)), legacy(2, 1, &inventory(0)), legacy(1, 0, &inventory(9))].into();
    assert_eq!(read(&names(), &two).unwrap(), Stored::Legacy(inventory(5)));
    let half: Maps = [legacy(2, 1, &inventory(5))].into();
    assert!(matches!(read(&names(), &half), Err(KubeError::Refused(_))));
}
