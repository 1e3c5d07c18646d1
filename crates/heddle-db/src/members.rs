//! Who belongs to an organization, and as what.

use chrono::{DateTime, Utc};
use heddle_core::id::{OrganizationId, UserId};
use sqlx::{PgConnection, PgExecutor};

use crate::error::DbError;

/// A member as the others see them.
#[derive(Debug, Clone)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// `viewer`, `operator`, `admin` or `owner`.
    pub role: String,
    /// Since when.
    pub joined_at: DateTime<Utc>,
}

/// The members by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Member>, DbError> {
    Ok(sqlx::query_as!(
        Member,
        "select u.id as user, u.email, u.name, m.role, m.created_at as joined_at
         from memberships m join users u on u.id = m.user_id
         where m.organization_id = $1 order by lower(u.name), u.id",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// The owners. Nobody makes or ends another until the transaction has ended.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock_owners(db: &mut PgConnection, organization: OrganizationId) -> Result<Vec<UserId>, DbError> {
    let owners = sqlx::query_scalar!(
        "select user_id from memberships where organization_id = $1 and role = 'owner' order by user_id for update",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(owners.into_iter().map(UserId).collect())
}

/// The role of a member, which nobody changes until the transaction ends, nor their grants: whoever does holds the same row. So
/// what is asked for by a right is there when the right is taken back. `None` when they are no member.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock_role(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "select role from memberships where organization_id = $1 and user_id = $2 for update",
        organization.0,
        user.0,
    )
    .fetch_optional(db)
    .await?)
}

/// Gives a member another role; false when they are no member.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_role(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    role: &str,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update memberships set role = $3 where organization_id = $1 and user_id = $2",
        organization.0,
        user.0,
        role,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends a membership, and the member's API tokens for the organization; false when they are no member.
///
/// # Errors
/// When the server cannot be reached.
pub async fn remove(db: &mut PgConnection, organization: OrganizationId, user: UserId) -> Result<bool, DbError> {
    sqlx::query!("delete from tokens where organization_id = $1 and user_id = $2", organization.0, user.0)
        .execute(&mut *db)
        .await?;
    let done =
        sqlx::query!("delete from memberships where organization_id = $1 and user_id = $2", organization.0, user.0)
            .execute(db)
            .await?;
    Ok(done.rows_affected() > 0)
}
