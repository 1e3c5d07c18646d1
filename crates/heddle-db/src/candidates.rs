//! What choices depend on, kept beside the lists of tags.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::{id::OrganizationId, policy::TagList};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, from_json, json};

/// The hash of a policy and of what stands at a place.
pub type Choice = Vec<u8>;

/// What a choice depends on, as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Versions of the lists that were looked at: the image's own, then those kept in lockstep with it.
    pub versions: Vec<i64>,
    /// Nothing is chosen in the place of what stands.
    pub settled: bool,
    /// When a tag becomes old enough, so that others are candidates.
    pub until: Option<DateTime<Utc>>,
    /// The tags; `None` where it is settled and they were not asked for.
    pub tags: Option<TagList>,
}

/// What is kept for choices, each of an image. The tags of what is settled are read `with_settled` alone.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    choices: &[(Uuid, Choice)],
    with_settled: bool,
) -> Result<HashMap<(Uuid, Choice), Kept>, DbError> {
    let (images, hashes): (Vec<Uuid>, Vec<Choice>) = choices.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select c.image_id, c.choice, c.versions, c.settled, c.until,
                  case when $4 or not c.settled then c.tags end as tags
           from unnest($2::uuid[], $3::bytea[]) as asked (image_id, choice)
           join candidates c on c.image_id = asked.image_id and c.choice = asked.choice
           where c.organization_id = $1"#,
        organization.0,
        &images,
        &hashes,
        with_settled,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let tags = row.tags.map(|tags| from_json("candidates.tags", tags)).transpose()?;
            let kept = Kept { versions: row.versions, settled: row.settled, until: row.until, tags };
            Ok(((row.image_id, row.choice), kept))
        })
        .collect()
}

/// Keeps what a choice depends on, in the place of what was kept for it before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn keep(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    image: Uuid,
    choice: &[u8],
    kept: &Kept,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into candidates (organization_id, image_id, choice, versions, settled, until, tags, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (image_id, choice) do update set
             versions = excluded.versions, settled = excluded.settled, until = excluded.until, tags = excluded.tags,
             made_at = excluded.made_at",
        organization.0,
        image,
        choice,
        &kept.versions,
        kept.settled,
        kept.until,
        json("candidates.tags", &kept.tags)?,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
