//! How a live object is doing.
//!
//! Two rule sets are widespread: kstatus (`sigs.k8s.io/cli-utils/pkg/kstatus`), which Flux uses, and Argo CD's. Both are here
//! to the letter, as profiles. What Heddle shows is [`Profile::Strict`]: the stricter of the two, with a state for what
//! its controller has not looked at yet. `docs/reference/health.md` has the rules.

mod argo;
mod conditions;
mod expressions;
mod generic;
mod kstatus;
mod pods;
mod rules;
mod strict;

use chrono::{DateTime, Utc};
use heddle_core::health::HealthStatus;
use serde_json::Value;

use crate::GroupKind;

pub use expressions::{ExpressionError, Expressions, HealthExpressions};
pub use pods::{PodFault, worst_fault};
pub use strict::judge_all;

/// Whose rules judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Profile {
    /// The stricter of kstatus and Argo CD.
    #[default]
    Strict,
    /// kstatus.
    Kstatus,
    /// kstatus with Flux's own rule for Jobs.
    Flux,
    /// Argo CD.
    Argo,
}

impl Profile {
    /// The profile's own word for a verdict.
    pub fn word(self, status: HealthStatus) -> &'static str {
        match self {
            Self::Strict => status.as_str(),
            Self::Kstatus | Self::Flux => match status {
                HealthStatus::Healthy | HealthStatus::Suspended => "Current",
                HealthStatus::Progressing => "InProgress",
                HealthStatus::Degraded => "Failed",
                HealthStatus::Terminating => "Terminating",
                HealthStatus::Missing => "NotFound",
                HealthStatus::Unknown => "Unknown",
            },
            Self::Argo => match status {
                HealthStatus::Healthy => "Healthy",
                HealthStatus::Suspended => "Suspended",
                HealthStatus::Progressing | HealthStatus::Terminating => "Progressing",
                HealthStatus::Degraded => "Degraded",
                HealthStatus::Missing => "Missing",
                HealthStatus::Unknown => "Unknown",
            },
        }
    }
}

/// A verdict and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub status: HealthStatus,
    /// One word.
    pub reason: String,
    /// A sentence; empty for a healthy object.
    pub message: String,
    /// When waiting ends: from then on the object counts as healthy if it still says nothing. See [`Verdict::at`].
    pub waits_until: Option<DateTime<Utc>>,
}

impl Verdict {
    fn new(status: HealthStatus, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into(), waits_until: None }
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

    /// What the verdict has become by `now`, if the object did not change: nobody waits for ever for a controller that
    /// reports nothing.
    pub fn status_at(&self, now: DateTime<Utc>) -> HealthStatus {
        match self.waits_until {
            Some(end) if now >= end => HealthStatus::Healthy,
            _ => self.status,
        }
    }
}

/// Judges an object as the API server has it, in the profile [`Profile::Strict`].
pub fn judge(object: &Value, now: DateTime<Utc>) -> Verdict {
    judge_as(Profile::Strict, object, now)
}

/// Judges an object as the API server has it.
pub fn judge_as(profile: Profile, object: &Value, now: DateTime<Utc>) -> Verdict {
    let kind = kind_of(object);
    match profile {
        Profile::Strict => strict::judge(&kind, object, now),
        Profile::Kstatus => kstatus::judge(&kind, object, now),
        Profile::Flux => kstatus::judge_as_flux(&kind, object, now),
        Profile::Argo => argo::judge(&kind, object),
    }
}

fn kind_of(object: &Value) -> GroupKind {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    GroupKind::new(api_version, object["kind"].as_str().unwrap_or_default())
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
        "networking.k8s.io" => kind.kind == "Ingress",
        _ => true,
    }
}

/// A number of `status` or `spec`; 0 where it is not set, as the API server leaves zeros out.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}

fn wanted_replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

#[cfg(test)]
mod tests;
