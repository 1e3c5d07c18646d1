//! What Heddle shows: the stricter of kstatus and Argo CD, and what neither of them sees.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{Profile, Verdict, argo, conditions, conditions::find, generic, judge_as, kind_of, kstatus, pods};
use crate::{GroupKind, is_workload};

/// A controller gets this long to say its first word about an object of a kind that nobody listed.
const FIRST_WORD: TimeDelta = TimeDelta::seconds(60);

/// An Ingress controller gets this long to set an address; many never set any. Source: argo-cd#4863.
const INGRESS_ADDRESS: TimeDelta = TimeDelta::seconds(300);

pub(super) fn judge(kind: &GroupKind, object: &Value, now: DateTime<Utc>) -> Verdict {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Verdict::new(HealthStatus::Terminating, "Terminating", "it is being deleted");
    }
    let old = kstatus::unreadable(object).or_else(|| conditions::generation(object));
    if let Some(verdict) = old.or_else(|| own(kind, object)) {
        return verdict;
    }
    let kind_one = kstatus::judge(kind, object, now);
    let says_nothing = object["status"].as_object().is_none_or(serde_json::Map::is_empty);
    let Some(stern_one) = argo::find(kind, object) else {
        if says_nothing && generic::is_custom(kind) {
            let message = "its controller has not said anything yet";
            return waiting(object, now, FIRST_WORD, Verdict::progressing("NotObserved", message));
        }
        return stricter(kind_one, generic::judge(kind, object));
    };
    if stern_one.reason == "NoAddress" && kind.kind == "Ingress" {
        return waiting(object, now, INGRESS_ADDRESS, stern_one);
    }
    if stern_one.status == HealthStatus::Unknown && says_nothing {
        return stricter(kind_one, Verdict::progressing("NotObserved", "its controller has not seen it yet"));
    }
    stricter(kind_one, stern_one)
}

/// What neither of the two sees.
fn own(kind: &GroupKind, object: &Value) -> Option<Verdict> {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => {
            let failure = find(object, "ReplicaFailure").filter(|failure| failure.is_true)?;
            Some(Verdict::degraded(failure.reason, failure.message))
        }
        ("batch", "CronJob") if object["spec"]["suspend"] == true => {
            Some(Verdict::new(HealthStatus::Suspended, "Suspended", "it is suspended"))
        }
        ("batch", "Job") if object["spec"]["suspend"] == true && find(object, "Failed").is_none() => {
            Some(Verdict::new(HealthStatus::Suspended, "Suspended", "it is suspended"))
        }
        ("", "Pod") => pods::container_fault(object).map(|fault| Verdict::degraded(fault.reason, fault.message)),
        _ => None,
    }
}

/// The worse verdict; of two equal ones the one that says more. What a person paused is not on its way.
fn stricter(one: Verdict, other: Verdict) -> Verdict {
    let rank = |verdict: &Verdict| match verdict.status {
        HealthStatus::Healthy => (0, 0),
        HealthStatus::Progressing => (1, verdict.message.len().min(1)),
        HealthStatus::Suspended => (2, 0),
        HealthStatus::Terminating => (3, 0),
        HealthStatus::Unknown => (4, 0),
        HealthStatus::Missing => (5, 0),
        HealthStatus::Degraded => (6, verdict.message.len().min(1)),
    };
    if rank(&other) > rank(&one) { other } else { one }
}

/// A verdict that holds until the object is older than `grace`. Where its age is not known, it is taken for young.
fn waiting(object: &Value, now: DateTime<Utc>, grace: TimeDelta, verdict: Verdict) -> Verdict {
    let created = object["metadata"]["creationTimestamp"].as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
    match created.map(|created| created + grace) {
        Some(end) if now >= end => Verdict::healthy("NothingReported"),
        end => Verdict { waits_until: end, ..verdict },
    }
}

/// Judges objects that were read together. In the profile [`Profile::Strict`] a workload that is not well is told by its
/// root, the fault of one of its pods, where the pod is among them.
pub fn judge_all(profile: Profile, objects: &[Value], now: DateTime<Utc>) -> Vec<Verdict> {
    let pods: Vec<&Value> = objects.iter().filter(|object| kind_of(object).to_string() == "Pod").collect();
    let judged = objects.iter().map(|object| {
        let verdict = judge_as(profile, object, now);
        let stuck = matches!(verdict.status, HealthStatus::Progressing | HealthStatus::Degraded);
        if profile != Profile::Strict || !stuck || !is_workload(&kind_of(object)) {
            return verdict;
        }
        let own = pods.iter().filter(|pod| selects(object, pod)).copied();
        match pods::worst_fault(own, now) {
            Some(fault) => Verdict { reason: fault.reason, message: fault.message, ..verdict },
            None => verdict,
        }
    });
    judged.collect()
}

/// Whether a workload selects a pod by its labels.
fn selects(workload: &Value, pod: &Value) -> bool {
    let selector = workload["spec"]["selector"]["matchLabels"].as_object().filter(|labels| !labels.is_empty());
    workload["metadata"]["namespace"] == pod["metadata"]["namespace"]
        && selector.is_some_and(|labels| labels.iter().all(|(label, value)| pod["metadata"]["labels"][label] == *value))
}
