//! Pods: their own verdict, and what of them keeps a workload from becoming healthy.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{Verdict, conditions::find};
/// The scheduler needs a moment; before that an unschedulable Pod is no news. Source: kstatus.
const SCHEDULE_WINDOW: TimeDelta = TimeDelta::seconds(15);

/// Argo CD's annotation on a pod that lasts although its restart policy says that it ends.
const IGNORE_RESTART_POLICY: &str = "argocd.argoproj.io/ignore-restart-policy";

/// Where the states of containers stand.
const LISTS: [&str; 2] = ["initContainerStatuses", "containerStatuses"];

/// The verdict of kstatus.
pub(super) fn as_kstatus(object: &Value, now: DateTime<Utc>) -> Verdict {
    match object["status"]["phase"].as_str() {
        Some("Succeeded") => Verdict::healthy("PodSucceeded"),
        Some("Failed") => Verdict::healthy("PodFailed"),
        Some("Running") if is_ready(object) => Verdict::healthy("PodReady"),
        Some("Running") => match waiting_for(object, &["containerStatuses"], |reason| reason == "CrashLoopBackOff") {
            Some(fault) => Verdict::degraded("ContainerCrashLooping", fault.message),
            None => Verdict::progressing("PodRunningNotReady", "it runs and is not ready yet"),
        },
        Some("Pending") => pending(object, now),
        Some(phase) => Verdict::new(HealthStatus::Unknown, "PodPhaseUnknown", format!("its phase is {phase}")),
        None => Verdict::progressing("PodNotObserved", "nothing has seen it yet"),
    }
}

/// The verdict of Argo CD. A pod that ends by itself is not done while it runs, because it may be a hook.
pub(super) fn as_argo(object: &Value) -> Verdict {
    let annotations = &object["metadata"]["annotations"];
    let policy = object["spec"]["restartPolicy"].as_str().unwrap_or("Always");
    let is_hook = annotations["argocd.argoproj.io/hook"].is_string() || annotations["helm.sh/hook"].is_string();
    let lasts = policy == "Always" || (annotations[IGNORE_RESTART_POLICY] == "true" && !is_hook);
    let fault = || waiting_for(object, &["containerStatuses"], is_argo_fault);
    if let Some(fault) = lasts.then(fault).flatten() {
        return Verdict::degraded(fault.reason, fault.message);
    }
    match object["status"]["phase"].as_str() {
        Some("Pending") => Verdict::progressing("PodPending", "it is pending"),
        Some("Succeeded") => Verdict::healthy("PodSucceeded"),
        Some("Failed") => Verdict::degraded("PodFailed", failure(object)),
        Some("Running") if !lasts => Verdict::progressing("PodRunning", "it runs and has not ended yet"),
        Some("Running") if is_ready(object) => Verdict::healthy("PodReady"),
        Some("Running") if has_restarted(object) => {
            Verdict::degraded("PodRestarted", "it is not ready, and a container of it has ended before")
        }
        Some("Running") => Verdict::progressing("PodRunningNotReady", "it runs and is not ready yet"),
        _ => Verdict::new(HealthStatus::Unknown, "PodPhaseUnknown", "its phase is not known"),
    }
}

fn is_ready(object: &Value) -> bool {
    find(object, "Ready").is_some_and(|condition| condition.is_true)
}

fn has_restarted(object: &Value) -> bool {
    let statuses = object["status"]["containerStatuses"].as_array();
    statuses.is_some_and(|statuses| statuses.iter().any(|status| status["lastState"]["terminated"].is_object()))
}

/// Why a pod has failed: its own word, else that of the first container that did.
fn failure(object: &Value) -> String {
    let status = &object["status"];
    let own = status["message"].as_str().or(status["reason"].as_str()).filter(|text| !text.is_empty());
    let container = || {
        containers(object, &LISTS).find_map(|container| {
            let ended = &container["state"]["terminated"];
            let name = container["name"].as_str().unwrap_or_default();
            let message = ended["message"].as_str().filter(|text| !text.is_empty());
            let reason = ended["reason"].as_str().filter(|reason| *reason == "OOMKilled");
            let code = ended["exitCode"].as_i64().filter(|code| *code != 0);
            match (message.or(reason), code) {
                (Some(text), _) => Some(format!("container {name}: {text}")),
                (None, Some(code)) => Some(format!("container {name} ended with exit code {code}")),
                (None, None) => None,
            }
        })
    };
    own.map(str::to_owned).or_else(container).unwrap_or_else(|| "it has failed".to_owned())
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

/// The fault of the first of these Pods that has one, or what keeps it from running: the root of a stuck workload.
pub fn worst_fault<'a>(pods: impl IntoIterator<Item = &'a Value> + Clone, now: DateTime<Utc>) -> Option<PodFault> {
    pods.clone().into_iter().find_map(container_fault).or_else(|| {
        let stuck = pods.into_iter().map(|pod| (pod, super::judge(pod, now)));
        let (pod, verdict) = stuck.into_iter().find(|(_, verdict)| verdict.status == HealthStatus::Degraded)?;
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        Some(PodFault { message: format!("pod {name}: {}", verdict.message), reason: verdict.reason })
    })
}

/// What a container waits for in vain.
pub(super) fn container_fault(pod: &Value) -> Option<PodFault> {
    waiting_for(pod, &LISTS, |reason| is_argo_fault(reason) || reason.starts_with("Invalid"))
}

fn containers<'a>(pod: &'a Value, lists: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    lists.iter().filter_map(|list| pod["status"][*list].as_array()).flatten()
}

fn waiting_for(pod: &Value, lists: &[&str], is_fault: impl Fn(&str) -> bool) -> Option<PodFault> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    containers(pod, lists).find_map(|status| {
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

/// `ErrImagePull`, `CreateContainerConfigError`, `CrashLoopBackOff`.
fn is_argo_fault(reason: &str) -> bool {
    reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff")
}
