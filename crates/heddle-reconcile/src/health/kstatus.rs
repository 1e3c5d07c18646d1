//! The verdicts of kstatus, to the letter.
//!
//! Source: `sigs.k8s.io/cli-utils/pkg/kstatus/status`. It is kind: what says nothing is done, a running Job and a failed Pod
//! too. Its words are `Current`, `InProgress`, `Failed`, `Terminating`, `NotFound` and `Unknown`.

mod workloads;

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{Verdict, conditions, conditions::find, pods};
use crate::GroupKind;

/// Judges an object as kstatus does.
pub(super) fn judge(kind: &GroupKind, object: &Value, now: DateTime<Utc>) -> Verdict {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Verdict::new(HealthStatus::Terminating, "Terminating", "it is being deleted");
    }
    if let Some(verdict) = unreadable(object) {
        return verdict;
    }
    conditions::generation(object)
        .or_else(|| conditions::reconciling_or_stalled(object))
        .or_else(|| workloads::judge(kind, object))
        .or_else(|| others(kind, object, now))
        .unwrap_or_else(|| by_ready(object))
}

/// As [`judge`], with the rule that Flux adds: a Job is done when it is complete.
pub(super) fn judge_as_flux(kind: &GroupKind, object: &Value, now: DateTime<Utc>) -> Verdict {
    let verdict = judge(kind, object, now);
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("batch", "Job") if verdict.reason == "JobStarted" => workloads::job_in_progress(object),
        _ => verdict,
    }
}

/// Conditions that are no list leave nothing to be said.
pub(super) fn unreadable(object: &Value) -> Option<Verdict> {
    let bad = !matches!(object["status"]["conditions"], Value::Null | Value::Array(_));
    bad.then(|| Verdict::new(HealthStatus::Unknown, "BadConditions", "its `status.conditions` is no list"))
}

fn others(kind: &GroupKind, object: &Value, now: DateTime<Utc>) -> Option<Verdict> {
    let verdict = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pods::as_kstatus(object, now),
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => match object["status"]["phase"].as_str() {
            Some("Bound") => Verdict::healthy("Bound"),
            _ => Verdict::progressing("NotBound", "it is not bound to a volume yet"),
        },
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") | ("policy", "PodDisruptionBudget") => {
            Verdict::healthy("Exists")
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => return None,
    };
    Some(verdict)
}

fn service(object: &Value) -> Verdict {
    let has_ip = object["spec"]["clusterIP"].as_str().is_some_and(|ip| !ip.is_empty());
    if object["spec"]["type"] == "LoadBalancer" && !has_ip {
        return Verdict::progressing("NoIPAssigned", "it has no cluster address yet");
    }
    Verdict::healthy("Exists")
}

fn definition(object: &Value) -> Verdict {
    if let Some(condition) = find(object, "NamesAccepted").filter(|condition| condition.is_false) {
        return Verdict::degraded(condition.reason, condition.message);
    }
    match find(object, "Established") {
        Some(condition) if condition.is_true => Verdict::healthy("Established"),
        Some(condition) if condition.is_false && condition.reason != "Installing" => {
            Verdict::degraded(condition.reason, condition.message)
        }
        _ => Verdict::progressing("Installing", "the API server does not serve it yet"),
    }
}

/// Nothing said means nothing wrong.
fn by_ready(object: &Value) -> Verdict {
    match find(object, "Ready") {
        Some(ready) if ready.is_true => Verdict::healthy(ready.reason),
        Some(ready) => Verdict::progressing(ready.reason, ready.message),
        None => Verdict::healthy("NothingWrong"),
    }
}
