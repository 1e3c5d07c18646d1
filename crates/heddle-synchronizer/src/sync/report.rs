//! What is told of a Sync: the state in the report, and its own status in the cluster. Values in, values out.

pub(super) mod conditions;
mod happenings;

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, name::SyncName};
use heddle_kube::sync::{RemoteStatus, StoppedPruneStatus, Sync, SyncStatus, SyncStatusError};
use heddle_reconcile::Stopped;
use heddle_source::Resolved;
use heddle_wire::agent::{DriftReport, Follows, StoppedPrune, SyncError, SyncHealth, SyncReport};

pub(super) use self::happenings::{done, found};

use self::conditions::Conditions;
use super::{applied::Applied, health::Health, spec::Spec};

/// Errors and objects in the status; the report has more.
pub(crate) const IN_STATUS: usize = 20;

/// Objects of a stopped prune in the report.
pub(crate) const IN_REPORT: usize = 100;

/// What there is to tell.
pub(super) struct Told<'a> {
    pub name: &'a SyncName,
    pub sync: &'a Sync,
    pub spec: &'a Result<Spec, String>,
    /// The revision that is fully applied, of what is followed now.
    pub applied: Option<&'a Applied>,
    /// The revision last tried.
    pub attempted: Option<&'a Revision>,
    pub fetched_at: Option<DateTime<Utc>>,
    pub conditions: &'a Conditions,
    pub errors: &'a [SyncError],
    /// `None` while nothing was looked at.
    pub health: Option<&'a Health>,
    /// How many objects it has; `None` while its inventory was not read.
    pub objects: Option<u64>,
    pub drifts: Vec<DriftReport>,
    pub stopped_prune: Option<&'a Stopped>,
    /// What addresses of remote bases stand for; `None` while nothing was rendered.
    pub remotes: Option<&'a [Resolved]>,
}

/// The state in the report. Every Sync has one, also one whose spec cannot be read; and of what was not looked at nothing
/// is said.
pub(super) fn report(told: &Told<'_>) -> SyncReport {
    let observed = told.health.zip(told.objects).map(|(health, objects)| SyncHealth {
        health: health.status,
        objects,
        workloads: health.workloads.clone(),
    });
    SyncReport {
        sync: told.name.clone(),
        follows: match told.spec {
            Ok(spec) => Follows::Readable(spec.source()),
            Err(fault) => Follows::Faulty { message: fault.as_str().into() },
        },
        suspended: told.sync.spec.suspend,
        applied_revision: told.applied.map(|applied| applied.revision.clone()),
        attempted_revision: told.attempted.cloned(),
        fetched_at: told.fetched_at,
        conditions: told.conditions.for_report(),
        errors: told.errors.to_vec(),
        observed,
        drifts: told.drifts.clone(),
        stopped_prune: told.stopped_prune.map(|stopped| StoppedPrune {
            plan: stopped.plan.as_str().into(),
            reason: stopped.reason.as_str().into(),
            objects: stopped.objects.iter().take(IN_REPORT).map(|key| key.to_string().into()).collect(),
            count: stopped.objects.len() as u64,
        }),
    }
}

/// The status in the cluster. `before` is what it says now: what is not known stays.
pub(super) fn status(told: &Told<'_>, before: &SyncStatus) -> SyncStatus {
    let text = |revision: &Revision| revision.as_str().to_owned();
    let errors = told.errors.iter().take(IN_STATUS).map(|error| SyncStatusError {
        file: error.file.clone().map(Into::into),
        line: error.line,
        object: error.object.clone().map(Into::into),
        message: error.message.clone().into(),
    });
    SyncStatus {
        observed_generation: told.sync.metadata.generation,
        revision: told.applied.map(|applied| applied.revision.short().to_owned()),
        applied_revision: told.applied.map(|applied| text(&applied.revision)),
        applied_source: told.applied.map(Applied::source_for_status),
        attempted_revision: told.attempted.map(text),
        health: told.health.map(|health| health.status.to_string()),
        objects: told.objects.unwrap_or(before.objects),
        conditions: told.conditions.for_status(told.sync.metadata.generation),
        errors: errors.collect(),
        remotes: told.remotes.map_or_else(|| before.remotes.clone(), |remotes| remotes.iter().map(remote).collect()),
        stopped_prune: told.stopped_prune.map(|stopped| StoppedPruneStatus {
            plan: stopped.plan.clone(),
            reason: stopped.reason.clone(),
            objects: stopped.objects.iter().take(IN_STATUS).map(ToString::to_string).collect(),
            count: stopped.objects.len() as u64,
        }),
    }
}

fn remote(resolved: &Resolved) -> RemoteStatus {
    RemoteStatus {
        address: resolved.address.clone(),
        revision: resolved.id.clone(),
        version: resolved.version.clone(),
        branch: resolved.is_branch,
        moved_to: resolved.moved_to.clone(),
    }
}

#[cfg(test)]
mod tests;
