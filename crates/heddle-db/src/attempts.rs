//! How often somebody tried something: logins, sign-ups, enrollments. Counted for all replicas together.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use crate::error::DbError;

/// Counts one more try of `subject` (a hash of what is limited) when there were fewer than `most` since `since`, and says
/// whether it may be made. Of several at once no more than `most` may.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take(db: impl PgExecutor<'_>, subject: &[u8], since: DateTime<Utc>, most: i64) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select take_attempt($1, $2, $3) as "may!""#, subject, since, most).fetch_one(db).await?)
}

/// Forgets the tries of `subject`, after a success.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget(db: impl PgExecutor<'_>, subject: &[u8]) -> Result<(), DbError> {
    sqlx::query!("select forget_attempts($1)", subject).execute(db).await?;
    Ok(())
}

/// Forgets tries, sessions, known browsers, tokens and invitations that have ended. Any replica may do it at any time.
///
/// # Errors
/// When the server cannot be reached.
pub async fn sweep_ended(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select sweep_ended(), sweep_devices()").execute(db).await?;
    Ok(())
}
