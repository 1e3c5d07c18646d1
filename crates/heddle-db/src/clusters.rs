//! Clusters, their keys and the tokens that begin them.

mod bootstrap;
mod keys;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId};
use sqlx::PgExecutor;
use uuid::Uuid;

use self::bootstrap::forget_bootstraps;
pub use self::{
    bootstrap::{Bootstrap, insert_bootstrap, use_bootstrap},
    keys::{Key, KnownKey, add_key, find_key, find_key_of, list_keys, revoke_key},
};
use crate::error::DbError;

/// A cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The cluster.
    pub id: ClusterId,
    /// Its name.
    pub name: String,
    /// What the install manifest says its first Sync follows.
    pub first_sync: serde_json::Value,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When all its keys were revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When its agent was last heard, to ten seconds.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// The agent's version.
    pub agent_version: Option<String>,
    /// The API server's `gitVersion`.
    pub kubernetes_version: Option<String>,
    /// When the agent's process started.
    pub agent_started_at: Option<DateTime<Utc>>,
    /// When the agent was let in last.
    pub enrolled_at: Option<DateTime<Utc>>,
    /// When a report of the agent was last taken.
    pub last_report_at: Option<DateTime<Utc>>,
    /// What the agent says of its reports that were refused, as it came.
    pub rejected: Option<serde_json::Value>,
}

impl Cluster {
    /// When its agent was heard.
    pub fn heard(&self) -> LastHeard {
        LastHeard {
            seen_at: self.last_seen_at,
            reported_at: self.last_report_at.or(self.enrolled_at),
            revoked_at: self.revoked_at,
        }
    }
}

/// When the agent of a cluster was heard.
#[derive(Debug, Clone, Copy)]
pub struct LastHeard {
    /// When it last asked for anything.
    pub seen_at: Option<DateTime<Utc>>,
    /// When a report of it was last taken; when it was let in, where none was.
    pub reported_at: Option<DateTime<Utc>>,
    /// When its keys were revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Adds a cluster.
///
/// # Errors
/// [`DbError::Exists`] when the organization has one of this name.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ClusterId,
    name: &str,
    first_sync: &serde_json::Value,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into clusters (id, organization_id, name, first_sync) values ($1, $2, $3, $4)",
        id.0,
        organization.0,
        name,
        first_sync,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The organization's clusters by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Cluster>, DbError> {
    Ok(sqlx::query_as!(
        Cluster,
        "select id, name, first_sync, created_at, revoked_at, last_seen_at, agent_version, kubernetes_version,
                agent_started_at, enrolled_at, last_report_at, rejected
         from clusters where organization_id = $1 and retired_at is null order by name",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// The names of clusters, also of deleted ones.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_names(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<HashMap<ClusterId, String>, DbError> {
    let rows = sqlx::query!("select id, name from clusters where id = any($1)", ids).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (ClusterId(row.id), row.name)).collect())
}

/// One cluster of the organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: ClusterId,
) -> Result<Option<Cluster>, DbError> {
    Ok(sqlx::query_as!(
        Cluster,
        "select id, name, first_sync, created_at, revoked_at, last_seen_at, agent_version, kubernetes_version,
                agent_started_at, enrolled_at, last_report_at, rejected
         from clusters where organization_id = $1 and id = $2 and retired_at is null",
        organization.0,
        id.0,
    )
    .fetch_optional(db)
    .await?)
}

/// Lets a cluster in with a new key, as [`add_key`] does.
///
/// # Errors
/// [`DbError::Exists`] when the key is one already.
pub async fn enroll(
    db: &mut sqlx::PgConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    public_key: &[u8],
    agent_version: &str,
    kubernetes_version: &str,
) -> Result<ClusterKeyId, DbError> {
    let id = add_key(&mut *db, organization, cluster, public_key).await?;
    sqlx::query!(
        "update clusters set enrolled_at = now(), last_seen_at = now(), revoked_at = null, agent_version = $2,
                kubernetes_version = $3
         where id = $1",
        cluster.0,
        agent_version,
        kubernetes_version,
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// Notes that the agent was heard.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_seen(db: &mut sqlx::PgConnection, cluster: ClusterId, key: ClusterKeyId) -> Result<(), DbError> {
    sqlx::query!("update clusters set last_seen_at = now() where id = $1", cluster.0).execute(&mut *db).await?;
    sqlx::query!("update cluster_keys set last_used_at = now() where id = $1", key.0).execute(db).await?;
    Ok(())
}

/// What an agent says of itself.
#[derive(Debug)]
pub struct Said<'a> {
    /// Its version.
    pub agent_version: &'a str,
    /// The API server's `gitVersion`.
    pub kubernetes_version: &'a str,
    /// When its process started.
    pub started_at: DateTime<Utc>,
    /// Its reports that were refused, as it came.
    pub rejected: Option<serde_json::Value>,
}

/// Whether this transaction may take a report of the cluster: one at a time does, and nobody waits with a connection in
/// their hand.
///
/// # Errors
/// When the server cannot be reached.
pub async fn try_lock(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('heddle report ' || $1::text, 0)) as "mine!""#,
        cluster.0.to_string(),
    )
    .fetch_one(db)
    .await?)
}

/// Notes that a report was taken, to ten seconds, and what the agent says of itself in it. Says whether that is something
/// new: another agent, a report that was refused, the first report after a while.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_report(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    said: &Said<'_>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let news = sqlx::query_scalar!(
        r#"with before as (
               select (agent_version, kubernetes_version, agent_started_at, rejected) is distinct from ($2, $3, $4, $5)
                          or last_report_at is null or last_report_at < $6::timestamptz - interval '90 seconds' as is_news,
                      last_report_at
               from clusters where id = $1)
           update clusters c set agent_version = $2, kubernetes_version = $3, agent_started_at = $4, rejected = $5,
                                 last_report_at = $6
           from before
           where c.id = $1 and (before.is_news or before.last_report_at < $6::timestamptz - interval '10 seconds')
           returning before.is_news as "is_news!""#,
        cluster.0,
        said.agent_version,
        said.kubernetes_version,
        said.started_at,
        said.rejected,
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(news.unwrap_or(false))
}

/// Puts a cluster's agent out: no key and no bootstrap token of it is good any more.
///
/// # Errors
/// When the server cannot be reached.
pub async fn revoke(db: &mut sqlx::PgConnection, cluster: ClusterId) -> Result<(), DbError> {
    forget_bootstraps(&mut *db, cluster).await?;
    sqlx::query!("update cluster_keys set revoked_at = now() where cluster_id = $1 and revoked_at is null", cluster.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!("update clusters set revoked_at = coalesce(revoked_at, now()) where id = $1", cluster.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Takes a cluster off every list; its history stays.
///
/// # Errors
/// When the server cannot be reached.
pub async fn retire(db: &mut sqlx::PgConnection, cluster: ClusterId) -> Result<(), DbError> {
    revoke(&mut *db, cluster).await?;
    sqlx::query!("update clusters set retired_at = now() where id = $1", cluster.0).execute(db).await?;
    Ok(())
}
