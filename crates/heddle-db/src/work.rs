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

mod lease;
mod request;

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::DbError;

pub use self::{
    lease::{
        Failure, Leased, LiveLease, MOST_EXPIRIES, come_back, confirm, fail, find_asked, find_organization, finish,
        forget_held, give_back, hold, lease, renew,
    },
    request::{forget, request_read, request_scans, request_test, request_updates, request_updates_and_reads},
};

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

/// Why the last work of a kind failed, of each of these subjects for which it did.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_failures(
    db: impl PgExecutor<'_>,
    kind: Kind,
    subjects: &[Uuid],
) -> Result<BTreeMap<Uuid, String>, DbError> {
    let rows = sqlx::query!(
        r#"select subject_id, last_failure as "last_failure!" from work
           where kind = $1 and subject_id = any($2) and last_failure is not null"#,
        kind.word(),
        subjects,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject_id, row.last_failure)).collect())
}

/// When any automator last asked for work.
///
/// # Errors
/// When the server cannot be reached.
pub async fn automator_seen_at(db: impl PgExecutor<'_>) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select automator_seen_at()").fetch_one(db).await?)
}

/// When an automator last asked for work that writes such requests.
///
/// # Errors
/// When the server cannot be reached.
pub async fn automator_for_seen_at(db: impl PgExecutor<'_>, needs: u16) -> Result<Option<DateTime<Utc>>, DbError> {
    Ok(sqlx::query_scalar!("select automator_seen_at($1)", i32::from(needs)).fetch_one(db).await?)
}
