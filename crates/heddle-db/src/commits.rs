//! Commits, wherever they stand: on a branch's own line, or beside it and carried by one that does.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl, Revision},
    id::{OrganizationId, RepositoryId},
    pull_request::BringingPullRequest,
};
use sqlx::PgExecutor;

use crate::{
    error::{DbError, from_json, json, word},
    revisions::NewRevision,
};

/// A commit that was met beside a branch's own line.
#[derive(Debug, Clone)]
pub struct NewCommit<'a> {
    /// The commit.
    pub commit: NewRevision<'a>,
    /// The first head that carries it.
    pub carried_by: &'a Revision,
}

/// Stores commits beside a branch. One that is known stays with the head that was found first, while that is part of the
/// branch.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (repository, branch): (RepositoryId, &BranchName),
    commits: &[NewCommit<'_>],
) -> Result<(), DbError> {
    if commits.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewCommit<'_>) -> String| commits.iter().map(of).collect::<Vec<String>>();
    let times: Vec<DateTime<Utc>> = commits.iter().map(|new| new.commit.committed_at).collect();
    let pulls = commits
        .iter()
        .map(|new| new.commit.pull_request.map(|pull| json("commits.pull_request", pull)).transpose())
        .collect::<Result<Vec<_>, DbError>>()?;
    sqlx::query!(
        "insert into commits as known (organization_id, repository_id, branch, revision, carried_by, committed_at, author,
                                       subject, pull_request)
         select distinct on (revision) $1::uuid, $2::uuid, $3, revision, carried_by, at, author, subject, pull
         from unnest($4::text[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::jsonb[])
             as n (revision, carried_by, at, author, subject, pull)
         order by revision
         on conflict (repository_id, branch, revision) do update set
             carried_by = case when exists (
                     select from revisions v
                     where v.repository_id = known.repository_id and v.branch = known.branch
                         and v.revision = known.carried_by and v.ordinal is not null and v.lineage = (
                             select h.lineage from revisions h
                             where h.repository_id = known.repository_id and h.branch = known.branch and h.first_parent
                             order by h.ordinal desc limit 1))
                 then known.carried_by else excluded.carried_by end,
             pull_request = coalesce(known.pull_request, excluded.pull_request)",
        organization.0,
        repository.0,
        branch.as_str(),
        &texts(|new| new.commit.revision.to_string()),
        &texts(|new| new.carried_by.to_string()),
        &times,
        &texts(|new| new.commit.author.to_owned()),
        &texts(|new| new.commit.subject.to_owned()),
        &pulls as &[Option<serde_json::Value>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A commit on a branch that is read.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its repository.
    pub repository: RepositoryId,
    /// Its repository's name.
    pub repository_name: RepoName,
    /// Its repository's canonical address.
    pub repository_url: RepoUrl,
    /// The branch.
    pub branch: BranchName,
    /// The commit.
    pub revision: Revision,
    /// Its committer's time; `None` where only an agent told of it.
    pub committed_at: Option<DateTime<Utc>>,
    /// Its author, likewise.
    pub author: Option<String>,
    /// The first line of its message, likewise.
    pub subject: Option<String>,
    /// The pull request that brought it, where that is known.
    pub pull_request: Option<BringingPullRequest>,
    /// Whether the host was asked for the pull request; else `None` says nothing.
    pub is_pull_known: bool,
    /// The revision of the branch's own line that carries it: itself, where it stands there.
    pub carried_by: Revision,
    /// That one's number on the branch.
    pub ordinal: i64,
    /// That one's lineage.
    pub lineage: i64,
    /// When a read first saw that one.
    pub seen_at: Option<DateTime<Utc>>,
    /// The lineage of the branch's newest head.
    pub head_lineage: i64,
}

/// So many commits begin alike at most that are shown.
pub const MOST_FOUND: i64 = 20;

/// The commits of the organization, or of one repository, whose id begins with `beginning`, which is made of hexadecimal
/// digits; [`MOST_FOUND`] at most, the newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: Option<RepositoryId>,
    beginning: &str,
) -> Result<Vec<Found>, DbError> {
    let rows = sqlx::query!(
        r#"with met as (
               select v.repository_id, v.branch, v.revision, v.committed_at, v.author, v.subject, v.pull_request, v.pull_asked,
                      v.revision as carried_by, v.ordinal, v.lineage, v.seen_at
               from revisions v
               where v.organization_id = $1 and v.revision ~>=~ $2 and v.revision ~<~ ($2 || 'g')
                   and v.ordinal is not null and ($3::uuid is null or v.repository_id = $3)
               union all
               select c.repository_id, c.branch, c.revision, c.committed_at, c.author, c.subject,
                      coalesce(c.pull_request, v.pull_request), v.pull_asked, c.carried_by, v.ordinal, v.lineage, v.seen_at
               from commits c
               join revisions v on v.repository_id = c.repository_id and v.branch = c.branch
                   and v.revision = c.carried_by and v.ordinal is not null
               where c.organization_id = $1 and c.revision ~>=~ $2 and c.revision ~<~ ($2 || 'g')
                   and ($3::uuid is null or c.repository_id = $3)
                   and not exists (select from revisions o
                                   where o.repository_id = c.repository_id and o.branch = c.branch
                                       and o.revision = c.revision and o.ordinal is not null))
           select m.repository_id as "repository_id!", r.name as "name!", r.url as "url!", m.branch as "branch!",
                  m.revision as "revision!", m.committed_at, m.author, m.subject, m.pull_request,
                  m.pull_asked or m.pull_request is not null as "is_pull_known!",
                  m.carried_by as "carried_by!", m.ordinal as "ordinal!", m.lineage as "lineage!", m.seen_at,
                  h.lineage as "head_lineage!"
           from met m
           join repositories r on r.id = m.repository_id
           cross join lateral (
               select h.lineage from revisions h
               where h.repository_id = m.repository_id and h.branch = m.branch and h.first_parent
               order by h.ordinal desc limit 1) h
           order by m.committed_at desc nulls last, r.name, m.branch limit $4"#,
        organization.0,
        beginning,
        repository.map(|repository| repository.0),
        MOST_FOUND,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Found {
                repository: RepositoryId(row.repository_id),
                repository_name: word("repositories.name", &row.name)?,
                repository_url: word("repositories.url", &row.url)?,
                branch: word("revisions.branch", &row.branch)?,
                revision: word("revisions.revision", &row.revision)?,
                committed_at: row.committed_at,
                author: row.author,
                subject: row.subject,
                pull_request: row.pull_request.map(|pull| from_json("revisions.pull_request", pull)).transpose()?,
                is_pull_known: row.is_pull_known,
                carried_by: word("commits.carried_by", &row.carried_by)?,
                ordinal: row.ordinal,
                lineage: row.lineage,
                seen_at: row.seen_at,
                head_lineage: row.head_lineage,
            })
        })
        .collect()
}
