//! What was seen to happen to changes. A fact said twice is one row, with the earlier time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{ChangeId, ClusterId, OrganizationId},
    name::SyncName,
    pipeline::{Clock, Fact, FactKind, RolloutKey},
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::{DbError, from_json, json};

/// Stores a fact; says whether it is new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    change: ChangeId,
    fact: &Fact,
) -> Result<bool, DbError> {
    let stored = sqlx::query!(
        "insert into facts as known (organization_id, change_id, key, body, at, whole_seconds, seen_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (change_id, key) do update set at = excluded.at, whole_seconds = excluded.whole_seconds
             where known.at > excluded.at",
        organization.0,
        change.0,
        key(&fact.kind, fact.at),
        json("facts.body", &fact.kind)?,
        fact.at,
        fact.clock == Clock::WholeSeconds,
        fact.seen_at,
    )
    .execute(db)
    .await?;
    Ok(stored.rows_affected() > 0)
}

/// What makes two reports of the same thing one fact.
fn key(fact: &FactKind, at: DateTime<Utc>) -> String {
    let of = |word: &str, key: &RolloutKey| format!("{word} {} {}", key.cluster, key.sync);
    match fact {
        FactKind::Pushed => "pushed".to_owned(),
        FactKind::Gated { .. } => format!("gated {}", at.timestamp_micros()),
        FactKind::Proposed { .. } => "proposed".to_owned(),
        FactKind::Merged { .. } => "merged".to_owned(),
        FactKind::Declined { .. } => "declined".to_owned(),
        FactKind::Reverted { .. } => "reverted".to_owned(),
        FactKind::Superseded { .. } => "superseded".to_owned(),
        FactKind::Retired { .. } => "retired".to_owned(),
        FactKind::Applied { rollout, .. } => of("applied", rollout),
        // A Sync that tries again and fails as before says nothing new.
        FactKind::ApplyFailed { rollout, revision, message } => {
            let message: String = message.chars().take(200).collect();
            format!("{} {revision} {message}", of("apply-failed", rollout))
        }
        FactKind::Health { rollout, .. } => format!("{} {}", of("health", rollout), at.timestamp_micros()),
        FactKind::Skipped { rollout } => of("skipped", rollout),
        FactKind::RolloutRetired { rollout } => of("rollout-retired", rollout),
    }
}

/// The facts of each of these changes, in no order that matters.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of(db: impl PgExecutor<'_>, changes: &[Uuid]) -> Result<HashMap<ChangeId, Vec<Fact>>, DbError> {
    let rows = sqlx::query!(
        "select change_id, body, at, whole_seconds, seen_at from facts where change_id = any($1) order by id",
        changes,
    )
    .fetch_all(db)
    .await?;
    let mut facts: HashMap<ChangeId, Vec<Fact>> = HashMap::new();
    for row in rows {
        let kind = from_json("facts.body", row.body)?;
        let clock = if row.whole_seconds { Clock::WholeSeconds } else { Clock::Fine };
        let fact = Fact { kind, at: row.at, clock, seen_at: row.seen_at };
        facts.entry(ChangeId(row.change_id)).or_default().push(fact);
    }
    Ok(facts)
}

/// Fixes the Syncs that a change rolls out to.
///
/// # Errors
/// When the server cannot be reached.
pub async fn fix_rollouts(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    change: ChangeId,
    rollouts: &[RolloutKey],
) -> Result<(), DbError> {
    let clusters: Vec<Uuid> = rollouts.iter().map(|key| key.cluster.0).collect();
    let namespaces: Vec<String> = rollouts.iter().map(|key| key.sync.namespace.clone()).collect();
    let names: Vec<String> = rollouts.iter().map(|key| key.sync.name.clone()).collect();
    sqlx::query!(
        "insert into change_rollouts (organization_id, change_id, cluster_id, sync_namespace, sync_name)
         select $1, $2, cluster, namespace, name
         from unnest($3::uuid[], $4::text[], $5::text[]) as r (cluster, namespace, name)
         on conflict do nothing",
        organization.0,
        change.0,
        &clusters,
        &namespaces,
        &names,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The Syncs that each of these changes rolls out to.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_rollouts_of(
    db: impl PgExecutor<'_>,
    changes: &[Uuid],
) -> Result<HashMap<ChangeId, Vec<RolloutKey>>, DbError> {
    let rows = sqlx::query!(
        "select change_id, cluster_id, sync_namespace, sync_name from change_rollouts where change_id = any($1)
         order by cluster_id, sync_namespace, sync_name",
        changes,
    )
    .fetch_all(db)
    .await?;
    let mut rollouts: HashMap<ChangeId, Vec<RolloutKey>> = HashMap::new();
    for row in rows {
        let key = RolloutKey {
            cluster: ClusterId(row.cluster_id),
            sync: SyncName { namespace: row.sync_namespace, name: row.sync_name },
        };
        rollouts.entry(ChangeId(row.change_id)).or_default().push(key);
    }
    Ok(rollouts)
}

/// The unfinished changes that roll out to a Sync; with `sync` absent, to any of the cluster.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_rolling_out(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    sync: Option<&SyncName>,
) -> Result<Vec<(ChangeId, RolloutKey)>, DbError> {
    let rows = sqlx::query!(
        "select r.change_id, r.sync_namespace, r.sync_name from change_rollouts r join changes c on c.id = r.change_id
         where r.cluster_id = $1 and c.ended is null
             and ($2::text is null or (r.sync_namespace = $2 and r.sync_name = $3))",
        cluster.0,
        sync.map(|sync| sync.namespace.as_str()),
        sync.map(|sync| sync.name.as_str()),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let sync = SyncName { namespace: row.sync_namespace, name: row.sync_name };
            (ChangeId(row.change_id), RolloutKey { cluster, sync })
        })
        .collect())
}
