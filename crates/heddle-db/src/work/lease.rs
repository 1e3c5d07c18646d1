//! The life of a lease: made, held for a report, renewed, ended.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_core::id::{LeaseId, OrganizationId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::Kind;
use crate::{
    error::DbError,
    notice::{self, Notice},
};

/// A failed piece of work comes back after this time, doubled with each failure in a row.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// After so many leases that ran out in a row, work rests. `expire_leases` in the schema counts.
pub const MOST_EXPIRIES: u64 = 5;

/// A lease that was just made.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The lease.
    pub lease: LeaseId,
    /// Its fencing number.
    pub fence: i64,
    /// When it ends unless renewed.
    pub expires_at: DateTime<Utc>,
    /// Whose work it is.
    pub organization: OrganizationId,
    /// What kind of work.
    pub kind: Kind,
    /// The repository, for a scan the image, for a test the login.
    pub subject: Uuid,
}

impl Leased {
    /// As a function that leases gives it.
    pub(crate) fn read(
        lease: Uuid,
        fence: i64,
        expires_at: DateTime<Utc>,
        organization: Uuid,
        kind: &str,
        subject: Uuid,
    ) -> Result<Self, DbError> {
        let (lease, organization) = (LeaseId(lease), OrganizationId(organization));
        Ok(Self { lease, fence, expires_at, organization, kind: Kind::parse(kind)?, subject })
    }
}

/// A lease that lives, locked against others until the transaction ends.
#[derive(Debug, Clone)]
pub struct LiveLease {
    /// The lease.
    pub lease: LeaseId,
    /// What kind of work.
    pub kind: Kind,
    /// The repository, for a scan the image, for a test the login.
    pub subject: Uuid,
    /// The automator's name.
    pub automator: String,
    /// How often the work had been asked for when what is reported was begun, where an earlier lease began it. What was
    /// asked for since then is not done with it.
    pub begun: Option<i64>,
}

/// Leases one due piece of work of any organization; with `updates_of`, an update of one of these repositories. An update of
/// which a request needs more than `knows_requests` is left to others.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lease(
    db: impl PgExecutor<'_>,
    automator: &str,
    length: Duration,
    updates_of: Option<&[Uuid]>,
    knows_requests: i32,
) -> Result<Option<Leased>, DbError> {
    let row = sqlx::query!(
        r#"select lease_id as "lease_id!", fence as "fence!", expires_at as "expires_at!",
                  organization_id as "organization_id!", kind as "kind!", subject_id as "subject_id!"
           from lease_work($1, $2, $3, $4)"#,
        automator,
        length.as_secs_f64(),
        updates_of,
        knows_requests,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Leased::read(row.lease_id, row.fence, row.expires_at, row.organization_id, &row.kind, row.subject_id))
        .transpose()
}

/// Whose work a lease is about.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_organization(db: impl PgExecutor<'_>, lease: LeaseId) -> Result<Option<OrganizationId>, DbError> {
    let organization = sqlx::query_scalar!(r#"select organization_id as "id!" from find_lease($1)"#, lease.0)
        .fetch_optional(db)
        .await?;
    Ok(organization.map(OrganizationId))
}

/// Takes a lease for this transaction, in which no other report on the same repository or image runs; `None` when it
/// has ended or another followed it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn hold(db: &mut PgConnection, lease: LeaseId, fence: i64) -> Result<Option<LiveLease>, DbError> {
    // Not the row itself: what this transaction makes due would wait for it, and it for what that transaction holds.
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtextextended('heddle report', 0) # hashtextextended(subject_id::text, 0))
         from work where lease_id = $1",
        lease.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let row = sqlx::query!(
        r#"select kind, subject_id, coalesce(leased_by, '') as "automator!" from work
           where lease_id = $1 and fence = $2 and lease_expires_at > now()"#,
        lease.0,
        fence,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let kind = Kind::parse(&row.kind)?;
        Ok(LiveLease { lease, kind, subject: row.subject_id, automator: row.automator, begun: None })
    })
    .transpose()
}

/// How often leased work had been asked for when it was leased.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_asked(db: impl PgExecutor<'_>, lease: LeaseId) -> Result<i64, DbError> {
    let asked = sqlx::query_scalar!("select leased_generation from work where lease_id = $1", lease.0);
    Ok(asked.fetch_optional(db).await?.unwrap_or_default())
}

/// Prolongs a lease; false when it has ended or another followed it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn renew(db: impl PgExecutor<'_>, lease: LeaseId, fence: i64, length: Duration) -> Result<bool, DbError> {
    let renewed = sqlx::query!(
        "update work set lease_expires_at = now() + make_interval(secs => $3)
         where lease_id = $1 and fence = $2 and lease_expires_at > now()",
        lease.0,
        fence,
        length.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(renewed.rows_affected() > 0)
}

/// Whether a held lease is still the newest on its work; locks it until the transaction ends. The last thing that a
/// report does which does not end its lease.
///
/// # Errors
/// When the server cannot be reached.
pub async fn confirm(db: impl PgExecutor<'_>, held: &LiveLease) -> Result<bool, DbError> {
    let found = sqlx::query!("select id from work where lease_id = $1 for update", held.lease.0);
    Ok(found.fetch_optional(db).await?.is_some())
}

/// Notes when held work wants to come back when it is done; the earliest wish counts.
///
/// # Errors
/// When the server cannot be reached.
pub async fn come_back(db: impl PgExecutor<'_>, held: &LiveLease, at: DateTime<Utc>) -> Result<(), DbError> {
    sqlx::query!("update work set next_at = least(next_at, $2) where lease_id = $1", held.lease.0, at)
        .execute(db)
        .await?;
    Ok(())
}

/// Ends a held lease whose work is done; false when another followed it meanwhile. The work is due next at `next_at`,
/// else when it wanted to come back, or at once when something asked meanwhile.
///
/// # Errors
/// When the server cannot be reached.
pub async fn finish(
    db: &mut PgConnection,
    held: &LiveLease,
    next_at: Option<DateTime<Utc>>,
    not_before: Option<DateTime<Utc>>,
) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "update work set
             lease_id = null, lease_expires_at = null, leased_by = null, failures = 0, expiries = 0, last_failure = null,
             not_before = $3, next_at = null,
             due_at = greatest(
                 case when generation > coalesce($4, leased_generation) then now() else coalesce($2, next_at) end, $3),
             asked_at = case when generation > coalesce($4, leased_generation) then now() end
         where lease_id = $1",
        held.lease.0,
        next_at,
        not_before,
        held.begun,
    )
    .execute(&mut *db)
    .await?;
    notice::send(db, &Notice::Work).await?;
    Ok(ended.rows_affected() > 0)
}

/// How work failed, and when it may be tried again.
#[derive(Debug, Clone, Copy)]
pub struct Failure<'a> {
    /// What people read of it.
    pub reason: &'a str,
    /// Before this it is not tried, whoever asks: the far end said so.
    pub not_before: Option<DateTime<Utc>>,
    /// Failures in a row put it off further and further, by at most this.
    pub longest: Duration,
}

/// Ends a held lease whose work failed; false when another followed it meanwhile. It is due again later each time, or
/// at once when something asked meanwhile.
///
/// # Errors
/// When the server cannot be reached.
pub async fn fail(db: &mut PgConnection, held: &LiveLease, failure: Failure<'_>) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "update work set
             lease_id = null, lease_expires_at = null, leased_by = null, failures = failures + 1, expiries = 0,
             last_failure = $2,
             not_before = $3, next_at = null,
             asked_at = case when generation > leased_generation then now() end,
             due_at = greatest(case when generation > leased_generation then now()
                 else now() + make_interval(secs => least($4 * power(2, least(failures, 20)), $5)) end, $3)
         where lease_id = $1",
        held.lease.0,
        failure.reason,
        failure.not_before,
        FIRST_RETRY.as_secs_f64(),
        failure.longest.as_secs_f64(),
    )
    .execute(&mut *db)
    .await?;
    notice::send(db, &Notice::Work).await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends a held lease whose work was not begun; false when another followed it meanwhile. It is due again at `at`, and else as
/// it was: whether something asked for it, how it failed before, and which leases ran out.
///
/// # Errors
/// When the server cannot be reached.
pub async fn give_back(db: &mut PgConnection, held: &LiveLease, at: DateTime<Utc>) -> Result<bool, DbError> {
    let ended = sqlx::query!(
        "update work set
             lease_id = null, lease_expires_at = null, leased_by = null, next_at = null, not_before = $2, due_at = $2
         where lease_id = $1",
        held.lease.0,
        at,
    )
    .execute(&mut *db)
    .await?;
    notice::send(db, &Notice::Work).await?;
    Ok(ended.rows_affected() > 0)
}

/// Forgets held work on something that is gone; false when something asked for it meanwhile, or another lease followed.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_held(db: impl PgExecutor<'_>, held: &LiveLease) -> Result<bool, DbError> {
    let forgotten =
        sqlx::query!("delete from work where lease_id = $1 and generation = leased_generation", held.lease.0)
            .execute(db)
            .await?;
    Ok(forgotten.rows_affected() > 0)
}
