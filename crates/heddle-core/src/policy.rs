//! The choice of a tag by policy, and the reason for every tag passed over.
//!
//! [`TagPolicy`] is what a person wrote, [`ForeignPolicy`] what a person brought along from a peer; both become a
//! [`CompiledPolicy`], which can be followed. A policy with a fault becomes none, so that it stops writes and is never
//! taken for a wider rule.

mod age;
mod candidates;
mod chooser;
mod compiled;
mod docker;
mod extract;
mod fault;
mod foreign;
mod judge;
mod layout;
pub mod limit;
mod number;
mod order;
mod pattern;
mod platform;
mod range;
mod relative;
mod release;
mod running;
mod select;
mod sentence;
mod shape;
mod signer;
mod situation;
mod tally;
mod undescribed;
mod verified;
mod version;
mod why;

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use self::{
    age::{parse_age, say_age},
    candidates::Candidates,
    compiled::CompiledPolicy,
    fault::PolicyFault,
    foreign::{
        FluxOrder, FluxPolicy, ForeignPolicy, ImageUpdaterPolicy, KargoPolicy, KeelPolicy, RenovatePolicy, Translation,
        translate_flux_v1,
    },
    number::Number,
    pattern::{Pattern, PatternError},
    platform::Platform,
    range::{Range, RangeError},
    select::select,
    sentence::Sentence,
    signer::{SignatureCheck, Signed, Signer, SignerId},
    situation::{BarredTag, Companion, Situation, Standing},
    version::TagVersion,
};
use crate::{
    change::GateKind,
    image::{Digest, Tag},
};

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
    /// When the image says that it was created, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// The platforms that it is for, such as `linux/amd64`; empty where it names none, `None` where nobody asked yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platforms: Option<Vec<String>>,
    /// What came of looking for signatures of what it points to; nobody looked for those of a signer without an entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<SignatureCheck>,
    /// When it was last seen what it points to; `None` where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<DateTime<Utc>>,
}

impl TagInfo {
    /// A tag of which nothing is known but when it was first seen.
    pub fn named(tag: Tag, first_seen_at: DateTime<Utc>) -> Self {
        Self {
            tag,
            digest: None,
            first_seen_at,
            created_at: None,
            platforms: None,
            signatures: Vec::new(),
            seen_at: None,
        }
    }
}

/// All that is known of an image's tags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagList {
    /// The tags, in any order.
    pub tags: Vec<TagInfo>,
    /// What is known of tags that the registry lists no more and that still stand somewhere: what runs is placed by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<TagInfo>,
    /// Whether the last scan read the list to its end. An incomplete list never leads to a change.
    pub complete: bool,
    /// When the image's first scan ended. What it found had been there before, so its age counts from its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched_since: Option<DateTime<Utc>>,
}

impl TagList {
    /// What is known of a tag that is listed.
    pub fn find(&self, tag: &Tag) -> Option<&TagInfo> {
        self.tags.iter().find(|info| info.tag == *tag)
    }

    /// A list that was read to its end.
    pub fn whole(tags: Vec<TagInfo>) -> Self {
        Self { tags, dropped: Vec::new(), complete: true, watched_since: None }
    }

    /// Every tag of which something is known.
    pub(crate) fn all(&self) -> impl Iterator<Item = &TagInfo> {
        self.tags.iter().chain(&self.dropped)
    }
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
    pub rule: Cow<'static, str>,
    /// A sentence that a person understands.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub reason: Sentence,
    /// When the tag qualifies, where time alone keeps it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
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

/// The outcome of a choice, with a word on every tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// What was decided.
    pub decision: Decision,
    /// Each tag with its verdict, best first.
    pub verdicts: Vec<Verdict>,
}

/// The outcome of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The tag to run; `None` when none qualifies or the list is incomplete. It may be the current one.
    pub chosen: Option<Tag>,
    /// Why this tag, or why none, in a sentence.
    pub reason: String,
    /// The best tag that waits, where no other is to be moved to before.
    pub waiting: Option<Waiting>,
    /// Whether what runs has a place in the rule's order, so that tags can be said to be above it. Where it has none,
    /// nothing is chosen unless the rule says `from_any`, and the reason names the ways out.
    pub is_placed: bool,
}

/// A tag that is chosen later: once it is old enough, once it is signed, or, where it was named by a promotion, once it is
/// not below what runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The tag.
    pub tag: Tag,
    /// What keeps it back: [`GateKind::Age`], [`GateKind::Signature`] or [`GateKind::Promotion`].
    pub gate: GateKind,
    /// When it is old enough; `None` where time alone does not let it in.
    pub until: Option<DateTime<Utc>>,
    /// A sentence that says so.
    pub reason: String,
}

/// The policy block of a rule in `.heddle.yaml`. Exactly one of the first five fields says how tags are ordered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
#[serde(default)]
pub struct TagPolicy {
    /// A range in the language that Flux, Argo CD Image Updater and Kargo share; the highest version in it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semver: Option<String>,
    /// Whether a version must have three numbers without leading zeros.
    #[serde(skip_serializing_if = "is_false")]
    pub strict: bool,
    /// Tags are numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numerical: Option<SortOrder>,
    /// Tags are ordered as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alphabetical: Option<SortOrder>,
    /// Tags are ordered by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<NewestBy>,
    /// The tag whose digest is followed, such as `latest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A regular expression that a tag must match somewhere.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// What of the match is ordered, such as `$version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// Tags that are passed over: `regexp:…` or `glob:…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Tags that take part, in the same forms; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The variant that a tag must have, by default the running one; a glob lets its numbers rise, `*` tells none apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    /// Platforms that the image must have, such as `linux/amd64`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub platforms: Vec<String>,
    /// How far a tag may be from the running one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Whether pre-releases take part although the range names none.
    #[serde(skip_serializing_if = "is_false")]
    pub prerelease: bool,
    /// Whether a tag below the running one may be chosen.
    #[serde(skip_serializing_if = "is_false")]
    pub downgrade: bool,
    /// Whether a tag is chosen although nothing says where the running one stands in the order.
    #[serde(skip_serializing_if = "is_false")]
    pub from_any: bool,
    /// How long a tag must have been seen, such as `2d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age: Option<String>,
    /// Whether `tag@digest` is written.
    #[serde(skip_serializing_if = "is_false")]
    pub pin_digest: bool,
    /// Who must have signed the image; one of them is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<Signer>,
    /// Image repositories that must have the same tag, so that they move together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lockstep: Vec<String>,
}

impl TagPolicy {
    /// Whether a place gets the digest of the chosen tag too: the rule says so, follows a digest or asks for a signature,
    /// which is one of a digest, or one stands there.
    pub fn writes_digest(&self, standing: Option<&Digest>) -> bool {
        self.pin_digest || self.digest.is_some() || standing.is_some() || self.writes_what_was_verified()
    }

    /// Whether tags are written without the digests that were verified, where none stands beside them.
    pub fn writes_bare_tags(&self) -> bool {
        !self.signed_by.is_empty() && !self.writes_what_was_verified()
    }

    /// Whether the digest is written because its signature was verified.
    pub fn writes_what_was_verified(&self) -> bool {
        self.signed_by.iter().any(|signer| !signer.tag_only)
    }
}

/// The kind, as it is written: `semver >=1.2 <2`, `numerical asc`.
impl fmt::Display for TagPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = |order| if order == SortOrder::Asc { "asc" } else { "desc" };
        match self {
            Self { semver: Some(range), .. } => write!(f, "semver {range}"),
            Self { numerical: Some(by), .. } => write!(f, "numerical {}", order(*by)),
            Self { alphabetical: Some(by), .. } => write!(f, "alphabetical {}", order(*by)),
            Self { newest: Some(NewestBy::Created), .. } => f.write_str("newest created"),
            Self { newest: Some(NewestBy::FirstSeen), .. } => f.write_str("newest first-seen"),
            Self { digest: Some(tag), .. } => write!(f, "digest {tag}"),
            _ => f.write_str("a rule without a policy"),
        }
    }
}

/// Ascending chooses the last, descending the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SortOrder {
    /// The greatest is chosen.
    Asc,
    /// The least is chosen.
    Desc,
}

/// Which time orders tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NewestBy {
    /// The image's own creation time.
    Created,
    /// When we saw the tag first.
    FirstSeen,
}

/// How far from the running version a tag may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Within {
    /// Any version.
    Major,
    /// The same major number.
    Minor,
    /// The same major and minor number.
    Patch,
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Major => "major",
            Self::Minor => "minor",
            Self::Patch => "patch",
        })
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
mod tests;
