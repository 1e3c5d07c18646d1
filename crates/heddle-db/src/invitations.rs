//! Invitations to an organization.

use chrono::{DateTime, Utc};
use heddle_core::id::OrganizationId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// An invitation that may still be taken.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The invitation.
    pub id: Uuid,
    /// The organization to join.
    pub organization: OrganizationId,
    /// For whom, in lower case.
    pub email: String,
    /// What they may do there.
    pub role: String,
}

/// An invitation as the organization's owners see it.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The invitation.
    pub id: Uuid,
    /// For whom, in lower case.
    pub email: String,
    /// What they may do.
    pub role: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Invites somebody.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    invitation: &Invitation,
    secret_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into invitations (id, organization_id, email, role, secret_hash, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        invitation.id,
        invitation.organization.0,
        invitation.email,
        invitation.role,
        secret_hash,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The invitation that a code stands for, if it may still be taken.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<Invitation>, DbError> {
    Ok(sqlx::query_as!(
        Invitation,
        r#"select invitation_id as "id!", organization_id as "organization!", email as "email!", role as "role!"
           from find_invitation($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}

/// Uses an invitation up.
///
/// # Errors
/// When the server cannot be reached.
pub async fn accept(db: impl PgExecutor<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!("update invitations set accepted_at = now() where id = $1", id).execute(db).await?;
    Ok(())
}

/// The invitations of an organization that may still be taken, newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_pending(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Pending>, DbError> {
    Ok(sqlx::query_as!(
        Pending,
        "select id, email, role, created_at, expires_at from invitations
         where organization_id = $1 and accepted_at is null and expires_at > now() order by created_at desc, id",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// Takes back an invitation that nobody took. Gives whom it was for, if there was one.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete_pending(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "delete from invitations where organization_id = $1 and id = $2 and accepted_at is null returning email",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?)
}
