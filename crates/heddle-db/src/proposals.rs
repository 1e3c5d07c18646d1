//! Proposals: commits and pull requests that carry changes.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, Revision},
    id::{OrganizationId, ProposalId, RepositoryId, RequestId},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    changes::{mode_word, parse_mode},
    error::{DbError, word},
};

/// A proposal that is not settled.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The proposal.
    pub id: ProposalId,
    /// Commit or pull request.
    pub mode: Mode,
    /// The group it is for.
    pub group: String,
    /// The request that it carries out; which one is kept with the request.
    pub request: Option<RequestId>,
    /// The branch it goes to.
    pub base_branch: BranchName,
    /// Its own branch, for a pull request.
    pub head_branch: Option<BranchName>,
    /// The pull request's number, once it is known.
    pub number: Option<u64>,
    /// The head that we wrote last.
    pub head: Option<Revision>,
}

/// How a proposal's pull request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Merged.
    Merged,
    /// Closed unmerged.
    Closed,
    /// It never came to be.
    Abandoned,
}

/// Announces a new proposal.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
    proposal: &Proposal,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into proposals (id, organization_id, repository_id, mode, group_name, base_branch, head_branch, state)
         values ($1, $2, $3, $4, $5, $6, $7, 'announced')",
        proposal.id.0,
        organization.0,
        repository.0,
        mode_word(proposal.mode),
        proposal.group,
        proposal.base_branch.as_str(),
        proposal.head_branch.as_ref().map(BranchName::as_str),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The unsettled proposals of a repository, oldest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unsettled(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Proposal>, DbError> {
    let rows = sqlx::query!(
        r#"select p.id, p.mode, p.group_name, p.base_branch, p.head_branch, p.number, p.head, q.id as "request_id?"
           from proposals p left join requests q on q.proposal_id = p.id
           where p.repository_id = $1 and p.state in ('announced', 'open') order by p.id"#,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Proposal {
                id: ProposalId(row.id),
                mode: parse_mode(&row.mode)?,
                group: row.group_name,
                request: row.request_id.map(RequestId),
                base_branch: word("proposals.base_branch", &row.base_branch)?,
                head_branch: row.head_branch.map(|branch| word("proposals.head_branch", &branch)).transpose()?,
                number: row.number.map(i64::unsigned_abs),
                head: row.head.map(|head| word("proposals.head", &head)).transpose()?,
            })
        })
        .collect()
}

/// Notes that a proposal is in Git, with the head of its branch. A pull request is open, a commit is merged.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_written(
    db: impl PgExecutor<'_>,
    proposal: ProposalId,
    place: &ProposalRef,
    head: &Revision,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    let (number, url, revision) = match place {
        ProposalRef::PullRequest { number, url } => (i64::try_from(*number).ok(), Some(url.as_str()), None),
        ProposalRef::Commit { revision, url } => (None, url.as_deref(), Some(revision.as_str())),
    };
    sqlx::query!(
        "update proposals set
             state = case when state in ('announced', 'abandoned') then
                 case when $2::bigint is null then 'merged' else 'open' end else state end,
             settled_at = case when $2::bigint is null then $6 else settled_at end,
             number = $2, url = $3, revision = $4, head = $5
         where id = $1",
        proposal.0,
        number,
        url,
        revision,
        head.as_str(),
        at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes what GitHub says an open pull request waits for, and its head.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_open(db: impl PgExecutor<'_>, proposal: ProposalId, waits_for: Option<&str>) -> Result<bool, DbError> {
    let updated = sqlx::query!(
        "update proposals set waits_for = $2 where id = $1 and waits_for is distinct from $2",
        proposal.0,
        waits_for,
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// Settles a proposal; false when it was settled before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn settle(
    db: impl PgExecutor<'_>,
    proposal: ProposalId,
    state: State,
    reason: Option<&str>,
    at: DateTime<Utc>,
) -> Result<bool, DbError> {
    let state = match state {
        State::Merged => "merged",
        State::Closed => "closed",
        State::Abandoned => "abandoned",
    };
    let settled = sqlx::query!(
        "update proposals set state = $2, closed_reason = $3, settled_at = $4, waits_for = null
         where id = $1 and state in ('announced', 'open')",
        proposal.0,
        state,
        reason,
        at,
    )
    .execute(db)
    .await?;
    Ok(settled.rows_affected() > 0)
}

/// Gives up proposals that were announced and never written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn abandon_unwritten(db: impl PgExecutor<'_>, proposal: ProposalId) -> Result<bool, DbError> {
    let given_up = sqlx::query!(
        "update proposals set state = 'abandoned', settled_at = now() where id = $1 and state = 'announced'",
        proposal.0,
    )
    .execute(db)
    .await?;
    Ok(given_up.rows_affected() > 0)
}

/// The repository's proposal, if it is one of its.
///
/// # Errors
/// When the server cannot be reached.
pub async fn exists(db: impl PgExecutor<'_>, repository: RepositoryId, proposal: Uuid) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from proposals where id = $1 and repository_id = $2) as "exists!""#,
        proposal,
        repository.0,
    )
    .fetch_one(db)
    .await?)
}

/// The pull requests that we closed and whose changes have not ended, with when.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_closed_by_us(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
) -> Result<Vec<(ProposalId, DateTime<Utc>)>, DbError> {
    let rows = sqlx::query!(
        r#"select p.id, p.settled_at as "settled_at!" from proposals p
           where p.repository_id = $1 and p.state = 'closed' and p.closed_reason is not null
               and exists (select from changes c where c.proposal_id = p.id and c.ended is null and not c.settled)"#,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProposalId(row.id), row.settled_at)).collect())
}
