//! Commits that somebody looks for and no read has met.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::RepoName,
    id::{OrganizationId, RepositoryId},
};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// So many commits are looked for in one read.
pub const MOST_IN_A_READ: i64 = 10;

/// So many looks of a repository are begun within an hour: each costs the host some requests, of which it counts all.
pub const MOST_AN_HOUR: i64 = 60;

/// Asks for a commit to be looked for in repositories; where the last look is younger than `since` it counts still, and in
/// one with [`MOST_AN_HOUR`] looks none is begun. What was found before stays known until it is answered. Gives the
/// repositories that are to be read.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ask(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repositories: &[Uuid],
    asked: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "insert into revision_looks as known (organization_id, repository_id, asked, begun_at)
         select $1, r.id, $3, array[now()] from repositories r
         where r.organization_id = $1 and r.id = any($2)
             and (select count(*) from revision_looks l cross join unnest(l.begun_at) as begun (at)
                  where l.repository_id = r.id and l.asked_at > now() - interval '1 hour'
                      and begun.at > now() - interval '1 hour') < $5
         order by r.id
         on conflict (repository_id, asked) do update set
             asked_at = now(),
             begun_at = array(select at from unnest(known.begun_at) as begun (at) where at > now() - interval '1 hour')
                 || now()
             where known.asked_at < $4
                 and (known.answered_at >= known.asked_at or known.failed_at >= known.asked_at)
         returning repository_id",
        organization.0,
        repositories,
        asked,
        since,
        MOST_AN_HOUR,
    )
    .fetch_all(db)
    .await?)
}

/// What is to be looked for in a repository, [`MOST_IN_A_READ`] at most, what was asked for first at the front.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_waiting(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "select asked from revision_looks
         where repository_id = $1 and (answered_at is null or answered_at < asked_at)
             and (failed_at is null or failed_at < asked_at)
         order by asked_at limit $2",
        repository.0,
        MOST_IN_A_READ,
    )
    .fetch_all(db)
    .await?)
}

/// Stores what a read found; `None` where there is no such commit.
///
/// # Errors
/// When the server cannot be reached.
pub async fn answer(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    asked: &str,
    answer: Option<&Value>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update revision_looks set answered_at = greatest($3, asked_at), answer = $4 where repository_id = $1 and asked = $2",
        repository.0,
        asked,
        now,
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a look that came to nothing. What was found before stays known, and that it was begun is counted.
///
/// # Errors
/// When the server cannot be reached.
pub async fn give_up(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    asked: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update revision_looks set failed_at = greatest($3, asked_at) where repository_id = $1 and asked = $2",
        repository.0,
        asked,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A look for a commit in a repository.
#[derive(Debug, Clone)]
pub struct Look {
    /// The repository.
    pub repository: RepositoryId,
    /// Its name.
    pub repository_name: RepoName,
    /// When the last one was begun.
    pub asked_at: DateTime<Utc>,
    /// Whether it waits to be answered.
    pub is_waiting: bool,
    /// Whether the host did not answer it: what was found is of one before.
    pub has_failed: bool,
    /// When it was last answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// What was found then; `None` where that was no such commit.
    pub answer: Option<Value>,
}

/// The looks for a commit, by repository.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: Option<RepositoryId>,
    asked: &str,
) -> Result<Vec<Look>, DbError> {
    let rows = sqlx::query!(
        r#"select l.repository_id, r.name, l.asked_at, l.answered_at, l.answer,
                  (l.answered_at is null or l.answered_at < l.asked_at)
                      and (l.failed_at is null or l.failed_at < l.asked_at) as "is_waiting!",
                  coalesce(l.failed_at >= l.asked_at, false) as "has_failed!"
           from revision_looks l join repositories r on r.id = l.repository_id
           where l.organization_id = $1 and l.asked = $2 and ($3::uuid is null or l.repository_id = $3) order by r.name"#,
        organization.0,
        asked,
        repository.map(|repository| repository.0),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Look {
                repository: RepositoryId(row.repository_id),
                repository_name: word("repositories.name", &row.name)?,
                asked_at: row.asked_at,
                is_waiting: row.is_waiting,
                has_failed: row.has_failed,
                answered_at: row.answered_at,
                answer: row.answer,
            })
        })
        .collect()
}
