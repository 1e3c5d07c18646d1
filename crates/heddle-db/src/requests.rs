//! What people asked to be written.
//!
//! While a request is open its state follows from its proposal; its end is stored, and never computed again.

mod row;

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{OrganizationId, ProposalId, RepositoryId, RequestId, UserId},
    request::{Asked, Override, Reason, RequestState, Requested},
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use self::row::{Row, select};
use crate::{
    changes::{mode_word, parse_mode},
    error::{DbError, json},
};

/// What a request is made from.
#[derive(Debug, Clone)]
pub struct NewRequest<'a> {
    /// The request.
    pub id: RequestId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Who asks, and why.
    pub requested: &'a Requested,
    /// Its branch.
    pub branch: &'a BranchName,
    /// The head that was shown.
    pub head: &'a Revision,
    /// What is asked for.
    pub asked: &'a Asked,
    /// How it is written, at the least strict.
    pub mode: Mode,
    /// What it goes against.
    pub despite: &'a [Override],
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The request.
    pub id: RequestId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Its repository's name.
    pub repository_name: RepoName,
    /// Who asked, and why.
    pub requested: Requested,
    /// Its branch.
    pub branch: BranchName,
    /// The head that was shown.
    pub head: Revision,
    /// What is asked for.
    pub asked: Asked,
    /// How it is written, at the least strict.
    pub mode: Mode,
    /// What it goes against.
    pub despite: Vec<Override>,
    /// Where it stands.
    pub state: RequestState,
    /// Why it ended so, or why the last try wrote nothing.
    pub why: Option<String>,
    /// For what it waits, as the last update said.
    pub waiting: Option<String>,
    /// The proposal that carries it, or is to.
    pub proposal: Option<ProposalId>,
    /// Where that is in Git.
    pub proposal_ref: Option<ProposalRef>,
    /// What its pull request waits for, as GitHub says.
    pub waits_for: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Stores what somebody asks for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    new: &NewRequest<'_>,
) -> Result<(), DbError> {
    let despite: Vec<String> = new.despite.iter().map(|one| one.word().to_owned()).collect();
    // The release before reads these columns, and takes a row that has them for a release.
    let (release, places) = match new.asked {
        Asked::Release(release) if release.holds.is_empty() => (Some(release), release.places.as_slice()),
        Asked::Release(_) | Asked::Rollback(_) | Asked::Rules(_) | Asked::Promotion(_) => (None, [].as_slice()),
    };
    sqlx::query!(
        "insert into requests (id, organization_id, repository_id, kind, user_id, requested_by, reason, branch, head,
                               environment, image, to_tag, mode, places, despite, asked, needs)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        new.id.0,
        organization.0,
        new.repository.0,
        new.asked.kind().word(),
        new.requested.by.user.0,
        new.requested.by.name,
        new.requested.reason.as_ref().map(Reason::as_str),
        new.branch.as_str(),
        new.head.as_str(),
        release.map(|release| release.environment.as_str()),
        release.map(|release| release.image.as_str()),
        release.map(|release| release.to.as_str()),
        mode_word(new.mode),
        json("requests.places", places)?,
        &despite,
        json("requests.asked", new.asked)?,
        i16::try_from(new.asked.needs()).unwrap_or(i16::MAX),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Waits until nobody else is about to ask for something in a repository; held until the transaction ends.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<(), DbError> {
    sqlx::query!("select id from repositories where id = $1 for update", repository.0).fetch_optional(db).await?;
    Ok(())
}

/// The open requests of a repository, oldest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_open(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Request>, DbError> {
    let rows = select!("where q.repository_id = $1 and q.ended is null order by q.id", repository.0);
    rows.fetch_all(db).await?.into_iter().map(Request::try_from).collect()
}

/// A page of an organization's requests, newest first, after `after`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_page(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    open_only: bool,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Request>, DbError> {
    let rows = select!(
        "where q.organization_id = $1 and (not $2 or q.ended is null) and ($3::uuid is null or q.id < $3)
         order by q.id desc limit $4",
        organization.0,
        open_only,
        after,
        limit,
    );
    rows.fetch_all(db).await?.into_iter().map(Request::try_from).collect()
}

/// One request.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    request: RequestId,
) -> Result<Option<Request>, DbError> {
    let row = select!("where q.organization_id = $1 and q.id = $2", organization.0, request.0);
    row.fetch_optional(db).await?.map(Request::try_from).transpose()
}

/// How many requests of an organization are open.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_open(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from requests where organization_id = $1 and ended is null"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// What carries a request out now: announced, or an open pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carrier {
    /// The proposal.
    pub proposal: ProposalId,
    /// Commit or pull request.
    pub mode: Mode,
    /// Whether an automator announced it and has not said yet what came of it.
    pub is_announced: bool,
}

/// An open request whose row nobody else changes until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// What carries it out.
    pub carrier: Option<Carrier>,
}

/// Holds an open request of a repository until the transaction ends; `None` when it has ended, or is none of its.
///
/// # Errors
/// When the server cannot be reached.
pub async fn hold(
    db: &mut PgConnection,
    repository: RepositoryId,
    request: RequestId,
) -> Result<Option<Held>, DbError> {
    let held = sqlx::query_scalar!(
        "select proposal_id from requests where id = $1 and repository_id = $2 and ended is null for update",
        request.0,
        repository.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(proposal) = held else { return Ok(None) };
    // Asked for once the row is held: another transaction may have announced it just before.
    let carrier = sqlx::query!(
        "select id, mode, state from proposals where id = $1 and state in ('announced', 'open')",
        proposal,
    )
    .fetch_optional(&mut *db)
    .await?;
    let carrier = carrier.map(|row| {
        let (proposal, is_announced) = (ProposalId(row.id), row.state == "announced");
        Ok::<_, DbError>(Carrier { proposal, mode: parse_mode(&row.mode)?, is_announced })
    });
    Ok(Some(Held { carrier: carrier.transpose()? }))
}

/// Says which proposal carries a request out; false when the repository has no such open request.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_proposal(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    request: RequestId,
    proposal: ProposalId,
) -> Result<bool, DbError> {
    let set = sqlx::query!(
        "update requests set proposal_id = $3 where id = $1 and repository_id = $2 and ended is null",
        request.0,
        repository.0,
        proposal.0,
    )
    .execute(db)
    .await?;
    Ok(set.rows_affected() > 0)
}

/// Says for what open requests of a repository wait; the others wait for nothing. Gives whether any of that is new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_waiting(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    waiting: &[(RequestId, String)],
) -> Result<bool, DbError> {
    let (ids, reasons): (Vec<Uuid>, Vec<String>) = waiting.iter().map(|(id, reason)| (id.0, reason.clone())).unzip();
    let told = sqlx::query!(
        "update requests q set waiting = n.reason
         from (select o.id, w.reason from requests o
               left join unnest($2::uuid[], $3::text[]) as w (id, reason) on w.id = o.id
               where o.repository_id = $1 and o.ended is null) n
         where q.id = n.id and q.waiting is distinct from n.reason",
        repository.0,
        &ids,
        &reasons,
    )
    .execute(db)
    .await?;
    Ok(told.rows_affected() > 0)
}

/// Ends a request of a repository, once; false when it had ended, or is none of its.
///
/// # Errors
/// When the server cannot be reached.
pub async fn end(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    request: RequestId,
    state: RequestState,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "update requests set ended = $3, end_reason = $4, ended_at = $5
         where id = $1 and repository_id = $2 and ended is null",
        request.0,
        repository.0,
        state.word(),
        reason,
        at,
    )
    .execute(db)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends those of a repository whose proposal was merged or closed; gives them.
///
/// What was taken back or refused while its write was on its way, and came to be merged all the same, is merged.
///
/// # Errors
/// When the server cannot be reached.
pub async fn end_settled(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
    at: DateTime<Utc>,
) -> Result<Vec<RequestId>, DbError> {
    let ended = sqlx::query_scalar!(
        "update requests q
         set ended = case p.state when 'merged' then 'merged' else 'declined' end, end_reason = p.closed_reason,
             ended_at = $2
         from proposals p
         where q.repository_id = $1 and p.id = q.proposal_id
             and ((q.ended is null and p.state in ('merged', 'closed'))
                  or (q.ended in ('withdrawn', 'refused') and p.state = 'merged'))
         returning q.id",
        repository.0,
        at,
    )
    .fetch_all(db)
    .await?;
    Ok(ended.into_iter().map(RequestId).collect())
}

/// The open requests of a person, oldest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_open_of_person(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
) -> Result<Vec<Request>, DbError> {
    let rows = select!(
        "where q.organization_id = $1 and q.user_id = $2 and q.ended is null order by q.id",
        organization.0,
        user.0,
    );
    rows.fetch_all(db).await?.into_iter().map(Request::try_from).collect()
}

/// Takes back what somebody asked for who leaves the organization; gives the repositories.
///
/// # Errors
/// When the server cannot be reached.
pub async fn end_of_person(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    at: DateTime<Utc>,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "update requests set ended = 'withdrawn', end_reason = 'who asked for it left the organization', ended_at = $3
         where organization_id = $1 and user_id = $2 and ended is null
         returning repository_id",
        organization.0,
        user.0,
        at,
    )
    .fetch_all(db)
    .await?)
}
