//! The tokens that let an agent in for the first time.

use chrono::{DateTime, Utc};
use heddle_core::id::{ClusterId, OrganizationId};
use sqlx::{PgConnection, PgExecutor};

use crate::error::DbError;

/// Whose a bootstrap token is.
#[derive(Debug)]
pub struct Bootstrap {
    /// Whose cluster.
    pub organization: OrganizationId,
    /// The cluster.
    pub cluster: ClusterId,
    /// Whether this was its one use; false when it was used before, or came too late.
    pub fresh: bool,
}

/// Stores a bootstrap token of a cluster and forgets its earlier ones that were not used.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert_bootstrap(
    db: &mut PgConnection,
    organization: OrganizationId,
    cluster: ClusterId,
    secret_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    forget_bootstraps(&mut *db, cluster).await?;
    sqlx::query!(
        "insert into bootstrap_tokens (secret_hash, organization_id, cluster_id, expires_at) values ($1, $2, $3, $4)",
        secret_hash,
        organization.0,
        cluster.0,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn forget_bootstraps(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<(), DbError> {
    sqlx::query!("delete from bootstrap_tokens where cluster_id = $1 and used_at is null", cluster.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Uses a bootstrap token up. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn use_bootstrap(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<Bootstrap>, DbError> {
    Ok(sqlx::query_as!(
        Bootstrap,
        r#"select organization_id as "organization!", cluster_id as "cluster!", fresh as "fresh!"
           from use_bootstrap_token($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}
