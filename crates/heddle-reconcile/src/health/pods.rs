//! Pods: their own verdict, and what of them keeps a workload from becoming healthy.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{Verdict, conditions::find};
use crate::GroupKind;

/// The scheduler needs a moment; before that an unschedulable Pod is no news. Source: kstatus.
const SCHEDULE_WINDOW: TimeDelta = TimeDelta::seconds(15);

pub(super) fn judge(kind: &GroupKind, object: &Value, now: DateTime<Utc>) -> Option<Verdict> {
    (kind.group.is_empty() && kind.kind == "Pod").then(|| pod(object, now))
}

fn pod(object: &Value, now: DateTime<Utc>) -> Verdict {
    if let Some(fault) = container_fault(object) {
        return Verdict::degraded(fault.reason, fault.message);
    }
    let status = &object["status"];
    match status["phase"].as_str() {
        Some("Succeeded") => Verdict::healthy("PodSucceeded"),
        Some("Failed") => {
            let message = status["message"].as_str().or(status["reason"].as_str()).unwrap_or("it has failed");
            Verdict::degraded("PodFailed", message)
        }
        Some("Running") if find(object, "Ready").is_some_and(|condition| condition.is_true) => {
            Verdict::healthy("PodReady")
        }
        Some("Running") => Verdict::progressing("PodRunningNotReady", "it runs and is not ready yet"),
        Some("Pending") => pending(object, now),
        Some(phase) => Verdict::new(HealthStatus::Unknown, "PodPhaseUnknown", format!("its phase is {phase}")),
        None => Verdict::progressing("PodNotObserved", "nothing has seen it yet"),
    }
}

fn pending(object: &Value, now: DateTime<Utc>) -> Verdict {
    let unschedulable = find(object, "PodScheduled").filter(|condition| condition.reason == "Unschedulable");
    let Some(condition) = unschedulable else { return Verdict::progressing("PodPending", "it is pending") };
    let created = object["metadata"]["creationTimestamp"].as_str();
    let created = created.and_then(|text| text.parse::<DateTime<Utc>>().ok());
    if created.is_none_or(|created| now - created >= SCHEDULE_WINDOW) {
        Verdict::degraded("PodUnschedulable", condition.message)
    } else {
        Verdict::progressing("PodNotScheduled", condition.message)
    }
}

/// What is wrong with one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodFault {
    /// The kubelet's word: `ImagePullBackOff`, `CrashLoopBackOff`, `OOMKilled`.
    pub reason: String,
    /// Pod, container and what happened.
    pub message: String,
}

/// The fault of the first of these Pods that has one, or what keeps it pending: the root of a stuck workload.
pub fn worst_fault(pods: &[Value], now: DateTime<Utc>) -> Option<PodFault> {
    pods.iter().find_map(container_fault).or_else(|| {
        let stuck = pods.iter().map(|pod| (pod, self::pod(pod, now)));
        let (pod, verdict) = stuck.into_iter().find(|(_, verdict)| verdict.status == HealthStatus::Degraded)?;
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        Some(PodFault { message: format!("pod {name}: {}", verdict.message), reason: verdict.reason })
    })
}

fn container_fault(pod: &Value) -> Option<PodFault> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let lists = ["initContainerStatuses", "containerStatuses"];
    let containers = lists.into_iter().filter_map(|list| pod["status"][list].as_array()).flatten();
    containers.into_iter().find_map(|status| {
        let waiting = &status["state"]["waiting"];
        let reason = waiting["reason"].as_str().filter(|reason| is_fault(reason))?;
        let container = status["name"].as_str().unwrap_or_default();
        let message = waiting["message"].as_str().map(|message| format!(": {message}")).unwrap_or_default();
        let last = &status["lastState"]["terminated"];
        let last = match (last["reason"].as_str(), last["exitCode"].as_i64()) {
            (Some(reason), Some(code)) => format!(" (last ended with {reason}, exit code {code})"),
            _ => String::new(),
        };
        let message = format!("pod {name}, container {container}: {reason}{message}{last}");
        Some(PodFault { reason: reason.to_owned(), message })
    })
}

/// As Argo CD has it: `ErrImagePull`, `CreateContainerConfigError`, `CrashLoopBackOff`, `InvalidImageName`.
fn is_fault(reason: &str) -> bool {
    reason.starts_with("Err")
        || reason.ends_with("Error")
        || reason.ends_with("BackOff")
        || reason.starts_with("Invalid")
}
