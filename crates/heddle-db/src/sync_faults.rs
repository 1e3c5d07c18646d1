//! Syncs whose spec cannot be read.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{ClusterId, OrganizationId},
    name::SyncName,
    pipeline::RolloutKey,
};
use sqlx::PgExecutor;

use crate::{error::DbError, syncs::split};

/// A Sync whose spec cannot be read.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The cluster and the Sync.
    pub key: RolloutKey,
    /// What is wrong with its spec.
    pub message: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Says of these Syncs that their spec cannot be read, and why; what was known of them stays. Says whether that is new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    faults: &[(&SyncName, &str)],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let (namespaces, names) = split(faults.iter().map(|(sync, _)| *sync));
    let messages: Vec<String> = faults.iter().map(|(_, message)| (*message).to_owned()).collect();
    let stored = sqlx::query!(
        "insert into sync_faults as known (organization_id, cluster_id, namespace, name, message, since)
         select $1, $2, namespace, name, message, $6
         from unnest($3::text[], $4::text[], $5::text[]) as f (namespace, name, message)
         on conflict (cluster_id, namespace, name) do update set message = excluded.message, since = excluded.since
         where known.message <> excluded.message",
        organization.0,
        cluster.0,
        &namespaces,
        &names,
        &messages,
        now,
    )
    .execute(db)
    .await?;
    Ok(stored.rows_affected() > 0)
}

/// The spec of these Syncs can be read; says whether it could not before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn clear(db: impl PgExecutor<'_>, cluster: ClusterId, syncs: &[&SyncName]) -> Result<bool, DbError> {
    let (namespaces, names) = split(syncs.iter().copied());
    let cleared = sqlx::query!(
        "delete from sync_faults f using unnest($2::text[], $3::text[]) as g (namespace, name)
         where f.cluster_id = $1 and f.namespace = g.namespace and f.name = g.name",
        cluster.0,
        &namespaces,
        &names,
    )
    .execute(db)
    .await?;
    Ok(cleared.rows_affected() > 0)
}

/// Forgets the faults of Syncs that are not among those that stand in the cluster; says whether there were any.
///
/// # Errors
/// When the server cannot be reached.
pub async fn keep(db: impl PgExecutor<'_>, cluster: ClusterId, present: &[SyncName]) -> Result<bool, DbError> {
    let (namespaces, names) = split(present);
    let forgotten = sqlx::query!(
        "delete from sync_faults where cluster_id = $1
             and (namespace, name) not in (select * from unnest($2::text[], $3::text[]))",
        cluster.0,
        &namespaces,
        &names,
    )
    .execute(db)
    .await?;
    Ok(forgotten.rows_affected() > 0)
}

/// The Syncs of the organization whose spec cannot be read.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Fault>, DbError> {
    let rows = sqlx::query!(
        "select cluster_id, namespace, name, message, since from sync_faults where organization_id = $1
         order by cluster_id, namespace, name",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Fault {
            key: RolloutKey {
                cluster: ClusterId(row.cluster_id),
                sync: SyncName { namespace: row.namespace, name: row.name },
            },
            message: row.message,
            since: row.since,
        })
        .collect())
}

/// Forgets the faults of all Syncs of a cluster.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete_of_cluster(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<(), DbError> {
    sqlx::query!("delete from sync_faults where cluster_id = $1", cluster.0).execute(db).await?;
    Ok(())
}
