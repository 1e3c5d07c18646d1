//! Kinds that nobody listed, judged by the words that most controllers use: conditions first, then a phase.

use heddle_core::health::HealthStatus;
use serde_json::Value;

use super::{
    Verdict, conditions,
    conditions::{Condition, find},
};
use crate::GroupKind;

/// Conditions that tell of a fault when they are true, worst first.
const FAULTS: [&str; 6] = ["Stalled", "Failed", "Degraded", "Error", "Failure", "NotReady"];

/// Conditions that tell of work under way when they are true.
const WORK: [&str; 4] = ["Reconciling", "Progressing", "Updating", "Creating"];

/// Conditions that tell of the end when they are true.
const ENDS: [&str; 12] = [
    "Ready",
    "Available",
    "Healthy",
    "Succeeded",
    "Complete",
    "Completed",
    "Synced",
    "Programmed",
    "Accepted",
    "Established",
    "Valid",
    "Deployed",
];

/// Members of the status that tell a phase in one word.
const PHASES: [&str; 6] = ["phase", "state", "health", "status", "currentState", "conditionStatus"];

/// Judges an object by what it says of itself. Nothing said means nothing wrong.
pub(super) fn judge(kind: &GroupKind, object: &Value) -> Verdict {
    if let Some(verdict) = conditions::generation(object) {
        return verdict;
    }
    let spec = &object["spec"];
    if is_custom(kind) && (spec["suspend"] == true || spec["suspended"] == true || spec["paused"] == true) {
        return Verdict::new(HealthStatus::Suspended, "Suspended", "it is paused by its spec");
    }
    by_conditions(object).or_else(|| by_phase(object)).unwrap_or_else(|| Verdict::healthy("NothingWrong"))
}

/// Whether the kind is none of Kubernetes itself.
pub(super) fn is_custom(kind: &GroupKind) -> bool {
    kind.group.contains('.') && !kind.group.ends_with(".k8s.io")
}

fn by_conditions(object: &Value) -> Option<Verdict> {
    let truth = |kinds: &[&str]| kinds.iter().find_map(|kind| find(object, kind).filter(|found| found.is_true));
    let fault =
        truth(&FAULTS).or_else(|| conditions::all(object).find(|(kind, found)| is_fault(kind, found)).map(second));
    if let Some(fault) = fault {
        return Some(Verdict::degraded(fault.reason, fault.message));
    }
    let end = ENDS.iter().find_map(|kind| find(object, kind));
    if let Some(work) = truth(&WORK).filter(|_| !end.as_ref().is_some_and(|end| end.is_true)) {
        return Some(Verdict::progressing(work.reason, work.message));
    }
    let end = end?;
    let unmet = || conditions::all(object).map(second).find(|found| !found.is_true && !found.is_false);
    Some(match (end.is_true, unmet()) {
        (true, None) => Verdict::healthy(end.reason),
        (true, Some(unmet)) => Verdict::progressing(unmet.reason, unmet.message),
        (false, _) => Verdict::progressing(end.reason, end.message),
    })
}

fn second<'a>((_, condition): (&'a str, Condition<'a>)) -> Condition<'a> {
    condition
}

/// A condition whose own name tells of a fault and that is true, or one that is false for a reason that sounds final.
fn is_fault(kind: &str, condition: &Condition<'_>) -> bool {
    (condition.is_true && sounds_final(kind)) || (condition.is_false && sounds_final(condition.reason))
}

/// Words of controllers that have given up: `ReconcileError`, `InvalidSpec`, `BuildFailed`.
fn sounds_final(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "Fail",
        "Error",
        "Invalid",
        "Denied",
        "Rejected",
        "Unauthorized",
        "Forbidden",
        "Expired",
        "Conflict",
        "Unsupported",
        "Exceeded",
        "NotFound",
        "Unhealthy",
        "Degraded",
        "Aborted",
    ];
    WORDS.iter().any(|word| text.contains(word))
}

fn by_phase(object: &Value) -> Option<Verdict> {
    let phase = PHASES.iter().find_map(|key| object["status"][key].as_str().filter(|word| !word.is_empty()))?;
    let message = object["status"]["message"].as_str().map_or_else(|| format!("it is `{phase}`"), str::to_owned);
    Some(match meaning(phase) {
        HealthStatus::Healthy => Verdict::healthy(phase),
        status => Verdict::new(status, phase, message),
    })
}

fn meaning(phase: &str) -> HealthStatus {
    const WELL: [&str; 21] = [
        "running",
        "ready",
        "active",
        "bound",
        "available",
        "succeeded",
        "success",
        "successful",
        "complete",
        "completed",
        "healthy",
        "ok",
        "green",
        "deployed",
        "synced",
        "operational",
        "established",
        "accepted",
        "provisioned",
        "enabled",
        "valid",
    ];
    const ILL: [&str; 7] = ["fail", "error", "degraded", "lost", "invalid", "rejected", "crash"];
    let word = phase.to_lowercase();
    match word.as_str() {
        "red" | "unhealthy" | "unavailable" => HealthStatus::Degraded,
        "paused" | "suspended" | "stopped" | "hibernated" | "disabled" => HealthStatus::Suspended,
        "unknown" => HealthStatus::Unknown,
        word if WELL.contains(&word) => HealthStatus::Healthy,
        word if ILL.iter().any(|ill| word.contains(ill)) => HealthStatus::Degraded,
        _ => HealthStatus::Progressing,
    }
}
