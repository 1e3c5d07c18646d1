//! Clusters, their keys and the tokens that begin them.

use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId};
use sqlx::PgExecutor;

use crate::error::DbError;

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
}

/// A key by its id.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_key(db: impl PgExecutor<'_>, key: ClusterKeyId) -> Result<Option<KnownKey>, DbError> {
    Ok(sqlx::query_as!(
        KnownKey,
        r#"select organization_id as "organization!", cluster_id as "cluster!", public_key as "public_key!",
                  revoked as "revoked!"
           from find_cluster_key($1)"#,
        key.0,
    )
    .fetch_optional(db)
    .await?)
}
