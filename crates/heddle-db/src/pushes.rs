//! Push notices: when tags were pushed, and which of them no update has looked at yet.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::{DbError, word};

/// A pushed tag that no update has looked at yet.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub tag: Tag,
    /// When it was pushed.
    pub pushed_at: DateTime<Utc>,
    /// Why the image's last scan failed, where it did.
    pub scan_error: Option<String>,
    /// Why the last update of a repository with the image failed, where it did.
    pub update_error: Option<String>,
    /// Its registry is not asked before.
    pub rests_until: Option<DateTime<Utc>>,
    /// The organization's own automator that alone serves its registry, and when it was seen.
    pub served_by: Option<(String, Option<DateTime<Utc>>)>,
}

/// Notes a push notice. The tag is chosen only after a scan has listed it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note(
    db: &mut PgConnection,
    organization: OrganizationId,
    image: Uuid,
    tag: &Tag,
    digest: Option<&Digest>,
    at: DateTime<Utc>,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into tags as known (organization_id, image_id, tag, digest, first_seen_at, pushed_at, listed,
                                    unlisted_at)
         values ($1, $2, $3, $4, $5, $5, false, now())
         on conflict (image_id, tag) do update set
             pushed_at = coalesce(known.pushed_at, excluded.pushed_at),
             digest = coalesce(excluded.digest, known.digest),
             -- Another image under the same tag has to be described anew.
             moved_at = case when excluded.digest <> known.digest then excluded.pushed_at else known.moved_at end,
             created_at = case when excluded.digest <> known.digest then null else known.created_at end,
             platforms = case when excluded.digest <> known.digest then null else known.platforms end,
             described_at = case when excluded.digest <> known.digest then null else known.described_at end",
        organization.0,
        image,
        tag.as_str(),
        digest.map(Digest::as_str),
        at,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update images set told_at = $2, watched_since = coalesce(watched_since, $2) where id = $1",
        image,
        at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The tags pushed since `since` that no update has looked at yet, the newest first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_waiting(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Waiting>, DbError> {
    let rows = sqlx::query!(
        r#"select i.image, t.tag, t.pushed_at as "pushed_at!", 
                  coalesce(i.error, s.last_failure) as scan_error, u.last_failure as "update_error?",
                  h.not_before as "not_before?", o.name as "served_by?", o.seen_at as "server_seen_at?"
           from tags t
           join images i on i.id = t.image_id
           left join work s on s.kind = 'scan' and s.subject_id = i.id
           left join registry_hosts h on h.id = s.host_id
           left join own_automators o on o.id = h.claimed_by
           left join lateral (
               select w.last_failure from occurrences o
               join work w on w.kind = 'update' and w.subject_id = o.repository_id
                   and (w.asked_at is not null or w.last_failure is not null)
               where o.organization_id = $1 and o.image = i.image and o.rule_line is not null
               order by w.last_failure nulls last limit 1
           ) u on true
           where t.organization_id = $1 and t.pushed_at >= $2
               and (s.asked_at is not null or s.last_failure is not null or i.error is not null or u is not null)
               -- One look into an index for each of few tags; as a join it may read all changes.
               and (select c.id from changes c
                    where c.organization_id = $1 and c.image = i.image and c.to_tag = t.tag limit 1) is null
           order by t.pushed_at desc limit $3"#,
        organization.0,
        since,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Waiting {
                image: word("images.image", &row.image)?,
                tag: word("tags.tag", &row.tag)?,
                pushed_at: row.pushed_at,
                scan_error: row.scan_error,
                update_error: row.update_error,
                rests_until: row.not_before,
                served_by: row.served_by.map(|name| (name, row.server_seen_at)),
            })
        })
        .collect()
}
