//! What a cluster's agent reports.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    health::HealthStatus,
    id::{ClusterId, OrganizationId, RepositoryId},
    observe::{self, Deployed, DeployedWhat, Observation, Rolling, environment_of, implicit_environment},
    pipeline::{FactKind, RolloutKey},
};
use heddle_db::{
    DbError, Tx,
    changes::{self, TrackedChange},
    deploys::{self, Deploy},
    environments, facts as stored,
    notice::{Notice, Topic},
    revisions,
    syncs::{self, Sync},
    work,
    workloads::{self, NewWorkload},
};
use heddle_wire::agent::{self as wire, DeployFact, Follows, Report, Source, SyncError, SyncReport};
use uuid::Uuid;

use super::facts;

/// What happened is kept this long, for changes that are merged late and revisions that become known late.
const KEEP: TimeDelta = TimeDelta::days(14);

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

/// Stores a report; gives false when it was taken before.
///
/// # Errors
/// When the store cannot be reached.
pub async fn apply(tx: &mut Tx, scope: Scope, report: &Report) -> Result<bool, DbError> {
    let sequence = i64::try_from(report.sequence).unwrap_or(i64::MAX);
    if !syncs::take_report(&mut **tx, scope.organization, scope.cluster, report.epoch, sequence, scope.now).await? {
        return Ok(false);
    }
    let before = syncs::list_of_cluster(&mut **tx, scope.cluster).await?;
    let mut touched = Touched::default();
    for fact in &report.facts {
        take_fact(tx, scope, fact, &mut touched).await?;
    }
    let mut faults = Vec::new();
    for sync in &report.syncs {
        match &sync.follows {
            Follows::Readable(source) => take_sync(tx, scope, sync, source, &before, &mut touched).await?,
            Follows::Faulty { message } => faults.push((&sync.sync, message.as_str())),
        }
    }
    let readable = report.syncs.iter().filter(|sync| matches!(sync.follows, Follows::Readable(_)));
    syncs::clear_faults(&mut **tx, scope.cluster, &readable.map(|sync| &sync.sync).collect::<Vec<_>>()).await?;
    syncs::set_faults(&mut **tx, scope.organization, scope.cluster, &faults, scope.now).await?;
    if let Some(present) = &report.present {
        for gone in before.iter().filter(|old| !present.contains(&old.key.sync)) {
            retire_sync(tx, scope, &gone.key).await?;
            syncs::delete(&mut **tx, &gone.key).await?;
        }
        syncs::keep_faults(&mut **tx, scope.cluster, present).await?;
    }
    for repository in touched.changed {
        if judge(tx, scope.organization, repository, Some(scope.cluster), scope.now).await? {
            touched.healthy.insert(repository.0);
        }
    }
    deploys::forget(&mut **tx, scope.cluster, scope.now - KEEP).await?;
    if !report.syncs.is_empty() || report.present.is_some() {
        for topic in [Topic::Clusters, Topic::Workloads] {
            tx.notify(&Notice::Changed { organization: scope.organization, topic, id: Some(scope.cluster.0) }).await?;
        }
    }
    work::request_updates(tx, scope.organization, &touched.healthy.into_iter().collect::<Vec<_>>()).await?;
    for repository in touched.unread {
        work::request_read(tx, scope.organization, repository).await?;
    }
    Ok(true)
}

/// The repositories that a report is about.
#[derive(Default)]
struct Touched {
    /// Those whose Syncs said something of a known revision.
    changed: BTreeSet<RepositoryId>,
    /// Those in which a change became healthy, which another environment may have waited for.
    healthy: BTreeSet<Uuid>,
    /// Those that a read has to look at: something follows them anew, or runs a revision that no read has placed.
    unread: BTreeSet<RepositoryId>,
}

/// Stores the state of a Sync.
async fn take_sync(
    tx: &mut Tx,
    scope: Scope,
    report: &SyncReport,
    source: &Source,
    before: &[Sync],
    touched: &mut Touched,
) -> Result<(), DbError> {
    let key = RolloutKey { cluster: scope.cluster, sync: report.sync.clone() };
    let repository = syncs::find_bound(&mut **tx, scope.organization, &source.repository).await?;
    let paths = match repository {
        Some(repository) => environments::list_of_repository(&mut **tx, repository).await?,
        None => Vec::new(),
    };
    let path = normal_path(&source.path);
    let implicit = implicit_environment(&source.branch, &path);
    let environment = environment_of(&paths, &source.branch, &path).unwrap_or(&implicit);
    let old = before.iter().find(|old| old.key == key);
    let observed = report.observed.as_ref();
    let sync = Sync {
        key: key.clone(),
        repository_url: source.repository.clone(),
        repository,
        branch: source.branch.clone(),
        path,
        environment: Some(environment.name.clone()),
        suspended: report.suspended,
        applied_revision: report.applied_revision.clone(),
        attempted_revision: report.attempted_revision.clone(),
        health: observed.map_or_else(|| old.map_or(HealthStatus::Unknown, |old| old.health), |seen| seen.health),
        objects: observed
            .map_or_else(|| old.map_or(0, |old| old.objects), |seen| i64::try_from(seen.objects).unwrap_or(i64::MAX)),
        unseen_since: match observed {
            Some(_) => None,
            None => old.and_then(|old| old.unseen_since).or(Some(scope.now)),
        },
        conditions: json(&report.conditions)?,
        errors: json(&report.errors)?,
        drifts: json(&report.drifts)?,
        stopped_prune: report.stopped_prune.as_ref().map(json).transpose()?,
        reported_at: scope.now,
    };
    let follows_as_before = old.is_some_and(|old| {
        (&old.repository_url, &old.branch, &old.path) == (&sync.repository_url, &sync.branch, &sync.path)
    });
    if !follows_as_before {
        if old.is_some() {
            retire_sync(tx, scope, &key).await?;
        }
        touched.unread.extend(repository);
    }
    touched.changed.extend(repository);
    syncs::upsert(&mut **tx, scope.organization, &sync).await?;
    let Some(observed) = observed else { return Ok(()) };
    let rows = observed
        .workloads
        .iter()
        .map(|workload| {
            Ok(NewWorkload {
                kind: workload.kind.to_string(),
                namespace: workload.namespace.to_string(),
                name: workload.name.to_string(),
                health: workload.health,
                reason: workload.reason.as_ref().map(ToString::to_string),
                since: workload.since,
                images: json(&workload.images)?,
            })
        })
        .collect::<Result<Vec<_>, DbError>>()?;
    workloads::replace(tx, scope.organization, &key, &rows, scope.now).await
}

/// A Sync's owner may write `./clusters/prod/`; environments have `clusters/prod`.
fn normal_path(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// Stores something that happened.
async fn take_fact(tx: &mut Tx, scope: Scope, fact: &DeployFact, touched: &mut Touched) -> Result<(), DbError> {
    let Source { repository, branch, .. } = &fact.source;
    let deploy = Deploy {
        key: RolloutKey { cluster: scope.cluster, sync: fact.sync.clone() },
        repository_url: repository.clone(),
        branch: branch.clone(),
        revision: fact.revision.clone(),
        at: fact.at,
        what: json(&fact.what)?,
    };
    deploys::record(&mut **tx, scope.organization, &deploy).await?;
    let Some(repository) = syncs::find_bound(&mut **tx, scope.organization, repository).await? else {
        return Ok(());
    };
    if revisions::find_ordinal(&mut **tx, repository, branch, &fact.revision).await?.is_some() {
        touched.changed.insert(repository);
    } else if revisions::note_unknown(&mut **tx, scope.organization, repository, branch, &fact.revision).await? {
        touched.unread.insert(repository);
    }
    Ok(())
}

/// Ends the open rollouts of a Sync that is gone or follows something else now.
async fn retire_sync(tx: &mut Tx, scope: Scope, key: &RolloutKey) -> Result<(), DbError> {
    let rolling = stored::list_rolling_out(&mut **tx, key.cluster, Some(&key.sync)).await?;
    retire(tx, scope, rolling).await
}

/// Ends the open rollouts of a cluster that was deleted.
///
/// # Errors
/// When the store cannot be reached.
pub async fn retire_cluster(tx: &mut Tx, scope: Scope) -> Result<(), DbError> {
    let rolling = stored::list_rolling_out(&mut **tx, scope.cluster, None).await?;
    retire(tx, scope, rolling).await?;
    for sync in syncs::list_of_cluster(&mut **tx, scope.cluster).await? {
        syncs::delete(&mut **tx, &sync.key).await?;
    }
    Ok(())
}

async fn retire(
    tx: &mut Tx,
    scope: Scope,
    rolling: Vec<(heddle_core::id::ChangeId, RolloutKey)>,
) -> Result<(), DbError> {
    let observations: Vec<Observation> = rolling
        .into_iter()
        .map(|(change, rollout)| facts::observed(change, FactKind::RolloutRetired { rollout }, scope.now))
        .collect();
    facts::record(tx, scope.organization, &observations, scope.now).await.map(drop)
}

/// Says of every unfinished merged change of a repository what its Syncs did, on all clusters or on one.
///
/// # Errors
/// When the store cannot be reached.
pub async fn judge(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    cluster: Option<ClusterId>,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let known = changes::list_rolling(&mut **tx, organization, repository).await?;
    let ids: Vec<Uuid> = known.iter().map(|change| change.id.0).collect();
    let mut rollouts = stored::list_rollouts_of(&mut **tx, &ids).await?;
    let rolling: Vec<Rolling> = known
        .iter()
        .filter_map(|change| {
            let rollouts = rollouts.remove(&change.id)?;
            Some(Rolling {
                id: change.id,
                image: change.image.clone(),
                to: change.to.clone(),
                to_digest: change.to_digest.clone(),
                merged_ordinal: change.merged_ordinal?,
                replaced_ordinal: replaced_ordinal(change, &known),
                rollouts,
            })
        })
        .collect();
    let Some(from) = rolling.iter().map(|change| change.merged_ordinal).min() else { return Ok(false) };
    let clusters: BTreeSet<Uuid> = rolling
        .iter()
        .flat_map(|change| &change.rollouts)
        .map(|rollout| rollout.cluster)
        .filter(|id| cluster.is_none_or(|only| only == *id))
        .map(|id| id.0)
        .collect();
    let clusters: Vec<Uuid> = clusters.into_iter().collect();
    let placed = deploys::list_placed(&mut **tx, repository, from, &clusters).await?;
    let deployed = placed.into_iter().map(deployed).collect::<Result<Vec<_>, DbError>>()?;
    facts::record(tx, organization, &observe::report(&deployed, &rolling), now).await
}

/// The number of the first head in which a later change stands at one of the places of `change`.
fn replaced_ordinal(change: &TrackedChange, known: &[TrackedChange]) -> Option<i64> {
    known
        .iter()
        .filter(|later| later.sequence > change.sequence)
        .filter(|later| later.environment == change.environment && later.image == change.image)
        .filter(|later| later.places.iter().any(|place| change.places.iter().any(|own| own.key() == place.key())))
        .filter_map(|later| later.merged_ordinal)
        .min()
}

fn deployed(placed: deploys::Placed) -> Result<Deployed, DbError> {
    let what: wire::Deploy = serde_json::from_value(placed.what)
        .map_err(|error| DbError::Corrupt { column: "deploys.what", reason: error.to_string() })?;
    let what = match what {
        wire::Deploy::Applied { images } => DeployedWhat::Applied { images },
        wire::Deploy::Failed { images, errors } => {
            let message = errors.first().map_or_else(|| "it could not be applied".to_owned(), in_words);
            DeployedWhat::Failed { images, message }
        }
        wire::Deploy::Health { image, status, reason } => {
            DeployedWhat::Health { image, status, reason: reason.map(Into::into) }
        }
    };
    Ok(Deployed { rollout: placed.key, revision: placed.revision, ordinal: placed.ordinal, at: placed.at, what })
}

fn in_words(error: &SyncError) -> String {
    match (&error.file, error.line, &error.object) {
        (Some(file), Some(line), _) => format!("{file}:{line}: {}", error.message),
        (Some(file), None, _) => format!("{file}: {}", error.message),
        (None, _, Some(object)) => format!("{object}: {}", error.message),
        (None, _, None) => error.message.to_string(),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, DbError> {
    serde_json::to_value(value).map_err(|error| DbError::Corrupt { column: "syncs", reason: error.to_string() })
}
