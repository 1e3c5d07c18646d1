//! The tags of watched images, as scans and push notices showed them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    policy::{SignatureCheck, TagInfo, TagList},
};
use serde::Serialize;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    error::{DbError, from_json, json, word},
    images::Image,
};

/// Stores a whole list: new tags are first seen now, tags that are missing are listed no more. Says whether anything
/// differs from before. Its cost is that of reading both lists once; only what differs is written.
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
    // `except` sorts or hashes; as joins these would be nested loops, since nobody knows how long the list is.
    let different = sqlx::query_scalar!(
        r#"with seen as materialized (select unnest($3::text[]) as tag),
           known as materialized (select tag from tags where image_id = $2 and listed),
           added as (
               insert into tags (organization_id, image_id, tag, first_seen_at, listed)
               select $1, $2, tag, $4, true from (select tag from seen except select tag from known) as new
               on conflict (image_id, tag) do update set listed = true, unlisted_at = null
               returning 1
           ), gone as (
               update tags set listed = false, unlisted_at = $4
               where image_id = $2 and tag = any(array(select tag from known except select tag from seen))
               returning 1
           )
           select exists (select from added) or exists (select from gone) as "different!""#,
        organization.0,
        id,
        &names,
        now,
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!("update images set watched_since = $2 where id = $1 and watched_since is null", id, now)
        .execute(db)
        .await?;
    Ok(different)
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
    /// What came of looking for its signatures; empty where nobody looked.
    pub signatures: Vec<SignatureCheck>,
}

#[derive(Serialize)]
struct DescriptionRow<'a> {
    tag: &'a str,
    digest: &'a str,
    created_at: Option<DateTime<Utc>>,
    platforms: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signatures: &'a [SignatureCheck],
}

/// How descriptions differ from those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Described {
    /// In anything at all.
    pub different: bool,
    /// A tag has another image than before.
    pub moved: bool,
}

/// Stores descriptions of tags that are known.
///
/// # Errors
/// When the server cannot be reached.
pub async fn describe(
    db: impl PgExecutor<'_>,
    id: Uuid,
    descriptions: &[Description],
    now: DateTime<Utc>,
) -> Result<Described, DbError> {
    let rows: Vec<DescriptionRow<'_>> = descriptions
        .iter()
        .map(|one| DescriptionRow {
            tag: one.tag.as_str(),
            digest: one.digest.as_str(),
            created_at: one.created_at,
            platforms: &one.platforms,
            signatures: &one.signatures,
        })
        .collect();
    let found = sqlx::query!(
        r#"with seen as (
               select * from jsonb_to_recordset($2)
                   as seen (tag text, digest text, created_at timestamptz, platforms text[], signatures jsonb)
           ), before as (
               select tag, digest, created_at, platforms, signatures, verified_digest from tags where image_id = $1
           ), written as (
               update tags set digest = seen.digest, created_at = seen.created_at, platforms = seen.platforms,
                               described_at = $3,
                               signatures = coalesce(seen.signatures, tags.signatures),
                               verified_digest =
                                   case when seen.signatures is null then tags.verified_digest else seen.digest end,
                               moved_at = case when tags.digest <> seen.digest then $3 else tags.moved_at end
               from seen where tags.image_id = $1 and tags.tag = seen.tag
           )
           select exists (
               select from seen join before using (tag)
               where (before.digest, before.created_at, before.platforms)
                   is distinct from (seen.digest, seen.created_at, seen.platforms)
                   or (seen.signatures is not null and (before.signatures, before.verified_digest)
                       is distinct from (seen.signatures, seen.digest))) as "different!",
               exists (select from seen join before using (tag) where before.digest <> seen.digest) as "moved!""#,
        id,
        json("tags", &rows)?,
        now,
    )
    .fetch_one(db)
    .await?;
    Ok(Described { different: found.different, moved: found.moved })
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
    let mut lists = list_of(db, std::slice::from_ref(image)).await?;
    Ok(lists.remove(&image.image).unwrap_or_else(|| list_with(image, Default::default())))
}

/// The listed tags of each of these images, and what is known of tags that left the list and still stand at a place, in an
/// open change or in what people took back.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of(db: impl PgExecutor<'_>, images: &[Image]) -> Result<HashMap<ImageRepository, TagList>, DbError> {
    let ids: Vec<Uuid> = images.iter().map(|image| image.id).collect();
    let rows = sqlx::query!(
        r#"with taken as materialized (
               select c.organization_id, c.image, c.to_tag
               from facts f join changes c on c.id = f.change_id
               where f.organization_id in (select organization_id from images where id = any($1))
                   and f.key in ('reverted', 'declined')
           )
           select image_id as "image_id!", tag as "tag!", digest, first_seen_at as "first_seen_at!", created_at,
                  platforms, case when verified_digest = digest then signatures end as signatures, described_at,
                  true as "listed!"
           from tags where image_id = any($1) and listed
           union all
           select distinct t.image_id, t.tag, t.digest, t.first_seen_at, t.created_at, t.platforms,
                  case when t.verified_digest = t.digest then t.signatures end, t.described_at, false
           from images i
           cross join lateral (
               select o.tag from occurrences o where o.organization_id = i.organization_id and o.image = i.image
               union all
               select unnest(array[c.from_tag, c.to_tag]) from changes c
               where c.organization_id = i.organization_id and c.image = i.image and c.ended is null
               union all
               select b.to_tag from taken b where b.organization_id = i.organization_id and b.image = i.image) needed
           join tags t on t.image_id = i.id and t.tag = needed.tag
           where i.id = any($1) and not t.listed
           order by 1, 2"#,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let mut known: HashMap<Uuid, (Vec<TagInfo>, Vec<TagInfo>)> = HashMap::new();
    for row in rows {
        let (listed, dropped) = known.entry(row.image_id).or_default();
        let tags = if row.listed { listed } else { dropped };
        tags.push(TagInfo {
            tag: word("tags.tag", &row.tag)?,
            digest: row.digest.map(|digest| word("tags.digest", &digest)).transpose()?,
            first_seen_at: row.first_seen_at,
            created_at: row.created_at,
            platforms: row.platforms,
            signatures: checks(row.signatures)?,
            seen_at: row.described_at,
        });
    }
    let list = |image: &Image| list_with(image, known.remove(&image.id).unwrap_or_default());
    Ok(images.iter().map(|image| image.image.clone()).zip(images.iter().map(list)).collect())
}

/// What is known of tags by their names, each of an image, and whether it is listed.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_named(
    db: impl PgExecutor<'_>,
    names: &[(Uuid, &Tag)],
) -> Result<Vec<(Uuid, TagInfo, bool)>, DbError> {
    let (images, names): (Vec<Uuid>, Vec<String>) = names.iter().map(|(image, tag)| (*image, tag.to_string())).unzip();
    let rows = sqlx::query!(
        r#"select t.image_id, t.tag, t.digest, t.first_seen_at, t.created_at, t.platforms, t.listed, t.described_at,
                  case when t.verified_digest = t.digest then t.signatures end as signatures
           from (select distinct * from unnest($1::uuid[], $2::text[])) as asked (image_id, tag)
           join tags t on t.image_id = asked.image_id and t.tag = asked.tag"#,
        &images,
        &names,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let info = TagInfo {
                tag: word("tags.tag", &row.tag)?,
                digest: row.digest.map(|digest| word("tags.digest", &digest)).transpose()?,
                first_seen_at: row.first_seen_at,
                created_at: row.created_at,
                platforms: row.platforms,
                signatures: checks(row.signatures)?,
                seen_at: row.described_at,
            };
            Ok((row.image_id, info, row.listed))
        })
        .collect()
}

/// What is known of the signatures of what a tag points to now. What was looked at is a digest: where another one came
/// since, whoever wrote it, nothing is known.
fn checks(stored: Option<serde_json::Value>) -> Result<Vec<SignatureCheck>, DbError> {
    Ok(stored.map(|stored| from_json("tags.signatures", stored)).transpose()?.unwrap_or_default())
}

fn list_with(image: &Image, (tags, dropped): (Vec<TagInfo>, Vec<TagInfo>)) -> TagList {
    TagList { tags, dropped, complete: image.complete, watched_since: image.watched_since }
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
