//! Intents: attempted writes, announced before they are made.

use heddle_core::{
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, OrganizationId, ProposalId, RepositoryId},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// An attempted write.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The intent.
    pub id: IntentId,
    /// Its proposal.
    pub proposal: ProposalId,
    /// The revision that it was based on.
    pub base: Revision,
    /// The branch that it goes to.
    pub base_branch: BranchName,
    /// For a pull request its branch.
    pub head_branch: Option<BranchName>,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
}

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is in Git.
    Written(&'a Revision),
    /// The branch moved first.
    Moved,
    /// Nothing was written, for this reason.
    Abandoned(&'a str),
}

/// What an intent is made from.
#[derive(Debug, Clone)]
pub struct NewIntent<'a> {
    /// Its proposal.
    pub proposal: ProposalId,
    /// The revision that was read.
    pub base: &'a Revision,
    /// The head that the proposal's branch is expected to have.
    pub expected_head: Option<&'a Revision>,
    /// The title.
    pub title: &'a str,
    /// The text.
    pub body: &'a str,
    /// The changes it writes.
    pub changes: &'a [Uuid],
}

/// Announces a write of some changes.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: &mut sqlx::PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    new: &NewIntent<'_>,
) -> Result<IntentId, DbError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into intents (id, organization_id, repository_id, proposal_id, base, expected_head, title, body, state)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'open')",
        id,
        organization.0,
        repository.0,
        new.proposal.0,
        new.base.as_str(),
        new.expected_head.map(Revision::as_str),
        new.title,
        new.body,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into intent_changes (organization_id, intent_id, change_id) select $1, $2, unnest($3::uuid[])",
        organization.0,
        id,
        new.changes,
    )
    .execute(&mut *db)
    .await?;
    Ok(IntentId(id))
}

/// The open intents of a repository, oldest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_open(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Intent>, DbError> {
    let rows = sqlx::query!(
        "select i.id, i.proposal_id, i.base, p.base_branch, p.head_branch, i.title, i.body
         from intents i join proposals p on p.id = i.proposal_id
         where i.repository_id = $1 and i.state = 'open' order by i.id",
        repository.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Intent {
                id: IntentId(row.id),
                proposal: ProposalId(row.proposal_id),
                base: word("intents.base", &row.base)?,
                base_branch: word("proposals.base_branch", &row.base_branch)?,
                head_branch: row.head_branch.map(|branch| word("proposals.head_branch", &branch)).transpose()?,
                title: row.title,
                body: row.body,
            })
        })
        .collect()
}

/// Settles an intent of the repository. Gives its proposal and changes, and whether it was open until now; `None` when
/// there is no such intent.
///
/// # Errors
/// When the server cannot be reached.
pub async fn settle(
    db: &mut sqlx::PgConnection,
    repository: RepositoryId,
    intent: IntentId,
    outcome: Outcome<'_>,
) -> Result<Option<(ProposalId, Vec<Uuid>, bool)>, DbError> {
    let (state, revision, reason) = match outcome {
        Outcome::Written(revision) => ("written", Some(revision.as_str()), None),
        Outcome::Moved => ("moved", None, None),
        Outcome::Abandoned(reason) => ("abandoned", None, Some(reason)),
    };
    let Some(row) = sqlx::query!(
        "select proposal_id, state from intents where id = $1 and repository_id = $2 for update",
        intent.0,
        repository.0,
    )
    .fetch_optional(&mut *db)
    .await?
    else {
        return Ok(None);
    };
    if row.state == "open" {
        sqlx::query!(
            "update intents set state = $2, revision = $3, reason = $4, settled_at = now() where id = $1",
            intent.0,
            state,
            revision,
            reason,
        )
        .execute(&mut *db)
        .await?;
    }
    let changes = sqlx::query_scalar!("select change_id from intent_changes where intent_id = $1", intent.0)
        .fetch_all(&mut *db)
        .await?;
    Ok(Some((ProposalId(row.proposal_id), changes, row.state == "open")))
}

/// The intents under which changes were written or tried.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_changes(db: impl PgExecutor<'_>, changes: &[Uuid]) -> Result<Vec<(ChangeId, IntentId)>, DbError> {
    let rows = sqlx::query!("select change_id, intent_id from intent_changes where change_id = any($1)", changes)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (ChangeId(row.change_id), IntentId(row.intent_id))).collect())
}
