//! The numbered heads of each branch, and revisions that agents reported.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, Revision},
    id::{OrganizationId, RepositoryId},
    pull_request::BringingPullRequest,
};
use sqlx::{PgConnection, PgExecutor};

use crate::{
    deploys::Deploy,
    error::{DbError, json, word},
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
    /// The pull request that brought it, where that is known.
    pub pull_request: Option<&'a BringingPullRequest>,
    /// Whether the host was asked for the pull request; else `None` says nothing.
    pub is_pull_known: bool,
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
               (organization_id, repository_id, branch, revision, ordinal, lineage, first_parent, committed_at, author,
                subject, pull_request, pull_asked, seen_at)
           values ($1, $2, $3, $4,
               1 + coalesce((select max(ordinal) from revisions
                             where repository_id = $2 and branch = $3 and first_parent), 0),
               coalesce((select lineage from revisions where repository_id = $2 and branch = $3 and first_parent
                         order by ordinal desc limit 1), 0),
               true, $5, $6, $7, $8, $9,
               -- When the first head that is read came to the branch, nobody saw.
               case when exists (select from revisions where repository_id = $2 and branch = $3 and first_parent)
                   then now() end)
           on conflict (repository_id, branch, revision) do update set
               ordinal = case when known.first_parent then known.ordinal else excluded.ordinal end,
               lineage = case when known.first_parent then known.lineage else excluded.lineage end,
               first_parent = true, committed_at = excluded.committed_at, author = excluded.author,
               subject = excluded.subject, seen_at = coalesce(known.seen_at, excluded.seen_at),
               pull_request = coalesce(excluded.pull_request, known.pull_request),
               pull_asked = known.pull_asked or excluded.pull_asked
           returning ordinal as "ordinal!""#,
        organization.0,
        repository.0,
        branch.as_str(),
        new.revision.as_str(),
        new.committed_at,
        new.author,
        new.subject,
        new.pull_request.map(|pull| json("revisions.pull_request", pull)).transpose()?,
        new.is_pull_known,
    )
    .fetch_one(db)
    .await?)
}

/// Gives a head that came with a rewrite of history, or returned after one, the highest number, and begins a lineage with
/// it: what was numbered before is not known to be part of it.
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
        r#"update revisions set
               ordinal = 1 + (select max(ordinal) from revisions
                              where repository_id = $1 and branch = $2 and first_parent),
               lineage = 1 + (select max(lineage) from revisions where repository_id = $1 and branch = $2)
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
        "insert into revisions (organization_id, repository_id, branch, revision, ordinal, lineage, first_parent)
         values ($1, $2, $3, $4,
             case when $5::text is null then null else coalesce(
                 (select ordinal from revisions where repository_id = $2 and branch = $3 and revision = $5), 0) end,
             -- What is older than all that was read is part of the branch as it stands now.
             coalesce(
                 (select lineage from revisions where repository_id = $2 and branch = $3 and revision = $5),
                 (select lineage from revisions where repository_id = $2 and branch = $3 and first_parent
                  order by ordinal desc limit 1), 0),
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

/// A revision of a branch's own line, as somebody looked for it: one that is older than all that was read, or one that is
/// known, of which what a read asked for stays.
///
/// # Errors
/// When the server cannot be reached.
pub async fn meet(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    branch: &BranchName,
    new: &NewRevision<'_>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into revisions as known (organization_id, repository_id, branch, revision, ordinal, lineage, first_parent,
                                         committed_at, author, subject, pull_request, pull_asked)
         values ($1, $2, $3, $4, 0,
             coalesce((select lineage from revisions where repository_id = $2 and branch = $3 and first_parent
                       order by ordinal desc limit 1), 0),
             false, $5, $6, $7, $8, $9)
         on conflict (repository_id, branch, revision) do update set
             ordinal = coalesce(known.ordinal, excluded.ordinal),
             committed_at = excluded.committed_at, author = excluded.author, subject = excluded.subject,
             pull_request = case when known.pull_asked then known.pull_request
                 else coalesce(excluded.pull_request, known.pull_request) end,
             pull_asked = known.pull_asked or excluded.pull_asked",
        organization.0,
        repository.0,
        branch.as_str(),
        new.revision.as_str(),
        new.committed_at,
        new.author,
        new.subject,
        new.pull_request.map(|pull| json("revisions.pull_request", pull)).transpose()?,
        new.is_pull_known,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A revision's place on its branch: number and lineage.
pub type BranchPlace = (i64, i64);

/// The places of these revisions on a branch; none of one that is known not to be on it. Those of which no read knows are
/// not among them.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_places(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    branch: &BranchName,
    revisions: &[String],
) -> Result<BTreeMap<Revision, Option<BranchPlace>>, DbError> {
    let rows = sqlx::query!(
        "select revision, ordinal, lineage from revisions where repository_id = $1 and branch = $2 and revision = any($3)",
        repository.0,
        branch.as_str(),
        revisions,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| Ok((word("revisions.revision", &row.revision)?, row.ordinal.map(|ordinal| (ordinal, row.lineage)))))
        .collect()
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
