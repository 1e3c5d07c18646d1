//! The environments of config repositories.

use heddle_core::{
    id::{OrganizationId, RepositoryId},
    observe::EnvironmentPath,
};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};

use crate::error::{DbError, json, word};

/// An environment as the last read saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Name, path and branch.
    pub path: EnvironmentPath,
    /// It stands in no `.heddle.yaml`.
    pub implicit: bool,
}

#[derive(Serialize)]
struct NewRow<'a> {
    name: &'a str,
    path: &'a str,
    branch: &'a str,
    implicit: bool,
    position: usize,
}

/// Puts these environments, in order of promotion, in the place of the repository's earlier ones.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    environments: &[Environment],
) -> Result<(), DbError> {
    let rows: Vec<NewRow<'_>> = environments
        .iter()
        .enumerate()
        .map(|(position, environment)| NewRow {
            name: environment.path.name.as_str(),
            path: &environment.path.path,
            branch: environment.path.branch.as_str(),
            implicit: environment.implicit,
            position,
        })
        .collect();
    sqlx::query!("delete from environments where repository_id = $1", repository.0).execute(&mut *db).await?;
    sqlx::query!(
        "insert into environments (organization_id, repository_id, name, path, branch, implicit, position)
         select $1, $2, name, path, branch, implicit, position
         from jsonb_to_recordset($3) as e (name text, path text, branch text, implicit boolean, position integer)
         on conflict do nothing",
        organization.0,
        repository.0,
        json("environments", &rows)?,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// All environments of the organization by repository, in order of promotion.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(RepositoryId, Environment)>, DbError> {
    let rows = sqlx::query!(
        "select repository_id, name, path, branch, implicit from environments where organization_id = $1
         order by repository_id, position",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let path = EnvironmentPath {
                name: word("environments.name", &row.name)?,
                path: row.path,
                branch: word("environments.branch", &row.branch)?,
            };
            Ok((RepositoryId(row.repository_id), Environment { path, implicit: row.implicit }))
        })
        .collect()
}

/// The environments of one repository, in order of promotion.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_repository(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
) -> Result<Vec<EnvironmentPath>, DbError> {
    let rows = sqlx::query!(
        "select name, path, branch from environments where repository_id = $1 order by position",
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(EnvironmentPath {
                name: word("environments.name", &row.name)?,
                path: row.path,
                branch: word("environments.branch", &row.branch)?,
            })
        })
        .collect()
}
