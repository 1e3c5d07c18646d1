//! The last known state of each workload.

use chrono::{DateTime, Utc};
use heddle_core::{
    health::HealthStatus,
    id::{ClusterId, OrganizationId, RepositoryId},
    name::{EnvironmentName, SyncName},
    pipeline::RolloutKey,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    error::{DbError, json, word},
    syncs::parse_health,
};

/// A workload as its agent reports it.
#[derive(Debug, Clone, Serialize)]
pub struct NewWorkload {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The verdict.
    pub health: HealthStatus,
    /// Why it is not healthy.
    pub reason: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Its images, as they came.
    pub images: Value,
}

/// A stored workload.
#[derive(Debug, Clone)]
pub struct Workload {
    /// The cluster.
    pub cluster: ClusterId,
    /// The cluster's name.
    pub cluster_name: String,
    /// When the cluster's agent was last heard.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// When the cluster was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// The Sync that applied it.
    pub sync: SyncName,
    /// The repository that the Sync follows, where it is bound.
    pub repository: Option<RepositoryId>,
    /// The environment of that Sync.
    pub environment: Option<EnvironmentName>,
    /// The workload.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The verdict.
    pub health: HealthStatus,
    /// Why it is not healthy.
    pub reason: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Its images, as they came.
    pub images: Value,
    /// When this was reported.
    pub reported_at: DateTime<Utc>,
}

/// Where a page begins: after this workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The cluster's name.
    pub cluster_name: String,
    /// The workload's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The Sync, as `namespace/name`.
    pub sync: String,
}

/// Puts these workloads in the place of the Sync's earlier ones; what did not change is not written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    sync: &RolloutKey,
    workloads: &[NewWorkload],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let rows = json("workloads", workloads)?;
    sqlx::query!(
        "delete from workloads w where cluster_id = $1 and sync_namespace = $2 and sync_name = $3
             and not exists (
                 select from jsonb_to_recordset($4) as n (kind text, namespace text, name text)
                 where n.kind = w.kind and n.namespace = w.namespace and n.name = w.name)",
        sync.cluster.0,
        sync.sync.namespace,
        sync.sync.name,
        rows,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into workloads (organization_id, cluster_id, sync_namespace, sync_name, kind, namespace, name, health,
                                reason, since, images, reported_at)
         select $1, $2, $3, $4, kind, namespace, name, health, reason, since, images, $6
         from jsonb_to_recordset($5) as n (
             kind text, namespace text, name text, health text, reason text, since timestamptz, images jsonb)
         on conflict (cluster_id, namespace, name, kind, sync_namespace, sync_name) do update set
             health = excluded.health, reason = excluded.reason, since = excluded.since, images = excluded.images,
             reported_at = excluded.reported_at",
        organization.0,
        sync.cluster.0,
        sync.sync.namespace,
        sync.sync.name,
        rows,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// A page of workloads by cluster, namespace and name, of one cluster or environment if so asked.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_page(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    environment: Option<&str>,
    cluster: Option<Uuid>,
    after: Option<&After>,
    limit: i64,
) -> Result<Vec<Workload>, DbError> {
    let rows = sqlx::query!(
        "select w.cluster_id, c.name as cluster_name, c.last_seen_at, c.revoked_at, w.sync_namespace, w.sync_name,
                s.repository_id, s.environment, w.kind, w.namespace, w.name, w.health, w.reason, w.since, w.images, w.reported_at
         from clusters c
         join workloads w on w.cluster_id = c.id
         join syncs s
             on s.cluster_id = w.cluster_id and s.namespace = w.sync_namespace and s.name = w.sync_name
         where c.organization_id = $1 and w.organization_id = $1
             and ($2::text is null or s.environment = $2)
             and ($3::uuid is null or c.id = $3)
             and ($4::text is null
                 or (c.name, w.namespace, w.name, w.kind, w.sync_namespace || '/' || w.sync_name)
                     > ($4, $5, $6, $7, $8))
         order by c.name, w.namespace, w.name, w.kind, w.sync_namespace || '/' || w.sync_name
         limit $9",
        organization.0,
        environment,
        cluster,
        after.map(|after| after.cluster_name.as_str()),
        after.map(|after| after.namespace.as_str()),
        after.map(|after| after.name.as_str()),
        after.map(|after| after.kind.as_str()),
        after.map(|after| after.sync.as_str()),
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Workload {
                cluster: ClusterId(row.cluster_id),
                cluster_name: row.cluster_name,
                last_seen_at: row.last_seen_at,
                revoked_at: row.revoked_at,
                sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
                repository: row.repository_id.map(RepositoryId),
                environment: row.environment.map(|name| word("syncs.environment", &name)).transpose()?,
                kind: row.kind,
                namespace: row.namespace,
                name: row.name,
                health: parse_health(&row.health)?,
                reason: row.reason,
                since: row.since,
                images: row.images,
                reported_at: row.reported_at,
            })
        })
        .collect()
}

/// How many workloads the organization has, or one cluster or environment of it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    environment: Option<&str>,
    cluster: Option<Uuid>,
) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from workloads w
           join syncs s
               on s.cluster_id = w.cluster_id and s.namespace = w.sync_namespace and s.name = w.sync_name
           where w.organization_id = $1 and ($2::text is null or s.environment = $2)
               and ($3::uuid is null or w.cluster_id = $3)"#,
        organization.0,
        environment,
        cluster,
    )
    .fetch_one(db)
    .await?)
}

/// How many workloads each cluster has.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_by_cluster(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(ClusterId, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select cluster_id, count(*) as "count!" from workloads where organization_id = $1 group by cluster_id"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ClusterId(row.cluster_id), row.count)).collect())
}
