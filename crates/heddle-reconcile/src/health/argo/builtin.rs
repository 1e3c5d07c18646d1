//! The kinds that Argo CD judges by itself.

use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::super::{Verdict, conditions::find, number, pods};
use crate::GroupKind;

pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    rule(kind).map(|judge| judge(object))
}

fn rule(kind: &GroupKind) -> Option<fn(&Value) -> Verdict> {
    Some(match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => deployment,
        ("apps", "StatefulSet") => stateful_set,
        ("apps", "ReplicaSet") => replica_set,
        ("apps", "DaemonSet") => daemon_set,
        ("extensions" | "networking.k8s.io", "Ingress") => ingress,
        ("apiregistration.k8s.io", "APIService") => api_service,
        ("", "Service") => service,
        ("", "PersistentVolumeClaim") => claim,
        ("", "Pod") => pods::as_argo,
        ("batch", "Job") => job,
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler,
        _ => return None,
    })
}

/// What a controller that has not seen the latest spec says is old.
fn unseen(object: &Value) -> Option<Verdict> {
    let (generation, observed) = generations(object);
    (generation > observed).then(|| Verdict::progressing("NotObserved", "its controller has not seen the latest spec"))
}

fn generations(object: &Value) -> (i64, i64) {
    (number(&object["metadata"]["generation"]), number(&object["status"]["observedGeneration"]))
}

fn waiting(message: String) -> Verdict {
    Verdict::progressing("RollingOut", message)
}

fn deployment(object: &Value) -> Verdict {
    if object["spec"]["paused"] == true {
        return Verdict::new(HealthStatus::Suspended, "Paused", "its rollout is paused");
    }
    if let Some(verdict) = unseen(object) {
        return verdict;
    }
    if let Some(late) = find(object, "Progressing").filter(|late| late.reason == "ProgressDeadlineExceeded") {
        return Verdict::degraded(late.reason, late.message);
    }
    let count = |field: &str| number(&object["status"][field]);
    let (updated, available) = (count("updatedReplicas"), count("availableReplicas"));
    match object["spec"]["replicas"].as_i64() {
        Some(wanted) if updated < wanted => waiting(format!("{updated} of {wanted} replicas are updated")),
        _ if count("replicas") > updated => {
            waiting(format!("{} old replicas are still to be removed", count("replicas") - updated))
        }
        _ if available < updated => waiting(format!("{available} of {updated} updated replicas are available")),
        _ => Verdict::healthy("Available"),
    }
}

fn stateful_set(object: &Value) -> Verdict {
    let (generation, observed) = generations(object);
    if observed == 0 || generation > observed {
        return Verdict::progressing("NotObserved", "its controller has not seen the latest spec");
    }
    let (status, strategy) = (&object["status"], &object["spec"]["updateStrategy"]);
    let wanted = object["spec"]["replicas"].as_i64();
    let (ready, updated) = (number(&status["readyReplicas"]), number(&status["updatedReplicas"]));
    if let Some(wanted) = wanted.filter(|wanted| ready < *wanted) {
        return waiting(format!("{ready} of {wanted} replicas are ready"));
    }
    if strategy["type"] == "RollingUpdate" && strategy["rollingUpdate"].is_object() {
        let share = wanted.zip(strategy["rollingUpdate"]["partition"].as_i64());
        return match share.map(|(wanted, partition)| wanted - partition) {
            Some(share) if updated < share => waiting(format!("{updated} of {share} replicas are updated")),
            _ => Verdict::healthy("PartitionRolledOut"),
        };
    }
    if strategy["type"] == "OnDelete" {
        return Verdict::healthy("OnDelete");
    }
    if status["updateRevision"] != status["currentRevision"] {
        return waiting("some replicas are of the old revision".to_owned());
    }
    Verdict::healthy("RolledOut")
}

fn daemon_set(object: &Value) -> Verdict {
    if let Some(verdict) = unseen(object) {
        return verdict;
    }
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Verdict::healthy("OnDelete");
    }
    let count = |field: &str| number(&object["status"][field]);
    let (wanted, updated, available) =
        (count("desiredNumberScheduled"), count("updatedNumberScheduled"), count("numberAvailable"));
    match () {
        () if updated < wanted => waiting(format!("{updated} of {wanted} replicas are updated")),
        () if available < wanted => waiting(format!("{available} of {wanted} replicas are available")),
        () => Verdict::healthy("RolledOut"),
    }
}

fn replica_set(object: &Value) -> Verdict {
    if let Some(verdict) = unseen(object) {
        return verdict;
    }
    if let Some(failure) = find(object, "ReplicaFailure").filter(|failure| failure.is_true) {
        return Verdict::degraded(failure.reason, failure.message);
    }
    let available = number(&object["status"]["availableReplicas"]);
    match object["spec"]["replicas"].as_i64() {
        Some(wanted) if available < wanted => waiting(format!("{available} of {wanted} replicas are available")),
        _ => Verdict::healthy("Available"),
    }
}

fn has_address(object: &Value) -> bool {
    object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|addresses| !addresses.is_empty())
}

fn ingress(object: &Value) -> Verdict {
    match has_address(object) {
        true => Verdict::healthy("HasAddress"),
        false => Verdict::progressing("NoAddress", "its controller has given it no address yet"),
    }
}

fn service(object: &Value) -> Verdict {
    if object["spec"]["type"] == "LoadBalancer" && !has_address(object) {
        return Verdict::progressing("NoAddress", "its load balancer has no address yet");
    }
    Verdict::healthy("Exists")
}

fn claim(object: &Value) -> Verdict {
    match object["status"]["phase"].as_str() {
        Some("Bound") => Verdict::healthy("Bound"),
        Some("Lost") => Verdict::degraded("Lost", "its volume is lost"),
        Some("Pending") => Verdict::progressing("NotBound", "it is not bound to a volume yet"),
        _ => Verdict::new(HealthStatus::Unknown, "NoPhase", "it has no phase"),
    }
}

fn api_service(object: &Value) -> Verdict {
    match find(object, "Available") {
        Some(condition) if condition.is_true => Verdict::healthy("Available"),
        Some(condition) => Verdict::progressing(condition.reason, condition.message),
        None => Verdict::progressing("NotObserved", "nothing has seen it yet"),
    }
}

/// Failed and Complete count by being there, whatever their status.
fn job(object: &Value) -> Verdict {
    if let Some(failed) = find(object, "Failed") {
        return Verdict::degraded("JobFailed", failed.message);
    }
    match (find(object, "Suspended"), find(object, "Complete")) {
        (Some(suspended), _) if suspended.is_true => {
            Verdict::new(HealthStatus::Suspended, "Suspended", suspended.message)
        }
        (None, None) => Verdict::progressing("JobInProgress", "it is not complete yet"),
        _ => Verdict::healthy("Complete"),
    }
}

/// The first version of the API keeps the conditions in an annotation.
fn autoscaler(object: &Value) -> Verdict {
    const FAULTS: [(&str, &[&str]); 2] = [
        ("AbleToScale", &["FailedGetScale", "FailedUpdateScale"]),
        (
            "ScalingActive",
            &[
                "FailedGetResourceMetric",
                "FailedGetObjectMetric",
                "FailedGetPodsMetric",
                "FailedGetExternalMetric",
                "FailedComputeMetricsReplicas",
                "InvalidSelector",
            ],
        ),
    ];
    let annotation = &object["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/conditions"];
    let old = object["apiVersion"] == "autoscaling/v1";
    let parsed: Value = annotation.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let conditions = if old { &parsed } else { &object["status"]["conditions"] };
    let conditions = || conditions.as_array().into_iter().flatten();
    let text = |condition: &Value, key: &str| condition[key].as_str().unwrap_or_default().to_owned();
    let fault = conditions().find(|condition| {
        FAULTS.iter().any(|(kind, reasons)| {
            condition["type"] == *kind && reasons.iter().any(|reason| condition["reason"] == *reason)
        })
    });
    if let Some(fault) = fault {
        return Verdict::degraded(text(fault, "reason"), text(fault, "message"));
    }
    let able = conditions().find(|condition| {
        (condition["type"] == "AbleToScale" || condition["type"] == "ScalingLimited") && condition["status"] == "True"
    });
    match able {
        Some(able) => Verdict::healthy(text(able, "reason")),
        None => Verdict::progressing("NotObserved", "it has not looked at its target yet"),
    }
}

#[cfg(test)]
mod tests;
