//! What a synchronizer and the API say to each other, under `/agent/v1`.
//!
//! The API sends hints, never orders: nothing here can carry a manifest or name what to run.

mod limits;

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    health::HealthStatus,
    id::{ClusterId, ClusterKeyId},
    image::ImageRef,
    name::SyncName,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use limits::{
    Excess, MAX_ERRORS, MAX_FACT_BYTES, MAX_FACT_ERRORS, MAX_FACTS, MAX_IMAGES, MAX_PRESENT, MAX_REPORT_BYTES,
    MAX_SYNCS, MAX_WORKLOADS,
};

use crate::{
    secret::WireSecret,
    text::{Message, Name, Path},
};

/// The version of this protocol, sent as `Heddle-Protocol`.
pub const PROTOCOL: u32 = 2;

/// The oldest version that the API takes; an older one is answered with 410 and the words to show. Version 1 was spoken
/// before the first release.
pub const OLDEST_PROTOCOL: u32 = 2;

/// The `aud` claim of an agent's JSON Web Tokens.
pub const AUDIENCE: &str = "heddle-agent";

/// Exchanges the bootstrap token, sent as Bearer, for a lasting identity: `POST /agent/v1/enroll`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrollRequest {
    /// The Ed25519 public key made in the cluster: 32 bytes in unpadded base64url.
    pub public_key: String,
    /// The agent's version.
    pub agent_version: Name,
    /// The API server's `gitVersion`.
    pub kubernetes_version: Name,
}

/// The identity of a cluster. The agent signs 5-minute JWTs with `alg: EdDSA`, `kid` = `key_id`, `sub` = `cluster_id`,
/// `aud` = [`AUDIENCE`], `iat`, `exp`, `jti`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrollResponse {
    /// The cluster.
    pub cluster_id: ClusterId,
    /// Names the key in the JWT's header.
    pub key_id: ClusterKeyId,
}

/// Makes another key of the cluster known: `POST /agent/v1/keys`, signed with the one that is in use. Both are good until
/// the agent ends the old one with `DELETE /agent/v1/keys/{key}`. Sent again, it is answered as before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyRequest {
    /// The Ed25519 public key made in the cluster: 32 bytes in unpadded base64url.
    pub public_key: String,
}

/// The name of a key that was made known.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KeyResponse {
    /// Names the key in the JWT's header.
    pub key_id: ClusterKeyId,
}

/// What is, as one agent sees it: `POST /agent/v1/report`, gzip. Idempotent: (`epoch`, `sequence`) is stored, and a
/// sequence not above the stored one of the same epoch is answered 200 and changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Made when the agent's outbox is made; a lost outbox starts a new epoch.
    pub epoch: Uuid,
    /// Grows by one with each report of an epoch, from 1.
    pub sequence: u64,
    /// The agent's clock when it sent the report.
    pub sent_at: DateTime<Utc>,
    /// The agent itself.
    pub agent: AgentInfo,
    /// The Syncs whose state changed since the last acknowledged report; newest state only.
    pub syncs: Vec<SyncReport>,
    /// Every Sync that stands in the cluster, as the agent's watch knows them, also those that say nothing here: a Sync
    /// that is not among them is gone. `None` says nothing about which are there.
    pub present: Option<Vec<SyncName>>,
    /// Deploy facts, oldest first, none left out.
    pub facts: Vec<DeployFact>,
    /// What this agent could not tell because the API refused it; `None` when nothing was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Rejected>,
}

/// Reports that the API would not take. The agent keeps the last of them in `rejected.json` and goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rejected {
    /// How many, in the life of the outbox.
    pub reports: u64,
    /// How many facts were in them. They are lost.
    pub facts: u64,
    /// When the last was refused, by the agent's clock.
    pub at: DateTime<Utc>,
    /// Why the last was refused.
    pub reason: Message,
}

/// The agent itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentInfo {
    /// Its version.
    pub version: Name,
    /// The API server's `gitVersion`.
    pub kubernetes_version: Name,
    /// When the process started.
    pub started_at: DateTime<Utc>,
}

/// The state of one Sync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncReport {
    /// Which.
    pub sync: SyncName,
    /// What it follows.
    pub follows: Follows,
    /// `spec.suspend`.
    pub suspended: bool,
    /// The revision that is fully applied.
    pub applied_revision: Option<Revision>,
    /// The revision last tried.
    pub attempted_revision: Option<Revision>,
    /// When the repository was last read with success.
    pub fetched_at: Option<DateTime<Utc>>,
    /// The conditions of the Sync's status.
    pub conditions: Vec<Condition>,
    /// All errors of the last attempt.
    pub errors: Vec<SyncError>,
    /// What was seen of its objects; `None` while this agent has not looked yet. Then what was reported before stays as it
    /// is, and is shown as not seen since.
    pub observed: Option<SyncHealth>,
    /// The latest drifts, newest first, at most 50.
    pub drifts: Vec<DriftReport>,
    /// A prune that stopped and asks.
    pub stopped_prune: Option<StoppedPrune>,
}

/// What a Sync follows: a source, or nothing because its spec cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "spec", rename_all = "kebab-case")]
pub enum Follows {
    /// The spec names this source.
    Readable(Source),
    /// The spec has a fault, and nothing is applied until it is mended.
    Faulty {
        /// The field, what is wrong with it and what to write instead.
        message: Message,
    },
}

/// A place in Git.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Canonical address of the repository.
    pub repository: RepoUrl,
    /// The branch.
    pub branch: BranchName,
    /// The path in the repository; empty for the root.
    pub path: Path,
}

/// What an agent saw of a Sync's objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncHealth {
    /// The verdict on all its objects together.
    pub health: HealthStatus,
    /// How many objects its inventory holds.
    pub objects: u64,
    /// Its workloads.
    pub workloads: Vec<WorkloadReport>,
}

/// A condition as Kubernetes has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Condition {
    /// `Ready`, `Fetched`, `Rendered`, `Applied`, `Healthy`, `Pruned`.
    pub kind: Name,
    /// `True`, `False` or `Unknown`.
    pub status: Name,
    /// One word.
    pub reason: Name,
    /// A sentence.
    pub message: Message,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// One thing that is wrong with a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncError {
    /// The file, where known.
    pub file: Option<Path>,
    /// The line in it, from 1, where known.
    pub line: Option<u32>,
    /// `kind namespace/name`, where known.
    pub object: Option<Path>,
    /// What is wrong and what to do, redacted.
    pub message: Message,
}

/// A workload in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkloadReport {
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `CronJob`.
    pub kind: Name,
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// The images of its live spec, by container.
    pub images: Vec<ContainerImage>,
    /// The verdict.
    pub health: HealthStatus,
    /// Why it is not healthy: the root, with pod and container where one is at fault.
    pub reason: Option<Message>,
    /// Since when the verdict holds.
    pub since: DateTime<Utc>,
}

/// An image in a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContainerImage {
    /// The container's name.
    pub container: Name,
    /// Its image.
    pub image: ImageRef,
}

/// A difference that somebody made in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftReport {
    /// `kind namespace/name`.
    pub object: Path,
    /// The field manager that did it, where the API server knows.
    pub manager: Option<Name>,
    /// The fields, by path; empty when the whole object was deleted.
    pub fields: Vec<Path>,
    /// When.
    pub at: DateTime<Utc>,
    /// When it was put back, or was seen to be as Git has it again; `None` while it is not.
    pub healed_at: Option<DateTime<Utc>>,
}

/// A prune that stopped because it is large, or because the path holds nothing any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoppedPrune {
    /// Hash of the plan; the annotation `heddle.dev/approve-prune` with this value lets it go on.
    pub plan: Name,
    /// Why it stopped.
    pub reason: Message,
    /// What it would delete, `kind namespace/name`, at most 100.
    pub objects: Vec<Path>,
    /// How many in all.
    pub count: u64,
}

/// Something that happened to a Sync and must not be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeployFact {
    /// Which Sync.
    pub sync: SyncName,
    /// What it followed when it happened: a Sync may follow something else, or be gone, before this is told.
    pub source: Source,
    /// When, by the agent's clock.
    pub at: DateTime<Utc>,
    /// The revision it is about.
    pub revision: Revision,
    /// What.
    pub what: Deploy,
}

/// What can happen to a Sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Deploy {
    /// Every object of the revision is applied.
    Applied {
        /// Every image among the applied objects.
        images: Vec<ImageRef>,
        /// How many objects differ from those of the revision that was applied before, came or left; 0 where the revision
        /// changes nothing here. `None` where the agent does not know what was applied before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed: Option<u64>,
    },
    /// Some object could not be applied; the good ones were.
    Failed {
        /// The images that were applied all the same.
        images: Vec<ImageRef>,
        /// The errors.
        errors: Vec<SyncError>,
    },
    /// The verdict on the workloads that run one image after the revision was applied; sent when it changes.
    Health {
        /// The image.
        image: ImageRef,
        /// The verdict.
        status: HealthStatus,
        /// Why it is not healthy.
        reason: Option<Message>,
    },
}

/// The answer to a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportResponse {
    /// The highest sequence stored of this epoch; everything up to it may leave the outbox.
    pub acknowledged: u64,
    /// True when the API knows nothing of this agent's Syncs and wants them all.
    pub resync: bool,
}

/// So many reports of one agent are taken at once.
pub const REPORTS_AT_ONCE: u32 = 60;

/// After [`REPORTS_AT_ONCE`], one report is taken each time this has passed.
pub const REPORT_EACH: Duration = Duration::from_millis(500);

/// The answer to `GET /agent/v1/hints?wait=55`, a long poll.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HintsResponse {
    /// The hints; empty when the time ran out.
    pub hints: Vec<Hint>,
}

/// Something worth a look. Losing one costs time and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "hint", rename_all = "kebab-case")]
pub enum Hint {
    /// A branch moved, or became readable.
    BranchMoved {
        /// The repository.
        repository: RepoUrl,
        /// The branch.
        branch: BranchName,
        /// Its head, where that is known. It is no order: an agent that has come to it already need not look again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revision: Option<Revision>,
    },
    /// Report everything.
    Resync,
}

/// Asks for a token that reads one repository: `POST /agent/v1/git-token`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GitTokenRequest {
    /// The repository; it must be bound to the cluster's organization, else 404 `repository-not-connected`.
    pub repository: RepoUrl,
}

/// A token with `contents: read` on one repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GitTokenResponse {
    /// The user name for HTTPS basic authentication.
    pub username: String,
    /// The token.
    pub token: WireSecret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}
