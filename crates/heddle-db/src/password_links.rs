//! Links by which a person chooses a new password, once. Written by the owner of the tables alone, who is used on the host.

use chrono::{DateTime, Utc};
use heddle_core::id::UserId;
use sqlx::{Connection, PgConnection, PgExecutor, postgres::PgConnectOptions};

use crate::error::DbError;

/// Makes a link for the account of `email`, in place of one that it has; `None` where there is no such account.
///
/// # Errors
/// When the server cannot be reached.
pub async fn make(
    owner: &PgConnectOptions,
    email: &str,
    secret_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<Option<UserId>, DbError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let user = sqlx::query_scalar!(
        "insert into password_links (user_id, secret_hash, expires_at)
         select id, $2, $3 from users where email = lower($1)
         on conflict (user_id) do update set secret_hash = excluded.secret_hash, expires_at = excluded.expires_at
         returning user_id",
        email,
        secret_hash,
        expires_at,
    )
    .fetch_optional(&mut connection)
    .await?;
    connection.close().await?;
    Ok(user.map(UserId))
}

/// Whose link it is, if it has not ended. Needs no user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!("select find_password_link($1)", secret_hash).fetch_one(db).await?.map(UserId))
}

/// Ends the link of the user whose transaction this is, if there is one.
///
/// # Errors
/// When the server cannot be reached.
pub async fn end(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select end_password_links()").execute(db).await?;
    Ok(())
}

/// Takes a link, so that nobody can take it again; `None` when it has ended, or somebody took it meanwhile.
///
/// # Errors
/// When the server cannot be reached.
pub async fn take(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<UserId>, DbError> {
    Ok(sqlx::query_scalar!("select use_password_link($1)", secret_hash).fetch_one(db).await?.map(UserId))
}
