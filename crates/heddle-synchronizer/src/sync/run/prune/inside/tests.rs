use super::*;
use crate::neighbors::Known;

fn key(kind: &str, namespace: Option<&str>, name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", kind), namespace: namespace.map(str::to_owned), name: name.into() }
}

#[test]
fn what_may_be_of_a_group_that_does_not_answer_holds_what_it_may_lie_in() {
    let unknown = ["metrics.example.org".to_owned(), "shop.example.org".to_owned()];
    let why = |kind: &str, name: &str| unknown_inside(&key(kind, None, name), &unknown);
    let definition = |name: &str| {
        let kind = GroupKind::new("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        unknown_inside(&ObjectKey { kind, namespace: None, name: name.into() }, &unknown)
    };
    assert!(why("Namespace", "space").is_some_and(|why| why.contains("`metrics.example.org`")));
    assert!(definition("gadgets.shop.example.org").is_some_and(|why| why.contains("`shop.example.org`")));
    assert_eq!((definition("gadgets.other.example.org"), why("ConfigMap", "a")), (None, None));
    assert_eq!(unknown_inside(&key("Namespace", None, "space"), &[]), None);
}

/// The Sync `right`, with what it has and what it has let go of in the namespace `space`.
fn beside(holds: Option<&[ObjectKey]>, let_go: Holds) -> Neighbors {
    let neighbors = Neighbors::default();
    neighbors.join("right", "uid");
    let holds = holds.map(|keys| Arc::new(keys.iter().cloned().collect()));
    let notes = Arc::new(BTreeMap::from([(key("Namespace", None, "space"), let_go)]));
    neighbors.publish("right", Known { uid: "uid".into(), holds, notes, ..Known::default() });
    neighbors
}

#[test]
fn what_another_sync_lets_go_of_between_two_looks_holds_a_namespace() {
    let (space, inside) = (key("Namespace", None, "space"), key("Secret", Some("space"), "a"));
    let noted = Holds { keys: vec![inside.clone()], more: false };
    let held = |neighbors: &Neighbors, looked_at: &Holds| {
        let (unlistable, plurals) = (BTreeSet::from(["Secret".to_owned()]), BTreeMap::new());
        of_others(neighbors, "left", &space, &[(space.clone(), looked_at.clone())], &unlistable, &plurals)
    };
    let nothing = Holds::default();
    assert!(held(&beside(Some(&[inside]), nothing.clone()), &nothing).is_some_and(|why| why.contains("right has it")));
    let after = beside(Some(&[]), noted.clone());
    assert!(held(&after, &nothing).is_some_and(|why| why.contains("just let go of something")));
    assert_eq!(held(&after, &noted), None);
    assert_eq!(held(&beside(Some(&[]), nothing.clone()), &nothing), None);
}

#[test]
fn what_another_sync_has_holds_a_namespace_also_where_its_kind_may_not_be_listed() {
    let space = key("Namespace", None, "space");
    let held = |holds: Option<&[ObjectKey]>, unlistable: &[&str]| {
        let holds = holds.map(|keys| Arc::new(keys.iter().cloned().collect::<BTreeSet<_>>()));
        let unlistable = unlistable.iter().map(|kind| (*kind).to_owned()).collect();
        held_by_others(&space, &[("right".to_owned(), holds)], &unlistable, &BTreeMap::new())
    };
    let (inside, outside) = (key("Secret", Some("space"), "a"), key("Secret", Some("other"), "a"));
    let why = held(Some(std::slice::from_ref(&inside)), &["Event", "Secret"]).unwrap();
    assert!(why.contains("lies in it and stays: the Sync right has it"), "{why}");
    assert!(why.ends_with("the account may not list Event, Secret"), "{why}");
    let why = held(Some(&[inside]), &[]).unwrap();
    assert!(!why.contains("may not list"), "{why}");
    assert_eq!(held(Some(&[outside]), &["Secret"]), None);
    // A Sync that has not read its inventory may have anything, and a list would have shown it.
    assert!(held(None, &["Secret"]).is_some_and(|why| why.contains("the Sync right has in it")));
    assert_eq!(held(None, &[]), None);
}
