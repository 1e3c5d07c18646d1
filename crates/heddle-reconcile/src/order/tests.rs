use crate::{GroupKind, Wave, wave_of};

fn wave(api_version: &str, kind: &str) -> Wave {
    wave_of(&GroupKind::new(api_version, kind))
}

#[test]
fn what_others_need_comes_first() {
    let in_order = [
        wave("v1", "Namespace"),
        wave("v1", "ServiceAccount"),
        wave("rbac.authorization.k8s.io/v1", "RoleBinding"),
        wave("v1", "ConfigMap"),
        wave("apps/v1", "Deployment"),
        wave("example.org/v1", "Widget"),
        wave("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ];
    assert!(in_order.is_sorted_by(|a, b| a < b));
    assert_eq!(wave("apiextensions.k8s.io/v1", "CustomResourceDefinition"), Wave::Foundation);
    assert_eq!(wave("storage.k8s.io/v1", "StorageClass"), Wave::Foundation);
}

/// Flux's list, from the shared cases. Within its stages it sorts by kind as well; what counts is that nothing comes
/// before what Flux puts first among the kinds that need each other.
#[test]
fn the_order_agrees_with_that_of_flux() {
    let Ok(dir) = std::env::var("HEDDLE_CASES") else {
        eprintln!("ordering: 0 cases, HEDDLE_CASES is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{dir}/synchronizer/ordering.json")).unwrap();
    let cases: serde_json::Value = serde_json::from_str(&text).unwrap();
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
    let waves: Vec<(String, Wave)> =
        kinds("first").into_iter().map(|kind| (kind.clone(), wave(group(&kind), &kind))).collect();
    // On purpose: bindings come in a wave of their own after both sorts of roles and the accounts.
    let on_purpose = ["ClusterRoleBinding"];
    let rest: Vec<_> = waves.iter().filter(|(kind, _)| !on_purpose.contains(&kind.as_str())).collect();
    assert!(rest.is_sorted_by_key(|(_, wave)| *wave), "{rest:?}");
    for kind in kinds("last") {
        assert_eq!(wave(group(&kind), &kind), Wave::Webhooks);
    }
    eprintln!("ordering: {} kinds agree, {} differ on purpose", rest.len(), on_purpose.len());
}
