//! How a live object is doing.
//!
//! Where the two widespread rule sets differ, kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus`) and Argo CD's, the stricter
//! verdict counts: a Job is healthy when it is complete, a failed Pod is not, a load balancer needs its address.

mod conditions;
mod core_kinds;
mod pods;
mod workloads;

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use crate::GroupKind;

pub use pods::{PodFault, worst_fault};

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub status: HealthStatus,
    /// One word.
    pub reason: String,
    /// A sentence; empty for a healthy object.
    pub message: String,
}

impl Verdict {
    fn new(status: HealthStatus, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }

    fn healthy(reason: impl Into<String>) -> Self {
        Self::new(HealthStatus::Healthy, reason, "")
    }

    fn progressing(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Progressing, reason, message)
    }

    fn degraded(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(HealthStatus::Degraded, reason, message)
    }
}

/// Judges an object as the API server has it.
pub fn judge(object: &Value, now: DateTime<Utc>) -> Verdict {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let kind = GroupKind::new(api_version, object["kind"].as_str().unwrap_or_default());
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Verdict::new(HealthStatus::Terminating, "Terminating", "it is being deleted");
    }
    if !matches!(object["status"]["conditions"], Value::Null | Value::Array(_)) {
        return Verdict::new(HealthStatus::Unknown, "BadConditions", "its `status.conditions` is no list");
    }
    conditions::generation(object)
        .or_else(|| conditions::reconciling_or_stalled(object))
        .or_else(|| workloads::judge(&kind, object))
        .or_else(|| pods::judge(&kind, object, now))
        .or_else(|| core_kinds::judge(&kind, object))
        .unwrap_or_else(|| conditions::usual(object))
}

/// Whether objects of this kind can be anything but healthy; the others need no look.
pub fn has_health(kind: &GroupKind) -> bool {
    match kind.group.as_str() {
        "" => matches!(
            kind.kind.as_str(),
            "Pod" | "Service" | "PersistentVolumeClaim" | "PersistentVolume" | "Namespace" | "ReplicationController"
        ),
        "rbac.authorization.k8s.io"
        | "admissionregistration.k8s.io"
        | "scheduling.k8s.io"
        | "storage.k8s.io"
        | "coordination.k8s.io"
        | "discovery.k8s.io"
        | "node.k8s.io" => false,
        "networking.k8s.io" => false,
        _ => true,
    }
}

/// A number of `status` or `spec`; 0 where it is not set, as the API server leaves zeros out.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests;
