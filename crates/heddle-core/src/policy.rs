//! The choice of a tag by policy, and the reason for every tag passed over.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::image::{Digest, Tag};

/// A tag as the scans of its registry know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagInfo {
    /// The tag.
    pub tag: Tag,
    /// What it points to, where that was asked.
    pub digest: Option<Digest>,
    /// When one of our scans, or a push notice, first showed it. An image cannot forge it.
    pub first_seen_at: DateTime<Utc>,
}

/// All that is known of an image's tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagList {
    /// The tags, in any order.
    pub tags: Vec<TagInfo>,
    /// Whether the last scan read the list to its end. An incomplete list never leads to a change.
    pub complete: bool,
}

/// What became of one tag under a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    /// The tag.
    pub tag: Tag,
    /// Chosen or passed over.
    pub verdict: VerdictKind,
    /// The rule that decided: `semver`, `match`, `ignore`, `suffix`, `downgrade`, `barred`, ….
    pub rule: String,
    /// A sentence that a person understands.
    pub reason: String,
}

/// Chosen or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum VerdictKind {
    /// This tag is to run.
    Chosen,
    /// Not this one.
    PassedOver,
}

/// The outcome of a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Selection {
    /// The tag to run; `None` when none qualifies or the list is incomplete. It may be the current one.
    pub chosen: Option<Tag>,
    /// Each tag with its verdict, best first.
    pub verdicts: Vec<Verdict>,
}

/// The policy block of a rule in `.heddle.yaml`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TagPolicy {
    /// A range in the language that Flux, Argo CD Image Updater and Kargo share.
    pub semver: Option<String>,
}
