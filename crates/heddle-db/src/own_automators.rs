//! Automators that organizations run themselves, for the registries that they serve.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_core::{id::OrganizationId, image::ImageRepository, registry::HostPattern};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    error::{DbError, word},
    work::Leased,
};

/// An automator of an organization, without its token.
#[derive(Debug, Clone)]
pub struct OwnAutomator {
    /// The automator.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The registries that it serves.
    pub hosts: Vec<HostPattern>,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: DateTime<Utc>,
    /// When it asked for work last.
    pub seen_at: Option<DateTime<Utc>>,
}

/// What a row is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewOwnAutomator<'a> {
    /// The automator.
    pub id: Uuid,
    /// Its name.
    pub name: &'a str,
    /// The registries that it serves.
    pub hosts: &'a [HostPattern],
    /// The hash of its token.
    pub secret_hash: &'a [u8],
    /// Who adds it.
    pub added_by: &'a str,
}

/// Whose a token is.
#[derive(Debug, Clone)]
pub struct TokenUse {
    /// The automator.
    pub automator: Uuid,
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub name: String,
}

/// Adds one; false when there is one of that name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    new: NewOwnAutomator<'_>,
) -> Result<bool, DbError> {
    let added = sqlx::query!(
        "insert into own_automators (id, organization_id, name, hosts, secret_hash, added_by)
         values ($1, $2, $3, $4, $5, $6) on conflict (organization_id, name) do nothing",
        new.id,
        organization.0,
        new.name,
        &new.hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        new.secret_hash,
        new.added_by,
    )
    .execute(db)
    .await?;
    Ok(added.rows_affected() > 0)
}

/// The organization's own automators by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<OwnAutomator>, DbError> {
    let rows = sqlx::query!(
        "select id, name, hosts, added_by, added_at, seen_at from own_automators where organization_id = $1
         order by lower(name), id",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let hosts: Result<_, _> = row.hosts.iter().map(|host| word("own_automators.hosts", host)).collect();
            Ok(OwnAutomator {
                id: row.id,
                name: row.name,
                hosts: hosts?,
                added_by: row.added_by,
                added_at: row.added_at,
                seen_at: row.seen_at,
            })
        })
        .collect()
}

/// Removes one: its token counts no more, and its registries are scanned by the hosted automators. Says which it was.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "delete from own_automators where organization_id = $1 and id = $2 returning name",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Whose token it is; notes that it was shown. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn touch(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<TokenUse>, DbError> {
    Ok(sqlx::query_as!(
        TokenUse,
        r#"select automator_id as "automator!", organization_id as "organization!", name as "name!"
           from use_own_automator($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}

/// Leases one due scan at a host that the automator serves.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lease(
    db: impl PgExecutor<'_>,
    automator: Uuid,
    process: &str,
    length: Duration,
) -> Result<Option<Leased>, DbError> {
    let row = sqlx::query!(
        r#"select lease_id as "lease_id!", fence as "fence!", expires_at as "expires_at!",
                  organization_id as "organization_id!", kind as "kind!", subject_id as "subject_id!"
           from lease_claimed_scan($1, $2, $3)"#,
        automator,
        process,
        length.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Leased::read(row.lease_id, row.fence, row.expires_at, row.organization_id, &row.kind, row.subject_id))
        .transpose()
}

/// How many watched images are read at hosts that each automator serves.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_images(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<(Uuid, i64)>, DbError> {
    let rows = sqlx::query!(
        r#"select h.claimed_by as "automator!", count(*) as "images!"
           from registry_hosts h join work w on w.host_id = h.id and w.kind = 'scan'
           where h.organization_id = $1 and h.claimed_by is not null group by 1"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.automator, row.images)).collect())
}

/// An image that nobody scans: the automator that serves its registry is silent.
#[derive(Debug, Clone)]
pub struct Unserved {
    /// The image.
    pub image: ImageRepository,
    /// The automator's name.
    pub automator: String,
    /// When it was seen last.
    pub seen_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub added_at: DateTime<Utc>,
}

/// The watched images whose automator has not asked for work since `silent_since`, by name; only those among `images`, where
/// some are named.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unserved(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: Option<&[String]>,
    silent_since: DateTime<Utc>,
) -> Result<Vec<Unserved>, DbError> {
    let rows = sqlx::query!(
        "select i.image, o.name, o.seen_at, o.added_at
         from own_automators o
         join registry_hosts h on h.claimed_by = o.id
         join work w on w.host_id = h.id and w.kind = 'scan'
         join images i on i.id = w.subject_id
         where o.organization_id = $1 and coalesce(o.seen_at, o.added_at) < $3 and i.unwatched_at is null
             and ($2::text[] is null or i.image = any($2))
         order by i.image",
        organization.0,
        images,
        silent_since,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Unserved {
                image: word("images.image", &row.image)?,
                automator: row.name,
                seen_at: row.seen_at,
                added_at: row.added_at,
            })
        })
        .collect()
}
