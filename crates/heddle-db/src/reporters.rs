//! Whoever may report one record and nothing else.

use chrono::{DateTime, Utc};
use heddle_core::{drift::RecordName, id::OrganizationId};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{drift_records::NameRow, error::DbError};

/// A reporter without its token.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The reporter.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// The record it reports, by id and name.
    pub record: (Uuid, RecordName),
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it last reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Whose token it is.
#[derive(Debug)]
pub struct KnownReporter {
    /// The reporter.
    pub id: Uuid,
    /// Whose.
    pub organization: OrganizationId,
    /// The record it reports.
    pub record: Uuid,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// Makes a reporter.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    reporter: (Uuid, &str),
    record: Uuid,
    secret_hash: &[u8],
    created_by: &str,
) -> Result<(), DbError> {
    sqlx::query!(
        "insert into reporters (id, organization_id, record_id, name, secret_hash, created_by)
         values ($1, $2, $3, $4, $5, $6)",
        reporter.0,
        organization.0,
        record,
        reporter.1,
        secret_hash,
        created_by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whose token it is. Needs no organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_known(db: impl PgExecutor<'_>, secret_hash: &[u8]) -> Result<Option<KnownReporter>, DbError> {
    Ok(sqlx::query_as!(
        KnownReporter,
        r#"select reporter_id as "id!", organization_id as "organization!", record_id as "record!", revoked as "revoked!"
           from find_reporter($1)"#,
        secret_hash,
    )
    .fetch_optional(db)
    .await?)
}

/// The organization's reporters: the living by environment, tool and source, then the revoked ones.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Reporter>, DbError> {
    let rows = sqlx::query!(
        "select p.id, p.name, p.record_id, r.repository, r.environment, r.tool, r.source, p.created_by, p.created_at,
                p.reported_at, p.revoked_at
         from reporters p join drift_records r on r.id = p.record_id
         where p.organization_id = $1
         order by p.revoked_at is not null, r.environment, r.tool, r.source, r.repository, p.id",
        organization.0,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (repository, environment, tool, source) = (row.repository, row.environment, row.tool, row.source);
            let record = NameRow { repository, environment, tool, source }.try_into()?;
            Ok(Reporter {
                id: row.id,
                name: row.name,
                record: (row.record_id, record),
                created_by: row.created_by,
                created_at: row.created_at,
                reported_at: row.reported_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect()
}

/// How many reporters of the organization are not revoked.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_living(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from reporters where organization_id = $1 and revoked_at is null"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// The names of the reporters of a record that are not revoked.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_living_of(db: impl PgExecutor<'_>, record: Uuid) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "select name from reporters where record_id = $1 and revoked_at is null order by id",
        record
    )
    .fetch_all(db)
    .await?)
}

/// Notes that it reported, and gives its name; `None` when it was revoked meanwhile.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_report(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "update reporters set reported_at = now() where id = $1 and revoked_at is null returning name",
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// The record of a reporter that is not revoked.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_living(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "select record_id from reporters where organization_id = $1 and id = $2 and revoked_at is null",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?)
}

/// Revokes a reporter that is not revoked yet; says what it was for. Whoever calls it holds the lock of its record.
///
/// # Errors
/// When the server cannot be reached.
pub async fn revoke(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar!(
        "update reporters set revoked_at = now() where organization_id = $1 and id = $2 and revoked_at is null
         returning name",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?)
}
