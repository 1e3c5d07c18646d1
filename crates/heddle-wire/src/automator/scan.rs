//! Scanning an image: which tags there are.

use chrono::{DateTime, Utc};
use heddle_core::{
    image::{Digest, ImageRepository, Tag},
    policy::{SignatureCheck, TagList, TagPolicy},
    registry::{ReadFault, pace::HostReport},
};
use serde::{Deserialize, Serialize};

use crate::registry::{LoginUse, RegistryLogin};

/// List the tags of one image.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanWork {
    /// The image.
    pub image: ImageRepository,
    /// The login for its registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<RegistryLogin>,
    /// The entity tag of the last complete list, where the registry gave one.
    pub etag: Option<String>,
    /// The choices that depend on what images say of themselves: the tags that these need are described.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<TagChoice>,
    /// What is known of the tags; given with `choices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<TagList>,
    /// Tags whose description may not be true any more: they may point to another image by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refresh: Vec<Tag>,
    /// How often the scan was asked for until now. A list that is read in several scans says which of them began it: what
    /// was pushed after that may be missing in it.
    #[serde(default)]
    pub asked: i64,
    /// How many requests this scan may have under way at once; `None` where nothing is known of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<u32>,
}

/// A choice of a tag of the image, somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagChoice {
    /// The policy; it pins the digest also where one stands at the place already.
    pub policy: TagPolicy,
    /// The tag that stands there now.
    pub current: Option<Tag>,
    /// The digest that stands there now: which image a tag is that floats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

/// Try a login: list the tags of an image with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestWork {
    /// The image.
    pub image: ImageRepository,
    /// The login.
    pub login: RegistryLogin,
}

/// The outcome of a test: `POST /automator/v1/leases/{id}/test-report`. It ends the lease.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TestReport {
    /// The image that was listed.
    pub image: ImageRepository,
    /// Whether the registry showed the image.
    pub passed: bool,
    /// What it said, in a sentence with the remedy, without secrets and without text of the registry.
    pub message: String,
    /// What became of the login.
    pub login: LoginUse,
    /// What the registry said of how much it may be asked.
    #[serde(default)]
    pub host: HostReport,
}

/// The outcome of a scan: `POST /automator/v1/leases/{id}/scan-report`. It ends the lease; the answer may hand over the
/// update that the scan made due, as a [`Lease`], else 204.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanReport {
    /// What came of it.
    pub outcome: ScanOutcome,
    /// Whether the reporter takes the update that this made due.
    pub take_update: bool,
    /// The newest kind of request that it writes, as in [`LeaseRequest`](super::LeaseRequest::knows_requests).
    #[serde(default)]
    pub knows_requests: u16,
    /// What became of the login that was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginUse>,
    /// What the registry said of how much it may be asked.
    #[serde(default)]
    pub host: HostReport,
    /// `asked` of the scan that began the list; `None` where this one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<i64>,
}

impl ScanReport {
    /// A report that takes no update and says nothing of a login or of the registry's limit.
    pub fn new(outcome: ScanOutcome) -> Self {
        Self { outcome, take_update: false, knows_requests: 0, login: None, host: HostReport::default(), begun: None }
    }
}

/// What a scan found.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum ScanOutcome {
    /// The whole list.
    Complete {
        /// Every tag; descriptions of those that were asked.
        tags: Vec<ScannedTag>,
        /// The entity tag, where the registry gives one.
        etag: Option<String>,
        /// Why tags that were to be described are not. Choices that depend on them wait, the others do not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undescribed: Option<ScanFault>,
    },
    /// The registry says that nothing changed since `etag`.
    Unchanged,
    /// It failed or was cut short. What was known stays, marked incomplete; nothing is written from it.
    Failed {
        /// Why, in a sentence without secrets.
        reason: String,
        /// When the registry allows the next try.
        retry_at: Option<DateTime<Utc>>,
        /// What is wrong with the login or the lack of one, where that is why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<ReadFault>,
    },
}

/// Why a part of a scan failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScanFault {
    /// A sentence without secrets.
    pub reason: String,
    /// When the registry allows the next try, where it says.
    pub retry_at: Option<DateTime<Utc>>,
}

/// A tag in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScannedTag {
    /// The tag.
    pub tag: Tag,
    /// What stands behind it, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<TagDescription>,
}

/// What stands behind a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TagDescription {
    /// What it points to.
    pub digest: Digest,
    /// When the image says that it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// Its platforms, such as `linux/amd64`; empty where it names none.
    pub platforms: Vec<String>,
    /// What is known of its signatures, for the signers that choices name; empty where nobody looked, and then what was
    /// known of the same digest stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<SignatureCheck>,
}
