//! The tags of watched images, as scans and push notices showed them.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    policy::{TagInfo, TagList},
};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    error::{DbError, json, word},
    images::Image,
};

/// Stores a whole list: new tags are first seen now, tags that are missing are listed no more. Says whether anything
/// differs from before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut sqlx::PgConnection,
    organization: OrganizationId,
    id: Uuid,
    tags: &[Tag],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let names: Vec<String> = tags.iter().map(ToString::to_string).collect();
    let written = sqlx::query!(
        "insert into tags as known (organization_id, image_id, tag, first_seen_at, listed)
         select $1, $2, tag, $4, true from unnest($3::text[]) as seen (tag)
         on conflict (image_id, tag) do update set listed = true where not known.listed",
        organization.0,
        id,
        &names,
        now,
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    let gone = sqlx::query!(
        "update tags set listed = false where image_id = $1 and listed
             and not exists (select from unnest($2::text[]) as seen (tag) where seen.tag = tags.tag)",
        id,
        &names,
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    Ok(written + gone > 0)
}

/// What stands behind a tag, as its registry described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The tag.
    pub tag: Tag,
    /// What it points to.
    pub digest: Digest,
    /// When the image says that it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// Its platforms; empty where it names none.
    pub platforms: Vec<String>,
}

#[derive(Serialize)]
struct DescriptionRow<'a> {
    tag: &'a str,
    digest: &'a str,
    created_at: Option<DateTime<Utc>>,
    platforms: &'a [String],
}

/// Stores descriptions of tags that are known. Says whether anything differs from before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn describe(
    db: impl PgExecutor<'_>,
    id: Uuid,
    descriptions: &[Description],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let rows: Vec<DescriptionRow<'_>> = descriptions
        .iter()
        .map(|one| DescriptionRow {
            tag: one.tag.as_str(),
            digest: one.digest.as_str(),
            created_at: one.created_at,
            platforms: &one.platforms,
        })
        .collect();
    let different = sqlx::query_scalar!(
        r#"with seen as (
               select * from jsonb_to_recordset($2)
                   as seen (tag text, digest text, created_at timestamptz, platforms text[])
           ), before as (
               select tag, digest, created_at, platforms from tags where image_id = $1
           ), written as (
               update tags set digest = seen.digest, created_at = seen.created_at, platforms = seen.platforms,
                               described_at = $3,
                               moved_at = case when tags.digest <> seen.digest then $3 else tags.moved_at end
               from seen where tags.image_id = $1 and tags.tag = seen.tag
           )
           select exists (
               select from seen join before using (tag)
               where (before.digest, before.created_at, before.platforms)
                   is distinct from (seen.digest, seen.created_at, seen.platforms)) as "different!""#,
        id,
        json("tags", &rows)?,
        now,
    )
    .fetch_one(db)
    .await?;
    Ok(different)
}

/// The listed tags that were described before `before`, the longest ago first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_stale(
    db: impl PgExecutor<'_>,
    id: Uuid,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Tag>, DbError> {
    let rows = sqlx::query_scalar!(
        "select tag from tags where image_id = $1 and listed and described_at < $2 order by described_at, tag limit $3",
        id,
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.iter().map(|tag| word("tags.tag", tag)).collect()
}

/// The listed tags of an image.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, image: &Image) -> Result<TagList, DbError> {
    let rows = sqlx::query!(
        r#"select tag, digest, first_seen_at, created_at, platforms, listed,
                  (min(first_seen_at) over ()) as "watched_since!"
           from tags where image_id = $1 order by tag"#,
        image.id,
    )
    .fetch_all(db)
    .await?;
    let watched_since = rows.first().map(|row| row.watched_since);
    let tags = rows
        .into_iter()
        .filter(|row| row.listed)
        .map(|row| {
            Ok(TagInfo {
                tag: word("tags.tag", &row.tag)?,
                digest: row.digest.map(|digest| word("tags.digest", &digest)).transpose()?,
                first_seen_at: row.first_seen_at,
                created_at: row.created_at,
                platforms: row.platforms,
            })
        })
        .collect::<Result<_, DbError>>()?;
    Ok(TagList { tags, complete: image.complete, watched_since })
}

/// When a tag was pushed: a notice's time, else when it was first seen. With `digest`, when it came to point there.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_pushed_at(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    image: &ImageRepository,
    tag: &Tag,
    digest: Option<&Digest>,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(case when t.digest = $4 then t.moved_at end, least(t.pushed_at, t.first_seen_at)) as "at!"
           from tags t join images i on i.id = t.image_id
           where i.organization_id = $1 and i.image = $2 and t.tag = $3"#,
        organization.0,
        image.as_str(),
        tag.as_str(),
        digest.map(Digest::as_str),
    )
    .fetch_optional(db)
    .await?)
}
