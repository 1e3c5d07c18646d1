//! Changes: one image bump at its places in one environment.
//!
//! The whole row with its texts is for pages that show it. What is asked at every read, update and report has a type and
//! a file of its own, with the columns that its answer needs: [`tracked`], [`past`], [`healthy`].

mod healthy;
mod past;
mod tracked;
mod write;

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Mode, ProposalRef},
    git::{BranchName, RepoName, Revision},
    id::{ChangeId, OrganizationId, ProposalId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    pipeline::End,
    place::Place,
};
use sqlx::PgExecutor;
use uuid::Uuid;

pub use self::{
    healthy::{Healthy, MOST_HEALTHY, list_healthy, was_healthy},
    past::list_past,
    tracked::{TrackedChange, list_of_proposals, list_rolling, list_tracked},
    write::{Ended, NewChange, set_ended, set_merged, set_proposal, set_settled, upsert},
};
use crate::error::{DbError, from_json, word};

/// A change.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The change.
    pub id: ChangeId,
    /// Its repository.
    pub repository: RepositoryId,
    /// Its repository's name.
    pub repository_name: RepoName,
    /// Higher is newer.
    pub sequence: i64,
    /// Its branch.
    pub branch: BranchName,
    /// Its environment.
    pub environment: EnvironmentName,
    /// Its effective image.
    pub image: ImageRepository,
    /// The tag that stood there.
    pub from: Option<Tag>,
    /// The tag it goes to.
    pub to: Tag,
    /// The digest that stood there, where it was one at all places.
    pub from_digest: Option<Digest>,
    /// The digest it goes to.
    pub to_digest: Option<Digest>,
    /// How it is written.
    pub mode: Mode,
    /// Where it writes.
    pub places: Vec<Place>,
    /// The lines that change.
    pub diff: String,
    /// Why this tag.
    pub why: String,
    /// Its proposal.
    pub proposal: Option<ProposalId>,
    /// Where the proposal is in Git, once it is.
    pub proposal_ref: Option<ProposalRef>,
    /// The pull request waits for this, as GitHub says.
    pub waits_for: Option<String>,
    /// The first revision known to carry it.
    pub merged_revision: Option<Revision>,
    /// The number of the first head that contains it.
    pub merged_ordinal: Option<i64>,
    /// Git has nothing more to say about it.
    pub settled: bool,
    /// When it was first known.
    pub created_at: DateTime<Utc>,
    /// How it ended.
    pub ended: Option<End>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When we heard of the end; facts that came later change nothing.
    pub end_seen_at: Option<DateTime<Utc>>,
}

struct Row {
    id: Uuid,
    repository_id: Uuid,
    repository_name: String,
    sequence: i64,
    branch: String,
    environment: String,
    image: String,
    from_tag: Option<String>,
    to_tag: String,
    from_digest: Option<String>,
    to_digest: Option<String>,
    mode: String,
    places: serde_json::Value,
    diff: String,
    why: String,
    proposal_id: Option<Uuid>,
    proposal_state: Option<String>,
    number: Option<i64>,
    url: Option<String>,
    proposal_revision: Option<String>,
    waits_for: Option<String>,
    merged_revision: Option<String>,
    merged_ordinal: Option<i64>,
    settled: bool,
    created_at: DateTime<Utc>,
    ended: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    end_seen_at: Option<DateTime<Utc>>,
}

/// Every list of changes reads the same columns. The merge's number is the exact one as soon as its revision was read.
/// With `limit` each row asks for its own proposal and revision; as plain joins the planner may read all of them.
macro_rules! select {
    ($rest:literal $(+ $more:literal)* $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            r#"select c.id, c.repository_id, r.name as repository_name, c.sequence as "sequence!", c.branch,
                      c.environment, c.image, c.from_tag, c.to_tag, c.from_digest, c.to_digest, c.mode, c.places,
                      c.diff, c.why, c.proposal_id, p.state as "proposal_state?", p.number, p.url,
                      p.revision as proposal_revision, p.waits_for,
                      c.merged_revision, coalesce(m.ordinal, c.merged_ordinal) as merged_ordinal, c.settled,
                      c.created_at, c.ended, c.ended_at, c.end_seen_at
               from changes c
               join repositories r on r.id = c.repository_id
               left join lateral (select * from proposals p where p.id = c.proposal_id limit 1) p on true
               left join lateral (
                   select m.ordinal from revisions m
                   where m.repository_id = c.repository_id and m.branch = c.branch and m.revision = c.merged_revision
                   limit 1) m on true
               "# + $rest $(+ $more)*
            $(, $argument)*
        )
    };
}

impl TryFrom<Row> for Change {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let proposal_ref =
            proposal_ref(row.proposal_state.as_deref(), row.number, row.url, row.proposal_revision.as_deref())?;
        Ok(Self {
            id: ChangeId(row.id),
            repository: RepositoryId(row.repository_id),
            repository_name: word("repositories.name", &row.repository_name)?,
            sequence: row.sequence,
            branch: word("changes.branch", &row.branch)?,
            environment: word("changes.environment", &row.environment)?,
            image: word("changes.image", &row.image)?,
            from: row.from_tag.map(|tag| word("changes.from_tag", &tag)).transpose()?,
            to: word("changes.to_tag", &row.to_tag)?,
            from_digest: row.from_digest.map(|digest| word("changes.from_digest", &digest)).transpose()?,
            to_digest: row.to_digest.map(|digest| word("changes.to_digest", &digest)).transpose()?,
            mode: parse_mode(&row.mode)?,
            places: from_json("changes.places", row.places)?,
            diff: row.diff,
            why: row.why,
            proposal: row.proposal_id.map(ProposalId),
            proposal_ref,
            waits_for: row.waits_for,
            merged_revision: row.merged_revision.map(|one| word("changes.merged_revision", &one)).transpose()?,
            merged_ordinal: row.merged_ordinal,
            settled: row.settled,
            created_at: row.created_at,
            ended: row.ended.map(|end| parse_end(&end)).transpose()?,
            ended_at: row.ended_at,
            end_seen_at: row.end_seen_at,
        })
    }
}

/// Where a proposal is in Git; `None` before it was written.
pub(crate) fn proposal_ref(
    state: Option<&str>,
    number: Option<i64>,
    url: Option<String>,
    revision: Option<&str>,
) -> Result<Option<ProposalRef>, DbError> {
    Ok(match (state, number, revision) {
        (None | Some("announced" | "abandoned"), _, _) => None,
        (_, Some(number), _) => {
            Some(ProposalRef::PullRequest { number: number.unsigned_abs(), url: url.unwrap_or_default() })
        }
        (_, None, Some(revision)) => Some(ProposalRef::Commit { revision: word("proposals.revision", revision)?, url }),
        _ => None,
    })
}

/// One change.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, id: ChangeId) -> Result<Option<Change>, DbError> {
    select!("where c.id = $1", id.0).fetch_optional(db).await?.map(Change::try_from).transpose()
}

/// Changes by id.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_by_id(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Change>, DbError> {
    select!("where c.id = any($1) order by c.sequence", ids)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Change::try_from)
        .collect()
}

/// The changes of a branch that were merged since an instant, oldest first; as many of them.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_merged_since(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (repository, branch): (RepositoryId, &BranchName),
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Change>, DbError> {
    select!(
        "where c.id = any(array(
             select f.change_id from facts f where f.organization_id = $1 and f.key = 'merged' and f.at >= $4))
             and c.organization_id = $1 and c.repository_id = $2 and c.branch = $3 and c.merged_ordinal is not null
         order by coalesce(m.ordinal, c.merged_ordinal), c.sequence limit $5",
        organization.0,
        repository.0,
        branch.as_str(),
        since,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Change::try_from)
    .collect()
}

/// Which changes a page lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Those that have not ended.
    InFlight,
    /// Those that have.
    Ended,
    /// Both.
    All,
}

/// A page of changes, newest first, after `after`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_page(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    filter: Filter,
    environment: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Change>, DbError> {
    // One statement a filter: each is answered from an index of its own, which a parameter would hide from the planner.
    macro_rules! page {
        ($which:literal) => {
            select!(
                "where c.organization_id = $1 and "
                    + $which
                    + " and ($2::text is null or c.environment = $2)
                     and ($3::uuid is null or c.id < $3) order by c.id desc limit $4",
                organization.0,
                environment,
                after,
                limit,
            )
            .fetch_all(db)
            .await?
        };
    }
    let rows = match filter {
        Filter::InFlight => page!("c.ended is null"),
        Filter::Ended => page!("c.ended is not null"),
        Filter::All => page!("true"),
    };
    rows.into_iter().map(Change::try_from).collect()
}

/// The unfinished changes of the organization to any of these images.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_open_of_images(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[String],
) -> Result<Vec<Change>, DbError> {
    select!(
        "where c.organization_id = $1 and c.ended is null and not c.settled and c.image = any($2) order by c.sequence",
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Change::try_from)
    .collect()
}

/// How many changes have not ended, and how many became healthy since `since`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    since: DateTime<Utc>,
) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"select (select count(*) from changes where organization_id = $1 and ended is null) as "in_flight!",
                  (select count(*) from changes
                   where organization_id = $1 and ended = 'healthy' and ended_at > $2) as "healthy!""#,
        organization.0,
        since,
    )
    .fetch_one(db)
    .await?;
    Ok((row.in_flight, row.healthy))
}

/// Unfinished changes whose line says whether they are stuck, newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_in_flight_ids(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "select id from changes where organization_id = $1 and ended is null order by id desc limit $2",
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?)
}

/// The stored word of a mode.
pub(crate) const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Commit => "commit",
        Mode::PullRequest => "pull-request",
        Mode::Observe => "observe",
    }
}

/// The mode of a stored word.
pub(crate) fn parse_mode(word: &str) -> Result<Mode, DbError> {
    [Mode::Commit, Mode::PullRequest, Mode::Observe]
        .into_iter()
        .find(|mode| mode_word(*mode) == word)
        .ok_or_else(|| DbError::Corrupt { column: "mode", reason: format!("`{word}` is no mode") })
}

const fn end_word(end: End) -> &'static str {
    match end {
        End::Healthy => "healthy",
        End::Superseded => "superseded",
        End::Declined => "declined",
        End::Reverted => "reverted",
        End::Retired => "retired",
        End::NoCluster => "no-cluster",
    }
}

fn parse_end(word: &str) -> Result<End, DbError> {
    [End::Healthy, End::Superseded, End::Declined, End::Reverted, End::Retired, End::NoCluster]
        .into_iter()
        .find(|end| end_word(*end) == word)
        .ok_or_else(|| DbError::Corrupt { column: "changes.ended", reason: format!("`{word}` is no end") })
}
