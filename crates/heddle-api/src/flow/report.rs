//! What a cluster's agent reports: facts first, then states.
//!
//! A report costs a bounded number of statements, however much it holds, and one that says nothing new writes nothing and
//! tells nobody.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    git::RepoUrl,
    health::HealthStatus,
    id::{ClusterId, OrganizationId, RepositoryId},
    name::SyncName,
    observe::{EnvironmentPath, Observation, environment_of, implicit_environment},
    pipeline::{FactKind, RolloutKey},
};
use heddle_db::{
    DbError, Tx, agent_outboxes,
    applied_revisions::{self, NewApplied},
    deploys::{self, Deploy},
    environments, facts as stored,
    notice::{Notice, Topic},
    repositories, revisions, sync_faults,
    syncs::{self, Sync},
    work,
    workloads::{self, NewWorkload},
};
use heddle_wire::agent::{self, DeployFact, Follows, Report, Source, SyncReport};
use uuid::Uuid;

use super::{facts, judge::judge};

/// A time of an agent's clock is taken as it is when it lies in the last ten years or the next day; else the nearest of
/// these is taken.
const OLDEST: TimeDelta = TimeDelta::days(3653);
const NEWEST: TimeDelta = TimeDelta::days(1);

/// Whose report it is.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The organization.
    pub organization: OrganizationId,
    /// The cluster.
    pub cluster: ClusterId,
    /// When it came.
    pub now: DateTime<Utc>,
}

impl Scope {
    /// A time by the agent's clock.
    pub fn time(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at.clamp(self.now - OLDEST, self.now + NEWEST)
    }
}

/// Stores a report; gives false when it was taken before.
///
/// # Errors
/// When the store cannot be reached.
pub async fn apply(tx: &mut Tx, scope: Scope, report: &Report) -> Result<bool, DbError> {
    let sequence = i64::try_from(report.sequence).unwrap_or(i64::MAX);
    if !agent_outboxes::take(&mut **tx, scope.organization, scope.cluster, report.epoch, sequence, scope.now).await? {
        return Ok(false);
    }
    let bound = list_bound(tx, scope, report).await?;
    let mut due = take_facts(tx, scope, &report.facts).await?;
    // Named twice, the later state counts.
    let states: BTreeMap<&SyncName, &SyncReport> = report.syncs.iter().map(|sync| (&sync.sync, sync)).collect();
    let states: Vec<&SyncReport> = states.into_values().collect();
    if !states.is_empty() || report.present.is_some() {
        due.unread.extend(take_states(tx, scope, &states, report.present.as_deref(), &bound).await?);
    }
    // A verdict may come before the fact that it is about, or after it.
    let named: BTreeSet<&SyncName> =
        states.iter().map(|state| &state.sync).chain(report.facts.iter().map(|fact| &fact.sync)).collect();
    let named: Vec<SyncName> = named.into_iter().cloned().collect();
    applied_revisions::note_healthy(&mut **tx, scope.cluster, &named, scope.now).await?;
    // Last and at once, so that two reports never wait for each other.
    work::request_updates_and_reads(tx, scope.organization, &ids(&due.healthy), &ids(&due.unread)).await?;
    Ok(true)
}

/// The repositories for which a report makes work due.
#[derive(Default)]
struct Due {
    /// A change became healthy, for which an update may have waited.
    healthy: BTreeSet<RepositoryId>,
    /// Something was told of what no read has seen.
    unread: BTreeSet<RepositoryId>,
}

/// The bound repositories that the report names.
async fn list_bound(tx: &mut Tx, scope: Scope, report: &Report) -> Result<BTreeMap<RepoUrl, RepositoryId>, DbError> {
    let urls: BTreeSet<&str> = report.syncs.iter().filter_map(source_of).map(|one| one.repository.as_str()).collect();
    if urls.is_empty() {
        return Ok(BTreeMap::new());
    }
    let urls: Vec<String> = urls.into_iter().map(str::to_owned).collect();
    repositories::list_bound(&mut **tx, scope.organization, &urls).await
}

fn source_of(sync: &SyncReport) -> Option<&Source> {
    match &sync.follows {
        Follows::Readable(source) => Some(source),
        Follows::Faulty { .. } => None,
    }
}

/// Stores what happened, and what follows for the changes that roll out. What happened at a revision that no read has
/// placed waits for a read.
async fn take_facts(tx: &mut Tx, scope: Scope, facts: &[DeployFact]) -> Result<Due, DbError> {
    if facts.is_empty() {
        return Ok(Due::default());
    }
    let deploys = facts.iter().map(|fact| deploy(scope, fact)).collect::<Result<Vec<_>, DbError>>()?;
    let applied: Vec<NewApplied> = facts.iter().filter_map(|fact| applied(scope, fact)).collect();
    applied_revisions::record_all(&mut **tx, scope.organization, scope.cluster, &applied, scope.now).await?;
    let placed = deploys::record_all(&mut **tx, scope.organization, scope.cluster, &deploys).await?;
    let unread = revisions::note_unknown(&mut **tx, scope.organization, &deploys).await?;
    let healthy = judge(tx, scope.organization, placed, scope.now).await?;
    Ok(Due { healthy, unread })
}

fn ids(repositories: &BTreeSet<RepositoryId>) -> Vec<Uuid> {
    repositories.iter().map(|repository| repository.0).collect()
}

fn deploy(scope: Scope, fact: &DeployFact) -> Result<Deploy, DbError> {
    Ok(Deploy {
        sync: fact.sync.clone(),
        repository_url: fact.source.repository.clone(),
        branch: fact.source.branch.clone(),
        revision: fact.revision.clone(),
        at: scope.time(fact.at),
        what: json(&fact.what)?,
    })
}

/// What a fact says was applied as a whole.
fn applied(scope: Scope, fact: &DeployFact) -> Option<NewApplied> {
    let agent::Deploy::Applied { images, changed } = &fact.what else { return None };
    Some(NewApplied {
        sync: fact.sync.clone(),
        repository_url: fact.source.repository.clone(),
        branch: fact.source.branch.clone(),
        path: normal_path(&fact.source.path),
        revision: fact.revision.clone(),
        applied_at: scope.time(fact.at),
        changed: *changed,
        images: images.clone(),
    })
}

/// Stores the states of Syncs, and which Syncs there are. Gives the repositories that Syncs began to follow somewhere.
async fn take_states(
    tx: &mut Tx,
    scope: Scope,
    states: &[&SyncReport],
    present: Option<&[SyncName]>,
    bound: &BTreeMap<RepoUrl, RepositoryId>,
) -> Result<BTreeSet<RepositoryId>, DbError> {
    let before = syncs::list_of_cluster(&mut **tx, scope.cluster).await?;
    let environments = list_environments(tx, scope, bound).await?;
    let mut rows = Vec::new();
    for sync in states {
        if let Some(source) = source_of(sync) {
            let repository = bound.get(&source.repository).copied();
            let paths = repository.and_then(|repository| environments.get(&repository)).map_or(&[][..], Vec::as_slice);
            let old = before.iter().find(|old| old.key.sync == sync.sync);
            rows.push(row(scope, sync, source, repository, paths, old)?);
        }
    }
    let is_new_source = |new: &&Sync| {
        let old = before.iter().find(|old| old.key == new.key);
        old.is_none_or(|old| {
            (&old.repository_url, &old.branch, &old.path) != (&new.repository_url, &new.branch, &new.path)
        })
    };
    let moved: Vec<&Sync> = rows.iter().filter(is_new_source).collect();
    let gone = before.iter().filter(|old| present.is_some_and(|all| !all.contains(&old.key.sync)));
    let gone: Vec<SyncName> = gone.map(|old| old.key.sync.clone()).collect();
    let left = moved.iter().map(|new| &new.key.sync).filter(|name| before.iter().any(|old| old.key.sync == **name));
    let left: Vec<SyncName> = left.chain(&gone).cloned().collect();
    if !left.is_empty() {
        retire(tx, scope, Some(&left)).await?;
    }
    let mut changed = syncs::upsert_all(&mut **tx, scope.organization, &rows).await?;
    changed |= store_workloads(tx, scope, states).await?;
    applied_revisions::end(&mut **tx, scope.cluster, Some(&gone), scope.now).await?;
    changed |= syncs::delete_all(&mut **tx, scope.cluster, &gone).await?;
    changed |= note_faults(tx, scope, states, present).await?;
    if changed {
        for topic in [Topic::Clusters, Topic::Workloads] {
            tx.notify(&Notice::Changed { organization: scope.organization, topic, id: Some(scope.cluster.0) }).await?;
        }
    }
    Ok(moved.iter().filter_map(|sync| sync.repository).collect())
}

async fn list_environments(
    tx: &mut Tx,
    scope: Scope,
    bound: &BTreeMap<RepoUrl, RepositoryId>,
) -> Result<BTreeMap<RepositoryId, Vec<EnvironmentPath>>, DbError> {
    let mut environments: BTreeMap<RepositoryId, Vec<EnvironmentPath>> = BTreeMap::new();
    if !bound.is_empty() {
        for (repository, environment) in environments::list(&mut **tx, scope.organization).await? {
            environments.entry(repository).or_default().push(environment.path);
        }
    }
    Ok(environments)
}

/// The state of a Sync as it is stored. What was not seen stays as it was.
fn row(
    scope: Scope,
    report: &SyncReport,
    source: &Source,
    repository: Option<RepositoryId>,
    environments: &[EnvironmentPath],
    old: Option<&Sync>,
) -> Result<Sync, DbError> {
    let path = normal_path(&source.path);
    let implicit = implicit_environment(&source.branch, &path);
    let environment = environment_of(environments, &source.branch, &path).unwrap_or(&implicit).name.clone();
    let (health, objects, unseen_since) = match (&report.observed, old) {
        (Some(seen), _) => (seen.health, i64::try_from(seen.objects).unwrap_or(i64::MAX), None),
        (None, Some(old)) => (old.health, old.objects, old.unseen_since.or(Some(scope.now))),
        (None, None) => (HealthStatus::Unknown, 0, Some(scope.now)),
    };
    Ok(Sync {
        key: RolloutKey { cluster: scope.cluster, sync: report.sync.clone() },
        repository_url: source.repository.clone(),
        repository,
        branch: source.branch.clone(),
        path,
        environment: Some(environment),
        suspended: report.suspended,
        applied_revision: report.applied_revision.clone(),
        applied_told_at: None,
        attempted_revision: report.attempted_revision.clone(),
        health,
        objects,
        unseen_since,
        conditions: json(&report.conditions)?,
        errors: json(&report.errors)?,
        drifts: json(&report.drifts)?,
        stopped_prune: report.stopped_prune.as_ref().map(json).transpose()?,
        reported_at: scope.now,
    })
}

/// A Sync's owner may write `./clusters/prod/`; environments have `clusters/prod`.
fn normal_path(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// Stores the workloads of the Syncs that were seen; says whether anything is different.
async fn store_workloads(tx: &mut Tx, scope: Scope, states: &[&SyncReport]) -> Result<bool, DbError> {
    // The state of a Sync stands before its workloads do, and one with a faulty spec may have none.
    let seen = states.iter().filter(|sync| source_of(sync).is_some());
    let seen: Vec<_> = seen.filter_map(|sync| Some((&sync.sync, sync.observed.as_ref()?))).collect();
    if seen.is_empty() {
        return Ok(false);
    }
    let mut rows = BTreeMap::new();
    for (sync, observed) in &seen {
        for workload in &observed.workloads {
            let key = (*sync, &workload.kind, &workload.namespace, &workload.name);
            let row = NewWorkload {
                sync_namespace: sync.namespace.clone(),
                sync_name: sync.name.clone(),
                kind: workload.kind.to_string(),
                namespace: workload.namespace.to_string(),
                name: workload.name.to_string(),
                health: workload.health,
                reason: workload.reason.as_ref().map(ToString::to_string),
                since: scope.time(workload.since),
                images: json(&workload.images)?,
            };
            rows.insert(key, row);
        }
    }
    let syncs: Vec<&SyncName> = seen.iter().map(|(sync, _)| *sync).collect();
    let rows: Vec<NewWorkload> = rows.into_values().collect();
    workloads::replace(tx, scope.organization, scope.cluster, &syncs, &rows, scope.now).await
}

/// Stores which Syncs have a spec that cannot be read; says whether anything is different.
async fn note_faults(
    tx: &mut Tx,
    scope: Scope,
    states: &[&SyncReport],
    present: Option<&[SyncName]>,
) -> Result<bool, DbError> {
    let (mut readable, mut faulty) = (Vec::new(), Vec::new());
    for sync in states {
        match &sync.follows {
            Follows::Readable(_) => readable.push(&sync.sync),
            Follows::Faulty { message } => faulty.push((&sync.sync, message.as_str())),
        }
    }
    let mut changed = sync_faults::clear(&mut **tx, scope.cluster, &readable).await?;
    if !faulty.is_empty() {
        changed |= sync_faults::set(&mut **tx, scope.organization, scope.cluster, &faulty, scope.now).await?;
    }
    if let Some(present) = present {
        changed |= sync_faults::keep(&mut **tx, scope.cluster, present).await?;
    }
    Ok(changed)
}

/// Ends the open rollouts of Syncs that are gone or follow something else now; of all of the cluster with `None`. One at
/// which something happened that no read has placed yet goes on: the read says what it was.
async fn retire(tx: &mut Tx, scope: Scope, syncs: Option<&[SyncName]>) -> Result<(), DbError> {
    let rolling = stored::list_rolling_out(&mut **tx, scope.cluster, syncs).await?;
    retire_rollouts(tx, scope.organization, rolling, scope.now).await
}

/// Ends the rollouts of a repository's changes whose Syncs follow the branch no more and have told everything.
///
/// # Errors
/// When the store cannot be reached.
pub async fn retire_left(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let left = stored::list_left(&mut **tx, repository).await?;
    retire_rollouts(tx, organization, left, now).await
}

async fn retire_rollouts(
    tx: &mut Tx,
    organization: OrganizationId,
    rollouts: Vec<(heddle_core::id::ChangeId, RolloutKey)>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let observations: Vec<Observation> = rollouts
        .into_iter()
        .map(|(change, rollout)| facts::observed(change, FactKind::RolloutRetired { rollout }, now))
        .collect();
    facts::record(tx, organization, &observations, now).await.map(drop)
}

/// Ends the open rollouts of a cluster that was deleted.
///
/// # Errors
/// When the store cannot be reached.
pub async fn retire_cluster(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    retire(tx, scope, None).await?;
    applied_revisions::end(&mut **tx, scope.cluster, None, scope.now).await?;
    syncs::delete_of_cluster(&mut **tx, scope.cluster).await?;
    sync_faults::delete_of_cluster(&mut **tx, scope.cluster).await
}

fn json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(value).map_err(|error| DbError::Corrupt { column: "syncs", reason: error.to_string() })
}
