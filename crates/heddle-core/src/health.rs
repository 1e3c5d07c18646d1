//! The verdicts on a live object, least healthy last.

use serde::{Deserialize, Serialize};

/// How a live object, or a set of them, is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// As its spec asks.
    Healthy,
    /// Paused by a person; not a fault.
    Suspended,
    /// On its way, within its time.
    Progressing,
    /// Being deleted.
    Terminating,
    /// Nothing can be said; the message says why.
    Unknown,
    /// Not in the cluster although it was applied.
    Missing,
    /// It will not become healthy by itself.
    Degraded,
}

impl HealthStatus {
    /// The verdict on a set: the least healthy member's; an empty set is healthy.
    pub fn worst(statuses: impl IntoIterator<Item = Self>) -> Self {
        statuses.into_iter().max().unwrap_or(Self::Healthy)
    }

    /// The word that stands in reports and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspended => "suspended",
            Self::Progressing => "progressing",
            Self::Terminating => "terminating",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::Degraded => "degraded",
        }
    }
}

impl std::fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
