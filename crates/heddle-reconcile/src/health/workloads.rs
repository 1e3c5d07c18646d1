//! Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs and CronJobs.

use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{Verdict, conditions::find, number};
use crate::GroupKind;

pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    let verdict = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("batch", "CronJob") => cron_job(object),
        _ => return None,
    };
    Some(verdict)
}

fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// The first count that falls short, as a verdict.
fn shortfall(checks: &[(i64, i64, &'static str, &'static str)]) -> Option<Verdict> {
    checks
        .iter()
        .find(|(has, wants, ..)| has < wants)
        .map(|(has, wants, reason, word)| Verdict::progressing(*reason, format!("{has} of {wants} replicas {word}")))
}

fn deployment(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted(object));
    let progressing = find(object, "Progressing");
    if let Some(condition) = progressing.as_ref().filter(|condition| condition.reason == "ProgressDeadlineExceeded") {
        return Verdict::degraded(condition.reason, condition.message);
    }
    if let Some(condition) = find(object, "ReplicaFailure").filter(|condition| condition.is_true) {
        return Verdict::degraded(condition.reason, condition.message);
    }
    if object["spec"]["paused"] == true {
        return Verdict::new(HealthStatus::Suspended, "Paused", "its rollout is paused");
    }
    let (total, updated) = (number(&status["replicas"]), number(&status["updatedReplicas"]));
    let (available, ready) = (number(&status["availableReplicas"]), number(&status["readyReplicas"]));
    let early = shortfall(&[(total, wanted, "LessReplicas", "exist"), (updated, wanted, "LessUpdated", "are updated")]);
    if let Some(verdict) = early {
        return verdict;
    }
    if total > wanted {
        let old = total - wanted;
        return Verdict::progressing("ExtraPods", format!("{old} old replicas are still to be removed"));
    }
    let late =
        shortfall(&[(available, updated, "LessAvailable", "are available"), (ready, wanted, "LessReady", "are ready")]);
    if let Some(verdict) = late {
        return verdict;
    }
    let deadline = object["spec"]["progressDeadlineSeconds"].as_i64().filter(|secs| *secs < i64::from(i32::MAX));
    let rolled_out = progressing.is_some_and(|condition| condition.reason == "NewReplicaSetAvailable");
    if deadline.is_some() && !rolled_out {
        return Verdict::progressing("ReplicaSetNotAvailable", "its new replica set is not available yet");
    }
    if !find(object, "Available").is_some_and(|condition| condition.is_true) {
        return Verdict::progressing("DeploymentNotAvailable", "it is not available yet");
    }
    Verdict::healthy("Available")
}

fn stateful_set(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted(object));
    let strategy = &object["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return Verdict::healthy("OnDelete");
    }
    if status.is_null() || (object["metadata"]["generation"].is_i64() && status["observedGeneration"].is_null()) {
        return Verdict::progressing("NotObserved", "its controller has not seen it yet");
    }
    let (total, ready) = (number(&status["replicas"]), number(&status["readyReplicas"]));
    let counts = shortfall(&[(total, wanted, "LessReplicas", "exist"), (ready, wanted, "LessReady", "are ready")]);
    if let Some(verdict) = counts {
        return verdict;
    }
    if total > wanted {
        return Verdict::progressing("ExtraPods", format!("{} replicas are still to be removed", total - wanted));
    }
    let partition = number(&strategy["rollingUpdate"]["partition"]);
    if partition > 0 {
        let updated = number(&status["updatedReplicas"]);
        return shortfall(&[(updated, wanted - partition, "PartitionRollout", "are updated")])
            .unwrap_or_else(|| Verdict::healthy("PartitionRolledOut"));
    }
    let current = number(&status["currentReplicas"]);
    if let Some(verdict) = shortfall(&[(current, wanted, "LessCurrent", "are current")]) {
        return verdict;
    }
    if status["currentRevision"] != status["updateRevision"] {
        return Verdict::progressing("RevisionMismatch", "some replicas are of the old revision");
    }
    Verdict::healthy("RolledOut")
}

fn daemon_set(object: &Value) -> Verdict {
    let status = &object["status"];
    if status["observedGeneration"].is_null() || status["desiredNumberScheduled"].is_null() {
        return Verdict::progressing("NotObserved", "its controller has not seen it yet");
    }
    let wanted = number(&status["desiredNumberScheduled"]);
    let count = |field: &str| number(&status[field]);
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return shortfall(&[(count("numberAvailable"), wanted, "LessAvailable", "are available")])
            .unwrap_or_else(|| Verdict::healthy("OnDelete"));
    }
    shortfall(&[
        (count("currentNumberScheduled"), wanted, "LessCurrent", "are scheduled"),
        (count("updatedNumberScheduled"), wanted, "LessUpdated", "are updated"),
        (count("numberAvailable"), wanted, "LessAvailable", "are available"),
        (count("numberReady"), wanted, "LessReady", "are ready"),
    ])
    .unwrap_or_else(|| Verdict::healthy("RolledOut"))
}

fn replica_set(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted(object));
    if let Some(condition) = find(object, "ReplicaFailure").filter(|condition| condition.is_true) {
        return Verdict::degraded(condition.reason, condition.message);
    }
    let counts = shortfall(&[
        (number(&status["fullyLabeledReplicas"]), wanted, "LessLabelled", "are labelled"),
        (number(&status["availableReplicas"]), wanted, "LessAvailable", "are available"),
        (number(&status["readyReplicas"]), wanted, "LessReady", "are ready"),
    ]);
    let extra = number(&status["replicas"]) - wanted;
    counts.unwrap_or_else(|| match extra {
        1.. => Verdict::progressing("ExtraPods", format!("{extra} replicas are still to be removed")),
        _ => Verdict::healthy("Available"),
    })
}

fn job(object: &Value) -> Verdict {
    if let Some(condition) = find(object, "Failed").filter(|condition| condition.is_true) {
        return Verdict::degraded("JobFailed", condition.message);
    }
    if find(object, "Complete").is_some_and(|condition| condition.is_true) {
        return Verdict::healthy("Complete");
    }
    if object["spec"]["suspend"] == true {
        return Verdict::new(HealthStatus::Suspended, "Suspended", "it is suspended");
    }
    let status = &object["status"];
    if status["startTime"].is_null() {
        return Verdict::progressing("JobNotStarted", "it has not started yet");
    }
    let (active, failed) = (number(&status["active"]), number(&status["failed"]));
    Verdict::progressing("JobInProgress", format!("{active} pods run, {failed} have failed"))
}

fn cron_job(object: &Value) -> Verdict {
    if object["spec"]["suspend"] == true {
        return Verdict::new(HealthStatus::Suspended, "Suspended", "it is suspended");
    }
    Verdict::healthy("Scheduled")
}
