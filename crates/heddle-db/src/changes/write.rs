//! Writing changes.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::Mode,
    git::{BranchName, Revision},
    id::{ChangeId, OrganizationId, ProposalId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
    pipeline::End,
    place::Place,
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{end_word, mode_word};
use crate::error::{DbError, json};

/// What a change is made from.
#[derive(Debug, Clone)]
pub struct NewChange<'a> {
    /// Its branch.
    pub branch: &'a BranchName,
    /// Its environment.
    pub environment: &'a EnvironmentName,
    /// Its effective image.
    pub image: &'a ImageRepository,
    /// The tag that stands there.
    pub from: Option<&'a Tag>,
    /// The tag it goes to.
    pub to: &'a Tag,
    /// The digest that stands there.
    pub from_digest: Option<&'a Digest>,
    /// The digest it goes to.
    pub to_digest: Option<&'a Digest>,
    /// The changes that it rolls back.
    pub rolls_back: &'a [ChangeId],
    /// How it is written.
    pub mode: Mode,
    /// Where it writes.
    pub places: &'a [Place],
    /// The lines that change.
    pub diff: &'a str,
    /// Why this tag.
    pub why: &'a str,
}

/// Makes a change, or brings the open one of the same bump at the same places up to date.
///
/// # Errors
/// When the server cannot be reached.
pub async fn upsert(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    new: &NewChange<'_>,
) -> Result<ChangeId, DbError> {
    let rolls_back: Vec<Uuid> = new.rolls_back.iter().map(|change| change.0).collect();
    let id = sqlx::query_scalar!(
        "insert into changes (id, organization_id, repository_id, branch, environment, image, from_tag, to_tag, to_digest,
                              mode, places, place_key, diff, why, from_digest, rolls_back)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, md5($12), $13, $14, $15, $16)
         on conflict (repository_id, branch, environment, image, (coalesce(from_tag, '')), to_tag,
                      (coalesce(to_digest, '')), place_key) where ended is null and not settled
         do update set mode = excluded.mode, places = excluded.places, diff = excluded.diff, why = excluded.why,
             from_digest = excluded.from_digest, rolls_back = excluded.rolls_back
         returning id",
        Uuid::now_v7(),
        organization.0,
        repository.0,
        new.branch.as_str(),
        new.environment.as_str(),
        new.image.as_str(),
        new.from.map(Tag::as_str),
        new.to.as_str(),
        new.to_digest.map(Digest::as_str),
        mode_word(new.mode),
        json("changes.places", new.places)?,
        place_key(new.places),
        new.diff,
        new.why,
        new.from_digest.map(Digest::as_str),
        &rolls_back,
    )
    .fetch_one(db)
    .await?;
    Ok(ChangeId(id))
}

fn place_key(places: &[Place]) -> String {
    let mut keys: Vec<String> = places.iter().map(|place| format!("{}\n{}", place.object, place.field)).collect();
    keys.sort();
    keys.dedup();
    keys.join("\n\n")
}

/// Says which proposal carries a change; `None` when it is to be written anew.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_proposal(
    db: impl PgExecutor<'_>,
    changes: &[Uuid],
    proposal: Option<ProposalId>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update changes set proposal_id = $2 where id = any($1)",
        changes,
        proposal.map(|proposal| proposal.0),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes the merge of a change, once.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_merged(
    db: impl PgExecutor<'_>,
    change: ChangeId,
    revision: &Revision,
    ordinal: i64,
) -> Result<(), DbError> {
    sqlx::query!(
        "update changes set merged_revision = $2, merged_ordinal = $3 where id = $1 and merged_ordinal is null",
        change.0,
        revision.as_str(),
        ordinal,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that Git has nothing more to say about changes.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_settled(db: impl PgExecutor<'_>, changes: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!("update changes set settled = true where id = any($1)", changes).execute(db).await?;
    Ok(())
}

/// The end of a change, and when it came.
#[derive(Debug, Clone)]
pub struct Ended {
    /// The change.
    pub change: ChangeId,
    /// How it ended.
    pub end: End,
    /// When.
    pub at: DateTime<Utc>,
}

/// Keeps the ends of changes. The first one of each stays.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_ended(db: impl PgExecutor<'_>, ended: &[Ended], seen_at: DateTime<Utc>) -> Result<(), DbError> {
    let changes: Vec<Uuid> = ended.iter().map(|one| one.change.0).collect();
    let ends: Vec<String> = ended.iter().map(|one| end_word(one.end).to_owned()).collect();
    let times: Vec<DateTime<Utc>> = ended.iter().map(|one| one.at).collect();
    sqlx::query!(
        "update changes c set ended = n.ended, ended_at = n.at, end_seen_at = $4
         from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as n (id, ended, at)
         where c.id = n.id and c.ended is null",
        &changes,
        &ends,
        &times,
        seen_at,
    )
    .execute(db)
    .await?;
    Ok(())
}
