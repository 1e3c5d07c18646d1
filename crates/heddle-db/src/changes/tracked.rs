//! Where changes stand in Git: what reads, updates and reports may say something about.

use heddle_core::{
    change::ProposalRef,
    git::BranchName,
    id::{ChangeId, OrganizationId, ProposalId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    place::Place,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::proposal_ref;
use crate::error::{DbError, from_json, word};

/// A change without its texts and times.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackedChange {
    /// The change.
    pub id: ChangeId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Higher is newer.
    pub sequence: i64,
    /// Its branch.
    pub branch: BranchName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its effective image.
    pub image: ImageRepository,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest it goes to.
    pub to_digest: Option<Digest>,
    /// Where it writes.
    pub places: Vec<Place>,
    /// The changes that it rolls back.
    pub rolls_back: Vec<ChangeId>,
    /// Its proposal.
    pub proposal: Option<ProposalId>,
    /// Where the proposal is in Git, once it is.
    pub proposal_ref: Option<ProposalRef>,
    /// The number of the first head that contains it.
    pub merged_ordinal: Option<i64>,
    /// Git has nothing more to say about it.
    pub settled: bool,
    /// Its line has ended.
    pub ended: bool,
}

struct Row {
    id: Uuid,
    repository_id: Uuid,
    sequence: i64,
    branch: String,
    environment: String,
    image: String,
    to_tag: String,
    to_digest: Option<String>,
    places: serde_json::Value,
    rolls_back: Vec<Uuid>,
    proposal_id: Option<Uuid>,
    proposal_state: Option<String>,
    number: Option<i64>,
    url: Option<String>,
    proposal_revision: Option<String>,
    merged_ordinal: Option<i64>,
    settled: bool,
    ended: bool,
}

/// The merge's number is the exact one as soon as its revision was read. With `limit` each row asks for its own proposal
/// and revision; as plain joins the planner may read all of them.
macro_rules! select {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select c.id, c.repository_id, c.sequence as "sequence!", c.branch, c.environment, c.image, c.to_tag, c.to_digest, c.places, c.rolls_back,
                      c.proposal_id, p.state as "proposal_state?", p.number, p.url, p.revision as proposal_revision,
                      coalesce(m.ordinal, c.merged_ordinal) as merged_ordinal, c.settled,
                      c.ended is not null as "ended!"
               from changes c
               left join lateral (select * from proposals p where p.id = c.proposal_id limit 1) p on true
               left join lateral (
                   select m.ordinal from revisions m
                   where m.repository_id = c.repository_id and m.branch = c.branch and m.revision = c.merged_revision
                   limit 1) m on true
               "# + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<Row> for TrackedChange {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let proposal_ref =
            proposal_ref(row.proposal_state.as_deref(), row.number, row.url, row.proposal_revision.as_deref())?;
        Ok(Self {
            id: ChangeId(row.id),
            repository: RepositoryId(row.repository_id),
            sequence: row.sequence,
            branch: word("changes.branch", &row.branch)?,
            environment: word("changes.environment", &row.environment)?,
            image: word("changes.image", &row.image)?,
            to: word("changes.to_tag", &row.to_tag)?,
            to_digest: row.to_digest.map(|digest| word("changes.to_digest", &digest)).transpose()?,
            places: from_json("changes.places", row.places)?,
            rolls_back: row.rolls_back.into_iter().map(ChangeId).collect(),
            proposal: row.proposal_id.map(ProposalId),
            proposal_ref,
            merged_ordinal: row.merged_ordinal,
            settled: row.settled,
            ended: row.ended,
        })
    }
}

fn read(rows: Vec<Row>) -> Result<Vec<TrackedChange>, DbError> {
    rows.into_iter().map(TrackedChange::try_from).collect()
}

/// The repository's changes that a read may say something about: those that have not ended, and for each place the
/// newest that was merged. Its cost grows with the number of places, not with that of changes.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_tracked(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
) -> Result<Vec<TrackedChange>, DbError> {
    // From one place to the next by the index `changes_places`; the newest of each is at its end there.
    let rows = select!(
        "where c.id = any(array(
             with recursive place as (
                 (select n.branch, n.environment, n.image, n.place_key from changes n
                  where n.organization_id = $1 and n.repository_id = $2 and n.merged_ordinal is not null
                  order by n.branch, n.environment, n.image, n.place_key limit 1)
                 union all
                 select n.* from place p cross join lateral (
                     select n.branch, n.environment, n.image, n.place_key from changes n
                     where n.organization_id = $1 and n.repository_id = $2 and n.merged_ordinal is not null
                         and (n.branch, n.environment, n.image, n.place_key)
                             > (p.branch, p.environment, p.image, p.place_key)
                     order by n.branch, n.environment, n.image, n.place_key limit 1) n
             )
             select n.id from place p cross join lateral (
                 select n.id from changes n
                 where n.organization_id = $1 and n.repository_id = $2 and n.branch = p.branch
                     and n.environment = p.environment and n.image = p.image and n.place_key = p.place_key
                     and n.merged_ordinal is not null
                 order by n.sequence desc limit 1) n
             union
             select o.id from changes o where o.organization_id = $1 and o.repository_id = $2 and o.ended is null))
         order by c.sequence",
        organization.0,
        repository.0,
    )
    .fetch_all(db)
    .await?;
    read(rows)
}

/// The unfinished merged changes of repositories.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_rolling(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repositories: &[Uuid],
) -> Result<Vec<TrackedChange>, DbError> {
    let rows = select!(
        "where c.organization_id = $1 and c.repository_id = any($2) and c.ended is null
             and c.merged_ordinal is not null
         order by c.sequence",
        organization.0,
        repositories,
    )
    .fetch_all(db)
    .await?;
    read(rows)
}

/// The changes that a proposal carries or carried.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_proposals(db: impl PgExecutor<'_>, proposals: &[Uuid]) -> Result<Vec<TrackedChange>, DbError> {
    let rows = select!("where c.proposal_id = any($1) order by c.sequence", proposals).fetch_all(db).await?;
    read(rows)
}
