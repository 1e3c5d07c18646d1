//! The rows of the list, from what agents and reporters said.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use heddle_core::{
    drift::{AgentWord, DriftTool, Expected, Known, SyncCondition, SyncLook, Verdict, judge, judge_sync},
    id::{ClusterId, OrganizationId},
    pipeline::RolloutKey,
};
use heddle_db::{
    Tx,
    clusters::{self, Cluster},
    drift_records::{self, Record, Which},
    sync_faults::{self, Fault},
    syncs::{self, SyncDrift},
};
use heddle_wire::{
    agent::Condition,
    view::{DriftRecordView, DriftSync, Link},
};

use crate::{flow::link, problem::ApiResult};

/// So many records, and so many Syncs, are judged for the list.
pub const MOST_JUDGED: i64 = 10_000;

/// What is looked at, judged as far as [`MOST_JUDGED`] goes.
pub struct Judged {
    /// Each that was judged.
    pub rows: Vec<DriftRecordView>,
    /// How many were not.
    pub not_judged: i64,
}

/// Every Sync and every record of the organization, or of an environment or a tool, judged.
pub async fn judge_all(
    tx: &mut Tx,
    organization: OrganizationId,
    which: Which<'_>,
    now: DateTime<Utc>,
) -> ApiResult<Judged> {
    let records = drift_records::list(&mut **tx, organization, which, MOST_JUDGED).await?;
    let mut not_judged = 0;
    if is_full(records.len()) {
        not_judged += drift_records::count(&mut **tx, organization, which).await?.saturating_sub(MOST_JUDGED);
    }
    let mut rows: Vec<DriftRecordView> = records.into_iter().map(|record| view_record(record, now)).collect();
    if which.tool.is_none_or(|tool| tool == DriftTool::Kubernetes) {
        let environment = which.environment;
        let syncs = syncs::list_drift(&mut **tx, organization, environment, MOST_JUDGED).await?;
        if is_full(syncs.len()) {
            not_judged += syncs::count_drift(&mut **tx, organization, environment).await?.saturating_sub(MOST_JUDGED);
        }
        let faults = sync_faults::list(&mut **tx, organization).await?;
        let clusters = clusters::list(&mut **tx, organization).await?;
        for row in view_syncs(syncs, faults, &clusters, now) {
            rows.push(row?);
        }
        // What is wrong with the spec of a Sync of another environment.
        rows.retain(|row| environment.is_none_or(|wanted| row.environment.as_ref() == Some(wanted)));
    }
    Ok(Judged { rows, not_judged })
}

fn is_full(rows: usize) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= MOST_JUDGED)
}

/// A record as it stands now.
pub fn view_record(record: Record, now: DateTime<Utc>) -> DriftRecordView {
    let known = record.last.as_ref().map(|last| Known {
        found: last.found,
        since: last.found_since,
        ended_at: last.at,
        reason: last.reason.as_deref(),
        is_by_revoked: last.is_by_revoked,
    });
    let expected = record.asked.map(|(every, asked_at)| Expected { every, asked_at });
    let Verdict { state, since, reason } = judge(known, expected, now);
    let last = record.last;
    DriftRecordView {
        id: Some(record.id),
        sync: None,
        repository: record.name.repository,
        environment: Some(record.name.environment),
        tool: record.name.tool,
        source: record.name.source.into(),
        state,
        since,
        reason: reason.map(Into::into),
        differences: last.as_ref().map_or(0, |last| last.differences),
        looked_at: last.as_ref().map(|last| last.at),
        looked_by: last.as_ref().map(|last| last.reporter_name.clone()),
        by_revoked: last.as_ref().is_some_and(|last| last.is_by_revoked),
        commit: last.and_then(|last| last.commit),
        every_secs: record.asked.map(|(every, _)| every.num_seconds()),
    }
}

/// A Sync that can be read, one that cannot, or one that could be before.
fn view_syncs<'a>(
    syncs: Vec<SyncDrift>,
    faults: Vec<Fault>,
    clusters: &'a [Cluster],
    now: DateTime<Utc>,
) -> impl Iterator<Item = ApiResult<DriftRecordView>> + use<'a> {
    let clusters: HashMap<ClusterId, &Cluster> = clusters.iter().map(|cluster| (cluster.id, cluster)).collect();
    let mut faults: HashMap<RolloutKey, Fault> = faults.into_iter().map(|fault| (fault.key.clone(), fault)).collect();
    let mut all: Vec<(RolloutKey, Option<SyncDrift>, Option<Fault>)> = Vec::new();
    for sync in syncs {
        let fault = faults.remove(&sync.key);
        all.push((sync.key.clone(), Some(sync), fault));
    }
    all.extend(faults.into_iter().map(|(key, fault)| (key, None, Some(fault))));
    all.into_iter().filter_map(move |(key, sync, fault)| {
        // What a deleted cluster said is history.
        let cluster = clusters.get(&key.cluster)?;
        Some(view_sync(key, sync, fault.as_ref(), cluster, now))
    })
}

fn view_sync(
    key: RolloutKey,
    sync: Option<SyncDrift>,
    fault: Option<&Fault>,
    cluster: &Cluster,
    now: DateTime<Utc>,
) -> ApiResult<DriftRecordView> {
    let stored = sync.as_ref().map(|sync| super::read::<Vec<Condition>>("syncs.conditions", sync.conditions.clone()));
    let stored = stored.transpose()?.unwrap_or_default();
    let conditions: Vec<SyncCondition<'_>> = stored.iter().map(condition).collect();
    let agent = match link::of(&cluster.heard(), now) {
        Link::Connected => AgentWord::Fresh,
        _ => AgentWord::Old(cluster.last_report_at.or(cluster.last_seen_at)),
    };
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let look = SyncLook {
        agent,
        fault: fault.map(|fault| (fault.message.as_str(), fault.since)),
        is_suspended: sync.as_ref().is_some_and(|sync| sync.suspended),
        unseen_since: sync.as_ref().and_then(|sync| sync.unseen_since),
        is_applied: sync.as_ref().is_some_and(|sync| sync.applied_revision.is_some()),
        is_whole: sync
            .as_ref()
            .is_some_and(|sync| sync.attempted_revision.is_none() || sync.attempted_revision == sync.applied_revision),
        errors: sync.as_ref().map_or(0, |sync| number(sync.errors)),
        open_drifts: sync.as_ref().map_or(0, |sync| number(sync.open_drifts)),
        open_since: sync.as_ref().and_then(|sync| sync.open_since),
        conditions: &conditions,
        is_prune_stopped: sync.as_ref().is_some_and(|sync| sync.is_prune_stopped),
        reported_at: sync.as_ref().map_or(now, |sync| sync.reported_at),
    };
    let Verdict { state, since, reason } = judge_sync(&look);
    let source = sync.as_ref().map_or_else(|| key.sync.to_string(), |sync| path_in_words(&sync.path));
    Ok(DriftRecordView {
        id: None,
        repository: sync.as_ref().and_then(|sync| sync.repository.clone()),
        sync: Some(DriftSync { cluster: key.cluster, cluster_name: cluster.name.clone(), sync: key.sync }),
        environment: sync.as_ref().and_then(|sync| sync.environment.clone()),
        tool: DriftTool::Kubernetes,
        source,
        state,
        since,
        reason: reason.map(Into::into),
        differences: sync.as_ref().map_or(0, |sync| sync.open_drifts + sync.errors),
        looked_at: cluster.last_report_at,
        looked_by: Some(cluster.name.clone()),
        by_revoked: false,
        commit: sync.and_then(|sync| sync.applied_revision),
        every_secs: None,
    })
}

fn condition(said: &Condition) -> SyncCondition<'_> {
    SyncCondition {
        kind: said.kind.as_str(),
        is_true: said.status.as_str() == "True",
        message: said.message.as_str(),
        since: said.since,
    }
}

fn path_in_words(path: &str) -> String {
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}
