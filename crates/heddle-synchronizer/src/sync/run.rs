//! One run: compare, announce, apply step by step, prune, save. It begins with what is wanted and what is known, and ends
//! with an [`Outcome`].

mod apply;
mod done;
mod drifted;
mod gather;
mod hooks;
mod inherited;
mod ledger;
mod outcome;
mod owners;
mod prune;
mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::Utc;
use heddle_core::{image::ImageRef, name::SyncName};
use heddle_kube::{
    KubeError,
    sync::{DriftMode, Sync},
};
use heddle_reconcile::{GroupKind, Inventory, InventoryEntry, ObjectKey, Phase, Plan, Reason, Why, plan};
use heddle_wire::agent::SyncError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::inherited::Controllers;
pub(crate) use self::{
    apply::{DEFINITION_LIMIT, SCHEMA_LIMIT},
    hooks::GONE_LIMIT,
};
pub(super) use self::{
    apply::{dry_run, would_change},
    done::Done,
    gather::until_stopped,
    inherited::Heritage,
    outcome::{Compared, Hindrance, Others, Outcome, Pruned},
    waiting::Waiting,
};
use super::{
    Context,
    applied::Applied,
    cluster::ClusterState,
    compute::compute,
    desired::{Desired, PlacedObject},
    drift::DriftLog,
    health::Scene,
    patience::Patience,
    roots::Roots,
};
use crate::{metrics::SyncMetrics, neighbors::Known};

/// What a run takes and does not change.
#[derive(Clone, Copy)]
pub(super) struct RunContext<'a> {
    pub ctx: &'a Context,
    pub sync: &'a Sync,
    pub name: &'a SyncName,
    pub metrics: &'a SyncMetrics,
    pub desired: &'a Desired,
    pub roots: &'a Roots,
    /// What was fully applied last, of whatever was followed then.
    pub applied: Option<&'a Applied>,
    /// Cancelled when there is something newer to be done.
    pub stop: &'a CancellationToken,
}

/// What a run changes.
pub(super) struct RunState<'a> {
    pub cluster: &'a mut ClusterState,
    pub drift: &'a mut DriftLog,
    /// Drifts that a dry run found, to be healed.
    pub swept: &'a mut HashSet<ObjectKey>,
    /// What the other Syncs are told.
    pub known: &'a mut Known,
    pub patience: &'a mut Patience,
    /// What runs do, until it is told.
    pub done: &'a mut Done,
}

/// A run that is under way.
struct Run<'a> {
    context: RunContext<'a>,
    cluster: &'a mut ClusterState,
    drift: &'a mut DriftLog,
    swept: &'a mut HashSet<ObjectKey>,
    known: &'a mut Known,
    patience: &'a mut Patience,
    done: &'a mut Done,
    /// What the cluster is going to hold.
    inventory: Inventory,
    /// What was known of the objects before they were announced.
    before: HashMap<ObjectKey, Option<InventoryEntry>>,
    errors: Vec<SyncError>,
    /// Whether a fault is believed to pass by itself.
    is_passing: bool,
    /// Whether a fault may pass by itself, believed or not.
    is_retried: bool,
    /// Whether the API server was there: it has answered any request of this run.
    is_answered: bool,
    failed: HashSet<ObjectKey>,
    /// What is not applied yet, by place in the list.
    waiting: BTreeMap<usize, Why>,
    /// Whether something that left the path may be missing by mistake.
    is_suspect: bool,
    /// The kinds whose definition was written by this run, and when.
    defined: HashMap<GroupKind, Instant>,
    /// How many objects could not be deleted for a reason that is not believed to pass.
    undeleted: usize,
    controllers: Controllers,
    /// The versions under which objects were applied that are to be applied under another one.
    versions: HashMap<ObjectKey, String>,
    /// What others have of the objects.
    heritage: Heritage,
}

/// Makes the cluster as the repository wants it.
///
/// # Errors
/// When the inventory cannot be written. What was announced stays so: it holds more than there is, never less.
pub(super) async fn run(context: RunContext<'_>, state: RunState<'_>) -> Result<Outcome, KubeError> {
    let mut run = Run::new(context, state);
    // An entry that is not known is a drift to the plan, which heals it.
    for key in run.swept.iter() {
        if let Some(entry) = run.inventory.find(key).cloned() {
            run.inventory.put(InventoryEntry { entry: None, ..entry });
        }
    }
    run.go().await
}

/// Gives up what left the path and another Sync wants, and does nothing else: it is all that a Sync does while it waits
/// for others.
///
/// # Errors
/// When the inventory cannot be written. Then nothing was given up.
pub(super) async fn hand_over(context: RunContext<'_>, state: RunState<'_>) -> Result<(), KubeError> {
    let mut run = Run::new(context, state);
    let wanted = context.desired.keys();
    let left = run.inventory.iter().map(|entry| &entry.key).filter(|key| !wanted.contains(*key));
    let mut surplus: Vec<ObjectKey> = left.cloned().collect();
    // What a suspended Sync wants stays until a whole run tells of it.
    let _stays = run.give_up(&mut surplus);
    run.save().await
}

impl<'a> Run<'a> {
    /// Begins with what the cluster holds.
    fn new(context: RunContext<'a>, state: RunState<'a>) -> Self {
        let RunState { cluster, drift, swept, known, patience, done } = state;
        let inventory = cluster.inventory().cloned().unwrap_or_default();
        drift.recall(&inventory);
        Self {
            context,
            cluster,
            drift,
            swept,
            known,
            patience,
            done,
            inventory,
            before: HashMap::new(),
            errors: Vec::new(),
            is_passing: false,
            is_retried: false,
            is_answered: false,
            failed: HashSet::new(),
            waiting: BTreeMap::new(),
            is_suspect: false,
            defined: HashMap::new(),
            undeleted: 0,
            controllers: Controllers::new(),
            versions: HashMap::new(),
            heritage: Heritage::default(),
        }
    }

    async fn go(mut self) -> Result<Outcome, KubeError> {
        let began_at = Instant::now();
        let objects = self.context.desired.objects();
        let desired: Vec<_> = objects.iter().map(|object| object.desired.clone()).collect();
        let scope = self.scope();
        self.drift.forget_settled(self.context.desired, Utc::now());
        self.drift.forget_unknown(self.context.desired, self.context.sync.spec.drift == DriftMode::Off);
        self.inventory.settle(&desired, &self.cluster.observed.live);
        let mut plan = plan(&desired, &self.inventory, &self.cluster.observed.live, &scope);
        let not_healed = self.take_out_drift(&mut plan);
        let others = self.others(&plan, &scope);
        self.note_refusals(&plan);
        self.leave_unknown(&mut plan);
        for object in objects {
            self.inventory.want(object.key());
        }
        self.note_suspects(&plan.surplus);
        self.announce(plan.steps.iter().flatten()).await?;
        let announced = self.inventory.clone();
        self.note_ends();
        for step in &plan.steps {
            let step = self.release(&plan, step, &desired);
            self.apply_step(&step).await;
            if self.is_stopped() {
                return self.give_way().await;
            }
        }
        self.take_shared().await;
        self.detect(&not_healed).await;
        if self.is_stopped() {
            return self.give_way().await;
        }
        let waiting = self.hold();
        // What its owner is about to give up is no failure yet, as it is none in what is told.
        if !self.errors.is_empty() && !self.is_passing && !others.are_awaited() {
            let on_failure: Vec<_> = plan.on_failure.iter().filter(|apply| apply.reason != Reason::Drifted).collect();
            self.announce(on_failure.iter().copied()).await?;
            self.apply_step(&on_failure).await;
        }
        let waits = self.waits_before_the_end();
        let pruned = self.prune(plan.surplus, waits).await?;
        self.cluster.look_for_leftovers(self.context.desired, &scope.living).await;
        let has_changed = self.inventory != announced;
        self.save().await?;
        if self.is_stopped() {
            return Ok(Outcome::Superseded);
        }
        self.delete_ended().await;
        if has_changed {
            self.context.metrics.apply_took(began_at.elapsed());
        }
        Ok(self.conclude(waits, waiting, pruned, others).await)
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_cancelled()
    }

    /// Ends because there is something newer to be done. What was announced stays so; what was done of it is noted.
    async fn give_way(mut self) -> Result<Outcome, KubeError> {
        let (name, revision) = (self.context.name, self.context.desired.revision());
        tracing::info!(sync = %name, revision = %revision, "{} gives way to something newer in {name}", revision.short());
        self.save().await?;
        Ok(Outcome::Superseded)
    }

    fn object(&self, index: usize) -> &'a PlacedObject {
        &self.context.desired.objects()[index]
    }

    fn scene(&self) -> Scene<'_> {
        let RunContext { desired, roots, .. } = self.context;
        let (observed, inventory) = (&self.cluster.observed, &self.inventory);
        // What waited before is no reason of what waits now.
        Scene { desired, observed, inventory, waiting: None, roots, now: Utc::now() }
    }

    fn owner(&self) -> &'a str {
        self.context.sync.metadata.uid.as_deref().unwrap_or_default()
    }

    fn fail(&mut self, key: ObjectKey, error: SyncError) {
        self.errors.push(error);
        self.failed.insert(key);
    }

    fn note_refusals(&mut self, plan: &Plan) {
        self.errors.extend(self.context.desired.faults().cloned());
        for refusal in &plan.refusals {
            let object = self.object(refusal.index);
            self.fail(object.key().clone(), object.error(refusal.message.clone()));
        }
    }

    /// Whether anything is not applied yet but hooks that come after all the rest.
    fn waits_before_the_end(&self) -> bool {
        self.waiting.keys().any(|index| self.object(*index).desired.order.phase != Phase::PostSync)
    }

    async fn conclude(self, waits: bool, waiting: Waiting, pruned: Pruned, others: Others) -> Outcome {
        let desired = self.context.desired;
        let is_good = |object: &&PlacedObject| !self.failed.contains(object.key()) && !waiting.holds(object.key());
        let good: Vec<&PlacedObject> = desired.objects().iter().filter(is_good).collect();
        let mut images: Vec<ImageRef> = good.iter().flat_map(|object| object.images.iter().cloned()).collect();
        images.sort_by_key(ToString::to_string);
        images.dedup();
        let (located, errors) = (desired.clone(), self.errors);
        let errors = compute(move || {
            let mut errors: Vec<_> = errors.into_iter().map(|error| located.locate(error)).collect();
            errors.sort_by(|a, b| (&a.file, a.line, &a.object).cmp(&(&b.file, b.line, &b.object)));
            errors
        });
        if self.done.applied > 0 {
            let (revision, name) = (desired.revision(), self.context.name);
            tracing::info!(sync = %name, revision = %revision, "applied {} objects of {} for {name}",
                self.done.applied, revision.short());
        }
        let errors = errors.await;
        Outcome::Compared(Box::new(Compared {
            revision: desired.revision().clone(),
            source: desired.rendered.content.origin.source(),
            good: good.len(),
            kept: Vec::new(),
            heritage: self.heritage,
            images,
            errors,
            is_passing: self.is_passing,
            is_retried: self.is_retried,
            failed: self.failed,
            waits,
            waiting,
            others,
            pruned,
        }))
    }
}
