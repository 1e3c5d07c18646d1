//! Browsers in which somebody logged in.

use heddle_core::id::UserId;
use sqlx::{PgConnection, PgExecutor};

use crate::error::DbError;

/// Whose browser it is. Needs no user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!("select find_device($1)", secret_hash).fetch_one(db).await?.map(UserId))
}

/// Notes a log-in from a browser, and keeps the user's `most` that were used last. Runs in the transaction of the user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note(db: &mut PgConnection, user: UserId, secret_hash: &[u8], most: i64) -> Result<(), DbError> {
    sqlx::query!(
        "insert into devices (secret_hash, user_id) values ($1, $2)
         on conflict (secret_hash) do update set last_used_at = now()",
        secret_hash,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from devices where user_id = $1 and secret_hash not in (
             select secret_hash from devices where user_id = $1 order by last_used_at desc, secret_hash limit $2)",
        user.0,
        most,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Forgets every browser of the user. Runs in the transaction of the user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_all(db: impl PgExecutor<'_>, user: UserId) -> Result<(), DbError> {
    sqlx::query!("delete from devices where user_id = $1", user.0).execute(db).await?;
    Ok(())
}
