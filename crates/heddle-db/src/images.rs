//! Images that are watched, and their tags as scans and push notices showed them.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    policy::{TagInfo, TagList},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// A watched image.
#[derive(Debug, Clone)]
pub struct Image {
    /// The row.
    pub id: Uuid,
    /// The image.
    pub image: ImageRepository,
    /// The entity tag of the last complete list.
    pub etag: Option<String>,
    /// Whether the last scan read the list to its end.
    pub complete: bool,
    /// When a list was last read to its end.
    pub scanned_at: Option<DateTime<Utc>>,
    /// Why the last scan failed.
    pub error: Option<String>,
    /// Since when scans fail.
    pub error_since: Option<DateTime<Utc>>,
}

macro_rules! image {
    ($row:expr) => {{
        let row = $row;
        Ok::<Image, DbError>(Image {
            id: row.id,
            image: word("images.image", &row.image)?,
            etag: row.etag,
            complete: row.complete,
            scanned_at: row.scanned_at,
            error: row.error,
            error_since: row.error_since,
        })
    }};
}

/// Watches images; gives the ids of those that were not watched before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn watch(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[String],
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "insert into images (id, organization_id, image)
         select gen_random_uuid(), $1, image from unnest($2::text[]) as image order by image
         on conflict (organization_id, image) do nothing returning id",
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?)
}

/// Stops watching what no rule governs in any of the organization's repositories any more; gives their ids.
///
/// # Errors
/// When the server cannot be reached.
pub async fn unwatch_unused(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "delete from images where id in (
             select id from images i where organization_id = $1
                 and not exists (select from occurrences o where o.organization_id = $1 and o.image = i.image
                                 and o.rule_line is not null)
             order by id for update)
         returning id",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// Locks images until the transaction ends; gives those that are there. Whoever writes tags does this first, and before any row of work: a scan, a
/// push notice and a read that forgets the image then come one after the other.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock(db: impl PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!("select id from images where id = any($1) order by id for update", ids)
        .fetch_all(db)
        .await?)
}

/// One image.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Image>, DbError> {
    let row =
        sqlx::query!("select id, image, etag, complete, scanned_at, error, error_since from images where id = $1", id,)
            .fetch_optional(db)
            .await?;
    row.map(|row| image!(row)).transpose()
}

/// The watched images among `images`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_named(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[String],
) -> Result<Vec<Image>, DbError> {
    let rows = sqlx::query!(
        "select id, image, etag, complete, scanned_at, error, error_since from images
         where organization_id = $1 and image = any($2) order by image",
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| image!(row)).collect()
}

/// The watched images at `path`, in whatever registry.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_at_path(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    path: &str,
) -> Result<Vec<Image>, DbError> {
    let rows = sqlx::query!(
        "select id, image, etag, complete, scanned_at, error, error_since from images
         where organization_id = $1 and substr(image, strpos(image, '/') + 1) = $2 order by image",
        organization.0,
        path,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| image!(row)).collect()
}

/// Images whose last scan failed, by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_failing(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Image>, DbError> {
    let rows = sqlx::query!(
        "select id, image, etag, complete, scanned_at, error, error_since from images
         where organization_id = $1 and error is not null order by image limit $2",
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| image!(row)).collect()
}

/// When any image was last scanned with success.
///
/// # Errors
/// When the server cannot be reached.
pub async fn last_scan_at(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select max(scanned_at) from images where organization_id = $1", organization.0)
        .fetch_one(db)
        .await?)
}

/// Notes that the list was read to its end; `etag` stays when the registry said that nothing changed.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_complete(
    db: impl PgExecutor<'_>,
    id: Uuid,
    etag: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update images set etag = $2, complete = true, scanned_at = $3, error = null, error_since = null where id = $1",
        id,
        etag,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a scan failed; what was known stays, marked incomplete.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_failure(
    db: impl PgExecutor<'_>,
    id: Uuid,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update images set complete = false, error = $2, error_since = coalesce(error_since, $3) where id = $1",
        id,
        reason,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Stores a whole list: new tags are first seen now, tags that are missing are listed no more. Says whether anything
/// differs from before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace_tags(
    db: &mut sqlx::PgConnection,
    organization: OrganizationId,
    id: Uuid,
    tags: &[(Tag, Option<Digest>)],
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let names: Vec<String> = tags.iter().map(|(tag, _)| tag.to_string()).collect();
    let digests: Vec<Option<String>> =
        tags.iter().map(|(_, digest)| digest.as_ref().map(ToString::to_string)).collect();
    let written = sqlx::query!(
        "insert into tags as known (organization_id, image_id, tag, digest, first_seen_at, listed)
         select $1, $2, tag, digest, $5, true from unnest($3::text[], $4::text[]) as seen (tag, digest)
         on conflict (image_id, tag) do update set digest = coalesce(excluded.digest, known.digest), listed = true
         where not known.listed or known.digest is distinct from coalesce(excluded.digest, known.digest)",
        organization.0,
        id,
        &names,
        &digests as &[Option<String>],
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

/// The listed tags of an image.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_tags(db: impl PgExecutor<'_>, image: &Image) -> Result<TagList, DbError> {
    let rows = sqlx::query!(
        "select tag, digest, first_seen_at from tags where image_id = $1 and listed order by tag",
        image.id,
    )
    .fetch_all(db)
    .await?;
    let tags = rows
        .into_iter()
        .map(|row| {
            let tag = word("tags.tag", &row.tag)?;
            let digest = row.digest.map(|digest| word("tags.digest", &digest)).transpose()?;
            Ok(TagInfo { digest, ..TagInfo::named(tag, row.first_seen_at) })
        })
        .collect::<Result<_, DbError>>()?;
    Ok(TagList { complete: image.complete, ..TagList::whole(tags) })
}

/// When a tag was pushed: a notice's time, else when it was first seen.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_pushed_at(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    image: &ImageRepository,
    tag: &Tag,
) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select least(t.pushed_at, t.first_seen_at) as "at!" from tags t join images i on i.id = t.image_id
           where i.organization_id = $1 and i.image = $2 and t.tag = $3"#,
        organization.0,
        image.as_str(),
        tag.as_str(),
    )
    .fetch_optional(db)
    .await?)
}
