use serde_json::json;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn status(object: Value) -> HealthStatus {
    judge(&object, now()).status
}

fn deployment(spec: Value, status: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1, "name": "api"}, "spec": spec,
        "status": status})
}

#[test]
fn a_deployment_walks_from_progressing_to_healthy() {
    let done = [
        json!({"type": "Available", "status": "True"}),
        json!({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}),
    ];
    let spec = json!({"replicas": 2, "progressDeadlineSeconds": 600});
    let healthy = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
        "readyReplicas": 2, "conditions": done});
    let with = |field: &str, value: Value| {
        let mut status = healthy.clone();
        status[field] = value;
        judge(&deployment(spec.clone(), status), now())
    };
    assert_eq!(status(deployment(spec.clone(), healthy.clone())), HealthStatus::Healthy);
    assert_eq!(with("observedGeneration", json!(0)).reason, "LatestGenerationNotObserved");
    assert_eq!(with("updatedReplicas", json!(1)).reason, "LessUpdated");
    assert_eq!(with("replicas", json!(3)).reason, "ExtraPods");
    assert_eq!(with("readyReplicas", json!(1)).message, "1 of 2 replicas are ready");
    let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    assert_eq!(with("conditions", late).status, HealthStatus::Degraded);
}

#[test]
fn the_stricter_rule_counts() {
    let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {}, "status": status});
    assert_eq!(status(job(json!({"startTime": "2026-01-01T00:00:00Z", "active": 1}))), HealthStatus::Progressing);
    assert_eq!(status(job(json!({"conditions": [{"type": "Complete", "status": "True"}]}))), HealthStatus::Healthy);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Failed"}});
    assert_eq!(status(pod), HealthStatus::Degraded);
    let service = json!({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}, "status": {}});
    assert_eq!(status(service), HealthStatus::Progressing);
}

#[test]
fn a_custom_resource_is_judged_by_its_usual_conditions() {
    let certificate = |status: &str, reason: &str| {
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "status": {"conditions": [{"type": "Ready", "status": status, "reason": reason, "message": "m"}]}})
    };
    assert_eq!(status(certificate("True", "Ready")), HealthStatus::Healthy);
    assert_eq!(status(certificate("False", "InvalidSpec")), HealthStatus::Degraded);
    let unlisted = |reason: &str| {
        json!({"apiVersion": "e.org/v1", "kind": "X",
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": reason}]}})
    };
    assert_eq!(status(unlisted("Waiting")), HealthStatus::Progressing);
    assert_eq!(status(unlisted("ReconcileError")), HealthStatus::Degraded);
}

#[test]
fn the_root_of_a_stuck_workload_names_pod_and_container() {
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1"},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "api", "state": waiting}]}});
    let fault = worst_fault([&pod], now()).unwrap();
    assert_eq!(fault.message, "pod api-1, container api: ImagePullBackOff: no such image");
}

#[test]
fn what_nobody_has_looked_at_waits_for_a_first_word_and_not_for_ever() {
    let made =
        |at: &str| judge(&json!({"apiVersion": "e.org/v1", "kind": "X", "metadata": {"creationTimestamp": at}}), now());
    let young = made("2025-12-31T23:59:30Z");
    assert_eq!((young.status, young.reason.as_str()), (HealthStatus::Progressing, "NotObserved"));
    assert_eq!(young.status_at(now()), HealthStatus::Progressing);
    assert_eq!(young.status_at(now() + chrono::TimeDelta::seconds(30)), HealthStatus::Healthy);
    assert_eq!(made("2025-12-31T00:00:00Z").status, HealthStatus::Healthy);
    // A kind whose rule knows that it has no status does not wait.
    let config = json!({"apiVersion": "aws.crossplane.io/v1", "kind": "ProviderConfig"});
    assert_eq!(status(config), HealthStatus::Healthy);
}

/// argo-cd#4863: many Ingress controllers never set an address.
#[test]
fn an_ingress_without_an_address_does_not_progress_for_ever() {
    let made = |at: &str| {
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"creationTimestamp": at},
            "status": {"loadBalancer": {}}})
    };
    assert_eq!(status(made("2025-12-31T23:59:00Z")), HealthStatus::Progressing);
    assert_eq!(status(made("2025-12-31T00:00:00Z")), HealthStatus::Healthy);
    assert_eq!(judge_as(Profile::Argo, &made("2025-12-31T00:00:00Z"), now()).status, HealthStatus::Progressing);
}

#[test]
fn what_a_person_paused_is_not_on_its_way() {
    let counts = json!({"replicas": 1, "updatedReplicas": 0, "observedGeneration": 1});
    assert_eq!(status(deployment(json!({"paused": true}), counts)), HealthStatus::Suspended);
    let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"suspend": true}});
    assert_eq!(status(cron), HealthStatus::Suspended);
}

#[test]
fn a_workload_is_told_by_the_fault_of_a_pod_that_it_selects() {
    let mut stuck = deployment(json!({"selector": {"matchLabels": {"app": "api"}}}), json!({"observedGeneration": 1}));
    stuck["metadata"]["namespace"] = json!("shop");
    let pod = |app: &str, reason: &str| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{app}-1"), "namespace": "shop", "labels": {"app": app}},
            "status": {"phase": "Pending", "containerStatuses": [
                {"name": "main", "state": {"waiting": {"reason": reason, "message": "no such image"}}}]}})
    };
    let objects = [stuck, pod("other", "ErrImagePull"), pod("api", "ImagePullBackOff")];
    let verdicts = judge_all(Profile::Strict, &objects, now());
    assert_eq!(verdicts[0].reason, "ImagePullBackOff");
    assert_eq!(verdicts[0].message, "pod api-1, container main: ImagePullBackOff: no such image");
    assert_eq!(judge_all(Profile::Kstatus, &objects, now())[0].reason, "LessReplicas");
}

mod conformance;

#[test]
fn a_word_of_the_phase_is_enough_where_nothing_else_is_said() {
    let phase = |word: &str| status(json!({"apiVersion": "e.org/v1", "kind": "X", "status": {"phase": word}}));
    for (word, expected) in [
        ("Synced", HealthStatus::Healthy),
        ("ESTABLISHED", HealthStatus::Healthy),
        ("CreateFailed", HealthStatus::Degraded),
        ("Unhealthy", HealthStatus::Degraded),
        ("Hibernated", HealthStatus::Suspended),
        ("Unknown", HealthStatus::Unknown),
        ("Provisioning", HealthStatus::Progressing),
    ] {
        assert_eq!(phase(word), expected, "{word}");
    }
}

#[test]
fn a_pod_that_ends_by_itself_is_not_done_while_it_runs() {
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let pod =
        |policy: &str| json!({"apiVersion": "v1", "kind": "Pod", "spec": {"restartPolicy": policy}, "status": ready});
    assert_eq!(judge_as(Profile::Argo, &pod("Never"), now()).status, HealthStatus::Progressing);
    assert_eq!(judge_as(Profile::Argo, &pod("Always"), now()).status, HealthStatus::Healthy);
}

#[test]
fn what_holds_data_alone_needs_no_look() {
    for (api_version, kind, expected) in [
        ("v1", "ConfigMap", false),
        ("v1", "Service", true),
        ("rbac.authorization.k8s.io/v1", "Role", false),
        ("networking.k8s.io/v1", "NetworkPolicy", false),
        ("networking.k8s.io/v1", "Ingress", true),
        ("example.org/v1", "Widget", true),
    ] {
        assert_eq!(has_health(&GroupKind::new(api_version, kind)), expected, "{kind}");
    }
}
