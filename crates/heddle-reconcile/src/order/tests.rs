use serde_json::{Value, json};

use crate::{
    DesiredObject, GroupKind, Hook, Inventory, KindClass, Live, ObjectKey, Order, Phase, Scope, cases, class_of, plan,
};

fn class(api_version: &str, kind: &str) -> KindClass {
    class_of(&GroupKind::new(api_version, kind))
}

#[test]
fn what_others_need_comes_first() {
    let in_order = [
        class("v1", "Namespace"),
        class("v1", "ServiceAccount"),
        class("rbac.authorization.k8s.io/v1", "RoleBinding"),
        class("v1", "ConfigMap"),
        class("apps/v1", "Deployment"),
        class("example.org/v1", "Widget"),
        class("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ];
    assert!(in_order.is_sorted_by(|a, b| a < b));
    assert_eq!(class("apiextensions.k8s.io/v1", "CustomResourceDefinition"), KindClass::Foundation);
    assert_eq!(class("storage.k8s.io/v1", "StorageClass"), KindClass::Foundation);
}

/// Flux's list, from the shared cases. Within its stages it sorts by kind as well; what counts is that nothing comes
/// before what Flux puts first among the kinds that need each other.
#[test]
fn the_order_agrees_with_that_of_flux() {
    let Some(cases) = cases::read("synchronizer/ordering.json") else { return };
    let list = &cases["lists"]["flux-ssa"];
    let kinds = |name: &str| -> Vec<String> {
        list[name].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect()
    };
    let group = |kind: &str| match kind {
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding" => "rbac.authorization.k8s.io/v1",
        "Deployment" | "StatefulSet" => "apps/v1",
        "CronJob" => "batch/v1",
        "PodDisruptionBudget" => "policy/v1",
        kind if kind.ends_with("WebhookConfiguration") => "admissionregistration.k8s.io/v1",
        _ => "v1",
    };
    let classes: Vec<(String, KindClass)> =
        kinds("first").into_iter().map(|kind| (kind.clone(), class(group(&kind), &kind))).collect();
    // On purpose: bindings are a class of their own after both sorts of roles and the accounts.
    let on_purpose = ["ClusterRoleBinding"];
    let rest: Vec<_> = classes.iter().filter(|(kind, _)| !on_purpose.contains(&kind.as_str())).collect();
    assert!(rest.is_sorted_by_key(|(_, class)| *class), "{rest:?}");
    for kind in kinds("last") {
        assert_eq!(class(group(&kind), &kind), KindClass::Webhooks);
    }
    let (agreed, apart) = (rest.len(), on_purpose.len());
    cases::say(&format!("conformance: kinds in order: {agreed} agreed, {apart} differ on purpose, 0 wrong"));
}

fn annotated(annotations: Value) -> Result<Order, String> {
    Order::of(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "annotations": annotations}}))
}

#[test]
fn argo_cds_and_helms_annotations_ask_for_phase_and_wave() {
    let check = |annotations: Value, phase: Phase, wave: i32| {
        let order = annotated(annotations).unwrap();
        assert_eq!((order.phase, order.wave, order.is_left_out), (phase, wave, false));
    };
    check(json!({}), Phase::Sync, 0);
    check(json!({"argocd.argoproj.io/sync-wave": "-3"}), Phase::Sync, -3);
    check(json!({"argocd.argoproj.io/hook": "PreSync"}), Phase::PreSync, 0);
    check(json!({"argocd.argoproj.io/hook": "PostSync, SyncFail"}), Phase::PostSync, 0);
    check(json!({"argocd.argoproj.io/hook": "Sync", "argocd.argoproj.io/sync-wave": "2"}), Phase::Sync, 2);
    check(json!({"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-weight": "5"}), Phase::PreSync, 5);
    check(json!({"helm.sh/hook": "post-install", "argocd.argoproj.io/hook": "PreSync"}), Phase::PreSync, 0);
    // A weight without a hook is nothing.
    check(json!({"helm.sh/hook-weight": "5"}), Phase::Sync, 0);
    assert!(annotated(json!({"argocd.argoproj.io/sync-wave": "soon"})).unwrap_err().contains("no number: `soon`"));
}

#[test]
fn hooks_of_deletions_and_tests_are_left_out_and_some_are_deleted_when_they_are_done() {
    for hook in ["Skip", "PreDelete", "PostDelete"] {
        assert!(annotated(json!({"argocd.argoproj.io/hook": hook})).unwrap().is_left_out, "{hook}");
    }
    assert!(annotated(json!({"helm.sh/hook": "test"})).unwrap().is_left_out);
    let fail = annotated(json!({"argocd.argoproj.io/hook": "SyncFail"})).unwrap();
    assert_eq!((fail.phase, fail.is_left_out), (Phase::SyncFail, false));
    let deletes = |policy: &str| {
        let hook = json!({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": policy});
        let hook = annotated(hook).unwrap().hook.unwrap();
        (hook.delete_succeeded, hook.delete_failed)
    };
    assert_eq!(deletes("HookSucceeded"), (true, false));
    assert_eq!(deletes("BeforeHookCreation,HookFailed"), (false, true));
    assert_eq!(deletes("BeforeHookCreation"), (false, false));
    let helm = json!({"helm.sh/hook": "pre-upgrade", "helm.sh/hook-delete-policy": "hook-succeeded, hook-failed"});
    assert_eq!(annotated(helm).unwrap().hook, Some(Hook { delete_succeeded: true, delete_failed: true }));
    assert_eq!(annotated(json!({"argocd.argoproj.io/sync-wave": "1"})).unwrap().hook, None);
    // Making it anew would delete every object of its kind.
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "x", "annotations": {"helm.sh/hook": "crd-install"}}});
    let order = Order::of(&definition).unwrap();
    assert_eq!((order.phase, order.hook), (Phase::PreSync, None));
}

#[test]
fn depends_on_names_objects_with_and_without_a_namespace() {
    let text =
        "apps/namespaces/shop/Deployment/api, /namespaces/shop/Secret/key, rbac.authorization.k8s.io/ClusterRole/r";
    let order = annotated(json!({"config.kubernetes.io/depends-on": text})).unwrap();
    let names: Vec<String> = order.awaited.iter().map(|key| format!("{} {key}", key.kind)).collect();
    let expected = ["Deployment.apps Deployment shop/api", "Secret Secret shop/key"];
    assert_eq!(names[..2], expected);
    assert_eq!(order.awaited[2].namespace, None);
    for bad in [
        "Deployment/api",
        "apps/namespaces//Deployment/api",
        "apps/namespaces/shop//api",
        "apps/namespaces/shop/Deployment/",
    ] {
        assert!(annotated(json!({"config.kubernetes.io/depends-on": bad})).is_err(), "{bad}");
    }
}

#[test]
fn fluxs_depends_on_and_the_services_of_webhooks_count_too() {
    let flux = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": "flux"}, "spec": {"dependsOn": [{"name": "infra"}]}});
    assert_eq!(Order::of(&flux).unwrap().after[0].to_string(), "Kustomization flux/infra");
    let hook = json!({"clientConfig": {"service": {"name": "hook", "namespace": "shop"}}});
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "w"}, "webhooks": [hook]});
    assert_eq!(Order::of(&webhook).unwrap().after[0].to_string(), "Service shop/hook");
    let spec = json!({"service": {"name": "metrics", "namespace": "shop"}});
    let of_kind = |kind: &str| {
        let object =
            json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "m"}, "spec": spec});
        Order::of(&object).unwrap().after.first().map(ToString::to_string)
    };
    assert_eq!(of_kind("APIService").as_deref(), Some("Service shop/metrics"));
    assert_eq!(of_kind("Other"), None);
}

/// Argo CD's sort cases, from the shared ones: what stands in an earlier step there may not stand in a later one here.
#[test]
fn steps_follow_argo_cds_phases_waves_and_kinds() {
    let Some(document) = cases::read("synchronizer/ordering.json") else { return };
    let cases = document["cases"].as_array().unwrap();
    for case in cases {
        check_sort(case);
    }
    cases::say(&format!(
        "conformance: synchronizer/ordering.json: {} agreed, 0 differ on purpose, 0 wrong",
        cases.len()
    ));
}

fn check_sort(case: &Value) {
    let expected: Vec<DesiredObject> = case["expect"].as_array().unwrap().iter().filter_map(sorted_object).collect();
    let mut mixed = expected.clone();
    mixed.reverse();
    let plan = plan(&mixed, &Inventory::default(), &Live::default(), &Scope::default());
    let step = |object: &DesiredObject| {
        let holds = |step: &Vec<crate::Apply>| step.iter().any(|apply| mixed[apply.index].key == object.key);
        plan.steps.iter().position(holds).unwrap()
    };
    let steps: Vec<usize> = expected.iter().map(step).collect();
    // The last two namespaces of one case come one after the other there, and together with what they hold here.
    let by_need = case["id"] == "argo-order-namespace-bubbles-before-first-user";
    assert!(by_need || steps.is_sorted(), "{}: {steps:?}", case["id"]);
    assert!(!by_need || steps == [0, 1, 0, 1], "{}: {steps:?}", case["id"]);
}

/// An object of a case; hooks of a failed sync are not applied here.
fn sorted_object(object: &Value) -> Option<DesiredObject> {
    let text = |key: &str| object[key].as_str().unwrap_or_default();
    let phase = match text("phase") {
        "PreSync" => Phase::PreSync,
        "Sync" => Phase::Sync,
        "PostSync" => Phase::PostSync,
        _ => return None,
    };
    let wave = i32::try_from(object["wave"].as_i64().unwrap()).unwrap();
    let group = match text("kind") {
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "Job" => "batch/v1",
        _ => object["apiVersion"].as_str().unwrap_or("v1"),
    };
    let namespace = Some(text("namespace").to_owned()).filter(|namespace| !namespace.is_empty());
    // Objects of the cases share empty names; their moment tells them apart.
    let name = if text("name").is_empty() { format!("{phase:?}{wave}") } else { text("name").to_owned() };
    let defines = object["defines"].as_object().map(|_| GroupKind {
        group: object["defines"]["group"].as_str().unwrap().to_owned(),
        kind: object["defines"]["kind"].as_str().unwrap().to_owned(),
    });
    Some(DesiredObject {
        key: ObjectKey { kind: GroupKind::new(group, text("kind")), namespace, name },
        api_version: group.to_owned(),
        manifest: "m".to_owned(),
        defines,
        may_vanish: false,
        order: Order { phase, wave, ..Order::default() },
    })
}
