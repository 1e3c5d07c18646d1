//! What somebody looks at: an environment, a tool, a source.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    drift::{DriftSource, DriftTool, Found},
    git::Revision,
    id::OrganizationId,
    name::EnvironmentName,
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// Which record: each organization has one of a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordName {
    /// The environment.
    pub environment: EnvironmentName,
    /// The tool.
    pub tool: DriftTool,
    /// The source.
    pub source: DriftSource,
}

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
        r#"insert into drift_records as known (id, organization_id, environment, tool, source)
           values ($1, $2, $3, $4, $5)
           on conflict (organization_id, environment, tool, source) do update set tool = known.tool
           returning id"#,
        Uuid::now_v7(),
        organization.0,
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
    let row = sqlx::query!("select environment, tool, source from drift_records where id = $1 for update", id)
        .fetch_optional(db)
        .await?;
    row.map(|row| read_name(&row.environment, &row.tool, &row.source)).transpose()
}

/// The records of an organization that somebody reports, asks for or looked at, at most `limit`; only one where `id` is
/// given.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Record>, DbError> {
    let rows = sqlx::query!(
        r#"select r.id, r.environment, r.tool, r.source,
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
               and (s.found is not null or e.every_secs is not null
                    or exists (select from reporters l where l.record_id = r.id and l.revoked_at is null))
           order by r.id limit $3"#,
        organization.0,
        id,
        limit,
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
            Ok(Record { id: row.id, name: read_name(&row.environment, &row.tool, &row.source)?, last, asked })
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
    let row = sqlx::query!(
        "delete from drift_records where organization_id = $1 and id = $2 returning environment, tool, source",
        organization.0,
        id,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| read_name(&row.environment, &row.tool, &row.source)).transpose()
}

pub(crate) fn read_name(environment: &str, tool: &str, source: &str) -> Result<RecordName, DbError> {
    Ok(RecordName {
        environment: word("drift_records.environment", environment)?,
        tool: word("drift_records.tool", tool)?,
        source: word("drift_records.source", source)?,
    })
}
