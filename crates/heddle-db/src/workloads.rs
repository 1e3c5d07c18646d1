//! The last known state of each workload.

use chrono::{DateTime, Utc};
use heddle_core::{
    health::HealthStatus,
    id::{ClusterId, OrganizationId, RepositoryId},
    name::{EnvironmentName, SyncName},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    clusters::LastHeard,
    error::{DbError, json, word},
    syncs::{parse_health, split},
};

/// A workload as its agent reports it.
#[derive(Debug, Clone, Serialize)]
pub struct NewWorkload {
    /// The namespace of the Sync that applied it.
    pub sync_namespace: String,
    /// The Sync's name.
    pub sync_name: String,
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
    /// When the cluster's agent was heard.
    pub heard: LastHeard,
    /// Since when the agent has not seen the objects of the Sync; `None` while it does.
    pub unseen_since: Option<DateTime<Utc>>,
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

/// Puts these workloads, each named once, in the place of the earlier ones of these Syncs; says whether any is different.
/// What is as it was is not written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    syncs: &[&SyncName],
    workloads: &[NewWorkload],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows = json("workloads", workloads)?;
    let (namespaces, names) = split(syncs.iter().copied());
    let deleted = sqlx::query!(
        "delete from workloads w using unnest($2::text[], $3::text[]) as s (namespace, name)
         where w.cluster_id = $1 and w.sync_namespace = s.namespace and w.sync_name = s.name
             and (w.sync_namespace, w.sync_name, w.kind, w.namespace, w.name) not in (
                 select sync_namespace, sync_name, kind, namespace, name
                 from jsonb_to_recordset($4) as n (
                     sync_namespace text, sync_name text, kind text, namespace text, name text))",
        cluster.0,
        &namespaces,
        &names,
        rows,
    )
    .execute(&mut *db)
    .await?;
    let stored = sqlx::query!(
        "insert into workloads as known (organization_id, cluster_id, sync_namespace, sync_name, kind, namespace, name,
                                         health, reason, since, images, reported_at)
         select $1, $2, sync_namespace, sync_name, kind, namespace, name, health, reason, since, images, $4
         from jsonb_to_recordset($3) as n (
             sync_namespace text, sync_name text, kind text, namespace text, name text, health text, reason text,
             since timestamptz, images jsonb)
         on conflict (cluster_id, namespace, name, kind, sync_namespace, sync_name) do update set
             health = excluded.health, reason = excluded.reason, since = excluded.since, images = excluded.images,
             reported_at = excluded.reported_at
         where (known.health, known.reason, known.since, known.images)
             is distinct from (excluded.health, excluded.reason, excluded.since, excluded.images)",
        organization.0,
        cluster.0,
        rows,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(deleted.rows_affected() + stored.rows_affected() > 0)
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
        "select w.cluster_id, c.name as cluster_name, c.last_seen_at,
                coalesce(c.last_report_at, c.enrolled_at) as last_report_at, c.revoked_at, s.unseen_since,
                w.sync_namespace, w.sync_name, s.repository_id, s.environment, w.kind, w.namespace, w.name, w.health, w.reason, w.since, w.images, w.reported_at
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
                heard: LastHeard {
                    seen_at: row.last_seen_at,
                    reported_at: row.last_report_at,
                    revoked_at: row.revoked_at,
                },
                unseen_since: row.unseen_since,
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
