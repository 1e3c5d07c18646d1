use super::*;

/// The fault of an object of a kind that a definition brings along, in this namespace.
#[track_caller]
fn check(namespace: Option<&str>, fault: Option<&str>) {
    let kind = GroupKind { group: "example.org".into(), kind: "Widget".into() };
    let served = Served {
        kind: kind.clone(),
        version: "v1".into(),
        plural: "widgets".into(),
        namespaced: true,
        watchable: true,
    };
    let defined = HashMap::from([((kind, "example.org/v1".to_owned()), served)]);
    let placement = Placement {
        owner: "uid".into(),
        default_namespace: Some("shop".into()),
        own_namespace: "heddle-system".into(),
        ignore: Vec::new(),
    };
    let metadata = json!({"name": "w", "namespace": namespace});
    let widget = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": metadata});
    let resolved = resolve(widget, Made::default(), &Kinds::default(), &placement, &defined);
    match (resolved, fault) {
        (Ok(_), None) => {}
        (Err((object, message)), Some(fault)) => {
            assert_eq!(object, "Widget w");
            assert!(message.contains(fault), "{message}");
        }
        (resolved, _) => panic!("{namespace:?}: {:?}", resolved.map(|object| object.text)),
    }
}

#[test]
fn no_object_goes_into_the_agents_namespace_or_into_those_of_kubernetes() {
    check(None, None);
    check(Some("default"), None);
    check(Some("kube-state-metrics"), None);
    check(Some("heddle-system"), Some("`heddle-system` belongs to Heddle's agent"));
    for namespace in ["kube-system", "kube-public", "kube-node-lease"] {
        check(Some(namespace), Some(&format!("`{namespace}` belongs to Kubernetes itself")));
    }
}
