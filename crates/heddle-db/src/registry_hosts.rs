//! How much each registry may be asked, by one organization with one login; shared by all automators.

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{LeaseId, OrganizationId},
    image::ImageRepository,
    registry::pace::{HostReport, Pace},
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::{DbError, word};

/// A registry as one organization reads it with one login.
#[derive(Debug, Clone)]
pub struct Host {
    /// The row.
    pub id: Uuid,
    /// As images name it.
    pub host: String,
    /// The login; `None` without one.
    pub login: Option<Uuid>,
    /// The organization's own automator that serves it.
    pub claimed_by: Option<Uuid>,
    /// How much it is asked.
    pub pace: Pace,
}

struct HostRow {
    id: Uuid,
    host: String,
    login_id: Option<Uuid>,
    claimed_by: Option<Uuid>,
    not_before: Option<DateTime<Utc>>,
    at_once: i32,
    throttled: i32,
    slow_since: Option<DateTime<Utc>>,
}

impl From<HostRow> for Host {
    fn from(row: HostRow) -> Self {
        let number = |number: i32| u32::try_from(number).unwrap_or_default();
        let pace = Pace {
            at_once: number(row.at_once).max(1),
            not_before: row.not_before,
            throttled: number(row.throttled),
            slow_since: row.slow_since,
        };
        Self { id: row.id, host: row.host, login: row.login_id, claimed_by: row.claimed_by, pace }
    }
}

/// The host of a leased scan; `None` while it is not found out.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_of(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    image: Uuid,
) -> Result<Option<Host>, DbError> {
    let row = sqlx::query_as!(
        HostRow,
        "select h.id, h.host, h.login_id, h.claimed_by, h.not_before, h.at_once, h.throttled, h.slow_since
         from work w join registry_hosts h on h.id = w.host_id
         where w.organization_id = $1 and w.kind = 'scan' and w.subject_id = $2",
        organization.0,
        image,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Host::from))
}

/// Whether a lease is of a scan at a host that an automator of the organization serves.
///
/// # Errors
/// When the server cannot be reached.
pub async fn is_served_by(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    lease: LeaseId,
    automator: Uuid,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from work w join registry_hosts h on h.id = w.host_id
               where w.organization_id = $1 and w.lease_id = $2 and w.kind = 'scan' and h.claimed_by = $3) as "is!""#,
        organization.0,
        lease.0,
        automator,
    )
    .fetch_one(db)
    .await?)
}

/// Says where the scan of an image asks. Gives the host, locked until the transaction ends: whoever takes one of its places
/// does so one after the other.
///
/// # Errors
/// When the server cannot be reached.
pub async fn place(
    db: &mut PgConnection,
    organization: OrganizationId,
    image: Uuid,
    (host, login, claimed_by): (&str, Option<Uuid>, Option<Uuid>),
) -> Result<Host, DbError> {
    let row = sqlx::query_as!(
        HostRow,
        "insert into registry_hosts as known (organization_id, host, login_id, claimed_by, at_once)
         values ($1, $2, $3, $4, $5)
         on conflict (organization_id, host, login_id) do update set claimed_by = excluded.claimed_by
         returning id, host, login_id, claimed_by, not_before, at_once, throttled, slow_since",
        organization.0,
        host,
        login,
        claimed_by,
        i32::try_from(Pace::default().at_once).unwrap_or(1),
    )
    .fetch_one(&mut *db)
    .await?;
    sqlx::query!(
        "update work set host_id = $3 where organization_id = $1 and kind = 'scan' and subject_id = $2",
        organization.0,
        image,
        row.id,
    )
    .execute(db)
    .await?;
    Ok(row.into())
}

/// How many scans run at a host, besides that of `image`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_others(db: impl PgExecutor<'_>, host: Uuid, image: Uuid) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from work where host_id = $1 and lease_id is not null and subject_id <> $2"#,
        host,
        image,
    )
    .fetch_one(db)
    .await?)
}

/// Where some scans ask is found out anew when they are leased: another login is for them, or another automator.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_places(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    images: &[Uuid],
) -> Result<(), DbError> {
    sqlx::query!(
        "update work set host_id = null where id in (
             select id from work
             where organization_id = $1 and kind = 'scan' and subject_id = any($2) and host_id is not null
             order by subject_id for update)",
        organization.0,
        images,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Some scans of which it is not found out where they ask: their images.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_unplaced(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<(Uuid, ImageRepository)>, DbError> {
    let rows = sqlx::query!(
        "select i.id, i.image from work w join images i on i.id = w.subject_id
         where w.organization_id = $1 and w.kind = 'scan' and w.host_id is null and i.unwatched_at is null
         order by i.id limit $2",
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, word("images.image", &row.image)?))).collect()
}

/// Keeps what became of the pace of a host, and what the registry said. Where nothing differs no row is locked.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_pace(
    db: &mut PgConnection,
    host: &Host,
    told: &HostReport,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    if host.pace.after(told, now) == host.pace {
        return Ok(false);
    }
    // Another report may have said something else meanwhile: what it said is gone on from.
    let row = sqlx::query_as!(
        HostRow,
        "select id, host, login_id, claimed_by, not_before, at_once, throttled, slow_since from registry_hosts
         where id = $1 for update",
        host.id,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let pace = Host::from(row).pace.after(told, now);
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sqlx::query!(
        r#"update registry_hosts set not_before = $2, at_once = $3, throttled = $4, slow_since = $5, "limit" = $6,
               remaining = $7, resets_at = $8
           where id = $1"#,
        host.id,
        pace.not_before,
        i32::try_from(pace.at_once).unwrap_or(i32::MAX),
        i32::try_from(pace.throttled).unwrap_or(i32::MAX),
        pace.slow_since,
        told.allowance.map(|allowance| number(allowance.limit)),
        told.allowance.map(|allowance| number(allowance.remaining)),
        told.allowance.and_then(|allowance| allowance.resets_at),
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// A host that is asked less than it could be.
#[derive(Debug, Clone)]
pub struct Slow {
    /// As images name it.
    pub host: String,
    /// The path that its login is for; `None` without a login.
    pub prefix: Option<String>,
    /// Nothing is asked there before.
    pub not_before: Option<DateTime<Utc>>,
    /// Whether it asked for fewer requests.
    pub throttled: bool,
    /// What it said of its limit: requests, and those that are left.
    pub left: Option<(i64, i64)>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How many watched images are read there.
    pub images: i64,
}

/// The hosts that are asked less than they could be, the longest so first.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_slow(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<Slow>, DbError> {
    let rows = sqlx::query!(
        r#"select h.host, l.prefix as "prefix?", h.not_before, h.throttled > 0 as "throttled!", h."limit", h.remaining,
                  h.slow_since as "since!",
                  (select count(*) from work w where w.host_id = h.id and w.kind = 'scan') as "images!"
           from registry_hosts h left join registry_logins l on l.id = h.login_id
           where h.organization_id = $1 and h.slow_since is not null
           order by h.slow_since, h.host limit $2"#,
        organization.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Slow {
            host: row.host,
            prefix: row.prefix,
            not_before: row.not_before,
            throttled: row.throttled,
            left: row.limit.zip(row.remaining),
            since: row.since,
            images: row.images,
        })
        .collect())
}

/// The organization's watched images.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_watched(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> Result<Vec<(Uuid, ImageRepository)>, DbError> {
    let rows = sqlx::query!(
        "select id, image from images where organization_id = $1 and unwatched_at is null order by id",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, word("images.image", &row.image)?))).collect()
}
