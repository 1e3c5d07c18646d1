//! API tokens of people, for the command line and CI.

use chrono::{DateTime, Utc};
use heddle_core::id::{OrganizationId, UserId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

/// A token without its text.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// The organization it is for.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub struct TokenUse {
    /// The token.
    pub token: Uuid,
    /// Who made it.
    pub user: UserId,
    /// The organization it is for.
    pub organization: OrganizationId,
    /// What it may do.
    pub role: String,
    /// What it is for.
    pub name: String,
}

/// Stores a new token of `user`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(db: impl PgExecutor<'_>, token: &Token, user: UserId, secret_hash: &[u8]) -> Result<(), DbError> {
    sqlx::query!(
        "insert into tokens (id, secret_hash, user_id, organization_id, role, name, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        token.id,
        secret_hash,
        user.0,
        token.organization.0,
        token.role,
        token.name,
        token.created_at,
        token.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whose token it is, if it has not ended, and notes that it was used.
///
/// # Errors
/// When the server cannot be reached.
pub async fn touch(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<TokenUse>, DbError> {
    Ok(sqlx::query_as!(
        TokenUse,
        r#"select token_id as "token!", user_id as "user!", organization_id as "organization!", role as "role!",
                  name as "name!"
           from use_token($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}

/// The user's living tokens, newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Token>, DbError> {
    Ok(sqlx::query_as!(
        Token,
        r#"select id, name, organization_id as organization, role, created_at, expires_at, last_used_at from tokens
           where user_id = $1 and expires_at > now() order by id desc"#,
        user.0,
    )
    .fetch_all(db)
    .await?)
}

/// Ends a token of the user and says which it was.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(db: impl PgExecutor<'_>, user: UserId, id: Uuid) -> Result<Option<Token>, DbError> {
    Ok(sqlx::query_as!(
        Token,
        r#"delete from tokens where id = $1 and user_id = $2
           returning id, name, organization_id as organization, role, created_at, expires_at, last_used_at"#,
        id,
        user.0,
    )
    .fetch_optional(db)
    .await?)
}
