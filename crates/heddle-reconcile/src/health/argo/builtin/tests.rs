//! Each branch of the rules, at the numbers where it turns.
//!
//! Source: `gitops-engine/pkg/health` of Argo CD, `health_deployment.go` and its neighbours.

use serde_json::json;

use super::*;

#[track_caller]
fn check(group: &str, kind: &str, object: Value, status: HealthStatus, message: &str) {
    let verdict = judge(&GroupKind { group: group.into(), kind: kind.into() }, &object).unwrap();
    assert_eq!((verdict.status, verdict.message.as_str()), (status, message), "{object}");
}

/// A workload of which its controller has seen the latest spec.
fn seen(spec: Value, mut status: Value) -> Value {
    status["observedGeneration"] = json!(2);
    json!({"metadata": {"generation": 2}, "spec": spec, "status": status})
}

#[test]
fn what_the_controller_has_not_seen_is_on_its_way() {
    let message = "its controller has not seen the latest spec";
    let all_well = json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1});
    for kind in ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"] {
        let object = json!({"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": all_well});
        check("apps", kind, object, HealthStatus::Progressing, message);
    }
}

#[test]
fn a_deployment_rolls_out_until_all_are_new_and_available() {
    let counts = |replicas: i64, updated: i64, available: i64| {
        let status = json!({"replicas": replicas, "updatedReplicas": updated, "availableReplicas": available});
        seen(json!({"replicas": 2}), status)
    };
    let check = |object, status, message| check("apps", "Deployment", object, status, message);
    check(counts(2, 1, 2), HealthStatus::Progressing, "1 of 2 replicas are updated");
    check(counts(3, 2, 2), HealthStatus::Progressing, "1 old replicas are still to be removed");
    check(counts(2, 2, 1), HealthStatus::Progressing, "1 of 2 updated replicas are available");
    check(counts(2, 2, 2), HealthStatus::Healthy, "");
    let paused = seen(json!({"replicas": 2, "paused": true}), json!({}));
    check(paused, HealthStatus::Suspended, "its rollout is paused");
}

#[test]
fn a_daemon_set_rolls_out_node_by_node() {
    let counts = |updated: i64, available: i64| {
        let status =
            json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available});
        seen(json!({}), status)
    };
    let check = |object, status, message| check("apps", "DaemonSet", object, status, message);
    check(counts(1, 2), HealthStatus::Progressing, "1 of 2 replicas are updated");
    check(counts(2, 1), HealthStatus::Progressing, "1 of 2 replicas are available");
    check(counts(2, 2), HealthStatus::Healthy, "");
}

#[test]
fn a_claim_is_as_its_phase_says() {
    let phase = |phase: &str| json!({"status": {"phase": phase}});
    let check = |object, status, message| check("", "PersistentVolumeClaim", object, status, message);
    check(phase("Bound"), HealthStatus::Healthy, "");
    check(phase("Lost"), HealthStatus::Degraded, "its volume is lost");
    check(phase("Pending"), HealthStatus::Progressing, "it is not bound to a volume yet");
    check(json!({}), HealthStatus::Unknown, "it has no phase");
}

#[test]
fn a_pod_that_lasts_is_healthy_once_it_is_ready() {
    let running = |ready: &str, restarts: i64| {
        json!({"status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"name": "api", "ready": ready == "True", "restartCount": restarts,
                "lastState": if restarts > 0 { json!({"terminated": {"exitCode": 1}}) } else { json!({}) }}],
        }})
    };
    let check = |object, status, message| check("", "Pod", object, status, message);
    check(running("True", 0), HealthStatus::Healthy, "");
    check(running("False", 0), HealthStatus::Progressing, "it runs and is not ready yet");
    let restarted = "it is not ready, and a container of it has ended before";
    check(running("False", 1), HealthStatus::Degraded, restarted);
}
