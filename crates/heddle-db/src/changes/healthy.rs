//! Which tags were healthy where, for environments that follow others.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{OrganizationId, RepositoryId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
};
use sqlx::PgExecutor;

use crate::error::{DbError, word};

/// So many tags of an image in an environment are remembered as healthy, the newest ones.
pub const MOST_HEALTHY: i64 = 20;

/// A tag that was healthy in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Healthy {
    /// The environment.
    pub environment: EnvironmentName,
    /// The image.
    pub image: ImageRepository,
    /// The tag.
    pub tag: Tag,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the change that took its place was begun.
    pub until: Option<DateTime<Utc>>,
}

/// The tags that were healthy in a repository's environments and that nobody took back there, the latest of each image.
/// Its cost grows with the number of images and environments, not with that of changes.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_healthy(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    repository: RepositoryId,
) -> Result<Vec<Healthy>, DbError> {
    // From one image to the next by the index `changes_healthy`. A change is settled when it is taken back; that others
    // are not asked for facts, one by one, lets the planner end after the newest.
    let rows = sqlx::query!(
        r#"with recursive image as (
               (select c.environment, c.image from changes c
                where c.organization_id = $1 and c.repository_id = $2 and c.ended = 'healthy'
                order by c.environment, c.image limit 1)
               union all
               select n.* from image i cross join lateral (
                   select c.environment, c.image from changes c
                   where c.organization_id = $1 and c.repository_id = $2 and c.ended = 'healthy'
                       and (c.environment, c.image) > (i.environment, i.image)
                   order by c.environment, c.image limit 1) n
           )
           select i.environment as "environment!", i.image as "image!", h.to_tag, h.ended_at as "since!",
                  n.created_at as "until?"
           from image i
           cross join lateral (
               select c.to_tag, c.ended_at, c.sequence from changes c
               where c.organization_id = $1 and c.repository_id = $2 and c.environment = i.environment
                   and c.image = i.image and c.ended = 'healthy'
                   and (not c.settled or coalesce(
                       (select false from facts f
                        where f.organization_id = $1 and f.change_id = c.id and f.key = 'reverted'), true))
               order by c.sequence desc limit $3) h
           left join lateral (
               select c.created_at from changes c
               where c.organization_id = $1 and c.repository_id = $2 and c.environment = i.environment
                   and c.image = i.image and c.merged_ordinal is not null and c.sequence > h.sequence
               order by c.sequence limit 1) n on true
           order by h.sequence"#,
        organization.0,
        repository.0,
        MOST_HEALTHY,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Healthy {
                environment: word("changes.environment", &row.environment)?,
                image: word("changes.image", &row.image)?,
                tag: word("changes.to_tag", &row.to_tag)?,
                since: row.since,
                until: row.until,
            })
        })
        .collect()
}
