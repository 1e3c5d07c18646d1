//! What looks in a row found alike.

use chrono::{DateTime, Utc};
use heddle_core::{drift::Found, git::Revision, id::OrganizationId};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, word};

/// A spell without what is in it.
#[derive(Debug, Clone)]
pub struct Spell {
    /// The spell.
    pub id: Uuid,
    /// What its looks found.
    pub found: Found,
    /// When the first of them ended.
    pub first_at: DateTime<Utc>,
    /// When the last of them ended.
    pub last_at: DateTime<Utc>,
    /// How many looks.
    pub looks: i64,
    /// How many things differ.
    pub differences: i64,
    /// The reporter's name.
    pub reporter_name: String,
    /// Whether the reporter was revoked since.
    pub is_by_revoked: bool,
    /// The commit of the last look.
    pub commit: Option<Revision>,
}

/// What the last look of a spell found, as it came.
#[derive(Debug, Clone)]
pub struct Content {
    /// The program that looked.
    pub program: String,
    /// Its version.
    pub version: Option<String>,
    /// What differs.
    pub items: Value,
    /// How many more things differ.
    pub more: i64,
    /// What was not looked at.
    pub not_looked_at: Value,
    /// How much more was not looked at.
    pub more_not_looked_at: i64,
    /// Why it did not come to its end.
    pub failure: Option<String>,
    /// What `heddle sync` is to be given.
    pub plan_hash: Option<String>,
}

/// A look as it is stored.
#[derive(Debug, Clone)]
pub struct NewLook<'a> {
    /// The look.
    pub id: Uuid,
    /// The reporter, and its name.
    pub reporter: (Uuid, &'a str),
    /// What it found.
    pub found: Found,
    /// Since when each look found that.
    pub found_since: DateTime<Utc>,
    /// Of the things and their places.
    pub places_hash: &'a [u8],
    /// When it began.
    pub begun_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The commit.
    pub commit: Option<&'a Revision>,
    /// Why not everything was looked at.
    pub reason: Option<&'a str>,
    /// How many things differ.
    pub differences: i64,
    /// What is in it.
    pub content: Content,
    /// How many bytes that takes.
    pub bytes: i64,
}

/// The newest spell of a record, as far as the next look is held against it.
#[derive(Debug, Clone)]
pub struct Newest {
    /// The spell.
    pub id: Uuid,
    /// What its looks found.
    pub found: Found,
    /// Since when each look found that.
    pub found_since: DateTime<Utc>,
    /// Of the things and their places.
    pub places_hash: Vec<u8>,
    /// Its last look.
    pub look: Uuid,
    /// When that began.
    pub begun_at: DateTime<Utc>,
    /// When it ended.
    pub last_at: DateTime<Utc>,
    /// Who reported it.
    pub reporter: Option<Uuid>,
}

/// The newest spell of a record.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find_newest(db: impl PgExecutor<'_>, record: Uuid) -> Result<Option<Newest>, DbError> {
    let row = sqlx::query!(
        "select id, found, found_since, places_hash, look_id, begun_at, last_at, reporter_id
         from drift_spells where record_id = $1 order by last_at desc limit 1",
        record,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Newest {
            id: row.id,
            found: word("drift_spells.found", &row.found)?,
            found_since: row.found_since,
            places_hash: row.places_hash,
            look: row.look_id,
            begun_at: row.begun_at,
            last_at: row.last_at,
            reporter: row.reporter_id,
        })
    })
    .transpose()
}

/// Begins a spell with a look.
///
/// # Errors
/// When the server cannot be reached.
pub async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    record: Uuid,
    look: &NewLook<'_>,
) -> Result<(), DbError> {
    let NewLook { reporter: (reporter, reporter_name), content, .. } = look;
    sqlx::query!(
        "insert into drift_spells (id, organization_id, record_id, reporter_id, reporter_name, found, found_since,
                                   places_hash, look_id, first_at, begun_at, last_at, commit, program, version, reason,
                                   differences, items, more, not_looked_at, more_not_looked_at, failure, plan_hash,
                                   bytes)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $11, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23)",
        Uuid::now_v7(),
        organization.0,
        record,
        *reporter,
        *reporter_name,
        look.found.as_str(),
        look.found_since,
        look.places_hash,
        look.id,
        look.begun_at,
        look.ended_at,
        look.commit.map(Revision::as_str),
        content.program,
        content.version,
        look.reason,
        look.differences,
        content.items,
        content.more,
        content.not_looked_at,
        content.more_not_looked_at,
        content.failure,
        content.plan_hash,
        look.bytes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the history of a record but for its newest spell. Whoever calls it holds the record's lock.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_history(db: impl PgExecutor<'_>, record: Uuid) -> Result<(), DbError> {
    sqlx::query!(
        "delete from drift_spells s where s.record_id = $1
             and exists (select from drift_spells n where n.record_id = $1 and n.last_at > s.last_at)",
        record,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets the oldest spells of a record until the rest takes so many bytes; never the newest one. Whoever calls it holds the
/// record's lock.
///
/// # Errors
/// When the server cannot be reached.
pub async fn forget_beyond(db: impl PgExecutor<'_>, record: Uuid, most_bytes: i64) -> Result<(), DbError> {
    sqlx::query!(
        "delete from drift_spells s using (
             select id, sum(bytes) over (order by last_at desc) as upto, row_number() over (order by last_at desc) as place
             from drift_spells where record_id = $1) x
         where s.id = x.id and x.upto > $2::bigint and x.place > 1",
        record,
        most_bytes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Goes on with a spell: the look found what it found before.
///
/// # Errors
/// When the server cannot be reached.
pub async fn extend(db: impl PgExecutor<'_>, spell: Uuid, look: &NewLook<'_>) -> Result<(), DbError> {
    let content = &look.content;
    sqlx::query!(
        "update drift_spells set look_id = $2, looks = looks + 1, begun_at = $3, last_at = $4, commit = $5, program = $6,
                version = $7, reason = $8, differences = $9, items = $10, more = $11, not_looked_at = $12,
                more_not_looked_at = $13, failure = $14, plan_hash = $15, reporter_name = $16, bytes = $17
         where id = $1",
        spell,
        look.id,
        look.begun_at,
        look.ended_at,
        look.commit.map(Revision::as_str),
        content.program,
        content.version,
        look.reason,
        look.differences,
        content.items,
        content.more,
        content.not_looked_at,
        content.more_not_looked_at,
        content.failure,
        content.plan_hash,
        look.reporter.1,
        look.bytes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Spells of a record, newest first, at most `limit`, those before `before`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(
    db: impl PgExecutor<'_>,
    record: Uuid,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Spell>, DbError> {
    let rows = sqlx::query!(
        r#"select s.id, s.found, s.first_at, s.last_at, s.looks, s.differences, s.reporter_name, s.commit,
                  s.reporter_id is null or p.revoked_at is not null as "is_by_revoked!"
           from drift_spells s left join reporters p on p.id = s.reporter_id
           where s.record_id = $1
               and ($2::uuid is null
                    or s.last_at < (select b.last_at from drift_spells b where b.record_id = $1 and b.id = $2))
           order by s.last_at desc limit $3"#,
        record,
        before,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Spell {
                id: row.id,
                found: word("drift_spells.found", &row.found)?,
                first_at: row.first_at,
                last_at: row.last_at,
                looks: row.looks,
                differences: row.differences,
                reporter_name: row.reporter_name,
                is_by_revoked: row.is_by_revoked,
                commit: row.commit.map(|commit| word("drift_spells.commit", &commit)).transpose()?,
            })
        })
        .collect()
}

/// A spell of a record with what is in it: the newest where `spell` names none.
///
/// # Errors
/// When the server cannot be reached.
pub async fn find(
    db: impl PgExecutor<'_>,
    record: Uuid,
    spell: Option<Uuid>,
) -> Result<Option<(Spell, Content)>, DbError> {
    let row = sqlx::query!(
        r#"select s.id, s.found, s.first_at, s.last_at, s.looks, s.differences, s.reporter_name, s.commit,
                  s.reporter_id is null or p.revoked_at is not null as "is_by_revoked!", s.program, s.version, s.items,
                  s.more, s.not_looked_at, s.more_not_looked_at, s.failure, s.plan_hash
           from drift_spells s left join reporters p on p.id = s.reporter_id
           where s.record_id = $1 and ($2::uuid is null or s.id = $2) order by s.last_at desc limit 1"#,
        record,
        spell,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let spell = Spell {
            id: row.id,
            found: word("drift_spells.found", &row.found)?,
            first_at: row.first_at,
            last_at: row.last_at,
            looks: row.looks,
            differences: row.differences,
            reporter_name: row.reporter_name,
            is_by_revoked: row.is_by_revoked,
            commit: row.commit.map(|commit| word("drift_spells.commit", &commit)).transpose()?,
        };
        let content = Content {
            program: row.program,
            version: row.version,
            items: row.items,
            more: row.more,
            not_looked_at: row.not_looked_at,
            more_not_looked_at: row.more_not_looked_at,
            failure: row.failure,
            plan_hash: row.plan_hash,
        };
        Ok((spell, content))
    })
    .transpose()
}
