//! The environments for which operators may ask.

use heddle_core::{
    id::{OrganizationId, RepositoryId, UserId},
    name::EnvironmentName,
};
use sqlx::{PgConnection, PgExecutor};

use crate::error::{DbError, word};

/// An environment of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// The repository.
    pub repository: RepositoryId,
    /// The environment.
    pub environment: EnvironmentName,
}

/// What a member may ask for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<Grant>, DbError> {
    let rows = sqlx::query!(
        "select repository_id, environment from grants where organization_id = $1 and user_id = $2
         order by repository_id, environment",
        organization.0,
        user.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| grant(row.repository_id, &row.environment)).collect()
}

/// What each member may ask for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<(UserId, Grant)>, DbError> {
    let rows = sqlx::query!(
        "select user_id, repository_id, environment from grants where organization_id = $1
         order by user_id, repository_id, environment",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((UserId(row.user_id), grant(row.repository_id, &row.environment)?))).collect()
}

fn grant(repository: uuid::Uuid, environment: &str) -> Result<Grant, DbError> {
    Ok(Grant { repository: RepositoryId(repository), environment: word("grants.environment", environment)? })
}

/// Puts these grants in the place of a member's earlier ones. Those that stay keep who gave them, and when.
///
/// # Errors
/// When the server cannot be reached, or they are no member.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    user: UserId,
    grants: &[Grant],
    granted_by: &str,
) -> Result<(), DbError> {
    let repositories: Vec<uuid::Uuid> = grants.iter().map(|grant| grant.repository.0).collect();
    let environments: Vec<String> = grants.iter().map(|grant| grant.environment.to_string()).collect();
    sqlx::query!(
        "delete from grants g where g.organization_id = $1 and g.user_id = $2
             and not exists (select from unnest($3::uuid[], $4::text[]) as n (repository_id, environment)
                             where (n.repository_id, n.environment) = (g.repository_id, g.environment))",
        organization.0,
        user.0,
        &repositories,
        &environments,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into grants (organization_id, user_id, repository_id, environment, granted_by)
         select $1, $2, n.repository_id, n.environment, $5
         from unnest($3::uuid[], $4::text[]) as n (repository_id, environment)
         on conflict do nothing",
        organization.0,
        user.0,
        &repositories,
        &environments,
        granted_by,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}
