//! Addresses that take push notices of registries.

use chrono::{DateTime, Utc};
use heddle_core::id::OrganizationId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// A receiver without its secret.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The receiver.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// When the last notice came.
    pub last_notice_at: Option<DateTime<Utc>>,
}

/// What a notice is checked against.
#[derive(Debug)]
pub struct KnownReceiver {
    /// Whose notices these are.
    pub organization: OrganizationId,
    /// The hash of its secret.
    pub secret_hash: Vec<u8>,
}

/// Makes a receiver.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
    name: &str,
    secret_hash: &[u8],
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into receivers (id, organization_id, name, secret_hash) values ($1, $2, $3, $4)",
        id,
        organization.0,
        name,
        secret_hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The organization's receivers by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Receiver>, DbError> {
    Ok(sqlx::query_as!(
        Receiver,
        "select id, name, last_notice_at from receivers where organization_id = $1 order by lower(name), id",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// How many receivers the organization has.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"select count(*) as "count!" from receivers where organization_id = $1"#, organization.0,)
        .fetch_one(db)
        .await?)
}

/// What a notice to this receiver is checked against. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_known(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<KnownReceiver>, DbError> {
    Ok(sqlx::query_as!(
        KnownReceiver,
        r#"select organization_id as "organization!", secret_hash as "secret_hash!" from find_receiver($1)"#,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Notes that a notice came.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_notice(db: impl PgExecutor<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("update receivers set last_notice_at = now() where id = $1", id).execute(db).await?;
    Ok(())
}

/// Deletes a receiver and says what it was for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "delete from receivers where organization_id = $1 and id = $2 returning name",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?)
}
