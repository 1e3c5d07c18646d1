//! Clusters as people see them.

use chrono::Utc;
use heddle_core::id::{ClusterId, OrganizationId};
use heddle_db::{Tx, clusters, sync_faults, syncs, workloads};
use heddle_wire::{
    agent::AgentInfo,
    view::{ClusterKeyView, ClusterView, FaultySyncView, SyncView},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    flow::link,
    problem::{ApiError, ApiResult},
};

pub(super) async fn view_cluster(tx: &mut Tx, organization: OrganizationId, id: ClusterId) -> ApiResult<ClusterView> {
    view_clusters(tx, organization)
        .await?
        .into_iter()
        .find(|cluster| cluster.id == id)
        .ok_or_else(|| ApiError::not_found("the organization has no such cluster"))
}

pub(super) async fn view_clusters(tx: &mut Tx, organization: OrganizationId) -> ApiResult<Vec<ClusterView>> {
    let found = clusters::list(&mut **tx, organization).await?;
    let keys = clusters::list_keys(&mut **tx, organization).await?;
    let syncs = syncs::list(&mut **tx, organization).await?;
    let faults = sync_faults::list(&mut **tx, organization).await?;
    let counts = workloads::count_by_cluster(&mut **tx, organization).await?;
    let now = Utc::now();
    found
        .into_iter()
        .map(|cluster| {
            let own = |sync: &&syncs::Sync| sync.key.cluster == cluster.id;
            Ok(ClusterView {
                link: link::of(&cluster.heard(), now),
                keys: keys.iter().filter(|key| key.cluster == cluster.id).map(view_key).collect(),
                syncs: syncs.iter().filter(own).cloned().map(view_sync).collect::<ApiResult<_>>()?,
                faulty_syncs: faults.iter().filter(|fault| fault.key.cluster == cluster.id).map(view_fault).collect(),
                workloads: counts.iter().find(|(id, _)| *id == cluster.id).map_or(0, |(_, count)| *count),
                agent: view_agent(&cluster),
                id: cluster.id,
                name: cluster.name,
                last_seen_at: cluster.last_seen_at,
                last_report_at: cluster.last_report_at,
                rejected: cluster.rejected.map(|said| read("clusters.rejected", said)).transpose()?,
                created_at: cluster.created_at,
            })
        })
        .collect()
}

fn view_agent(cluster: &clusters::Cluster) -> Option<AgentInfo> {
    Some(AgentInfo {
        version: cluster.agent_version.clone()?.into(),
        kubernetes_version: cluster.kubernetes_version.clone()?.into(),
        started_at: cluster.agent_started_at?,
    })
}

fn view_key(key: &clusters::Key) -> ClusterKeyView {
    ClusterKeyView {
        id: key.id,
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
    }
}

fn view_fault(fault: &sync_faults::Fault) -> FaultySyncView {
    FaultySyncView { sync: fault.key.sync.clone(), message: fault.message.as_str().into(), since: fault.since }
}

fn view_sync(sync: syncs::Sync) -> ApiResult<SyncView> {
    Ok(SyncView {
        sync: sync.key.sync,
        repository: sync.repository_url,
        connected: sync.repository.is_some(),
        branch: sync.branch,
        path: sync.path,
        environment: sync.environment,
        suspended: sync.suspended,
        applied_revision: sync.applied_revision,
        attempted_revision: sync.attempted_revision,
        health: sync.health,
        objects: sync.objects,
        unseen_since: sync.unseen_since,
        conditions: read("syncs.conditions", sync.conditions)?,
        errors: read("syncs.errors", sync.errors)?,
        drifts: read("syncs.drifts", sync.drifts)?,
        stopped_prune: sync.stopped_prune.map(|stopped| read("syncs.stopped_prune", stopped)).transpose()?,
        reported_at: sync.reported_at,
    })
}

/// A stored body, as it came.
pub(super) fn read<T: DeserializeOwned>(column: &'static str, stored: Value) -> ApiResult<T> {
    serde_json::from_value(stored)
        .map_err(|error| ApiError::internal(anyhow::Error::new(error).context(format!("column `{column}` is broken"))))
}
