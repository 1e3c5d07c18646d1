//! How often somebody tried something: logins, sign-ups, enrollments. Counted for all replicas together.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::DbError;

/// Counts one more try of `subject` (a hash of what is limited) and says how many there were since `since`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(db: impl PgExecutor<'_>, subject: &[u8], since: DateTime<Utc>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(r#"select count_attempt($1, $2) as "count!""#, subject, since).fetch_one(db).await?)
}

/// Forgets the tries of `subject`, after a success.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget(db: impl PgExecutor<'_>, subject: &[u8]) -> Result<(), DbError> {
    sqlx::query!("select forget_attempts($1)", subject).execute(db).await?;
    Ok(())
}

/// Forgets tries, sessions, tokens and invitations that have ended. Any replica may do it at any time.
///
/// # Errors
/// When the server cannot be reached.
pub async fn sweep_ended(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select sweep_ended()").execute(db).await?;
    Ok(())
}
