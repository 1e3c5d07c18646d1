use serde_json::{Value, json};

use super::*;

const V1: &str = "v1";

fn entry(manager: &str, operation: &str, version: &str, fields: Value) -> Value {
    json!({"manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1",
        "time": "2026-01-01T00:00:00Z", "fieldsV1": fields})
}

/// A set of keys of `data`.
fn data(keys: &[&str]) -> Value {
    let mut inner = serde_json::Map::from_iter(keys.iter().map(|key| (format!("f:{key}"), json!({}))));
    inner.insert(".".into(), json!({}));
    json!({"f:data": inner})
}

fn ours(fields: Value) -> Value {
    entry("heddle", "Apply", V1, fields)
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn find(annotations: &[(&str, &str)], entries: Value) -> Option<Inherited> {
    Inherited::find(&BTreeMap::new(), &map(annotations), &entries)
}

/// Who has what after an extent was taken.
fn after(inherited: &Inherited, extent: Extent) -> Vec<(String, Value)> {
    let taken = inherited.taken(extent);
    let read = |entry: &Value| (entry["manager"].as_str().unwrap().to_owned(), entry["fieldsV1"].clone());
    taken.as_array().unwrap().iter().map(read).collect()
}

#[test]
fn what_everybody_applied_is_ours_alone_and_the_rest_is_named() {
    let kubectl = entry("kubectl", "Apply", V1, data(&["keep", "legacy"]));
    let inherited = find(&[], json!([kubectl, ours(data(&["keep"]))])).unwrap();
    assert!(inherited.has_shared() && inherited.has_rest());
    assert_eq!((inherited.managers(), inherited.rest()), (vec!["kubectl"], (vec!["data.legacy".to_owned()], 0)));
    let shared = after(&inherited, Extent::Shared);
    assert_eq!(shared, [("kubectl".into(), json!({"f:data": {"f:legacy": {}}})), ("heddle".into(), data(&["keep"]))]);
    let all = after(&inherited, Extent::All);
    assert_eq!(
        all,
        [("heddle".into(), data(&["keep"])), (LEAVING_MANAGER.into(), json!({"f:data": {"f:legacy": {}}}))]
    );
}

/// A kill after this finds it again, and what was applied later by whoever had it is set apart with it.
#[test]
fn what_was_set_apart_is_known_as_such_and_stays_one_entry() {
    let kubectl = entry("kubectl", "Apply", V1, data(&["keep", "legacy"]));
    let before = json!([kubectl, ours(data(&["keep"]))]);
    let apart = find(&[], before).unwrap().taken(Extent::All);
    let inherited = find(&[], apart.clone()).unwrap();
    assert!(!inherited.has_shared());
    assert_eq!((inherited.managers(), inherited.rest().0), (vec![LEAVING_MANAGER], vec!["data.legacy".to_owned()]));
    assert_eq!(inherited.taken(Extent::All), apart);

    let mut again = apart.as_array().unwrap().clone();
    again.push(entry("kubectl", "Apply", V1, data(&["keep", "late"])));
    for own in again.iter_mut().filter(|entry| is_own(entry)) {
        own["apiVersion"] = "v2".into();
    }
    again[2]["apiVersion"] = "v2".into();
    let all = after(&find(&[], again.into()).unwrap(), Extent::All);
    let leaving = json!({"f:data": {"f:late": {}, "f:legacy": {}}});
    assert_eq!(all, [("heddle".into(), data(&["keep"])), (LEAVING_MANAGER.into(), leaving)]);
}

#[test]
fn an_entry_of_which_nothing_is_left_goes_and_all_others_stay_as_they_are() {
    let kubectl = entry("kubectl", "Apply", V1, data(&["keep"]));
    let mut scale = entry("kubectl-scale", "Update", V1, json!({"f:spec": {"f:replicas": {}}}));
    scale["subresource"] = "scale".into();
    let hpa = entry("kube-controller-manager", "Update", V1, data(&["keep"]));
    let inherited = find(&[], json!([scale, kubectl, hpa, ours(data(&["keep"]))])).unwrap();
    let taken = inherited.taken(Extent::All);
    assert_eq!(taken, json!([scale, hpa, ours(data(&["keep"]))]));
    assert!(find(&[], taken).is_none(), "there is nothing more to take");
}

#[test]
fn the_managers_of_the_tools_are_known_and_no_others() {
    let is_known = |manager: &str, operation: &str| {
        let theirs = entry(manager, operation, V1, data(&["keep"]));
        find(&[], json!([theirs, ours(data(&["keep"]))])).is_some()
    };
    for (manager, operation) in [
        ("kubectl", "Apply"),
        ("kubectl-client-side-apply", "Update"),
        ("kubectl-edit", "Update"),
        ("before-first-apply", "Update"),
        ("kustomize-controller", "Apply"),
        ("helm-controller", "Apply"),
        ("argocd-controller", "Apply"),
        ("argocd-application-controller", "Update"),
        ("helm", "Update"),
        ("heddle", "Update"),
    ] {
        assert!(is_known(manager, operation), "{manager}");
    }
    for manager in ["kube-controller-manager", "ada", "vpa-updater", "cainjector", "kubelet", "helm-operator"] {
        assert!(!is_known(manager, "Apply"), "{manager}");
    }
}

/// A client-side apply has every mapping in its entry, a server-side one only what it holds.
#[test]
fn a_mapping_that_holds_something_of_ours_is_no_field_of_its_own() {
    let fields = json!({"f:data": {".": {}, "f:a": {}}});
    let kubectl = entry("kubectl-client-side-apply", "Update", V1, fields);
    let note = json!({"data": {"a": "1"}}).to_string();
    let inherited = find(&[(LAST_APPLIED, &note)], json!([kubectl, ours(json!({"f:data": {"f:a": {}}}))])).unwrap();
    assert!(!inherited.has_rest());
    assert_eq!(after(&inherited, Extent::Shared), [("heddle".into(), json!({"f:data": {"f:a": {}}}))]);
}

#[test]
fn without_an_entry_of_ours_nothing_is_anybodys() {
    assert!(find(&[], json!([entry("kubectl", "Apply", V1, data(&["a"]))])).is_none());
    assert!(find(&[], json!([])).is_none() && find(&[], Value::Null).is_none());
    let mut status = ours(data(&["a"]));
    status["subresource"] = "status".into();
    assert!(find(&[], json!([entry("kubectl", "Apply", V1, data(&["a"])), status])).is_none());
}

/// A create by a client-side apply has all defaults in its entry. Only what it declared itself is taken.
#[test]
fn defaults_in_a_client_side_entry_are_nobodys() {
    let fields = json!({
        "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
        "f:spec": {"f:dnsPolicy": {}, "f:paused": {}, "f:replicas": {}, "f:containers": {"k:{\"name\":\"web\"}": {
            ".": {}, "f:name": {}, "f:image": {}, "f:imagePullPolicy": {},
            "f:env": {".": {}, "k:{\"name\":\"OLD\"}": {".": {}, "f:name": {}, "f:value": {}}}}}},
        "f:status": {"f:phase": {}},
    });
    let own = json!({"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:image": {}}}}});
    // kubectl writes an empty mapping of annotations into what it notes.
    let last = json!({"metadata": {"annotations": {}}, "spec": {"paused": true, "containers":
        [{"name": "web", "image": "a", "env": [{"name": "OLD", "value": "1"}]}]}});
    let kubectl = entry("kubectl-client-side-apply", "Update", V1, fields);
    let inherited = find(&[(LAST_APPLIED, &last.to_string())], json!([kubectl, ours(own.clone())])).unwrap();
    assert_eq!(inherited.rest().0, ["spec.containers[name=web].env[name=OLD]", "spec.paused"]);
    let shared = after(&inherited, Extent::Shared);
    let env = json!({".": {}, "k:{\"name\":\"OLD\"}": {".": {}, "f:name": {}, "f:value": {}}});
    assert_eq!(shared[0].1["f:spec"]["f:containers"]["k:{\"name\":\"web\"}"], json!({"f:env": env}));
    assert_eq!(shared[0].1["f:spec"].get("f:dnsPolicy"), None);
    assert_eq!(shared[0].1["f:status"], json!({"f:phase": {}}), "status is left alone");
    let all = after(&inherited, Extent::All);
    assert_eq!(all[0], ("kubectl-client-side-apply".into(), json!({"f:status": {"f:phase": {}}})));
    assert_eq!(all[1], ("heddle".into(), own.clone()));
    assert_eq!(all[2].1["f:spec"]["f:paused"], json!({}));
    assert_eq!(all[2].1["f:spec"].get("f:dnsPolicy"), None);

    // Without kubectl's own word it is not known what was declared, and only what is in Git is taken.
    let inherited = find(&[], json!([kubectl, ours(own)])).unwrap();
    assert!(inherited.has_shared() && !inherited.has_rest());
    let all = after(&inherited, Extent::All);
    assert_eq!(all[0].1["f:spec"]["f:paused"], json!({}));
    assert_eq!(all[0].1["f:spec"]["f:containers"]["k:{\"name\":\"web\"}"].get("f:image"), None);
}

#[test]
fn what_a_hand_has_added_stays() {
    let hand = entry("kubectl-edit", "Update", V1, data(&["keep", "added"]));
    let inherited = find(&[], json!([hand, ours(data(&["keep"]))])).unwrap();
    assert!(!inherited.has_rest());
    let left = json!({"f:data": {"f:added": {}}});
    assert_eq!(after(&inherited, Extent::All)[0], ("kubectl-edit".into(), left.clone()));
    let left = entry("kubectl-edit", "Update", V1, left);
    assert!(find(&[], json!([left, ours(data(&["keep"]))])).is_none(), "it is not worth another look");
}

#[test]
fn under_another_version_only_what_has_the_same_path_is_taken() {
    let kubectl = entry("kubectl", "Apply", "v1beta1", data(&["keep", "legacy"]));
    let inherited = find(&[], json!([kubectl, ours(data(&["keep"]))])).unwrap();
    assert!(inherited.has_shared() && !inherited.has_rest());
    assert_eq!(after(&inherited, Extent::All)[1], ("heddle".into(), data(&["keep"])));
}

#[test]
fn what_is_written_reads_as_before() {
    let fields = json!({"f:metadata": {"f:finalizers": {".": {}, "v:\"a\"": {}}},
        "f:spec": {"f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}, "f:type": {}}});
    assert_eq!(Fields::read(&fields).write(), fields);
    let object = json!({"metadata": {"finalizers": ["a"]}, "spec": {"ports": [{"port": 80}], "type": "x"}});
    let (there, missing) = Fields::read(&fields).split(|path| fields::has(&object, path));
    assert!(missing.is_empty() && !there.is_empty());
    let other = json!({"metadata": {"finalizers": ["b"]}, "spec": {"ports": [{"port": 81}]}});
    let (there, _) = Fields::read(&fields).split(|path| fields::has(&other, path));
    assert_eq!(there.write(), json!({"f:metadata": {"f:finalizers": {}}, "f:spec": {"f:ports": {}}}));
}

#[track_caller]
fn check_controllers(labels: &[(&str, &str)], annotations: &[(&str, &str)], managers: &[&str], expected: &[&str]) {
    let found = Controller::of(&map(labels), &map(annotations), managers);
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
}

#[test]
fn objects_name_the_controllers_that_applied_them() {
    let flux = [("kustomize.toolkit.fluxcd.io/name", "apps"), ("kustomize.toolkit.fluxcd.io/namespace", "flux-system")];
    check_controllers(&flux, &[], &[], &["Flux's Kustomization flux-system/apps"]);
    let release = [("helm.toolkit.fluxcd.io/name", "web"), ("helm.toolkit.fluxcd.io/namespace", "c")];
    check_controllers(&release, &[], &[], &["Flux's HelmRelease c/web"]);
    let tracking = [("argocd.argoproj.io/tracking-id", "shop:apps/Deployment:c/web")];
    check_controllers(&[], &tracking, &[], &["Argo CD's Application shop"]);
    let elsewhere = [("argocd.argoproj.io/tracking-id", "team_shop:apps/Deployment:c/web")];
    check_controllers(&[], &elsewhere, &[], &["Argo CD's Application team/shop"]);
    let instance = [("app.kubernetes.io/instance", "shop")];
    check_controllers(&instance, &[], &["argocd-controller"], &["Argo CD's Application shop"]);
    check_controllers(&instance, &[], &["helm"], &[]);
    check_controllers(&[], &[], &["kustomize-controller"], &[]);
}

#[test]
fn flux2_5715_our_entry_follows_the_version_of_its_object_and_no_other_does() {
    let theirs = entry("kubectl", "Apply", "e.org/v1", data(&["a"]));
    let ours = |version: &str| entry("heddle", "Apply", version, data(&["a"]));
    let before = json!([theirs, ours("e.org/v1")]);
    assert_eq!(raised(&before, "e.org/v2"), Some(json!([theirs, ours("e.org/v2")])));
    assert_eq!((raised(&before, "e.org/v1"), raised(&json!([theirs]), "e.org/v2")), (None, None));
}
