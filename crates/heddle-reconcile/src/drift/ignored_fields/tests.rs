use serde_json::json;

use super::*;

fn deployment() -> Value {
    json!({"metadata": {"annotations": {"a.b/c": "x", "a": {"b/c": "y"}}}, "spec": {"replicas": 3, "template": {"spec": {
        "containers": [
            {"name": "proxy", "resources": {"limits": {"cpu": "1"}}},
            {"name": "api", "image": "a:1", "resources": {"limits": {"cpu": "1"}},
                "ports": [{"containerPort": 80}, {"containerPort": 443, "protocol": "TCP"}]},
        ],
    }}}})
}

fn removed(field: &str) -> Value {
    let mut value = deployment();
    assert!(remove(&mut value, field), "{field}");
    value
}

#[test]
fn a_field_is_removed_where_it_stands_and_nothing_else() {
    assert_eq!(removed(".spec.replicas")["spec"].as_object().unwrap().len(), 1);
    let annotations = &removed(".metadata.annotations.a.b/c")["metadata"]["annotations"];
    assert_eq!(annotations.as_object().unwrap().len(), 1, "one of the two ways to read it: {annotations}");
    let cpu = removed(r#".spec.template.spec.containers[name="api"].resources.limits.cpu"#);
    let containers = &cpu["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[1].get("resources"), None, "no empty mapping stays: {containers}");
    assert_eq!(containers[0]["resources"]["limits"]["cpu"], "1");
    let port = removed(r#".spec.template.spec.containers[name="api"].ports[containerPort=80,protocol="TCP"]"#);
    assert_eq!(
        port["spec"]["template"]["spec"]["containers"][1]["ports"],
        json!([{"containerPort": 443, "protocol": "TCP"}])
    );
    for missing in [
        ".spec.paused",
        r#".spec.template.spec.containers[name="x"].image"#,
        ".spec.replicas.x",
        ".spe",
        "[0]",
        ".spec[",
        "",
    ] {
        assert!(!remove(&mut deployment(), missing), "{missing}");
    }
}

#[test]
fn members_of_sets_and_quoted_brackets_are_told_apart() {
    let mut value = json!({"finalizers": ["a", "b"], "list": [{"name": "x]y", "v": 1}, {"name": "q\"]z", "v": 2}]});
    assert!(remove(&mut value, r#".finalizers[="a"]"#) && remove(&mut value, r#".list[name="x]y"].v"#));
    assert!(remove(&mut value, r#".list[name="q\"]z"].v"#));
    assert_eq!(value, json!({"finalizers": ["b"], "list": [{"name": "x]y"}, {"name": "q\"]z"}]}));
}

#[test]
fn a_field_is_found_as_people_write_it() {
    let value = deployment();
    let found = |field: &str| find_field(&value, field).cloned();
    assert_eq!(found("spec.replicas"), Some(3.into()));
    assert_eq!(found("spec.template.spec.containers[name=api].image"), Some("a:1".into()));
    let ports = "spec.template.spec.containers[name=api].ports";
    assert_eq!(found(&format!("{ports}[containerPort=80,protocol=TCP].containerPort")), Some(80.into()));
    assert_eq!(found("metadata.annotations.a"), Some(json!({"b/c": "y"})));
    assert_eq!((found("spec.paused"), found("spec.template.spec.containers[name=x]")), (None, None));
    assert_eq!(find_field(&json!({"finalizers": ["a/b"]}), "finalizers[\"a/b\"]"), Some(&"a/b".into()));
}

fn contested(field: &str, manager: &str) -> Contested {
    Contested { field: field.into(), manager: manager.into() }
}

fn after_others(rules: &DriftRules, all: &[(&str, &str)]) -> (Value, Vec<String>) {
    let mut manifest = deployment();
    let all = all.iter().map(|(field, manager)| contested(field, manager)).collect();
    let Settled { taken, .. } = rules.take_out_ignored(&GroupKind::new("apps/v1", "Deployment"), &mut manifest, all);
    assert!(taken.iter().all(|taken| !taken.field.is_empty() && !taken.field.starts_with('.')), "{taken:?}");
    (manifest, taken.into_iter().map(|taken| taken.manager).collect())
}

/// kubernetes#94585, flux2#2514: whoever applies the image takes the replicas back that an autoscaler has set.
#[test]
fn kubernetes_94585_an_apply_leaves_an_autoscaler_its_replicas() {
    let (manifest, taken) = after_others(
        &DriftRules::default(),
        &[(".spec.replicas", "kube-controller-manager"), (".metadata.annotations.a.b/c", "kubectl")],
    );
    assert_eq!(taken, ["kubectl"]);
    assert_eq!(manifest["spec"].get("replicas"), None);
    assert_eq!(manifest["metadata"], deployment()["metadata"]);
}

#[test]
fn a_field_of_several_is_left_to_them_only_where_each_may_have_it() {
    let both = [(".spec.replicas", "kube-controller-manager"), (".spec.replicas", "kubectl")];
    let (manifest, taken) = after_others(&DriftRules::default(), &both);
    assert_eq!((manifest["spec"]["replicas"].as_u64(), taken.len()), (Some(3), 2));
    let anybody = DriftRules { ignore: vec!["spec.replicas".into()] };
    let (manifest, taken) = after_others(&anybody, &both);
    assert_eq!((manifest["spec"].get("replicas"), taken.len()), (None, 0));
    let image = [(r#".spec.template.spec.containers[name="api"].image"#, "kubectl")];
    let rule = DriftRules { ignore: vec!["spec.template.spec.containers[name=api].image".into()] };
    assert_eq!(after_others(&rule, &image).1, Vec::<String>::new());
    assert_eq!(after_others(&anybody, &image).1, ["kubectl"]);
    let all = DriftRules { ignore: vec!["*".into()] };
    assert_eq!(after_others(&all, &[(".spec.paused", "kubectl")]).1, ["kubectl"], "it is not in the manifest");
}
