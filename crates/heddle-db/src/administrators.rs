//! Who looks after the installation. Written by the owner of the tables alone, who is used on the host.

use chrono::{DateTime, Utc};
use heddle_core::id::UserId;
use sqlx::{Connection, PgConnection, PgExecutor, postgres::PgConnectOptions};

use crate::error::DbError;

/// A person who looks after the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator {
    /// The person.
    pub user: UserId,
    /// Since when.
    pub added_at: DateTime<Utc>,
}

/// Whether the person whose transaction this is looks after the installation.
///
/// # Errors
/// When the server cannot be reached.
pub async fn is_one(db: impl PgExecutor<'_>, user: UserId) -> Result<bool, DbError> {
    let found =
        sqlx::query_scalar!(r#"select exists (select from administrators where user_id = $1) as "is_one!""#, user.0);
    Ok(found.fetch_one(db).await?)
}

/// Adds a person; `false` where there is nobody with that id.
///
/// # Errors
/// When the server cannot be reached.
pub async fn add(owner: &PgConnectOptions, user: UserId) -> Result<bool, DbError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let added = sqlx::query!("insert into administrators (user_id) values ($1) on conflict do nothing", user.0)
        .execute(&mut connection)
        .await;
    connection.close().await?;
    match added {
        Ok(_) => Ok(true),
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes a person away; `false` where they were none.
///
/// # Errors
/// When the server cannot be reached.
pub async fn remove(owner: &PgConnectOptions, user: UserId) -> Result<bool, DbError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let removed =
        sqlx::query!("delete from administrators where user_id = $1", user.0).execute(&mut connection).await?;
    connection.close().await?;
    Ok(removed.rows_affected() > 0)
}

/// Everybody who looks after the installation, the first one first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(owner: &PgConnectOptions) -> Result<Vec<Administrator>, DbError> {
    let mut connection = PgConnection::connect_with(owner).await?;
    let rows = sqlx::query!("select user_id, added_at from administrators order by added_at, user_id")
        .fetch_all(&mut connection)
        .await?;
    connection.close().await?;
    Ok(rows.into_iter().map(|row| Administrator { user: UserId(row.user_id), added_at: row.added_at }).collect())
}
