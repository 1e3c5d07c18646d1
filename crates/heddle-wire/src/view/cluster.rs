//! Clusters and their Syncs.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    health::HealthStatus,
    id::{ClusterId, ClusterKeyId, RepositoryId},
    name::{EnvironmentName, SyncName},
};
use serde::{Deserialize, Serialize};

use crate::agent::{AgentInfo, Condition, DriftReport, Rejected, StoppedPrune, SyncError};
use crate::{secret::WireSecret, text::Message};

bodies! {
    /// Adds a cluster: `POST /organizations/{organization}/clusters`.
    CreateCluster {
        /// Its name, an RFC 1123 label.
        name: String,
        /// The repository its first Sync follows.
        repository: RepositoryId,
        /// The branch.
        branch: BranchName,
        /// The path.
        path: String,
        /// The namespaces that it may write.
        namespaces: Vec<String>,
    }

    /// A new cluster, with the manifest that installs the agent.
    ClusterCreated {
        /// The cluster.
        cluster: ClusterView,
        /// The manifest, with a bootstrap token in it that works once.
        manifest: WireSecret,
        /// SHA-256 of the manifest, in hexadecimal.
        manifest_sha256: String,
        /// When the bootstrap token ends.
        bootstrap_expires_at: DateTime<Utc>,
        /// The agent's image, which the cluster has to be able to pull.
        agent_image: String,
    }

    /// A cluster.
    ClusterView {
        /// The cluster.
        id: ClusterId,
        /// Its name.
        name: String,
        /// Whether its agent is there.
        link: Link,
        /// When the agent was last heard.
        last_seen_at: Option<DateTime<Utc>>,
        /// When a report of the agent was last taken: what is shown of the cluster is from then.
        last_report_at: Option<DateTime<Utc>>,
        /// Reports of the agent that were refused, so that what was in them is not known here.
        rejected: Option<Rejected>,
        /// The agent, as it last said.
        agent: Option<AgentInfo>,
        /// Its keys.
        keys: Vec<ClusterKeyView>,
        /// Its Syncs, last known state.
        syncs: Vec<SyncView>,
        /// Its Syncs whose spec cannot be read; one that could be read before stands among `syncs` too.
        #[serde(default)]
        faulty_syncs: Vec<FaultySyncView>,
        /// How many workloads were seen.
        workloads: i64,
        /// When it was added.
        created_at: DateTime<Utc>,
    }

    /// A key of a cluster.
    ClusterKeyView {
        /// The key.
        id: ClusterKeyId,
        /// When it was made.
        created_at: DateTime<Utc>,
        /// When it was last used.
        last_used_at: Option<DateTime<Utc>>,
        /// When it was revoked.
        revoked_at: Option<DateTime<Utc>>,
    }

    /// A Sync whose spec cannot be read: nothing of it is applied.
    FaultySyncView {
        /// Which.
        sync: SyncName,
        /// What is wrong with its spec, and what to write instead.
        message: Message,
        /// Since when.
        since: DateTime<Utc>,
    }

    /// A Sync, last known state.
    SyncView {
        /// Which.
        sync: SyncName,
        /// Canonical address of its repository.
        repository: RepoUrl,
        /// Whether that repository is bound to the organization.
        connected: bool,
        /// Its branch.
        branch: BranchName,
        /// Its path.
        path: String,
        /// The environment it is shown under.
        environment: Option<EnvironmentName>,
        /// `spec.suspend`.
        suspended: bool,
        /// The revision that is applied.
        applied_revision: Option<Revision>,
        /// The revision last tried.
        attempted_revision: Option<Revision>,
        /// The verdict on its objects, when they were last seen.
        health: HealthStatus,
        /// How many objects.
        objects: i64,
        /// Since when the agent has not seen the objects; `None` while it sees them.
        unseen_since: Option<DateTime<Utc>>,
        /// Its conditions.
        conditions: Vec<Condition>,
        /// The errors of the last attempt.
        errors: Vec<SyncError>,
        /// The latest drifts.
        drifts: Vec<DriftReport>,
        /// A prune that asks.
        stopped_prune: Option<StoppedPrune>,
        /// When this was reported.
        reported_at: DateTime<Utc>,
    }
}

/// Whether a cluster's agent is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Never heard of.
    NeverConnected,
    /// Heard less than 90 s ago.
    Connected,
    /// Heard less than 90 s ago, but no report was taken for more than 5 min: what is shown is from then.
    Silent,
    /// Heard 90 s to 5 min ago.
    Late,
    /// Not heard for more than 5 min.
    Offline,
    /// Its keys are revoked.
    Revoked,
}
