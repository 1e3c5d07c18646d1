//! What is told of a Sync: its own status in the cluster, and the state in the report.

use chrono::Utc;
use heddle_core::health::HealthStatus;
use heddle_kube::{
    KubeError,
    sync::{StoppedPruneStatus, SyncStatus, SyncStatusError},
};
use heddle_wire::agent::{Follows, Observed, StoppedPrune, SyncReport};

use super::{Follower, health::Health};

/// Errors and objects in the status; the report has more.
const IN_STATUS: usize = 20;

/// Objects of a stopped prune in the report.
const IN_REPORT: usize = 100;

impl Follower {
    /// Tells what changed, to the API and in the cluster.
    pub(super) async fn tell(&mut self) {
        let health = self.tell_state();
        self.publish();
        // The applied revision stands in the status only after its fact is in the outbox.
        self.tell_health_facts();
        let status = self.status(&health);
        if self.written_status.as_ref() != Some(&status) {
            match self.shared.own.write_status(&self.name.name, &status).await {
                Ok(()) => self.written_status = Some(status),
                Err(KubeError::NotFound(_)) => {}
                Err(error) => tracing::warn!(sync = %self.name, "the status cannot be written: {error}"),
            }
        }
    }

    /// Puts the state into the outbox.
    pub(super) fn tell_state(&mut self) -> Health {
        let health = self.health();
        self.set_summary(&health);
        self.note_manifest();
        for condition in self.conditions.list() {
            self.metrics.condition(&condition.kind, condition.status == "True");
        }
        self.metrics.state(self.objects(), self.errors.len());
        self.shared.outbox.tell_state(self.report(&health));
        health
    }

    fn set_summary(&mut self, health: &Health) {
        let now = Utc::now();
        if self.wanted.is_some() {
            let (status, message) = (health.status, health.message.as_str());
            let is_well = matches!(status, HealthStatus::Healthy | HealthStatus::Suspended);
            let known = if status == HealthStatus::Unknown { None } else { Some(is_well) };
            let reason = match status {
                HealthStatus::Healthy => "Healthy",
                HealthStatus::Suspended => "Suspended",
                HealthStatus::Progressing => "Progressing",
                HealthStatus::Terminating => "Terminating",
                HealthStatus::Unknown => "Unknown",
                HealthStatus::Missing => "Missing",
                HealthStatus::Degraded => "Degraded",
            };
            self.conditions.set("Healthy", known, reason, message, now);
        }
        if self.sync.spec.suspend {
            return self.conditions.set(
                "Ready",
                Some(false),
                "Suspended",
                "nothing is applied while it is suspended",
                now,
            );
        }
        match (self.conditions.first_fault().cloned(), &self.applied_revision) {
            (Some(fault), _) => self.conditions.set("Ready", Some(false), &fault.reason, &fault.message, now),
            (None, Some(revision)) if self.conditions.is_true("Applied") => {
                let message = format!("{} is applied and healthy", revision.short());
                self.conditions.set("Ready", Some(true), "Ready", &message, now);
            }
            (None, _) => self.conditions.set("Ready", None, "Starting", "it was not applied yet", now),
        }
    }

    fn report(&self, health: &Health) -> SyncReport {
        // Of what was not rendered, or whose inventory was not read, nothing is known.
        let is_known = self.wanted.is_some() && self.inventory.is_some();
        SyncReport {
            sync: self.name.clone(),
            follows: match &self.spec {
                Ok(spec) => Follows::Readable(spec.source()),
                Err(fault) => Follows::Faulty { message: fault.as_str().into() },
            },
            suspended: self.sync.spec.suspend,
            applied_revision: self.applied_revision.clone(),
            attempted_revision: self.wanted.as_ref().map(|wanted| wanted.revision.clone()),
            fetched_at: self.fetched_at,
            conditions: self.conditions.list(),
            errors: self.errors.clone(),
            observed: is_known.then(|| Observed {
                health: health.status,
                objects: self.objects(),
                workloads: health.workloads.clone(),
            }),
            drifts: self.drifts.iter().cloned().collect(),
            stopped_prune: self.stopped_prune.as_ref().map(|stopped| StoppedPrune {
                plan: stopped.plan.as_str().into(),
                reason: stopped.reason.as_str().into(),
                objects: stopped.objects.iter().take(IN_REPORT).map(|key| key.to_string().into()).collect(),
                count: stopped.objects.len() as u64,
            }),
        }
    }

    fn status(&self, health: &Health) -> SyncStatus {
        let text = |revision: &heddle_core::git::Revision| revision.as_str().to_owned();
        let errors = self.errors.iter().take(IN_STATUS).map(|error| SyncStatusError {
            file: error.file.as_deref().map(str::to_owned),
            line: error.line,
            object: error.object.as_deref().map(str::to_owned),
            message: error.message.to_string(),
        });
        SyncStatus {
            observed_generation: self.sync.metadata.generation,
            revision: self.applied_revision.as_ref().map(|revision| revision.short().to_owned()),
            applied_revision: self.applied_revision.as_ref().map(text),
            attempted_revision: self.wanted.as_ref().map(|wanted| text(&wanted.revision)),
            health: self.wanted.as_ref().map(|_| health.status.to_string()),
            objects: self.objects(),
            conditions: self.conditions.for_status(self.sync.metadata.generation),
            errors: errors.collect(),
            stopped_prune: self.stopped_prune.as_ref().map(|stopped| StoppedPruneStatus {
                plan: stopped.plan.clone(),
                reason: stopped.reason.clone(),
                objects: stopped.objects.iter().take(IN_STATUS).map(ToString::to_string).collect(),
                count: stopped.objects.len() as u64,
            }),
        }
    }

    fn objects(&self) -> u64 {
        self.inventory.as_ref().map_or(0, |inventory| inventory.len() as u64)
    }
}
