//! What is forgotten, and when: one table of rules, applied organization by organization.
//!
//! Every table of the schema is either in [`RULES`] or in [`KEPT`], which a test reads from the catalog. A rule never
//! takes what an answer still needs: what stands at a place now, what people took back, what is still on its way.

use std::error::Error;

use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;
use tracing::warn;

use crate::{
    db::{Db, Tx},
    error::DbError,
    organizations,
};

mod age;
mod page;
mod rules;

pub use self::{
    age::{Age, Ages},
    page::page,
    rules::{KEPT, MOST_SPELLS, MOST_UNLISTED_TAGS, RULES, Rule},
};

/// So many rows are deleted in one transaction.
pub const BATCH: i64 = 1_000;

/// What was forgotten.
#[derive(Debug, Clone, Default)]
pub struct Forgotten {
    /// How many rows of which table.
    pub rows: Vec<(&'static str, u64)>,
    /// How many rules could not be followed, each in one organization. The log says which and why.
    pub failures: usize,
}

impl Forgotten {
    fn add(&mut self, table: &'static str, rows: u64) {
        match self.rows.iter_mut().find(|(known, _)| *known == table) {
            Some((_, sum)) => *sum += rows,
            None => self.rows.push((table, rows)),
        }
    }
}

/// Forgets what is old in all organizations. Another replica that does the same at this moment goes on in its place. A
/// rule that fails in one organization is logged and keeps no other back.
///
/// # Errors
/// When the server cannot be reached. What was forgotten until then stays forgotten.
pub async fn prune(db: &Db, ages: &Ages, now: DateTime<Utc>) -> Result<Forgotten, DbError> {
    let mut forgotten = Forgotten::default();
    if let Err(error) = forget_personal_audit(db, ages.before(Age::Audit, now)).await {
        warn!(error = &error as &dyn Error, "what is on record about persons alone was not forgotten");
        forgotten.failures += 1;
    }
    let mut tx = db.routing().await?;
    let organizations = organizations::list_ids(&mut *tx).await?;
    tx.commit().await?;
    for organization in organizations {
        for rule in RULES {
            let before = rule.age.map_or(now, |age| ages.before(age, now));
            loop {
                // Without a connection no rule can be followed; what fails within one fails this rule alone.
                let mut tx = db.organization(organization).await?;
                let rows = match prune_batch(&mut tx, rule, before).await {
                    Ok(Some(rows)) => rows,
                    Ok(None) => return Ok(forgotten),
                    Err(error) => {
                        warn!(
                            %organization, table = rule.table, error = &error as &dyn Error,
                            "{} of organization {organization} were not forgotten", rule.what
                        );
                        forgotten.failures += 1;
                        // The next rule asks for the lock, which goes with this transaction.
                        tx.rollback().await?;
                        break;
                    }
                };
                tx.commit().await?;
                forgotten.add(rule.table, rows);
                if rows < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
    }
    Ok(forgotten)
}

async fn forget_personal_audit(db: &Db, before: DateTime<Utc>) -> Result<(), DbError> {
    let mut tx = db.routing().await?;
    sqlx::query!("select forget_personal_audit($1)", before).execute(&mut *tx).await?;
    tx.commit().await
}

/// Deletes at most [`BATCH`] rows of the transaction's organization; `None` when another replica is at it.
async fn prune_batch(tx: &mut Tx, rule: &Rule, before: DateTime<Utc>) -> Result<Option<u64>, DbError> {
    let alone =
        sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock(hashtextextended('heddle retention', 0)) as "alone!""#)
            .fetch_one(&mut **tx)
            .await?;
    if !alone {
        return Ok(None);
    }
    let rows = sqlx::query(statement(rule)).bind(before).bind(rule.number).bind(BATCH).execute(&mut **tx).await?;
    Ok(Some(rows.rows_affected()))
}

/// The statement of a rule. Row security keeps it within the organization; all its text is in [`RULES`].
fn statement(rule: &Rule) -> AssertSqlSafe<String> {
    let Rule { table, condition, .. } = rule;
    AssertSqlSafe(format!(
        "delete from {table} where ctid = any(array(
             select t.ctid from {table} t, (select $1::timestamptz, $2::bigint) as _ where {condition} limit $3))"
    ))
}
