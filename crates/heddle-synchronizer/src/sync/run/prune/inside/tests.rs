use super::*;

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
