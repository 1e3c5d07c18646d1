//! Which repositories a person approved for a cluster, beside that of its install manifest.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::RepoName,
    id::{ClusterId, OrganizationId, RepositoryId},
};
use sqlx::PgExecutor;

use crate::error::{DbError, word};

/// A repository that a Sync of a cluster follows and nobody approved yet.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub cluster_name: String,
    /// The repository.
    pub repository: RepositoryId,
    /// Its name.
    pub repository_name: RepoName,
    /// When it was asked for first.
    pub asked_at: DateTime<Utc>,
}

/// Whether a person approved a repository for a cluster.
///
/// # Errors
/// When the server cannot be reached.
pub async fn is_approved(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    repository: RepositoryId,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from cluster_repositories
                          where cluster_id = $1 and repository_id = $2 and approved_at is not null) as "approved!""#,
        cluster.0,
        repository.0,
    )
    .fetch_one(db)
    .await?)
}

/// Notes that a cluster asks for a repository; says whether that is new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ask(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    repository: RepositoryId,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into cluster_repositories (cluster_id, organization_id, repository_id) values ($1, $2, $3)
         on conflict do nothing",
        cluster.0,
        organization.0,
        repository.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a person approved a repository for a cluster, whether it asked or not; false when there is none such.
///
/// # Errors
/// When the server cannot be reached.
pub async fn approve(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    cluster: ClusterId,
    repository: RepositoryId,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "insert into cluster_repositories as known (cluster_id, organization_id, repository_id, approved_at)
         select c.id, $1, r.id, now() from clusters c join repositories r on r.organization_id = c.organization_id
         where c.organization_id = $1 and c.id = $2 and r.id = $3
         on conflict (cluster_id, repository_id) do update set approved_at = coalesce(known.approved_at, now())",
        organization.0,
        cluster.0,
        repository.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// What the clusters of an organization ask for and nobody approved, the longest waiting first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_asked(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Asked>, DbError> {
    let rows = sqlx::query!(
        "select a.cluster_id, c.name as cluster_name, a.repository_id, r.name as repository_name, a.asked_at
         from cluster_repositories a
         join clusters c on c.id = a.cluster_id
         join repositories r on r.id = a.repository_id
         where a.organization_id = $1 and a.approved_at is null and c.retired_at is null
         order by a.asked_at, c.name, r.name limit $2",
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Asked {
                cluster: ClusterId(row.cluster_id),
                cluster_name: row.cluster_name,
                repository: RepositoryId(row.repository_id),
                repository_name: word("repositories.name", &row.repository_name)?,
                asked_at: row.asked_at,
            })
        })
        .collect()
}
