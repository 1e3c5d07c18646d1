//! What was seen to happen to changes. A fact said twice is one row, with the earlier time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{ChangeId, ClusterId, OrganizationId, RepositoryId},
    name::SyncName,
    pipeline::{Clock, Fact, FactKind, RolloutKey},
};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    error::{DbError, from_json, json},
    syncs::split,
};

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

/// Stores facts of changes, each once, with the earlier time where it was known; gives the changes of which something is
/// new.
///
/// # Errors
/// When the server cannot be reached.
pub async fn record_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    facts: &[(ChangeId, Fact)],
) -> Result<BTreeSet<ChangeId>, DbError> {
    let mut earliest: BTreeMap<(ChangeId, String), &Fact> = BTreeMap::new();
    for (change, fact) in facts {
        let known = earliest.entry((*change, key(&fact.kind, fact.at))).or_insert(fact);
        if fact.at < known.at {
            *known = fact;
        }
    }
    if earliest.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (changes, keys): (Vec<Uuid>, Vec<String>) =
        earliest.keys().map(|(change, key)| (change.0, key.clone())).unzip();
    let facts: Vec<&Fact> = earliest.into_values().collect();
    let bodies = facts.iter().map(|fact| json("facts.body", &fact.kind)).collect::<Result<Vec<Value>, DbError>>()?;
    let times: Vec<DateTime<Utc>> = facts.iter().map(|fact| fact.at).collect();
    let seen: Vec<DateTime<Utc>> = facts.iter().map(|fact| fact.seen_at).collect();
    let whole: Vec<bool> = facts.iter().map(|fact| fact.clock == Clock::WholeSeconds).collect();
    let stored = sqlx::query_scalar!(
        "insert into facts as known (organization_id, change_id, key, body, at, whole_seconds, seen_at)
         select $1, change, key, body, at, whole, seen
         from unnest($2::uuid[], $3::text[], $4::jsonb[], $5::timestamptz[], $6::boolean[], $7::timestamptz[])
             as n (change, key, body, at, whole, seen)
         on conflict (change_id, key) do update set at = excluded.at, whole_seconds = excluded.whole_seconds
             where known.at > excluded.at
         returning change_id",
        organization.0,
        &changes,
        &keys,
        &bodies,
        &times,
        &whole,
        &seen,
    )
    .fetch_all(db)
    .await?;
    Ok(stored.into_iter().map(ChangeId).collect())
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

/// The unfinished changes that roll out to these Syncs of a cluster, to all of it with `None`; not those of a Sync of
/// which something is told that no read has placed yet.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_rolling_out(
    db: impl PgExecutor<'_>,
    cluster: ClusterId,
    syncs: Option<&[SyncName]>,
) -> Result<Vec<(ChangeId, RolloutKey)>, DbError> {
    let (namespaces, names) = syncs.map(split).unzip();
    let rows = sqlx::query!(
        "select o.change_id, o.sync_namespace, o.sync_name
         from change_rollouts o join changes c on c.id = o.change_id
         where o.cluster_id = $1 and c.ended is null
             and ($2::text[] is null
                 or (o.sync_namespace, o.sync_name) in (select * from unnest($2::text[], $3::text[])))
             and ($2::text[] is null or not exists (
                 select from deploys d
                 join repositories r on r.id = c.repository_id and r.url = d.repository_url
                 join unknown_revisions u
                     on u.repository_id = r.id and u.branch = d.branch and u.revision = d.revision
                 where d.cluster_id = o.cluster_id and d.sync_namespace = o.sync_namespace
                     and d.sync_name = o.sync_name and d.branch = c.branch))",
        cluster.0,
        namespaces.as_deref(),
        names.as_deref(),
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

/// The rollouts of a repository's unfinished merged changes to Syncs that follow the branch no more, but for those of
/// which something is told that no read has placed yet.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_left(
    db: impl PgExecutor<'_>,
    repository: RepositoryId,
) -> Result<Vec<(ChangeId, RolloutKey)>, DbError> {
    let rows = sqlx::query!(
        "select o.change_id, o.cluster_id, o.sync_namespace, o.sync_name
         from changes c join change_rollouts o on o.change_id = c.id join repositories r on r.id = c.repository_id
         where c.repository_id = $1 and c.ended is null and c.merged_ordinal is not null
             and not exists (
                 select from syncs s
                 where s.cluster_id = o.cluster_id and s.namespace = o.sync_namespace and s.name = o.sync_name
                     and s.repository_id = c.repository_id and s.branch = c.branch)
             and not exists (
                 select from deploys d
                 join unknown_revisions u
                     on u.repository_id = r.id and u.branch = d.branch and u.revision = d.revision
                 where d.cluster_id = o.cluster_id and d.sync_namespace = o.sync_namespace
                     and d.sync_name = o.sync_name and d.branch = c.branch and d.repository_url = r.url)",
        repository.0,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let sync = SyncName { namespace: row.sync_namespace, name: row.sync_name };
            (ChangeId(row.change_id), RolloutKey { cluster: ClusterId(row.cluster_id), sync })
        })
        .collect())
}
