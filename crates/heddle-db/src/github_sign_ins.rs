//! What browsers took to GitHub's sign-in and must bring back.

use heddle_core::id::{OrganizationId, UserId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// A sign-in that came back.
#[derive(Debug)]
pub struct SignIn {
    /// The session that began it.
    pub session: Uuid,
    /// Its user.
    pub user: UserId,
    /// The organization whose page began it.
    pub organization: Option<OrganizationId>,
}

/// Begins a sign-in. Runs in the transaction of the session's user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    state_hash: &[u8],
    session: Uuid,
    organization: Option<OrganizationId>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into github_sign_ins (state_hash, session_id, organization_id) values ($1, $2, $3)",
        state_hash,
        session,
        organization.map(|id| id.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Uses a sign-in up, if it is known and began less than ten minutes ago. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take(db: impl PgExecutor<'_>, state_hash: &[u8]) -> Result<Option<SignIn>, DbError> {
    let row = sqlx::query!(
        r#"select session_id as "session!", user_id as "user!", organization_id from use_github_sign_in($1)"#,
        state_hash,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| SignIn {
        session: row.session,
        user: row.user.into(),
        organization: row.organization_id.map(OrganizationId),
    }))
}
