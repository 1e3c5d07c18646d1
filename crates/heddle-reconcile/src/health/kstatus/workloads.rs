//! Deployments, StatefulSets, DaemonSets, ReplicaSets and Jobs.

use serde_json::Value;

use super::super::{Verdict, conditions::find, number, wanted_replicas};
use crate::GroupKind;

pub(super) fn judge(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    let verdict = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        _ => return None,
    };
    Some(verdict)
}

/// The first count that falls short, as a verdict.
fn shortfall(checks: &[(i64, i64, &'static str, &'static str)]) -> Option<Verdict> {
    checks
        .iter()
        .find(|(has, wants, ..)| has < wants)
        .map(|(has, wants, reason, word)| Verdict::progressing(*reason, format!("{has} of {wants} replicas {word}")))
}

fn extra_pods(extra: i64) -> Option<Verdict> {
    (extra > 0).then(|| Verdict::progressing("ExtraPods", format!("{extra} old replicas are still to be removed")))
}

fn deployment(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted_replicas(object));
    let progressing = find(object, "Progressing");
    if let Some(condition) = progressing.as_ref().filter(|condition| condition.reason == "ProgressDeadlineExceeded") {
        return Verdict::degraded(condition.reason, condition.message);
    }
    let count = |field: &str| number(&status[field]);
    let (total, updated) = (count("replicas"), count("updatedReplicas"));
    let short = shortfall(&[(total, wanted, "LessReplicas", "exist"), (updated, wanted, "LessUpdated", "are updated")])
        .or_else(|| extra_pods(total - wanted))
        .or_else(|| {
            shortfall(&[
                (count("availableReplicas"), updated, "LessAvailable", "are available"),
                (count("readyReplicas"), wanted, "LessReady", "are ready"),
            ])
        });
    if let Some(verdict) = short {
        return verdict;
    }
    let deadline = object["spec"]["progressDeadlineSeconds"].as_i64().filter(|secs| *secs != i64::from(i32::MAX));
    let rolled_out =
        progressing.is_some_and(|condition| condition.is_true && condition.reason == "NewReplicaSetAvailable");
    if deadline.is_some() && !rolled_out {
        return Verdict::progressing("ReplicaSetNotAvailable", "its new replica set is not available yet");
    }
    if !find(object, "Available").is_some_and(|condition| condition.is_true) {
        return Verdict::progressing("DeploymentNotAvailable", "it is not available yet");
    }
    Verdict::healthy("Available")
}

fn stateful_set(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted_replicas(object));
    let strategy = &object["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return Verdict::healthy("OnDelete");
    }
    let count = |field: &str| number(&status[field]);
    let total = count("replicas");
    let short = shortfall(&[
        (total, wanted, "LessReplicas", "exist"),
        (count("readyReplicas"), wanted, "LessReady", "are ready"),
    ]);
    if let Some(verdict) = short.or_else(|| extra_pods(total - wanted)) {
        return verdict;
    }
    if let Some(partition) = strategy["rollingUpdate"]["partition"].as_i64().filter(|partition| *partition != 0) {
        let updated = count("updatedReplicas");
        return shortfall(&[(updated, wanted - partition, "PartitionRollout", "are updated")])
            .unwrap_or_else(|| Verdict::healthy("PartitionRolledOut"));
    }
    if let Some(verdict) = shortfall(&[(count("currentReplicas"), wanted, "LessCurrent", "are current")]) {
        return verdict;
    }
    if status["currentRevision"] != status["updateRevision"] {
        return Verdict::progressing("RevisionMismatch", "some replicas are of the old revision");
    }
    Verdict::healthy("RolledOut")
}

fn daemon_set(object: &Value) -> Verdict {
    let status = &object["status"];
    let missing = [
        (&object["metadata"]["generation"], "NoGeneration"),
        (&status["observedGeneration"], "NoObservedGeneration"),
        (&status["desiredNumberScheduled"], "NoDesiredNumber"),
    ];
    if let Some((_, reason)) = missing.iter().find(|(value, _)| !value.is_number()) {
        return Verdict::progressing(*reason, "its controller has not seen it yet");
    }
    let wanted = number(&status["desiredNumberScheduled"]);
    let count = |field: &str| number(&status[field]);
    shortfall(&[
        (count("currentNumberScheduled"), wanted, "LessCurrent", "are scheduled"),
        (count("updatedNumberScheduled"), wanted, "LessUpdated", "are updated"),
        (count("numberAvailable"), wanted, "LessAvailable", "are available"),
        (count("numberReady"), wanted, "LessReady", "are ready"),
    ])
    .unwrap_or_else(|| Verdict::healthy("RolledOut"))
}

fn replica_set(object: &Value) -> Verdict {
    let (status, wanted) = (&object["status"], wanted_replicas(object));
    if let Some(condition) = find(object, "ReplicaFailure").filter(|condition| condition.is_true) {
        return Verdict::progressing("ReplicaFailure", condition.message);
    }
    let count = |field: &str| number(&status[field]);
    shortfall(&[
        (count("fullyLabeledReplicas"), wanted, "LessLabelled", "are labelled"),
        (count("availableReplicas"), wanted, "LessAvailable", "are available"),
        (count("readyReplicas"), wanted, "LessReady", "are ready"),
    ])
    .or_else(|| extra_pods(count("replicas") - wanted))
    .unwrap_or_else(|| Verdict::healthy("Available"))
}

fn job(object: &Value) -> Verdict {
    let is_true = |kind: &str| find(object, kind).filter(|condition| condition.is_true);
    if is_true("Complete").is_some() {
        return Verdict::healthy("Complete");
    }
    if let Some(failed) = is_true("Failed") {
        return Verdict::degraded("JobFailed", failed.message);
    }
    if object["spec"]["suspend"] == true {
        return Verdict::healthy("JobSuspended");
    }
    if object["status"]["startTime"].is_null() {
        return Verdict::progressing("JobNotStarted", "it has not started yet");
    }
    Verdict::healthy("JobStarted")
}

pub(super) fn job_in_progress(object: &Value) -> Verdict {
    let count = |field: &str| number(&object["status"][field]);
    let (done, active, failed) = (count("succeeded"), count("active"), count("failed"));
    Verdict::progressing("JobInProgress", format!("{done} pods have succeeded, {active} run, {failed} have failed"))
}
