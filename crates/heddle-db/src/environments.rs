//! The environments of config repositories.

use heddle_core::{
    id::{OrganizationId, RepositoryId},
    name::EnvironmentName,
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
    /// The environment that goes before, where it follows one.
    pub promotion: Option<Promotion>,
}

/// That an environment takes what was healthy in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The other.
    pub from: EnvironmentName,
    /// How long it must have been healthy there, in seconds.
    pub after_secs: i64,
}

#[derive(Serialize)]
struct NewRow<'a> {
    name: &'a str,
    path: &'a str,
    branch: &'a str,
    implicit: bool,
    position: usize,
    promote_from: Option<&'a str>,
    promote_after_secs: Option<i64>,
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
            promote_from: environment.promotion.as_ref().map(|promotion| promotion.from.as_str()),
            promote_after_secs: environment.promotion.as_ref().map(|promotion| promotion.after_secs),
        })
        .collect();
    sqlx::query!("delete from environments where repository_id = $1", repository.0).execute(&mut *db).await?;
    sqlx::query!(
        "insert into environments (organization_id, repository_id, name, path, branch, implicit, position, promote_from,
                                   promote_after_secs)
         select $1, $2, name, path, branch, implicit, position, promote_from, promote_after_secs
         from jsonb_to_recordset($3) as e (name text, path text, branch text, implicit boolean, position integer,
                                           promote_from text, promote_after_secs bigint)
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
        "select repository_id, name, path, branch, implicit, promote_from, promote_after_secs
         from environments where organization_id = $1
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
            let promotion = promotion(row.promote_from, row.promote_after_secs)?;
            Ok((RepositoryId(row.repository_id), Environment { path, implicit: row.implicit, promotion }))
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

/// The environments of one repository that follow another, with what they follow.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_promotions(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
) -> Result<Vec<(EnvironmentName, Promotion)>, DbError> {
    let rows = sqlx::query!(
        "select name, promote_from, promote_after_secs from environments
         where repository_id = $1 and promote_from is not null order by position",
        repository.0,
    )
    .fetch_all(db)
    .await?;
    let mut promotions = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(promotion) = promotion(row.promote_from, row.promote_after_secs)? {
            promotions.push((word("environments.name", &row.name)?, promotion));
        }
    }
    Ok(promotions)
}

fn promotion(from: Option<String>, after_secs: Option<i64>) -> Result<Option<Promotion>, DbError> {
    let Some(from) = from else { return Ok(None) };
    Ok(Some(Promotion { from: word("environments.promote_from", &from)?, after_secs: after_secs.unwrap_or_default() }))
}
