//! Which tags were healthy where, for environments that follow others.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{Digest, ImageRepository, Tag},
    name::EnvironmentName,
};
use sqlx::PgExecutor;

use crate::error::{DbError, word};

/// So many tags of an image in an environment are remembered as healthy, the newest that were it for long enough.
pub const MOST_HEALTHY: i64 = 20;

/// So many changes of an image in an environment are looked at for them.
const MOST_LOOKED_AT: i64 = 500;

/// A tag that was healthy in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthy {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub tag: Tag,
    /// The digest beside it there, where one stood.
    pub digest: Option<Digest>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the change that took its place was begun.
    pub until: Option<DateTime<Utc>>,
}

/// The tags that were healthy in these environments of a repository and that nobody took back there, the latest of each
/// image. Only those that other environments may follow: healthy for the seconds that stand beside the environment, or
/// healthy still. Its cost grows with the number of images and environments, not with that of changes.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_healthy(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
    environments: &[(EnvironmentName, i64)],
) -> Result<Vec<Healthy>, DbError> {
    let (names, after): (Vec<String>, Vec<i64>) =
        environments.iter().map(|(name, after_secs)| (name.to_string(), *after_secs)).unzip();
    // From one image to the next by the index `changes_healthy`.
    let rows = sqlx::query!(
        r#"with recursive image as (
               select e.environment, e.after_secs, n.image
               from unnest($4::text[], $5::bigint[]) as e (environment, after_secs)
               cross join lateral (
                   select c.image from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.ended = 'healthy'
                       and c.environment = e.environment
                   order by c.image limit 1) n
               union all
               select i.environment, i.after_secs, n.image from image i cross join lateral (
                   select c.image from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.ended = 'healthy'
                       and c.environment = i.environment and c.image > i.image
                   order by c.image limit 1) n
           )
           select i.environment as "environment!", i.image as "image!", h.to_tag, h.to_digest, h.ended_at as "since!",
                  h.until as "until?"
           from image i
           cross join lateral (
               select l.to_tag, l.to_digest, l.ended_at, l.sequence, n.created_at as until
               from (
                   select c.to_tag, c.to_digest, c.ended_at, c.sequence from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.environment = i.environment
                       and c.image = i.image and c.ended = 'healthy'
                       and not c.taken_back
                   order by c.sequence desc limit $6) l
               left join lateral (
                   select c.created_at from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.environment = i.environment
                       and c.image = i.image and c.merged_ordinal is not null and c.sequence > l.sequence
                   order by c.sequence limit 1) n on true
               where n.created_at is null or n.created_at >= l.ended_at + make_interval(secs => i.after_secs)
               order by l.sequence desc limit $3) h
           order by h.sequence"#,
        organization.0,
        repository.0,
        MOST_HEALTHY,
        &names,
        &after,
        MOST_LOOKED_AT,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Healthy {
                environment: word("changes.environment", &row.environment)?,
                image: word("changes.image", &row.image)?,
                tag: word("changes.to_tag", &row.to_tag)?,
                digest: row.to_digest.map(|digest| word("changes.to_digest", &digest)).transpose()?,
                since: row.since,
                until: row.until,
            })
        })
        .collect()
}

/// Whether a tag of an image was healthy in an environment of a repository, and nobody took it back there; with a digest, what the
/// tag pointed to then.
///
/// # Errors
/// When the server cannot be reached.
pub async fn was_healthy(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
    (environment, image): (&EnvironmentName, &ImageRepository),
    (tag, digest): (&Tag, Option<&Digest>),
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from changes c
               where c.organization_id = $1 and c.repository_id = $2 and c.environment = $3 and c.image = $4
                   and c.to_tag = $5 and ($6::text is null or c.to_digest = $6) and c.ended = 'healthy'
                   and not exists (select from facts f where f.change_id = c.id and f.key = 'reverted')) as "was!""#,
        organization.0,
        repository.0,
        environment.as_str(),
        image.as_str(),
        tag.as_str(),
        digest.map(Digest::as_str),
    )
    .fetch_one(db)
    .await?)
}
