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
    assert_eq!(status(certificate("False", "Issuing")), HealthStatus::Progressing);
    assert_eq!(status(certificate("False", "InvalidSpec")), HealthStatus::Degraded);
    assert_eq!(status(json!({"apiVersion": "e.org/v1", "kind": "X"})), HealthStatus::Healthy);
}

#[test]
fn the_root_of_a_stuck_workload_names_pod_and_container() {
    let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api-1"},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "api", "state": waiting}]}});
    let fault = worst_fault(&[pod], now()).unwrap();
    assert_eq!(fault.message, "pod api-1, container api: ImagePullBackOff: no such image");
}

/// The verdicts of kstatus and of Flux's Job rule, from the shared cases.
#[test]
fn verdicts_agree_with_kstatus_but_where_ours_is_stricter_on_purpose() {
    // Argo CD's rule is the stricter one: a failed Pod and a running Job are not done, a load balancer needs its address,
    // and a replica set that cannot make its Pods does not mend itself.
    const ON_PURPOSE: [&str; 4] =
        ["kstatus/podCompletedFailed", "kstatus/rsReplicaFailure", "kstatus/jobInProgress", "kstatus/serviceLBok"];
    let Ok(dir) = std::env::var("HEDDLE_CASES") else {
        eprintln!("health: 0 cases, HEDDLE_CASES is not set");
        return;
    };
    let text = std::fs::read_to_string(format!("{dir}/synchronizer/health.json")).unwrap();
    let text = text.replace("{{now}}", &now().to_rfc3339());
    let cases: Value = serde_json::from_str(&text).unwrap();
    let cases: Vec<&Value> =
        cases["cases"].as_array().unwrap().iter().filter(|case| case["suite"] != "flux-cel").collect();
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let verdict = judge(&case["input"], now());
            let expected = case["expect"]["status"].as_str().unwrap();
            let agreed = match expected {
                "Current" => matches!(verdict.status, HealthStatus::Healthy | HealthStatus::Suspended),
                "InProgress" => verdict.status == HealthStatus::Progressing,
                "Failed" => verdict.status == HealthStatus::Degraded,
                "Terminating" => verdict.status == HealthStatus::Terminating,
                _ => verdict.status == HealthStatus::Unknown,
            };
            let id = case["id"].as_str().unwrap();
            (!agreed && !ON_PURPOSE.contains(&id)).then(|| format!("{id}: {expected}, ours {verdict:?}"))
        })
        .collect();
    eprintln!(
        "health: {} agree, {} differ on purpose, {} wrong",
        cases.len() - wrong.len(),
        ON_PURPOSE.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}
