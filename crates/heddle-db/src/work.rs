//! What is due, and who leased it.
//!
//! One row for each repository to read, image to scan, repository to update and login to try. Whatever asks for it again while it is
//! leased makes it due once more when the lease ends, however it ends. A report counts only with the lease's fencing
//! number and within its time. Whatever makes work due says so to the automators that wait, so no caller can forget it.
//!
//! Organizations take turns: the one that holds the fewest leases comes first, then the one that was served longest ago. A
//! lease that runs out is a failure too; work that ends five automators in a row rests for a day, or until some time after
//! something asks for it.
//!
//! Reports on one repository run one after the other, and rows of work are locked last, in one order (updates, tests,
//! scans, reads, and within a kind by subject): two reports that make each other's work due never wait for each other.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_core::id::{LeaseId, OrganizationId, RepositoryId};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    error::DbError,
    notice::{self, Notice},
};

/// A failed piece of work comes back after this time, doubled with each failure in a row.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// After so many leases that ran out in a row, work rests. `expire_leases` in the schema counts.
pub const MOST_EXPIRIES: u64 = 5;

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Read a repository.
    Read,
    /// List an image's tags.
    Scan,
    /// Write to a repository what the policies choose.
    Update,
    /// Try a login at its registry.
    Test,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Scan => "scan",
            Self::Update => "update",
            Self::Test => "test",
        }
    }

    fn parse(word: &str) -> Result<Self, DbError> {
        [Self::Read, Self::Scan, Self::Update, Self::Test]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| DbError::Corrupt { column: "work.kind", reason: format!("`{word}` is no kind of work") })
    }
}

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
}

/// Makes the reading of a repository due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_read(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
) -> Result<(), DbError> {
    // A report on an update asks for a read before it ends its own row, a report on a read the other way round.
    sqlx::query!("select id from work where kind = 'update' and subject_id = $1 for update", repository.0)
        .fetch_optional(&mut *db)
        .await?;
    request(db, organization, Kind::Read, &[repository.0]).await
}

/// Makes the update of some repositories and the reading of others due now. Whoever asks for both asks once: a second
/// call would lock rows of updates after those of reads.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_updates_and_reads(
    db: &mut PgConnection,
    organization: OrganizationId,
    updates: &[Uuid],
    reads: &[Uuid],
) -> Result<(), DbError> {
    // The updates beside the reads, as for one repository, together with those that are asked for: two that ask for
    // several lock them in one order.
    let both: Vec<Uuid> = updates.iter().chain(reads).copied().collect();
    if both.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "select id from work where kind = 'update' and subject_id = any($1) order by subject_id for update",
        both.as_slice(),
    )
    .fetch_all(&mut *db)
    .await?;
    request(db, organization, Kind::Update, updates).await?;
    request(db, organization, Kind::Read, reads).await
}

/// Makes the update of repositories due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_updates(
    db: &mut PgConnection,
    organization: OrganizationId,
    repositories: &[Uuid],
) -> Result<(), DbError> {
    request(db, organization, Kind::Update, repositories).await
}

/// Makes the scans of images due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_scans(
    db: &mut PgConnection,
    organization: OrganizationId,
    images: &[Uuid],
) -> Result<(), DbError> {
    request(db, organization, Kind::Scan, images).await
}

/// Makes the test of a login due now.
///
/// # Errors
/// When the server cannot be reached.
pub async fn request_test(db: &mut PgConnection, organization: OrganizationId, login: Uuid) -> Result<(), DbError> {
    request(db, organization, Kind::Test, &[login]).await
}

async fn request(
    db: &mut PgConnection,
    organization: OrganizationId,
    kind: Kind,
    subjects: &[Uuid],
) -> Result<(), DbError> {
    if subjects.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into work as known (organization_id, kind, subject_id, installation_id, due_at, asked_at, generation)
         select $1, $2, subject, (select installation_id from repositories where id = subject), now(), now(), 1
         from unnest($3::uuid[]) as subject order by subject
         on conflict (kind, subject_id) do update set
             due_at = greatest(least(known.due_at, now()), known.not_before),
             asked_at = coalesce(known.asked_at, now()),
             installation_id = excluded.installation_id,
             generation = known.generation + 1",
        organization.0,
        kind.word(),
        subjects,
    )
    .execute(&mut *db)
    .await?;
    notice::send(db, &Notice::Work).await
}

/// Forgets the work on something that is gone.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget(db: impl PgExecutor<'_>, subjects: &[Uuid]) -> Result<(), DbError> {
    sqlx::query!(
        "delete from work where id in (
             select id from work where subject_id = any($1) order by kind desc, subject_id for update)",
        subjects,
    )
    .execute(db)
    .await?;
    Ok(())
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

/// Leases one due piece of work of any organization; with `updates_of`, an update of one of these repositories.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lease(
    db: impl PgExecutor<'_>,
    automator: &str,
    length: Duration,
    updates_of: Option<&[Uuid]>,
) -> Result<Option<Leased>, DbError> {
    let row = sqlx::query!(
        r#"select lease_id as "lease_id!", fence as "fence!", expires_at as "expires_at!",
                  organization_id as "organization_id!", kind as "kind!", subject_id as "subject_id!"
           from lease_work($1, $2, $3)"#,
        automator,
        length.as_secs_f64(),
        updates_of,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Leased {
            lease: LeaseId(row.lease_id),
            fence: row.fence,
            expires_at: row.expires_at,
            organization: OrganizationId(row.organization_id),
            kind: Kind::parse(&row.kind)?,
            subject: row.subject_id,
        })
    })
    .transpose()
}

/// After how long something becomes due, by the server's own clock; `None` when nothing is planned.
///
/// # Errors
/// When the server cannot be reached.
pub async fn next_in(db: impl PgExecutor<'_>) -> Result<Option<Duration>, DbError> {
    let seconds =
        sqlx::query_scalar!(r#"select extract(epoch from next_work_at() - now())::double precision as "seconds""#)
            .fetch_one(db)
            .await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
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
        Ok(LiveLease { lease, kind: Kind::parse(&row.kind)?, subject: row.subject_id, automator: row.automator })
    })
    .transpose()
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
             due_at = greatest(case when generation > leased_generation then now() else coalesce($2, next_at) end, $3),
             asked_at = case when generation > leased_generation then now() end
         where lease_id = $1",
        held.lease.0,
        next_at,
        not_before,
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

/// Why the last reading of each repository failed, where it did.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_failure(db: impl PgExecutor<'_>, kind: Kind, subject: Uuid) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!("select last_failure from work where kind = $1 and subject_id = $2", kind.word(), subject,)
        .fetch_optional(db)
        .await?
        .flatten())
}

/// When any automator last asked for work.
///
/// # Errors
/// When the server cannot be reached.
pub async fn automator_seen_at(db: impl PgExecutor<'_>) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select automator_seen_at()").fetch_one(db).await?)
}

/// Notes a webhook's delivery; false when it was taken before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_delivery(db: impl PgExecutor<'_>, delivery: &str) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(r#"select use_delivery($1) as "fresh!""#, delivery).fetch_one(db).await?)
}
