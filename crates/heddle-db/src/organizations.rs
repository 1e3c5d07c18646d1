//! Organizations and who belongs to them.

use heddle_core::id::{OrganizationId, UserId};
use sqlx::PgExecutor;

use crate::error::DbError;

/// An organization as one member sees it.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The organization.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// What the member may do: `viewer`, `operator`, `admin` or `owner`.
    pub role: String,
}

/// Makes an organization with one owner. Runs in the transaction of that organization and user.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(db: &mut sqlx::PgConnection, id: OrganizationId, name: &str, owner: UserId) -> Result<(), DbError> {
    sqlx::query!("insert into organizations (id, name) values ($1, $2)", id.0, name).execute(&mut *db).await?;
    insert_member(db, id, owner, "owner").await
}

/// Adds a member.
///
/// # Errors
/// [`DbError::Exists`] when they are one.
pub async fn insert_member(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    role: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into memberships (organization_id, user_id, role) values ($1, $2, $3)",
        organization.0,
        user.0,
        role,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The organizations of a user, by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of(db: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Membership>, DbError> {
    Ok(sqlx::query_as!(
        Membership,
        "select o.id, o.name, m.role from memberships m join organizations o on o.id = m.organization_id
         where m.user_id = $1 order by lower(o.name), o.id",
        user.0,
    )
    .fetch_all(db)
    .await?)
}

/// The organization, if the user belongs to it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_membership(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Option<Membership>, DbError> {
    Ok(sqlx::query_as!(
        Membership,
        "select o.id, o.name, m.role from memberships m join organizations o on o.id = m.organization_id
         where m.user_id = $1 and m.organization_id = $2",
        user.0,
        organization.0,
    )
    .fetch_optional(db)
    .await?)
}

/// Every organization, for what goes through all of them. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_ids(db: impl PgExecutor<'_>) -> Result<Vec<OrganizationId>, DbError> {
    let ids = sqlx::query_scalar!(r#"select list_organization_ids() as "id!""#).fetch_all(db).await?;
    Ok(ids.into_iter().map(OrganizationId).collect())
}
