//! People with accounts.

use chrono::{DateTime, Utc};
use heddle_core::id::UserId;
use sqlx::PgExecutor;

use crate::error::DbError;

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// The address, in lower case.
    pub email: String,
    /// The name that others see.
    pub name: String,
    /// The GitHub login that was proved, if any.
    pub github_login: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// What a login is checked against.
#[derive(Debug)]
pub struct Login {
    /// The account.
    pub user: UserId,
    /// The password's hash, in PHC form.
    pub password_hash: String,
}

/// Makes an account. Runs in the transaction of the new user.
///
/// # Errors
/// [`DbError::Exists`] when the address has one.
pub async fn insert(
    db: impl PgExecutor<'_>,
    id: UserId,
    email: &str,
    name: &str,
    password_hash: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into users (id, email, name, password_hash) values ($1, lower($2), $3, $4)",
        id.0,
        email,
        name,
        password_hash,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Waits until nobody else is about to be the first user; held until the transaction ends.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock_first(db: impl PgExecutor<'_>) -> Result<(), DbError> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('heddle first user', 0))").execute(db).await?;
    Ok(())
}

/// Whether anybody has an account.
///
/// # Errors
/// When the server cannot be reached.
pub async fn exist(db: impl PgExecutor<'_>) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select has_users() as "exists!""#).fetch_one(db).await?)
}

/// What the login of `email` is checked against.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_login(db: impl PgExecutor<'_>, email: &str) -> Result<Option<Login>, DbError> {
    Ok(sqlx::query_as!(
        Login,
        r#"select user_id as "user!", password_hash as "password_hash!" from find_login(lower($1))"#,
        email,
    )
    .fetch_optional(db)
    .await?)
}

/// An account, where the transaction may see it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>, DbError> {
    Ok(sqlx::query_as!(User, "select id, email, name, github_login, created_at from users where id = $1", id.0)
        .fetch_optional(db)
        .await?)
}

/// When GitHub's own sign-in last proved who the user is.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_github_proof(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select github_proved_at from users where id = $1", id.0)
        .fetch_optional(db)
        .await?
        .flatten())
}

/// Remembers whom GitHub's own sign-in proved the user to be.
///
/// # Errors
/// [`DbError::Exists`] when another account proved to be the same.
pub async fn set_github(
    db: impl PgExecutor<'_>,
    id: UserId,
    github_id: i64,
    github_login: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "update users set github_id = $2, github_login = $3, github_proved_at = now() where id = $1",
        id.0,
        github_id,
        github_login,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The address and the password's hash of the user whose transaction this is.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_password(db: impl PgExecutor<'_>, id: UserId) -> Result<Option<(String, String)>, DbError> {
    let row = sqlx::query!("select email, password_hash from users where id = $1", id.0).fetch_optional(db).await?;
    Ok(row.map(|row| (row.email, row.password_hash)))
}

/// Whether the user still has the password that `password_hash` is of; it stays so until the transaction ends.
///
/// # Errors
/// When the server cannot be reached.
pub async fn keeps_password(db: impl PgExecutor<'_>, id: UserId, password_hash: &str) -> Result<bool, DbError> {
    let same = sqlx::query_scalar!(
        r#"select password_hash = $2 as "same!" from users where id = $1 for update"#,
        id.0,
        password_hash
    );
    Ok(same.fetch_optional(db).await?.unwrap_or_default())
}

/// Gives the user another password. Runs in the transaction of the user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_password(db: impl PgExecutor<'_>, id: UserId, password_hash: &str) -> Result<(), DbError> {
    sqlx::query!("update users set password_hash = $2 where id = $1", id.0, password_hash).execute(db).await?;
    Ok(())
}
