//! The keys of clusters' agents.

use chrono::{DateTime, Utc};
use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::DbError;

/// A key of a cluster.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub id: ClusterKeyId,
    /// The cluster.
    pub cluster: ClusterId,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to ten seconds.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// What an agent's signature is checked against.
#[derive(Debug)]
pub struct KnownKey {
    /// Whose cluster.
    pub organization: OrganizationId,
    /// The cluster.
    pub cluster: ClusterId,
    /// 32 bytes, Ed25519.
    pub public_key: Vec<u8>,
    /// Whether the key or its cluster is out.
    pub revoked: bool,
    /// When the cluster's agent was last heard.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// The keys of the organization's clusters, newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_keys(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Key>, DbError> {
    Ok(sqlx::query_as!(
        Key,
        "select id, cluster_id as cluster, created_at, last_used_at, revoked_at from cluster_keys
         where organization_id = $1 order by id desc",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// Gives a cluster another key, and ends its oldest ones so that at most two live.
///
/// # Errors
/// [`DbError::Exists`] when the key is one already.
pub async fn add_key(
    db: &mut PgConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    public_key: &[u8],
) -> Result<ClusterKeyId, DbError> {
    let id = ClusterKeyId(Uuid::now_v7());
    sqlx::query!(
        "insert into cluster_keys (id, organization_id, cluster_id, public_key) values ($1, $2, $3, $4)",
        id.0,
        organization.0,
        cluster.0,
        public_key,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update cluster_keys set revoked_at = now()
         where cluster_id = $1 and revoked_at is null and id not in (
             select id from cluster_keys where cluster_id = $1 and revoked_at is null order by id desc limit 2)",
        cluster.0,
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// The living key of a cluster with these bytes, for an exchange whose answer was lost.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_key_of(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    public_key: &[u8],
) -> Result<Option<ClusterKeyId>, DbError> {
    Ok(sqlx::query_scalar!(
        "select id from cluster_keys where cluster_id = $1 and public_key = $2 and revoked_at is null",
        cluster.0,
        public_key,
    )
    .fetch_optional(db)
    .await?
    .map(ClusterKeyId))
}

/// A key by its id. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_key(db: impl PgExecutor<'_>, key: ClusterKeyId) -> Result<Option<KnownKey>, DbError> {
    Ok(sqlx::query_as!(
        KnownKey,
        r#"select organization_id as "organization!", cluster_id as "cluster!", public_key as "public_key!",
                  revoked as "revoked!", last_seen_at
           from find_cluster_key($1)"#,
        key.0,
    )
    .fetch_optional(db)
    .await?)
}

/// Revokes one key of a cluster; false when there is no such living key.
///
/// # Errors
/// When the server cannot be reached.
pub async fn revoke_key(db: impl PgExecutor<'_>, cluster: ClusterId, key: ClusterKeyId) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update cluster_keys set revoked_at = now() where id = $1 and cluster_id = $2 and revoked_at is null",
        key.0,
        cluster.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
