//! The last known state of each Sync.

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoName, RepoUrl, Revision},
    health::HealthStatus,
    id::{ClusterId, OrganizationId, RepositoryId},
    name::{EnvironmentName, SyncName},
    pipeline::RolloutKey,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::error::{DbError, json, word};

/// A Sync as its agent last reported it. Conditions, errors and drifts are kept as they came.
#[derive(Debug, Clone)]
pub struct Sync {
    /// The cluster and the Sync.
    pub key: RolloutKey,
    /// Canonical address of its repository.
    pub repository_url: RepoUrl,
    /// The bound repository with this address.
    pub repository: Option<RepositoryId>,
    /// Its branch.
    pub branch: BranchName,
    /// Its path.
    pub path: String,
    /// The environment it is shown under.
    pub environment: Option<EnvironmentName>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// The revision that is applied.
    pub applied_revision: Option<Revision>,
    /// When it was first told that this one is; stored, and not taken from here. `None` where that was not kept.
    pub applied_told_at: Option<DateTime<Utc>>,
    /// The revision last tried.
    pub attempted_revision: Option<Revision>,
    /// The verdict on its objects.
    pub health: HealthStatus,
    /// How many objects.
    pub objects: i64,
    /// Since when the agent has not seen the objects: health, count and workloads are from before. `None` while it does.
    pub unseen_since: Option<DateTime<Utc>>,
    /// Its conditions.
    pub conditions: Value,
    /// The errors of the last attempt.
    pub errors: Value,
    /// The latest drifts.
    pub drifts: Value,
    /// A prune that asks.
    pub stopped_prune: Option<Value>,
    /// When this was reported.
    pub reported_at: DateTime<Utc>,
}

struct Row {
    cluster_id: Uuid,
    namespace: String,
    name: String,
    repository_url: String,
    repository_id: Option<Uuid>,
    branch: String,
    path: String,
    environment: Option<String>,
    suspended: bool,
    applied_revision: Option<String>,
    applied_told_at: Option<DateTime<Utc>>,
    attempted_revision: Option<String>,
    health: String,
    objects: i64,
    unseen_since: Option<DateTime<Utc>>,
    conditions: Value,
    errors: Value,
    drifts: Value,
    stopped_prune: Option<Value>,
    reported_at: DateTime<Utc>,
}

macro_rules! select {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "select cluster_id, namespace, name, repository_url, repository_id, branch, path, environment, suspended,
                    applied_revision, applied_told_at, attempted_revision, health, objects, unseen_since, conditions,
                    errors, drifts, stopped_prune, reported_at
             from syncs " + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<Row> for Sync {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        Ok(Self {
            key: RolloutKey {
                cluster: ClusterId(row.cluster_id),
                sync: SyncName { namespace: row.namespace, name: row.name },
            },
            repository_url: word("syncs.repository_url", &row.repository_url)?,
            repository: row.repository_id.map(RepositoryId),
            branch: word("syncs.branch", &row.branch)?,
            path: row.path,
            environment: row.environment.map(|name| word("syncs.environment", &name)).transpose()?,
            suspended: row.suspended,
            applied_revision: row.applied_revision.map(|one| word("syncs.applied_revision", &one)).transpose()?,
            applied_told_at: row.applied_told_at,
            attempted_revision: row.attempted_revision.map(|one| word("syncs.attempted_revision", &one)).transpose()?,
            health: parse_health(&row.health)?,
            objects: row.objects,
            unseen_since: row.unseen_since,
            conditions: row.conditions,
            errors: row.errors,
            drifts: row.drifts,
            stopped_prune: row.stopped_prune,
            reported_at: row.reported_at,
        })
    }
}

/// The verdict of a stored word.
pub(crate) fn parse_health(word: &str) -> Result<HealthStatus, DbError> {
    [
        HealthStatus::Healthy,
        HealthStatus::Suspended,
        HealthStatus::Progressing,
        HealthStatus::Terminating,
        HealthStatus::Unknown,
        HealthStatus::Missing,
        HealthStatus::Degraded,
    ]
    .into_iter()
    .find(|status| status.as_str() == word)
    .ok_or_else(|| DbError::Corrupt { column: "health", reason: format!("`{word}` is no verdict") })
}

#[derive(Serialize)]
struct NewRow<'a> {
    namespace: &'a str,
    name: &'a str,
    repository_url: &'a str,
    repository_id: Option<Uuid>,
    branch: &'a str,
    path: &'a str,
    environment: Option<&'a str>,
    suspended: bool,
    applied_revision: Option<&'a str>,
    attempted_revision: Option<&'a str>,
    health: &'a str,
    objects: i64,
    unseen_since: Option<DateTime<Utc>>,
    conditions: &'a Value,
    errors: &'a Value,
    drifts: &'a Value,
    stopped_prune: Option<&'a Value>,
    cluster_id: Uuid,
    reported_at: DateTime<Utc>,
}

impl<'a> From<&'a Sync> for NewRow<'a> {
    fn from(sync: &'a Sync) -> Self {
        Self {
            namespace: &sync.key.sync.namespace,
            name: &sync.key.sync.name,
            repository_url: sync.repository_url.as_str(),
            repository_id: sync.repository.map(|repository| repository.0),
            branch: sync.branch.as_str(),
            path: &sync.path,
            environment: sync.environment.as_ref().map(EnvironmentName::as_str),
            suspended: sync.suspended,
            applied_revision: sync.applied_revision.as_ref().map(Revision::as_str),
            attempted_revision: sync.attempted_revision.as_ref().map(Revision::as_str),
            health: sync.health.as_str(),
            objects: sync.objects,
            unseen_since: sync.unseen_since,
            conditions: &sync.conditions,
            errors: &sync.errors,
            drifts: &sync.drifts,
            stopped_prune: sync.stopped_prune.as_ref(),
            cluster_id: sync.key.cluster.0,
            reported_at: sync.reported_at,
        }
    }
}

/// Stores the states of Syncs, each named once; says whether any is different from what was stored. What is as it was is
/// not written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn upsert_all(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    syncs: &[Sync],
) -> Result<bool, DbError> {
    if syncs.is_empty() {
        return Ok(false);
    }
    let rows: Vec<NewRow<'_>> = syncs.iter().map(NewRow::from).collect();
    let stored = sqlx::query!(
        "insert into syncs as known (cluster_id, organization_id, namespace, name, repository_url, repository_id, branch,
                                     path, environment, suspended, applied_revision, applied_told_at,
                                     attempted_revision, health, objects, unseen_since, conditions, errors, drifts,
                                     stopped_prune, reported_at)
         select cluster_id, $1, namespace, name, repository_url, repository_id, branch, path, environment, suspended,
                applied_revision, reported_at, attempted_revision, health, objects, unseen_since, conditions, errors,
                drifts, stopped_prune, reported_at
         from jsonb_to_recordset($2) as n (
             cluster_id uuid, namespace text, name text, repository_url text, repository_id uuid, branch text, path text,
             environment text, suspended boolean, applied_revision text, attempted_revision text, health text,
             objects bigint, unseen_since timestamptz, conditions jsonb, errors jsonb, drifts jsonb, stopped_prune jsonb,
             reported_at timestamptz)
         on conflict (cluster_id, namespace, name) do update set
             repository_url = excluded.repository_url, repository_id = excluded.repository_id,
             branch = excluded.branch, path = excluded.path, environment = excluded.environment,
             suspended = excluded.suspended, applied_revision = excluded.applied_revision,
            applied_told_at = case when known.applied_revision = excluded.applied_revision then known.applied_told_at
                else excluded.applied_told_at end,
             attempted_revision = excluded.attempted_revision, health = excluded.health, objects = excluded.objects,
             unseen_since = excluded.unseen_since, conditions = excluded.conditions, errors = excluded.errors,
             drifts = excluded.drifts, stopped_prune = excluded.stopped_prune, reported_at = excluded.reported_at
         where (known.repository_url, known.repository_id, known.branch, known.path, known.environment, known.suspended,
                known.applied_revision, known.attempted_revision, known.health, known.objects, known.unseen_since,
                known.conditions, known.errors, known.drifts, known.stopped_prune)
             is distinct from (
                excluded.repository_url, excluded.repository_id, excluded.branch, excluded.path, excluded.environment,
                excluded.suspended, excluded.applied_revision, excluded.attempted_revision, excluded.health,
                excluded.objects, excluded.unseen_since, excluded.conditions, excluded.errors, excluded.drifts,
                excluded.stopped_prune)",
        organization.0,
        json("syncs", &rows)?,
    )
    .execute(db)
    .await?;
    Ok(stored.rows_affected() > 0)
}

/// The Syncs of a cluster, by name.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_of_cluster(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<Vec<Sync>, DbError> {
    select!("where cluster_id = $1 order by namespace, name", cluster.0)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Sync::try_from)
        .collect()
}

/// All Syncs of the organization.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> Result<Vec<Sync>, DbError> {
    select!("where organization_id = $1 order by cluster_id, namespace, name", organization.0)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Sync::try_from)
        .collect()
}

/// What a Sync's agent reported, as far as its drift goes.
#[derive(Debug, Clone)]
pub struct SyncDrift {
    /// The cluster and the Sync.
    pub key: RolloutKey,
    /// The bound repository that it follows.
    pub repository: Option<RepoName>,
    /// Its path.
    pub path: String,
    /// The environment it is shown under.
    pub environment: Option<EnvironmentName>,
    /// `spec.suspend`.
    pub suspended: bool,
    /// The revision that is applied.
    pub applied_revision: Option<Revision>,
    /// The revision last tried.
    pub attempted_revision: Option<Revision>,
    /// Since when the agent has not seen the objects.
    pub unseen_since: Option<DateTime<Utc>>,
    /// How many errors the last attempt had.
    pub errors: i64,
    /// How many drifts are not put back.
    pub open_drifts: i64,
    /// Since when the first of them is there.
    pub open_since: Option<DateTime<Utc>>,
    /// Its conditions, as they came.
    pub conditions: Value,
    /// Whether a prune asks.
    pub is_prune_stopped: bool,
    /// When this was reported.
    pub reported_at: DateTime<Utc>,
}

/// What the agents of the organization reported of drift, at most `limit` Syncs; of one environment where it is named.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_drift(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    environment: Option<&EnvironmentName>,
    limit: i64,
) -> Result<Vec<SyncDrift>, DbError> {
    let rows = sqlx::query!(
        r#"select s.cluster_id, s.namespace, s.name, s.path, s.environment, s.suspended, s.applied_revision,
                  s.attempted_revision, s.unseen_since, s.conditions, s.reported_at, r.name as "repository?",
                  s.stopped_prune is not null as "is_prune_stopped!",
                  jsonb_array_length(s.errors)::bigint as "errors!", d.open as "open!", d.since
           from syncs s left join repositories r on r.id = s.repository_id cross join lateral (
               select count(*) as open, min((d->>'at')::timestamptz) as since
               from jsonb_array_elements(s.drifts) as d where d->>'healed_at' is null) d
           where s.organization_id = $1 and ($3::text is null or s.environment = $3)
           order by s.cluster_id, s.namespace, s.name limit $2"#,
        organization.0,
        limit,
        environment.map(EnvironmentName::as_str),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let revision = |text: Option<String>| text.map(|one| word("syncs.revision", &one)).transpose();
            Ok(SyncDrift {
                key: RolloutKey {
                    cluster: ClusterId(row.cluster_id),
                    sync: SyncName { namespace: row.namespace, name: row.name },
                },
                repository: row.repository.map(|name| word("repositories.name", &name)).transpose()?,
                path: row.path,
                environment: row.environment.map(|name| word("syncs.environment", &name)).transpose()?,
                suspended: row.suspended,
                applied_revision: revision(row.applied_revision)?,
                attempted_revision: revision(row.attempted_revision)?,
                unseen_since: row.unseen_since,
                errors: row.errors,
                open_drifts: row.open,
                open_since: row.since,
                conditions: row.conditions,
                is_prune_stopped: row.is_prune_stopped,
                reported_at: row.reported_at,
            })
        })
        .collect()
}

/// How many Syncs the organization has; of one environment where it is named.
///
/// # Errors
/// When the server cannot be reached.
pub async fn count_drift(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    environment: Option<&EnvironmentName>,
) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from syncs
           where organization_id = $1 and ($2::text is null or environment = $2)"#,
        organization.0,
        environment.map(EnvironmentName::as_str),
    )
    .fetch_one(db)
    .await?)
}

/// The Syncs that follow a repository.
///
/// # Errors
/// When the server cannot be reached.
pub async fn list_following(db: impl PgExecutor<'_>, repository: RepositoryId) -> Result<Vec<Sync>, DbError> {
    select!("where repository_id = $1 order by cluster_id, namespace, name", repository.0)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(Sync::try_from)
        .collect()
}

/// Removes Syncs that their cluster has no more; says whether there were any.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete_all(db: impl PgExecutor<'_>, cluster: ClusterId, syncs: &[SyncName]) -> Result<bool, DbError> {
    if syncs.is_empty() {
        return Ok(false);
    }
    let (namespaces, names) = split(syncs);
    let deleted = sqlx::query!(
        "delete from syncs s using unnest($2::text[], $3::text[]) as g (namespace, name)
         where s.cluster_id = $1 and s.namespace = g.namespace and s.name = g.name",
        cluster.0,
        &namespaces,
        &names,
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() > 0)
}

/// Removes all Syncs of a cluster.
///
/// # Errors
/// When the server cannot be reached.
pub async fn delete_of_cluster(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<(), DbError> {
    sqlx::query!("delete from syncs where cluster_id = $1", cluster.0).execute(db).await?;
    Ok(())
}

/// The two columns of names.
pub(crate) fn split<'a>(syncs: impl IntoIterator<Item = &'a SyncName>) -> (Vec<String>, Vec<String>) {
    syncs.into_iter().map(|sync| (sync.namespace.clone(), sync.name.clone())).unzip()
}

/// Says under which environment a Sync is shown.
///
/// # Errors
/// When the server cannot be reached.
pub async fn set_environment(
    db: impl PgExecutor<'_>,
    key: &RolloutKey,
    environment: &EnvironmentName,
) -> Result<(), DbError> {
    sqlx::query!(
        "update syncs set environment = $4 where cluster_id = $1 and namespace = $2 and name = $3",
        key.cluster.0,
        key.sync.namespace,
        key.sync.name,
        environment.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Joins the Syncs that follow the address of a repository that was just bound; says whether there are any.
///
/// # Errors
/// When the server cannot be reached.
pub async fn join(
    db: &mut PgConnection,
    organization: OrganizationId,
    repository: RepositoryId,
    url: &RepoUrl,
) -> Result<bool, DbError> {
    let joined = sqlx::query!(
        "update syncs set repository_id = $2 where organization_id = $1 and repository_url = $3",
        organization.0,
        repository.0,
        url.as_str(),
    )
    .execute(db)
    .await?;
    Ok(joined.rows_affected() > 0)
}

/// Whether the cluster has a Sync that is known.
///
/// # Errors
/// When the server cannot be reached.
pub async fn has_any(db: impl PgExecutor<'_>, cluster: ClusterId) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from syncs where cluster_id = $1)
               or exists (select from sync_faults where cluster_id = $1) as "any!""#,
        cluster.0,
    )
    .fetch_one(db)
    .await?)
}
