//! Config repositories: which organization a repository is bound to. What was read in it stands in other tables.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl},
    id::{OrganizationId, RepositoryId, UserId},
};
use sqlx::PgExecutor;

use crate::error::{DbError, word};

/// A config repository.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The repository.
    pub id: RepositoryId,
    /// Whose.
    pub organization: OrganizationId,
    /// The App's installation.
    pub installation_id: i64,
    /// Its name.
    pub name: RepoName,
    /// Its canonical address.
    pub url: RepoUrl,
    /// Its default branch.
    pub default_branch: BranchName,
    /// Whether it is private.
    pub private: bool,
    /// When it was bound.
    pub created_at: DateTime<Utc>,
}

struct Row {
    id: RepositoryId,
    organization: OrganizationId,
    installation_id: i64,
    name: String,
    url: String,
    default_branch: String,
    private: bool,
    created_at: DateTime<Utc>,
}

impl TryFrom<Row> for Repository {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.id,
            organization: row.organization,
            installation_id: row.installation_id,
            name: word("repositories.name", &row.name)?,
            url: word("repositories.url", &row.url)?,
            default_branch: word("repositories.default_branch", &row.default_branch)?,
            private: row.private,
            created_at: row.created_at,
        })
    }
}

/// What GitHub said of the App's installation that keeps us out of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutOut {
    /// The installation is suspended.
    Suspended,
    /// The App was uninstalled.
    Uninstalled,
    /// The repository was taken out of the installation.
    Removed,
}

impl ShutOut {
    const fn word(self) -> &'static str {
        match self {
            Self::Suspended => "suspended",
            Self::Uninstalled => "uninstalled",
            Self::Removed => "removed",
        }
    }

    fn parse(word: &str) -> Result<Self, DbError> {
        [Self::Suspended, Self::Uninstalled, Self::Removed].into_iter().find(|one| one.word() == word).ok_or_else(
            || DbError::Corrupt { column: "repositories.shut_out", reason: format!("`{word}` is no reason") },
        )
    }
}

/// Whose a repository is.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The organization.
    pub organization: OrganizationId,
    /// The repository.
    pub repository: RepositoryId,
    /// The App's installation.
    pub installation_id: i64,
}

/// Binds a repository. What its Syncs applied before is to be placed by its reads, the newest 100 of it.
///
/// # Errors
/// [`DbError::Exists`] when an organization has it already.
pub async fn insert(db: impl PgExecutor<'_>, repository: &Repository, connected_by: UserId) -> Result<(), DbError> {
    sqlx::query!(
        "with bound as (
             insert into repositories
                 (id, organization_id, installation_id, name, url, default_branch, private, connected_by, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9))
         insert into unknown_revisions (organization_id, repository_id, branch, revision)
         select $2, $1, a.branch, a.revision from applied_revisions a
         where a.organization_id = $2 and a.repository_url = $5
         group by a.branch, a.revision order by max(a.applied_at) desc limit 100",
        repository.id.0,
        repository.organization.0,
        repository.installation_id,
        repository.name.as_str(),
        repository.url.as_str(),
        repository.default_branch.as_str(),
        repository.private,
        connected_by.0,
        repository.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The organization's repositories by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Repository>, DbError> {
    let rows = sqlx::query_as!(
        Row,
        "select id, organization_id as organization, installation_id, name, url, default_branch, private, created_at
         from repositories where organization_id = $1 order by lower(name), id",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Repository::try_from).collect()
}

/// One repository of the organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: RepositoryId,
) -> Result<Option<Repository>, DbError> {
    let row = sqlx::query_as!(
        Row,
        "select id, organization_id as organization, installation_id, name, url, default_branch, private, created_at
         from repositories where organization_id = $1 and id = $2",
        organization.0,
        id.0,
    )
    .fetch_optional(db)
    .await?;
    row.map(Repository::try_from).transpose()
}

/// Whose the repository with this address is. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_binding(db: impl PgExecutor<'_>, url: &RepoUrl) -> Result<Option<Binding>, DbError> {
    Ok(sqlx::query_as!(
        Binding,
        r#"select organization_id as "organization!", repository_id as "repository!",
                  installation_id as "installation_id!"
           from find_repository_by_url($1)"#,
        url.as_str(),
    )
    .fetch_optional(db)
    .await?)
}

/// What an installation of the App reaches. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_installation(db: impl PgExecutor<'_>, installation_id: i64) -> Result<Vec<Binding>, DbError> {
    let rows = sqlx::query!(
        r#"select organization_id as "organization!", repository_id as "repository!"
           from find_repositories_of_installation($1)"#,
        installation_id,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Binding {
            organization: row.organization.into(),
            repository: row.repository.into(),
            installation_id,
        })
        .collect())
}

/// Notes what keeps us out of a repository, or that nothing does any more; false when that was known.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_shut_out(
    db: impl PgExecutor<'_>,
    id: RepositoryId,
    shut_out: Option<ShutOut>,
) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "update repositories set shut_out = $2 where id = $1 and shut_out is distinct from $2",
        id.0,
        shut_out.map(ShutOut::word),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The organization's repositories that something keeps us out of.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_shut_out(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<HashMap<RepositoryId, ShutOut>, DbError> {
    let rows = sqlx::query!(
        r#"select id, shut_out as "shut_out!" from repositories where organization_id = $1 and shut_out is not null"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((RepositoryId(row.id), ShutOut::parse(&row.shut_out)?))).collect()
}

/// Lets a repository go; false when there is none. What was read of it and done in it goes too, with the numbers that its
/// reads gave to what Syncs applied: they are of no other's numbering.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(db: impl PgExecutor<'_>, organization: OrganizationId, id: RepositoryId) -> Result<bool, DbError> {
    let done = sqlx::query!(
        "with applied as (
             update applied_revisions a set ordinal = null, lineage = null
             from repositories r
             where r.organization_id = $1 and r.id = $2 and a.organization_id = $1 and a.repository_url = r.url
                 and a.ordinal is not null),
         told as (
             update deploys d set ordinal = null
             from repositories r
             where r.organization_id = $1 and r.id = $2 and d.organization_id = $1 and d.repository_url = r.url
                 and d.ordinal is not null)
         delete from repositories where organization_id = $1 and id = $2",
        organization.0,
        id.0,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The organization's bound repository with this address.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_bound(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    url: &RepoUrl,
) -> Result<Option<RepositoryId>, DbError> {
    Ok(sqlx::query_scalar!(
        "select id from repositories where organization_id = $1 and url = $2",
        organization.0,
        url.as_str(),
    )
    .fetch_optional(db)
    .await?
    .map(RepositoryId))
}

/// The organization's bound repositories with these addresses.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_bound(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    urls: &[String],
) -> Result<BTreeMap<RepoUrl, RepositoryId>, DbError> {
    let rows = sqlx::query!(
        "select id, url from repositories where organization_id = $1 and url = any($2)",
        organization.0,
        urls
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((word("repositories.url", &row.url)?, RepositoryId(row.id)))).collect()
}
