//! What people asked to be written.
//!
//! While a request is open its state follows from its proposal; its end is stored, and never computed again.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{OrganizationId, ProposalId, RepositoryId, RequestId, UserId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
    request::{Override, Reason, RequestState, Requested, Requester, ShownPlace},
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    changes::{mode_word, parse_mode},
    error::{DbError, from_json, json, word},
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
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The image.
    pub image: &'a ImageRepository,
    /// The tag that is asked for.
    pub to: &'a Tag,
    /// How it is written, at the least strict.
    pub mode: Mode,
    /// Where.
    pub places: &'a [ShownPlace],
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
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag that is asked for.
    pub to: Tag,
    /// How it is written, at the least strict.
    pub mode: Mode,
    /// Where.
    pub places: Vec<ShownPlace>,
    /// What it goes against.
    pub despite: Vec<Override>,
    /// Where it stands.
    pub state: RequestState,
    /// Why it ended so, or why the last try wrote nothing.
    pub why: Option<String>,
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

struct Row {
    id: Uuid,
    repository_id: Uuid,
    repository_name: String,
    user_id: Uuid,
    requested_by: String,
    reason: Option<String>,
    branch: String,
    head: String,
    environment: String,
    image: String,
    to_tag: String,
    mode: String,
    places: serde_json::Value,
    despite: Vec<String>,
    proposal_id: Option<Uuid>,
    ended: Option<String>,
    end_reason: Option<String>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    proposal_state: Option<String>,
    number: Option<i64>,
    url: Option<String>,
    revision: Option<String>,
    waits_for: Option<String>,
    unwritten: Option<String>,
}

/// Every list reads the same columns. A proposal and the last try of one are each asked for by their own row.
macro_rules! select {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select q.id, q.repository_id, r.name as repository_name, q.user_id, q.requested_by, q.reason, q.branch,
                      q.head, q.environment, q.image, q.to_tag, q.mode, q.places, q.despite, q.proposal_id, q.ended,
                      q.end_reason, q.created_at, q.ended_at, p.state as "proposal_state?", p.number as "number?",
                      p.url as "url?", p.revision as "revision?", p.waits_for as "waits_for?",
                      i.reason as "unwritten?"
               from requests q
               join repositories r on r.id = q.repository_id
               left join proposals p on p.id = q.proposal_id
               left join lateral (select i.reason from intents i
                                  where i.proposal_id = q.proposal_id and i.state = 'abandoned' and q.ended is null
                                  order by i.created_at desc limit 1) i on true
               "# + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<Row> for Request {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let proposal_ref = match (row.number, row.url, row.revision) {
            (Some(number), Some(url), _) => Some(ProposalRef::PullRequest { number: number.unsigned_abs(), url }),
            (None, url, Some(revision)) => {
                Some(ProposalRef::Commit { revision: word("proposals.revision", &revision)?, url })
            }
            _ => None,
        };
        let reason = |text: String| word::<Reason>("requests.reason", &text);
        Ok(Self {
            id: RequestId(row.id),
            repository: RepositoryId(row.repository_id),
            repository_name: word("repositories.name", &row.repository_name)?,
            requested: Requested {
                by: Requester::new(&row.requested_by, UserId(row.user_id)),
                reason: row.reason.map(reason).transpose()?,
            },
            branch: word("requests.branch", &row.branch)?,
            head: word("requests.head", &row.head)?,
            environment: word("requests.environment", &row.environment)?,
            image: word("requests.image", &row.image)?,
            to: word("requests.to_tag", &row.to_tag)?,
            mode: parse_mode(&row.mode)?,
            places: from_json("requests.places", row.places)?,
            despite: row.despite.iter().map(|text| word("requests.despite", text)).collect::<Result<_, _>>()?,
            state: state(row.ended.as_deref(), row.proposal_state.as_deref())?,
            why: row.end_reason.or(row.unwritten),
            proposal: row.proposal_id.map(ProposalId),
            proposal_ref,
            waits_for: row.waits_for,
            created_at: row.created_at,
            ended_at: row.ended_at,
        })
    }
}

/// Where a request stands, by its stored end, else by its proposal.
fn state(ended: Option<&str>, proposal: Option<&str>) -> Result<RequestState, DbError> {
    let corrupt = |reason: String| DbError::Corrupt { column: "requests.ended", reason };
    match (ended, proposal) {
        (Some(ended), _) => RequestState::parse(ended).ok_or_else(|| corrupt(format!("`{ended}` is no state"))),
        (None, None | Some("abandoned")) => Ok(RequestState::Waiting),
        (None, Some("announced")) => Ok(RequestState::Writing),
        // One that GitHub merged or closed ends in the transaction that says so.
        (None, Some("open" | "merged" | "closed")) => Ok(RequestState::Proposed),
        (None, Some(other)) => Err(corrupt(format!("`{other}` is no state of a proposal"))),
    }
}

/// Stores a release that somebody asks for.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    new: &NewRequest<'_>,
) -> Result<(), DbError> {
    let despite: Vec<String> = new.despite.iter().map(|one| one.word().to_owned()).collect();
    sqlx::query!(
        "insert into requests (id, organization_id, repository_id, kind, user_id, requested_by, reason, branch, head,
                               environment, image, to_tag, mode, places, despite)
         values ($1, $2, $3, 'release', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        new.id.0,
        organization.0,
        new.repository.0,
        new.requested.by.user.0,
        new.requested.by.name,
        new.requested.reason.as_ref().map(Reason::as_str),
        new.branch.as_str(),
        new.head.as_str(),
        new.environment.as_str(),
        new.image.as_str(),
        new.to.as_str(),
        mode_word(new.mode),
        json("requests.places", new.places)?,
        &despite,
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
