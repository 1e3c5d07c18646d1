//! Images that are watched.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    git::{BranchName, RepoName},
    id::OrganizationId,
    image::ImageRepository,
    registry::{ReadFault, polling::Watched},
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
    /// When the first of its tags was seen.
    pub watched_since: Option<DateTime<Utc>>,
    /// Counts up with each change of its tags.
    pub tags_version: i64,
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
            watched_since: row.watched_since,
            tags_version: row.tags_version,
        })
    }};
}

/// Watches images; gives the ids of those that were not watched before. The list of one that was watched long ago counts
/// once it is scanned again.
///
/// # Errors
/// When the server cannot be reached.
pub async fn watch(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[String],
) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "insert into images as known (id, organization_id, image)
         select gen_random_uuid(), $1, image from unnest($2::text[]) as image order by image
         on conflict (organization_id, image) do update set unwatched_at = null, complete = false
             where known.unwatched_at is not null
         returning id",
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?)
}

/// Stops watching what no rule needs in any of the organization's repositories any more; gives their ids. What is known
/// of their tags stays for a while: a rule may come back, and people may have taken some of them back.
///
/// # Errors
/// When the server cannot be reached.
pub async fn unwatch_unused(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "update images set unwatched_at = now() where id in (
             select id from images i
             where organization_id = $1 and unwatched_at is null
                 and not exists (select from occurrences o
                                 where o.organization_id = $1 and o.image = i.image and o.rule_line is not null)
                 and i.image not in (select jsonb_array_elements_text(o.policy->'lockstep') from occurrences o
                                     where o.organization_id = $1 and o.policy ? 'lockstep' and o.rule_line is not null)
             order by id for update)
         returning id",
        organization.0,
    )
    .fetch_all(db)
    .await?)
}

/// Locks images until the transaction ends; gives those that are there. Whoever writes tags does this first, and before
/// any row of work: a scan, a push notice and a read that forgets the image then come one after the other.
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
    let row = sqlx::query!(
        "select id, image, etag, complete, scanned_at, error, error_since, watched_since, tags_version
         from images
             where id = $1 and unwatched_at is null",
        id,
    )
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
        "select id, image, etag, complete, scanned_at, error, error_since, watched_since, tags_version
         from images
         where organization_id = $1 and image = any($2) and unwatched_at is null order by image",
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
        "select id, image, etag, complete, scanned_at, error, error_since, watched_since, tags_version
         from images
         where organization_id = $1 and substr(image, strpos(image, '/') + 1) = $2 and unwatched_at is null
         order by image",
        organization.0,
        path,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| image!(row)).collect()
}

/// Watched images whose last scan failed, or was taken by automators that did not come back, by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_failing(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Image>, DbError> {
    let rows = sqlx::query!(
        "select i.id, i.image, i.etag, i.complete, i.scanned_at, coalesce(i.error, w.last_failure) as error, i.error_since,
                i.watched_since, i.tags_version
         from images i left join work w on w.kind = 'scan' and w.subject_id = i.id
         where i.organization_id = $1 and i.unwatched_at is null
             and (i.error is not null or w.last_failure is not null)
         order by i.image limit $2",
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

/// Notes that the list was read to its end; `etag` stays when the registry said that nothing changed. `error` says what
/// of the tags could not be read beyond their names.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_complete(
    db: impl PgExecutor<'_>,
    id: Uuid,
    etag: Option<&str>,
    error: Option<&str>,
    moved: bool,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update images set etag = $2, complete = true, scanned_at = $3, error = $4,
             -- What the first list holds came at times that nobody saw.
             moved_at = case when $5 and scanned_at is not null then $3 else moved_at end,
             error_since = case when $4::text is not null then coalesce(error_since, $3) end, fault = null,
             fault_login = null
         where id = $1",
        id,
        etag,
        now,
        error,
        moved,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The image, and what decides when it is asked for next; `None` when it is watched no more.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_watched(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<(ImageRepository, Watched)>, DbError> {
    let row = sqlx::query!(
        r#"select i.image, coalesce(i.moved_at, i.watched_since) as moved_at, i.told_at,
                  (select min(o.interval_secs) from occurrences o
                   where o.organization_id = i.organization_id and o.image = i.image and o.rule_line is not null)
                      as interval_secs,
                  c.written_at as "written_at?"
           from images i
           left join lateral (
               select greatest(c.created_at, (select f.at from facts f where f.change_id = c.id and f.key = 'merged'))
                          as written_at
               from changes c
               where c.organization_id = i.organization_id and c.image = i.image order by c.created_at desc limit 1
           ) c on true
           where i.id = $1 and i.unwatched_at is null"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let watched = Watched {
            interval: row.interval_secs.map(|seconds| TimeDelta::seconds(seconds.into())),
            moved_at: row.moved_at,
            told_at: row.told_at,
            written_at: row.written_at,
        };
        Ok((word("images.image", &row.image)?, watched))
    })
    .transpose()
}

/// Why a scan failed.
#[derive(Debug, Clone, Copy)]
pub struct Failed<'a> {
    /// In a sentence.
    pub reason: &'a str,
    /// What is wrong with the login or the lack of one, where that is why; and which login that is.
    pub fault: Option<(ReadFault, Option<Uuid>)>,
}

/// Notes that a scan failed; what was known stays, marked incomplete.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_failure(
    db: impl PgExecutor<'_>,
    id: Uuid,
    failed: Failed<'_>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "update images set complete = false, error = $2, error_since = coalesce(error_since, $3), fault = $4,
             fault_login = $5
         where id = $1",
        id,
        failed.reason,
        now,
        failed.fault.map(|(fault, _)| fault.word()),
        failed.fault.and_then(|(_, login)| login),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An image that a login, or the lack of one, keeps from being read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The image.
    pub image: ImageRepository,
    /// What is wrong.
    pub fault: ReadFault,
    /// Which login that is; `None` without one.
    pub login: Option<Uuid>,
    /// Why, in a sentence with the remedy.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The watched images that a login, or the lack of one, keeps from being read, by name; only those among `images`, where
/// some are named.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unreadable(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: Option<&[String]>,
) -> Result<Vec<Unreadable>, DbError> {
    let rows = sqlx::query!(
        r#"select image, fault as "fault!", fault_login, coalesce(error, '') as "reason!",
                  coalesce(error_since, now()) as "since!"
           from images
           where organization_id = $1 and fault is not null and unwatched_at is null
               and ($2::text[] is null or image = any($2))
           order by image"#,
        organization.0,
        images,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Unreadable {
                image: word("images.image", &row.image)?,
                fault: word("images.fault", &row.fault)?,
                login: row.fault_login,
                reason: row.reason,
                since: row.since,
            })
        })
        .collect()
}

/// Where an image stands that cannot be read.
#[derive(Debug, Clone)]
pub struct UnreadablePlace {
    /// The image.
    pub image: ImageRepository,
    /// What is wrong.
    pub fault: ReadFault,
    /// Why, in a sentence with the remedy.
    pub reason: String,
    /// The repository.
    pub repository: RepoName,
    /// The branch.
    pub branch: BranchName,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: i32,
}

/// The first place in each repository of every image that rules govern there and that a login, or the lack of one, keeps
/// from being read.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unreadable_places(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<UnreadablePlace>, DbError> {
    let rows = sqlx::query!(
        r#"select distinct on (r.name, i.image)
                  i.image, i.fault as "fault!", coalesce(i.error, '') as "reason!", r.name, o.branch, o.file, o.line
           from images i
           join occurrences o on o.organization_id = i.organization_id and o.image = i.image and o.rule_line is not null
           join repositories r on r.id = o.repository_id
           where i.organization_id = $1 and i.fault is not null and i.unwatched_at is null
           order by r.name, i.image, o.file, o.line limit $2"#,
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(UnreadablePlace {
                image: word("images.image", &row.image)?,
                fault: word("images.fault", &row.fault)?,
                reason: row.reason,
                repository: word("repositories.name", &row.name)?,
                branch: word("occurrences.branch", &row.branch)?,
                file: row.file,
                line: row.line,
            })
        })
        .collect()
}

/// How many places [`list_unreadable_places`] would give without a limit.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_unreadable_places(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(distinct (o.repository_id, i.id)) as "count!"
           from images i
           join occurrences o on o.organization_id = i.organization_id and o.image = i.image and o.rule_line is not null
           where i.organization_id = $1 and i.fault is not null and i.unwatched_at is null"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// With which entering of a login the list was read; `None` with none.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_listed_with(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!("select listed_with from images where id = $1", id).fetch_optional(db).await?.flatten())
}

/// Notes with which entering of a login the list was read.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_listed_with(db: impl PgExecutor<'_>, id: Uuid, version: Option<Uuid>) -> Result<(), DbError> {
    sqlx::query!("update images set listed_with = $2 where id = $1 and listed_with is distinct from $2", id, version,)
        .execute(db)
        .await?;
    Ok(())
}
