//! What any kind may say about itself in its conditions.

use serde_json::Value;

use super::Verdict;

/// A condition of an object.
pub(super) struct Condition<'a> {
    pub is_true: bool,
    pub is_false: bool,
    pub reason: &'a str,
    pub message: &'a str,
}

pub(super) fn find<'a>(object: &'a Value, kind: &str) -> Option<Condition<'a>> {
    let conditions = object["status"]["conditions"].as_array()?;
    let condition = conditions.iter().find(|condition| condition["type"] == kind)?;
    Some(Condition {
        is_true: condition["status"] == "True",
        is_false: condition["status"] == "False",
        reason: condition["reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("Unknown"),
        message: condition["message"].as_str().unwrap_or_default(),
    })
}

/// The controller has not looked at the latest spec yet.
pub(super) fn generation(object: &Value) -> Option<Verdict> {
    let wanted = as_number(&object["metadata"]["generation"])?;
    let observed = as_number(&object["status"]["observedGeneration"])?;
    (wanted != observed).then(|| {
        let message = format!("its controller has seen generation {observed} of {wanted}");
        Verdict::progressing("LatestGenerationNotObserved", message)
    })
}

fn as_number(value: &Value) -> Option<i64> {
    value.as_i64()
}

/// The two abnormal conditions of kstatus, which any controller may set.
pub(super) fn reconciling_or_stalled(object: &Value) -> Option<Verdict> {
    if let Some(condition) = find(object, "Reconciling").filter(|condition| condition.is_true) {
        return Some(Verdict::progressing(condition.reason, condition.message));
    }
    let stalled = find(object, "Stalled").filter(|condition| condition.is_true)?;
    Some(Verdict::degraded(stalled.reason, stalled.message))
}

/// The conditions that most custom resources use, worst first. Nothing said means nothing wrong.
pub(super) fn usual(object: &Value) -> Verdict {
    for kind in ["Failed", "Degraded"] {
        if let Some(condition) = find(object, kind).filter(|condition| condition.is_true) {
            return Verdict::degraded(condition.reason, condition.message);
        }
    }
    for kind in ["Ready", "Available", "Healthy", "Succeeded", "Synced"] {
        let Some(condition) = find(object, kind) else { continue };
        if condition.is_true {
            return Verdict::healthy(condition.reason);
        }
        if condition.is_false && sounds_final(condition.reason) {
            return Verdict::degraded(condition.reason, condition.message);
        }
        return Verdict::progressing(condition.reason, condition.message);
    }
    Verdict::healthy("NothingWrong")
}

/// Reasons of controllers that have given up, in their own words: `ReconcileError`, `InvalidSpec`, `BuildFailed`.
fn sounds_final(reason: &str) -> bool {
    ["Failed", "Failure", "Error", "Invalid", "Denied", "Rejected"].iter().any(|word| reason.contains(word))
}
