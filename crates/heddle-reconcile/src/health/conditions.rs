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
    conditions.iter().find(|condition| condition["type"] == kind).map(Condition::read)
}

/// Every condition with its type.
pub(super) fn all(object: &Value) -> impl Iterator<Item = (&str, Condition<'_>)> {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.map(|condition| (condition["type"].as_str().unwrap_or_default(), Condition::read(condition)))
}

impl<'a> Condition<'a> {
    fn read(condition: &'a Value) -> Self {
        Self {
            is_true: condition["status"] == "True",
            is_false: condition["status"] == "False",
            reason: condition["reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("Unknown"),
            message: condition["message"].as_str().unwrap_or_default(),
        }
    }
}

/// The controller has not looked at the latest spec yet.
pub(super) fn generation(object: &Value) -> Option<Verdict> {
    let wanted = object["metadata"]["generation"].as_i64()?;
    let observed = object["status"]["observedGeneration"].as_i64()?;
    (wanted != observed).then(|| {
        let message = format!("its controller has seen generation {observed} of {wanted}");
        Verdict::progressing("LatestGenerationNotObserved", message)
    })
}

/// The two abnormal conditions of kstatus, which any controller may set.
pub(super) fn reconciling_or_stalled(object: &Value) -> Option<Verdict> {
    if let Some(condition) = find(object, "Reconciling").filter(|condition| condition.is_true) {
        return Some(Verdict::progressing(condition.reason, condition.message));
    }
    let stalled = find(object, "Stalled").filter(|condition| condition.is_true)?;
    Some(Verdict::degraded(stalled.reason, stalled.message))
}
