use super::*;
use crate::{GroupKind, Order};

fn desired(manifest: &str) -> DesiredObject {
    let kind = GroupKind::new("v1", "ConfigMap");
    let key = ObjectKey { kind, namespace: Some("shop".into()), name: "a".into() };
    let (api_version, manifest) = ("v1".to_owned(), manifest.to_owned());
    DesiredObject { key, api_version, manifest, defines: None, may_vanish: false, order: Order::default() }
}

fn entry(time: &str) -> OwnEntry {
    OwnEntry { fields: "f".into(), time: time.into() }
}

/// An inventory with the object as it was applied, of which another manifest is announced.
fn announced() -> Inventory {
    let mut inventory = Inventory::default();
    let known = InventoryEntry::announced(desired("one").key, "v1");
    let (uid, manifest, entry) = (Some("uid".into()), Some("one".into()), Some(entry("t1")));
    inventory.put(InventoryEntry { uid, manifest, entry, ..known });
    inventory.announce(&desired("two"));
    inventory
}

fn live(uid: &str, time: &str) -> Live {
    let object = LiveObject { uid: uid.into(), entry: Some(entry(time)), ..LiveObject::default() };
    Live { objects: [(desired("one").key, object)].into(), ..Live::default() }
}

#[test]
fn what_is_announced_counts_as_applied_only_when_it_was() {
    let mut inventory = announced();
    assert!(inventory.find_applied(&desired("one")).is_none() && inventory.find_applied(&desired("two")).is_none());
    // The same again is no news, so that a heal writes nothing.
    inventory
        .put(InventoryEntry { manifest: Some("two".into()), ..inventory.find(&desired("two").key).unwrap().clone() });
    inventory.announce(&desired("two"));
    assert!(inventory.find_applied(&desired("two")).is_some());
}

#[test]
fn what_was_announced_and_never_written_is_as_it_was_when_it_is_wanted_so_again() {
    let check = |wanted: &str, live: &Live| {
        let mut inventory = announced();
        inventory.settle(&[desired(wanted)], live);
        inventory.find_applied(&desired(wanted)).is_some()
    };
    assert!(check("one", &live("uid", "t1")));
    assert!(!check("two", &live("uid", "t1")));
    assert!(!check("one", &live("uid", "t2")), "it was written all the same");
    assert!(!check("one", &live("another", "t1")));
    assert!(!check("one", &Live::default()));
}

#[test]
fn fields_are_told_apart_whenever_they_were_applied_and_what_is_not_known_is_no_match() {
    let known = announced().find(&desired("two").key).unwrap().clone();
    let others = OwnEntry { fields: "g".into(), ..entry("t1") };
    assert!(known.has_fields_of(Some(&entry("t2"))));
    assert!(!known.has_fields_of(Some(&others)) && !known.has_fields_of(None));
    assert!(!InventoryEntry { entry: None, ..known }.has_fields_of(None));
}

#[test]
fn what_is_about_to_be_deleted_is_not_as_it_was_applied_any_more() {
    for manifest in ["one", "two"] {
        let mut inventory = announced();
        inventory.unsettle(&desired("one").key);
        inventory.settle(&[desired(manifest)], &live("uid", "t1"));
        assert!(inventory.find_applied(&desired(manifest)).is_none());
        assert_eq!(inventory.find(&desired("one").key).unwrap().uid.as_deref(), Some("uid"));
    }
}

#[test]
fn what_an_object_would_go_with_keeps_a_note_of_it_when_it_is_let_go() {
    let key = |api_version: &str, kind: &str, namespace: Option<&str>, name: &str| ObjectKey {
        kind: GroupKind::new(api_version, kind),
        namespace: namespace.map(str::to_owned),
        name: name.into(),
    };
    let definition = |name: &str| key("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, name);
    let (shop, other) = (key("v1", "Namespace", None, "shop"), key("v1", "Namespace", None, "other"));
    let (jars, lids) = (definition("jars.e.org"), definition("lids.e.org"));
    let jar = key("e.org/v1", "Jar", Some("shop"), "a");
    let all = [&shop, &other, &jars, &lids, &jar];
    let mut inventory: Inventory = all.map(|key| InventoryEntry::announced(key.clone(), "v1")).into_iter().collect();
    let plurals = BTreeMap::from([(jar.kind.clone(), "jars".to_owned())]);
    for _ in 0..2 {
        inventory.let_go(&jar, &plurals, &[]);
    }
    let holds = |key: &ObjectKey| inventory.find(key).unwrap().holds.keys.clone();
    assert_eq!((inventory.len(), holds(&shop), holds(&jars)), (4, vec![jar.clone()], vec![jar]));
    assert!(holds(&other).is_empty() && holds(&lids).is_empty());
}

#[test]
fn what_holds_more_than_can_be_noted_says_so() {
    let key = |kind: &str, namespace: Option<&str>, name: &str| ObjectKey {
        kind: GroupKind::new("v1", kind),
        namespace: namespace.map(str::to_owned),
        name: name.into(),
    };
    let shop = key("Namespace", None, "shop");
    let mut inventory: Inventory = [InventoryEntry::announced(shop.clone(), "v1")].into_iter().collect();
    let mut let_go = |number: usize| {
        inventory.let_go(&key("ConfigMap", Some("shop"), &number.to_string()), &BTreeMap::new(), &[]);
        let entry = inventory.find(&shop).unwrap();
        (entry.holds.keys.len(), entry.holds.more)
    };
    for number in 0..MAX_HOLDS {
        assert_eq!(let_go(number), (number + 1, false));
    }
    assert_eq!(let_go(0), (MAX_HOLDS, false), "it is noted already");
    assert_eq!(let_go(MAX_HOLDS), (MAX_HOLDS, true));
}

#[test]
fn what_is_held_stays_noted_until_whoever_has_the_namespace_by_now_has_noted_it() {
    let key = |kind: &str, namespace: Option<&str>, name: &str| ObjectKey {
        kind: GroupKind::new("v1", kind),
        namespace: namespace.map(str::to_owned),
        name: name.into(),
    };
    let (shop, other) = (key("Namespace", None, "shop"), key("Namespace", None, "other"));
    let (kept, late) = (key("Secret", Some("shop"), "kept"), key("Secret", Some("other"), "late"));
    let entry = |key: &ObjectKey| InventoryEntry::announced(key.clone(), "v1");
    let mut left: Inventory = [&shop, &kept, &late].map(entry).into_iter().collect();
    left.let_go(&kept, &BTreeMap::new(), &[]);
    left.give_up(&shop);
    left.let_go(&late, &BTreeMap::new(), std::slice::from_ref(&other));
    assert_eq!((left.len(), left.find(&shop), left.stored_len()), (0, None, 2));
    // As the cluster keeps it.
    let text = serde_json::to_string(&left.stored().collect::<Vec<_>>()).unwrap();
    let read: Vec<InventoryEntry> = serde_json::from_str(&text).unwrap();
    assert_eq!(read.into_iter().collect::<Inventory>(), left);

    let mut right: Inventory = [&shop, &other].map(entry).into_iter().collect();
    let is_noted = |right: &Inventory, key: &ObjectKey, holds: &Holds| {
        right.find(key).is_some_and(|entry| entry.holds.covers(holds))
    };
    left.forget_notes(|key, holds| is_noted(&right, key, holds));
    assert_eq!(left.holds().count(), 2);
    for (key, holds) in left.holds() {
        right.note_holds(key, holds);
    }
    left.forget_notes(|key, holds| is_noted(&right, key, holds));
    assert!(left.holds().next().is_none());
    assert_eq!(right.find(&shop).unwrap().holds.keys, [kept]);
    assert_eq!(right.find(&other).unwrap().holds.keys, [late]);

    // What comes back brings its note along, and leaves it where that was refused.
    right.give_up(&shop);
    let wanted = DesiredObject { key: shop.clone(), ..desired("one") };
    right.announce(&wanted);
    assert_eq!((right.find(&shop).unwrap().holds.keys.len(), right.stored_len()), (1, 2));
    right.take_back(&shop, None);
    assert_eq!((right.find(&shop), right.holds().count(), right.stored_len()), (None, 2, 2));
}

#[test]
fn what_was_noted_while_an_object_was_announced_outlives_that_it_is_taken_back() {
    let mut inventory = announced();
    let key = desired("one").key;
    let before = InventoryEntry { uid: Some("before".into()), ..InventoryEntry::announced(key.clone(), "v1") };
    let kept = ObjectKey { name: "kept".into(), ..key.clone() };
    inventory.note_holds(&key, &Holds { keys: vec![kept], more: false });
    let holds = inventory.find(&key).unwrap().holds.clone();
    inventory.take_back(&key, Some(&before));
    assert_eq!(inventory.find(&key), Some(&InventoryEntry { holds, ..before }));
}
