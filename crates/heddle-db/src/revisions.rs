//! The numbered heads of each branch, and revisions that agents reported.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, Revision},
    id::{OrganizationId, RepositoryId},
};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    deploys::Deploy,
    error::{DbError, word},
};

/// The newest known head of a branch.
#[derive(Debug, Clone)]
pub struct Head {
    /// The branch.
    pub branch: BranchName,
    /// Its head.
    pub revision: Revision,
    /// Its number.
    pub ordinal: i64,
    /// Its committer's time.
    pub committed_at: DateTime<Utc>,
    /// Its author.
    pub author: String,
}

/// The newest known head of each branch.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_heads(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Head>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (branch) branch, revision, ordinal as "ordinal!",
                  committed_at as "committed_at!", author as "author!" from revisions
           where repository_id = $1 and first_parent order by branch, ordinal desc"#,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Head {
                branch: word("revisions.branch", &row.branch)?,
                revision: word("revisions.revision", &row.revision)?,
                ordinal: row.ordinal,
                committed_at: row.committed_at,
                author: row.author,
            })
        })
        .collect()
}

/// A commit that was read.
#[derive(Debug, Clone)]
pub struct NewRevision<'a> {
    /// The commit.
    pub revision: &'a Revision,
    /// Its committer's time.
    pub committed_at: DateTime<Utc>,
    /// Its author.
    pub author: &'a str,
    /// The first line of its message.
    pub subject: &'a str,
}

/// Numbers a first-parent revision above all that are known of its branch, unless it has a number; gives the number.
///
/// # Errors
/// When the server cannot be reached.
pub async fn number(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    branch: &BranchName,
    new: &NewRevision<'_>,
) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"insert into revisions as known
               (organization_id, repository_id, branch, revision, ordinal, first_parent, committed_at, author, subject)
           values ($1, $2, $3, $4,
               1 + coalesce((select max(ordinal) from revisions
                             where repository_id = $2 and branch = $3 and first_parent), 0),
               true, $5, $6, $7)
           on conflict (repository_id, branch, revision) do update set
               ordinal = case when known.first_parent then known.ordinal else excluded.ordinal end,
               first_parent = true, committed_at = excluded.committed_at, author = excluded.author,
               subject = excluded.subject
           returning ordinal as "ordinal!""#,
        organization.0,
        repository.0,
        branch.as_str(),
        new.revision.as_str(),
        new.committed_at,
        new.author,
        new.subject,
    )
    .fetch_one(db)
    .await?)
}

/// Gives a head that returned after a rewrite of history the highest number.
///
/// # Errors
/// When the server cannot be reached.
pub async fn renumber(
    db: &mut PgConnection,
    repository: RepositoryId,
    branch: &BranchName,
    revision: &Revision,
) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"update revisions set ordinal =
               1 + (select max(ordinal) from revisions where repository_id = $1 and branch = $2 and first_parent)
           where repository_id = $1 and branch = $2 and revision = $3 returning ordinal as "ordinal!""#,
        repository.0,
        branch.as_str(),
        revision.as_str(),
    )
    .fetch_one(db)
    .await?)
}

/// The number of a revision: outer `None` when it is unknown, inner when it is known not to be on the branch.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_ordinal(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    branch: &BranchName,
    revision: &Revision,
) -> Result<Option<Option<i64>>, DbError> {
    Ok(sqlx::query_scalar!(
        "select ordinal from revisions where repository_id = $1 and branch = $2 and revision = $3",
        repository.0,
        branch.as_str(),
        revision.as_str(),
    )
    .fetch_optional(db)
    .await?)
}

/// Notes the revisions of `deploys` that no read has placed; gives the repositories in which one is new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_unknown(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    deploys: &[Deploy],
) -> Result<BTreeSet<RepositoryId>, DbError> {
    let urls: Vec<String> = deploys.iter().map(|deploy| deploy.repository_url.to_string()).collect();
    let branches: Vec<String> = deploys.iter().map(|deploy| deploy.branch.to_string()).collect();
    let revisions: Vec<String> = deploys.iter().map(|deploy| deploy.revision.to_string()).collect();
    let noted = sqlx::query_scalar!(
        "insert into unknown_revisions (organization_id, repository_id, branch, revision)
         select distinct $1::uuid, r.id, n.branch, n.revision
         from unnest($2::text[], $3::text[], $4::text[]) as n (url, branch, revision)
         join repositories r on r.organization_id = $1 and r.url = n.url
         left join revisions v on v.repository_id = r.id and v.branch = n.branch and v.revision = n.revision
         where v.revision is null
         on conflict do nothing returning repository_id",
        organization.0,
        &urls,
        &branches,
        &revisions,
    )
    .fetch_all(db)
    .await?;
    Ok(noted.into_iter().map(RepositoryId).collect())
}

/// A revision of a branch that an agent reported and no read has placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The branch.
    pub branch: BranchName,
    /// The revision.
    pub revision: Revision,
}

/// The revisions that no read has placed, newest first, at most 100.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unknown(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Unknown>, DbError> {
    let rows = sqlx::query!(
        "select branch, revision from unknown_revisions where repository_id = $1 order by reported_at desc limit 100",
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Unknown {
                branch: word("unknown_revisions.branch", &row.branch)?,
                revision: word("unknown_revisions.revision", &row.revision)?,
            })
        })
        .collect()
}

/// Forgets unknown revisions that a read has looked for, whatever it found.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_unknown(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    asked: &[Unknown],
) -> Result<(), DbError> {
    let branches: Vec<String> = asked.iter().map(|one| one.branch.to_string()).collect();
    let revisions: Vec<String> = asked.iter().map(|one| one.revision.to_string()).collect();
    sqlx::query!(
        "delete from unknown_revisions u using unnest($2::text[], $3::text[]) as a (branch, revision)
         where u.repository_id = $1 and u.branch = a.branch and u.revision = a.revision",
        repository.0,
        &branches,
        &revisions,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Places a revision that an agent reported beside the newest first-parent revision that it contains. One older than
/// all that were read gets the number 0.
///
/// # Errors
/// When the server cannot be reached.
pub async fn place(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    branch: &BranchName,
    revision: &Revision,
    contains: Option<&Revision>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, first_parent)
         values ($1, $2, $3, $4,
             case when $5::text is null then null else coalesce(
                 (select ordinal from revisions where repository_id = $2 and branch = $3 and revision = $5), 0) end,
             false)
         on conflict (repository_id, branch, revision) do nothing",
        organization.0,
        repository.0,
        branch.as_str(),
        revision.as_str(),
        contains.map(Revision::as_str),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the unknown revisions that are known now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_placed(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<(), DbError> {
    sqlx::query!(
        "delete from unknown_revisions u using revisions r
         where u.repository_id = $1 and r.repository_id = $1 and r.branch = u.branch and r.revision = u.revision",
        repository.0,
    )
    .execute(db)
    .await?;
    Ok(())
}
