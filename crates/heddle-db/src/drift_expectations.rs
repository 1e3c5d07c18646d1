//! What `drift:` in config repositories asks for.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    drift::RecordName,
    id::{OrganizationId, RepositoryId},
};
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::{
    drift_records::repository_key,
    error::{DbError, json},
};

/// That somebody must look.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// At what.
    pub record: RecordName,
    /// How often.
    pub every: TimeDelta,
    /// The line that says so.
    pub line: i32,
}

#[derive(Serialize)]
struct NewRow<'a> {
    id: Uuid,
    repository: String,
    environment: &'a str,
    tool: &'a str,
    source: &'a str,
    every_secs: i64,
    line: i32,
}

/// Puts these in the place of the repository's earlier ones; since when each is asked for stays. Of several that are one
/// record's, as one that names its own repository and one that names none, the strictest counts.
///
/// # Errors
/// When the server cannot be reached.
pub async fn replace(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    expectations: &[Expectation],
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let rows: Vec<NewRow<'_>> = expectations
        .iter()
        .map(|one| NewRow {
            id: Uuid::now_v7(),
            repository: repository_key(one.record.repository.as_ref()),
            environment: one.record.environment.as_str(),
            tool: one.record.tool.as_str(),
            source: one.record.source.as_str(),
            every_secs: one.every.num_seconds(),
            line: one.line,
        })
        .collect();
    let rows = json("drift_expectations", &rows)?;
    sqlx::query!(
        "insert into drift_records (id, organization_id, repository, environment, tool, source)
         select id, $1, repository, environment, tool, source
         from jsonb_to_recordset($2) as e (id uuid, repository text, environment text, tool text, source text)
         on conflict (organization_id, environment, tool, source, repository) do nothing",
        organization.0,
        rows,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from drift_expectations x using drift_records r
         where x.repository_id = $2 and r.id = x.record_id and not exists (
             select from jsonb_to_recordset($3) as e (repository text, environment text, tool text, source text)
             where r.organization_id = $1
                 and (e.environment, e.tool, e.source, e.repository) = (r.environment, r.tool, r.source, r.repository))",
        organization.0,
        repository.0,
        rows,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into drift_expectations (organization_id, repository_id, record_id, every_secs, line, asked_at)
         select distinct on (r.id) $1::uuid, $2::uuid, r.id, e.every_secs, e.line, $4::timestamptz
         from jsonb_to_recordset($3) as e (
             repository text, environment text, tool text, source text, every_secs bigint, line integer)
         join drift_records r on r.organization_id = $1
             and (r.environment, r.tool, r.source, r.repository) = (e.environment, e.tool, e.source, e.repository)
         order by r.id, e.every_secs, e.line
         on conflict (repository_id, record_id) do update set every_secs = excluded.every_secs, line = excluded.line",
        organization.0,
        repository.0,
        rows,
        now,
    )
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Where a record is asked for: the names of the repositories, and the lines of their `.heddle.yaml`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_askers(db: impl PgExecutor<'_>, record: Uuid) -> Result<Vec<(String, i32)>, DbError> {
    let rows = sqlx::query!(
        "select r.name, e.line from drift_expectations e join repositories r on r.id = e.repository_id
         where e.record_id = $1 order by e.every_secs, e.asked_at",
        record,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.line)).collect())
}
