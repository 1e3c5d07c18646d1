//! What somebody looks at: a repository, an environment, a tool, a source.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    drift::{DriftTool, Found, RecordName},
    git::{RepoName, Revision},
    id::OrganizationId,
    name::EnvironmentName,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// A record with what its last look found, without what is in it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The record.
    pub id: Uuid,
    /// Its name.
    pub name: RecordName,
    /// The last look; `None` where nobody has looked.
    pub last: Option<LastLook>,
    /// How often somebody must look, and since when that is asked for; of several askers the strictest.
    pub asked: Option<(TimeDelta, DateTime<Utc>)>,
}

/// What the last look of a record found.
#[derive(Debug, Clone)]
pub struct LastLook {
    /// What.
    pub found: Found,
    /// Since when each look found that.
    pub found_since: DateTime<Utc>,
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How many things differ.
    pub differences: i64,
    /// The commit.
    pub commit: Option<Revision>,
    /// Why not everything was looked at.
    pub reason: Option<String>,
    /// The reporter's name.
    pub reporter_name: String,
    /// Whether the reporter was revoked since.
    pub is_by_revoked: bool,
}

/// The id of the record of this name, which is made where there is none.
///
/// # Errors
/// When the server cannot be reached.
pub async fn ensure(db: impl PgExecutor<'_>, organization: OrganizationId, name: &RecordName) -> Result<Uuid, DbError> {
    Ok(sqlx::query_scalar!(
        r#"insert into drift_records as known (id, organization_id, repository, environment, tool, source)
           values ($1, $2, $3, $4, $5, $6)
           on conflict (organization_id, environment, tool, source, repository) do update set tool = known.tool
           returning id"#,
        Uuid::now_v7(),
        organization.0,
        repository_key(name.repository.as_ref()),
        name.environment.as_str(),
        name.tool.as_str(),
        name.source.as_str(),
    )
    .fetch_one(db)
    .await?)
}

/// Whether somebody may report the record of this name, or looked at it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn is_reported(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    name: &RecordName,
) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from drift_records r
               where organization_id = $1 and repository = $2 and environment = $3 and tool = $4 and source = $5
                   and (exists (select from drift_spells s where s.record_id = r.id)
                        or exists (select from reporters l where l.record_id = r.id and l.revoked_at is null)))
           as "exists!""#,
        organization.0,
        repository_key(name.repository.as_ref()),
        name.environment.as_str(),
        name.tool.as_str(),
        name.source.as_str(),
    )
    .fetch_one(db)
    .await?)
}

/// The name of a record, which nobody else changes until the transaction ends.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<RecordName>, DbError> {
    let row = sqlx::query_as!(
        NameRow,
        "select repository, environment, tool, source from drift_records where id = $1 for update",
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(RecordName::try_from).transpose()
}

/// What time it is, by the one clock that all replicas of the API have: looks are ordered by it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn now(db: impl PgExecutor<'_>) -> Result<DateTime<Utc>, DbError> {
    Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(db).await?)
}

/// The name of a record.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_name(db: impl PgExecutor<'_>, id: Uuid) -> Result<Option<RecordName>, DbError> {
    let row =
        sqlx::query_as!(NameRow, "select repository, environment, tool, source from drift_records where id = $1", id,)
            .fetch_optional(db)
            .await?;
    row.map(RecordName::try_from).transpose()
}

/// Which records are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// This one alone.
    pub id: Option<Uuid>,
    /// Those of this environment.
    pub environment: Option<&'a EnvironmentName>,
    /// Those of this tool.
    pub tool: Option<DriftTool>,
}

/// The records of an organization that somebody reports, asks for or looked at, at most `limit`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    which: Which<'_>,
    limit: i64,
) -> Result<Vec<Record>, DbError> {
    let rows = sqlx::query!(
        r#"select r.id, r.repository, r.environment, r.tool, r.source,
                  s.found as "found?", s.found_since as "found_since?", s.last_at as "last_at?",
                  s.differences as "differences?", s.commit, s.reason, s.reporter_name as "reporter_name?",
                  s.reporter_id is null or p.revoked_at is not null as "is_by_revoked!",
                  e.every_secs as "every_secs?", e.asked_at as "asked_at?"
           from drift_records r
           left join lateral (
               select s.found, s.found_since, s.last_at, s.differences, s.commit, s.reason, s.reporter_id, s.reporter_name
               from drift_spells s where s.record_id = r.id order by s.last_at desc limit 1) s on true
           left join reporters p on p.id = s.reporter_id
           left join lateral (
               select e.every_secs, e.asked_at from drift_expectations e
               where e.record_id = r.id order by e.every_secs, e.asked_at limit 1) e on true
           where r.organization_id = $1 and ($2::uuid is null or r.id = $2)
               and ($4::text is null or r.environment = $4) and ($5::text is null or r.tool = $5)
               and (s.found is not null or e.every_secs is not null
                    or exists (select from reporters l where l.record_id = r.id and l.revoked_at is null))
           order by r.id limit $3"#,
        organization.0,
        which.id,
        limit,
        which.environment.map(EnvironmentName::as_str),
        which.tool.map(DriftTool::as_str),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let last = match (row.found, row.found_since, row.last_at) {
                (Some(found), Some(found_since), Some(at)) => Some(LastLook {
                    found: word("drift_spells.found", &found)?,
                    found_since,
                    at,
                    differences: row.differences.unwrap_or_default(),
                    commit: row.commit.map(|commit| word("drift_spells.commit", &commit)).transpose()?,
                    reason: row.reason,
                    reporter_name: row.reporter_name.unwrap_or_default(),
                    is_by_revoked: row.is_by_revoked,
                }),
                _ => None,
            };
            let asked = row.every_secs.zip(row.asked_at).map(|(secs, at)| (TimeDelta::seconds(secs), at));
            let (repository, environment, tool, source) = (row.repository, row.environment, row.tool, row.source);
            let name = NameRow { repository, environment, tool, source }.try_into()?;
            Ok(Record { id: row.id, name, last, asked })
        })
        .collect()
}

/// Forgets a record with its history and its reporters; says which it was.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Uuid,
) -> Result<Option<RecordName>, DbError> {
    let row = sqlx::query_as!(
        NameRow,
        "delete from drift_records where organization_id = $1 and id = $2
         returning repository, environment, tool, source",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(RecordName::try_from).transpose()
}

/// How many records somebody reports, asks for or looked at.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count(db: impl PgExecutor<'_>, organization: OrganizationId, which: Which<'_>) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from drift_records r
           where r.organization_id = $1 and ($2::text is null or r.environment = $2) and ($3::text is null or r.tool = $3)
               and (exists (select from drift_spells s where s.record_id = r.id)
                    or exists (select from drift_expectations e where e.record_id = r.id)
                    or exists (select from reporters l where l.record_id = r.id and l.revoked_at is null))"#,
        organization.0,
        which.environment.map(EnvironmentName::as_str),
        which.tool.map(DriftTool::as_str),
    )
    .fetch_one(db)
    .await?)
}

/// How many records of an organization somebody may report or looked at. Those that `drift:` alone asks for are bounded by
/// its lines.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_reported(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from drift_records r
           where r.organization_id = $1
               and (exists (select from drift_spells s where s.record_id = r.id)
                    or exists (select from reporters l where l.record_id = r.id and l.revoked_at is null))"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// How many bytes the histories of all records of an organization take, as it was noted; what was forgotten by age since may
/// be among it.
///
/// # Errors
/// When the server cannot be reached.
pub async fn sum_noted_bytes(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(stored_bytes), 0)::bigint as "bytes!" from drift_records where organization_id = $1"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// How many bytes the histories of all records of an organization take, counted anew.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_bytes(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(bytes), 0)::bigint as "bytes!" from drift_spells where organization_id = $1"#,
        organization.0,
    )
    .fetch_one(db)
    .await?)
}

/// Locks the record of an organization that has the most to give up: its history but for the newest spell. Not one that takes
/// `least_bytes` or less, and not one that somebody else holds, so that two who lock records never wait for each other.
///
/// # Errors
/// When the server cannot be reached.
pub async fn lock_largest(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    least_bytes: i64,
) -> Result<Option<Uuid>, DbError> {
    Ok(sqlx::query_scalar!(
        "select r.id from drift_records r join (
             select record_id, sum(bytes) - (array_agg(bytes order by last_at desc))[1] as history
             from drift_spells where organization_id = $1 group by record_id having sum(bytes) > $2::bigint) s on s.record_id = r.id
         where r.organization_id = $1 and s.history > 0 order by s.history desc limit 1
         for update of r skip locked",
        organization.0,
        least_bytes,
    )
    .fetch_optional(db)
    .await?)
}

/// Notes how many bytes the histories of all records of an organization take now, where another number stands and nobody else
/// holds the record.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_all_bytes(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<(), DbError> {
    sqlx::query!(
        "with taken as (
             select r.id, coalesce((select sum(s.bytes) from drift_spells s where s.record_id = r.id), 0) as bytes
             from drift_records r where r.organization_id = $1),
         wrong as (
             select r.id, t.bytes from drift_records r join taken t on t.id = r.id where r.stored_bytes <> t.bytes
             for update of r skip locked)
         update drift_records r set stored_bytes = w.bytes from wrong w where w.id = r.id",
        organization.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes how many bytes the history of a record takes now. Whoever calls it holds its lock.
///
/// # Errors
/// When the server cannot be reached.
pub async fn note_bytes(db: impl PgExecutor<'_>, id: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "update drift_records
         set stored_bytes = (select coalesce(sum(s.bytes), 0) from drift_spells s where s.record_id = $1) where id = $1",
        id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How the repository of a record is stored: in one letter case, so that one repository has no two.
pub(crate) fn repository_key(repository: Option<&RepoName>) -> String {
    repository.map(|name| name.as_str().to_ascii_lowercase()).unwrap_or_default()
}

/// A name as it is stored.
pub(crate) struct NameRow {
    pub(crate) repository: String,
    pub(crate) environment: String,
    pub(crate) tool: String,
    pub(crate) source: String,
}

impl TryFrom<NameRow> for RecordName {
    type Error = DbError;

    fn try_from(row: NameRow) -> Result<Self, DbError> {
        let repository = Some(row.repository).filter(|repository| !repository.is_empty());
        Ok(Self {
            repository: repository.map(|name| word("drift_records.repository", &name)).transpose()?,
            environment: word("drift_records.environment", &row.environment)?,
            tool: word("drift_records.tool", &row.tool)?,
            source: word("drift_records.source", &row.source)?,
        })
    }
}
