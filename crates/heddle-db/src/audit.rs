//! The record of every write, kept in the transaction of that write.

use chrono::{DateTime, Utc};
use heddle_core::id::{OrganizationId, UserId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// Who did something, from where, in which request.
#[derive(Debug, Clone)]
pub struct Author {
    /// The account, where a person stands behind it.
    pub user: Option<UserId>,
    /// In words: an address, a token's name, `heddle`.
    pub actor: String,
    /// `session`, `token`, `agent`, `automator` or `github`.
    pub via: &'static str,
    /// The request.
    pub request_id: String,
}

/// A stored entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The entry; later ones are greater.
    pub id: Uuid,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// From where.
    pub via: String,
    /// What.
    pub action: String,
    /// On what.
    pub object: String,
    /// More, without secrets.
    pub details: serde_json::Value,
    /// The request.
    pub request_id: String,
}

/// Records that `author` did `action` (`cluster.create`) on `object` (its name).
///
/// # Errors
/// When the server cannot be reached.
pub async fn record(
    db: impl PgExecutor<'_>,
    organization: Option<OrganizationId>,
    author: &Author,
    action: &str,
    object: &str,
    details: serde_json::Value,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into audit (id, organization_id, user_id, actor, via, action, object, details, request_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        Uuid::now_v7(),
        organization.map(|id| id.0),
        author.user.map(|id| id.0),
        author.actor,
        author.via,
        action,
        object,
        details,
        author.request_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Entries of the organization, newest first, after `after`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Entry>, DbError> {
    Ok(sqlx::query_as!(
        Entry,
        "select id, at, actor, via, action, object, details, request_id from audit
         where organization_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
        organization.0,
        after,
        limit,
    )
    .fetch_all(db)
    .await?)
}
