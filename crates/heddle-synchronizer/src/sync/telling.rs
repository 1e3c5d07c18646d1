//! What a Sync tells: facts and its state to the API, its status and Events to the cluster, what it wants and holds to the
//! other Syncs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, name::SyncName};
use heddle_kube::{
    KubeError,
    sync::{Sync, SyncStatus},
};
use heddle_reconcile::{Holds, Inventory, ObjectKey};
use heddle_wire::agent::{self as wire, Deploy, DeployFact, DriftReport, SyncError};
use tokio::time::Instant;

use super::{
    Context, SyncTask,
    applied::Applied,
    cluster::ClusterState,
    desired::Desired,
    health::{Health, Scene},
    report::{
        self, Told,
        conditions::{self, ConditionKind, Conditions},
    },
    spec::Spec,
};
use crate::neighbors::{Known, Neighbors};

impl SyncTask {
    /// Puts facts into the outbox. What could not be kept there is not done, and is tried again.
    pub(super) async fn tell_facts(&self, source: wire::Source, revision: Revision, whats: Vec<Deploy>) -> bool {
        let (sync, at) = (&self.name, Utc::now());
        let facts = whats.into_iter().map(|what| {
            let (sync, source, revision) = (sync.clone(), source.clone(), revision.clone());
            DeployFact { sync, source, at, revision, what }
        });
        let told = self.ctx.outbox.tell(facts.collect()).await;
        if let Err(error) = &told {
            tracing::error!(sync = %self.name, %error, "the outbox cannot be written");
        }
        told.is_ok()
    }

    /// Tells what changed, to the API, to the other Syncs and in the cluster.
    pub(super) async fn report(&mut self) {
        let health = self.tell_state();
        self.publish();
        self.tell_health().await;
        let status = report::status(&self.told(health.as_ref()), &self.written_status);
        if self.written_status != status {
            match self.ctx.own.write_status(&self.name.name, &status).await {
                Ok(()) => self.written_status = status,
                Err(KubeError::NotFound(_)) => {}
                Err(error) => tracing::warn!(sync = %self.name, "the status cannot be written: {error}"),
            }
        }
        for happening in std::mem::take(&mut self.happenings) {
            if let Err(error) = self.ctx.own.tell_happening(&self.sync, happening).await {
                tracing::debug!(sync = %self.name, "an Event cannot be made: {error}");
            }
        }
    }

    /// Puts the state into the outbox.
    pub(super) fn tell_state(&mut self) -> Option<Health> {
        let health = self.scene().map(Scene::health);
        self.summarize(health.as_ref());
        for (kind, is_true) in self.conditions.truths() {
            self.metrics.condition(kind, is_true);
        }
        let told = self.told(health.as_ref());
        self.metrics.state(told.objects, told.errors.len());
        self.ctx.outbox.tell_state(report::report(&told));
        health
    }

    /// What follows from all that was said.
    fn summarize(&mut self, health: Option<&Health>) {
        let now = Utc::now();
        if let Some(health) = health {
            self.conditions.say(conditions::healthy(health), now);
        }
        if let (Some(_), Ok(cluster)) = (health, &self.cluster) {
            let blind: Vec<_> = cluster.observed.blind_spots(now).collect();
            self.conditions.say_if(ConditionKind::Watched, conditions::unwatched(&blind), now);
            self.conditions.say_if(ConditionKind::Leftovers, conditions::leftovers(&self.leftovers()), now);
        }
        let manifest = conditions::manifest(&self.inbox.manifest.borrow(), &self.name.name);
        self.conditions.say_if(ConditionKind::InstallManifest, manifest, now);
        let left_alone = self.scene().map(|scene| {
            let Scene { desired, observed, inventory, .. } = scene;
            self.drift.left_alone(desired, observed, inventory, now)
        });
        self.conditions.say_if(
            ConditionKind::FoughtOver,
            left_alone.and_then(|left| conditions::fought_over(&left)),
            now,
        );
        let applied = self.applied.as_ref().and_then(|applied| applied.of(&self.spec));
        self.conditions.conclude(self.sync.spec.suspend, applied, now);
    }

    fn told<'a>(&'a self, health: Option<&'a Health>) -> Told<'a> {
        let compared = self.compared.as_ref();
        let inventory = self.cluster.as_ref().ok().and_then(ClusterState::inventory);
        let rendered = self.source.rendered();
        Told {
            name: &self.name,
            sync: &self.sync,
            spec: &self.spec,
            applied: self.applied.as_ref().filter(|applied| applied.of(&self.spec).is_some()),
            attempted: rendered.map(|rendered| &rendered.revision),
            fetched_at: self.fetched_at,
            conditions: &self.conditions,
            errors: compared.map_or(&[] as &[SyncError], |compared| &compared.errors),
            health,
            objects: inventory.map(|inventory| inventory.len() as u64),
            drifts: self.drift.reports().cloned().collect(),
            stopped_prune: compared.and_then(|compared| compared.pruned.stopped()),
            remotes: rendered.map(|rendered| &*rendered.resolved),
        }
    }

    /// Tells the verdict on each image of the applied revision, where it changed. Where other objects of it have failed, the
    /// images of what was applied go on.
    async fn tell_health(&mut self) {
        let Some(scene) = self.scene() else { return };
        let (revision, source) = (scene.desired.revision(), scene.desired.rendered.content.origin.source());
        let is_applied = self.applied() == Some(revision);
        let failed = self.compared.as_ref().filter(|compared| !is_applied && compared.revision == *revision);
        let failed = failed.filter(|compared| compared.is_told_as_failed());
        if !is_applied && failed.is_none() {
            return;
        }
        let (revision, facts) = (revision.clone(), scene.facts(failed).collect());
        if !self.tell_facts(source, revision, facts).await {
            self.schedule.ran(true, Instant::now());
        }
    }

    /// Lets the others know how this Sync is doing.
    pub(super) fn publish(&mut self) {
        // What a spec wants that cannot be read is not known, whatever was rendered before.
        let revision = self.known.revision.take().filter(|_| self.spec.is_ok());
        self.known = Known {
            uid: self.sync.metadata.uid.clone().unwrap_or_default(),
            source: Spec::branch_of(&self.sync.spec),
            suspended: self.sync.spec.suspend,
            depends_on: self.sync.spec.depends_on.iter().map(|reference| reference.name.clone()).collect(),
            revision,
            applied: self.applied().cloned(),
            is_ready: self.conditions.is_true(ConditionKind::Ready),
            message: self.conditions.message_of(ConditionKind::Ready).unwrap_or_default().to_owned(),
            ..std::mem::take(&mut self.known)
        };
        self.ctx.neighbors.publish(&self.name.name, self.known.clone());
    }
}

/// Lets the others know what a revision wants, and what the cluster holds of this Sync.
pub(super) fn publish_wants(
    known: &mut Known,
    neighbors: &Neighbors,
    name: &SyncName,
    desired: &Desired,
    inventory: Option<&Inventory>,
) {
    if *known.wants != **desired.keys() {
        known.wants = Arc::clone(desired.keys());
    }
    // Of a revision that could not be read as a whole it is not known what it wants.
    let is_whole = desired.faults().next().is_none();
    known.revision = is_whole.then(|| desired.revision().clone());
    if let (None, Some(inventory)) = (&known.holds, inventory) {
        note_holds(known, inventory);
    }
    neighbors.publish(&name.name, known.clone());
}

/// Takes in what the cluster holds of this Sync. Says whether that is news to the others.
pub(super) fn note_holds(known: &mut Known, inventory: &Inventory) -> bool {
    let holds: BTreeSet<ObjectKey> = inventory.iter().map(|entry| entry.key.clone()).collect();
    let notes: BTreeMap<ObjectKey, Holds> =
        inventory.holds().map(|(key, holds)| (key.clone(), holds.clone())).collect();
    let is_news = known.holds.as_deref() != Some(&holds) || *known.notes != notes;
    if is_news {
        (known.holds, known.notes) = (Some(holds.into()), notes.into());
    }
    is_news
}

/// What is known of a Sync while a revision is being applied to it.
pub(super) struct Underway<'a> {
    pub ctx: &'a Context,
    pub name: &'a SyncName,
    pub sync: &'a Sync,
    pub spec: &'a Result<Spec, String>,
    pub applied: Option<&'a Applied>,
    pub attempted: Revision,
    pub fetched_at: Option<DateTime<Utc>>,
    pub conditions: &'a mut Conditions,
    pub errors: &'a [SyncError],
    pub health: Option<Health>,
    pub objects: Option<u64>,
    pub drifts: Vec<DriftReport>,
    pub written: &'a mut SyncStatus,
}

impl Underway<'_> {
    /// Says which revision is being applied, since that takes long.
    pub async fn say(&mut self) {
        let now = Utc::now();
        self.conditions.say(conditions::applying(&self.attempted), now);
        self.conditions.conclude(false, self.applied.map(|applied| &applied.revision), now);
        let told = Told {
            name: self.name,
            sync: self.sync,
            spec: self.spec,
            applied: self.applied,
            attempted: Some(&self.attempted),
            fetched_at: self.fetched_at,
            conditions: self.conditions,
            errors: self.errors,
            health: self.health.as_ref(),
            objects: self.objects,
            drifts: self.drifts.clone(),
            stopped_prune: None,
            remotes: None,
        };
        self.ctx.outbox.tell_state(report::report(&told));
        let status = report::status(&told, self.written);
        match self.ctx.own.write_status(&self.name.name, &status).await {
            Ok(()) => *self.written = status,
            Err(error) => tracing::warn!(sync = %self.name, "the status cannot be written: {error}"),
        }
    }
}
