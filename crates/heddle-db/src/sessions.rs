//! Sessions of browsers.

use chrono::{DateTime, Utc};
use heddle_core::id::UserId;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// A session, as its owner sees it.
#[derive(Debug, Clone)]
pub struct Session {
    /// The session.
    pub id: Uuid,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: DateTime<Utc>,
    /// The browser, as it calls itself.
    pub user_agent: String,
}

/// Whose session a cookie is.
#[derive(Debug, Clone)]
pub struct SessionUse {
    /// The session.
    pub session: Uuid,
    /// Its owner.
    pub user: UserId,
    /// The owner's address.
    pub email: String,
}

/// Begins a session. Runs in the transaction of its user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: Uuid,
    user: UserId,
    secret_hash: &[u8],
    user_agent: &str,
    expires_at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into sessions (id, user_id, secret_hash, user_agent, expires_at) values ($1, $2, $3, $4, $5)",
        id,
        user.0,
        secret_hash,
        user_agent,
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whose session it is, if it has not ended, and notes that it was used.
///
/// # Errors
/// When the server cannot be reached.
pub async fn touch(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<SessionUse>, DbError> {
    Ok(sqlx::query_as!(
        SessionUse,
        r#"select session_id as "session!", user_id as "user!", email as "email!" from use_session($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}

/// The user's living sessions, last used first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Session>, DbError> {
    Ok(sqlx::query_as!(
        Session,
        "select id, created_at, last_used_at, user_agent from sessions
         where user_id = $1 and expires_at > now() and last_used_at > now() - interval '7 days'
         order by last_used_at desc, id",
        user.0,
    )
    .fetch_all(db)
    .await?)
}

/// Ends a session of the user; false when there is none.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(db: impl PgExecutor<'_>, user: UserId, id: Uuid) -> Result<bool, DbError> {
    let done = sqlx::query!("delete from sessions where id = $1 and user_id = $2", id, user.0).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Ends every session of the user but `kept`, and says which.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete_others(db: impl PgExecutor<'_>, user: UserId, kept: Option<Uuid>) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "delete from sessions where user_id = $1 and ($2::uuid is null or id <> $2) returning id",
        user.0,
        kept,
    )
    .fetch_all(db)
    .await?)
}
