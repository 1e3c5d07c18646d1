//! One run: compare, announce, apply step by step, prune, save. It begins with what is wanted and what is known, and ends
//! with an [`Outcome`].

mod apply;
mod gather;
mod hooks;
mod inherited;
mod outcome;
mod prune;
mod waiting;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::Utc;
use heddle_core::{image::ImageRef, name::SyncName};
use heddle_kube::{
    KubeError,
    sync::{DriftMode, Sync},
};
use heddle_reconcile::{
    Apply, GroupKind, Inventory, InventoryEntry, ObjectKey, Phase, Plan, Reason, Scope, Spared, Why, plan,
};
use heddle_wire::agent::SyncError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::inherited::Controllers;
pub(super) use self::{
    apply::dry_run,
    gather::until_stopped,
    inherited::Heritage,
    outcome::{Compared, Hindrance, Outcome, Pruned},
    waiting::Waiting,
};
pub(crate) use self::{
    apply::{DEFINITION_LIMIT, SCHEMA_LIMIT},
    hooks::GONE_LIMIT,
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
use crate::{
    metrics::{FoundBy, SyncMetrics},
    neighbors::Known,
};

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
}

/// A run that is under way.
struct Run<'a> {
    context: RunContext<'a>,
    cluster: &'a mut ClusterState,
    drift: &'a mut DriftLog,
    swept: &'a mut HashSet<ObjectKey>,
    known: &'a mut Known,
    patience: &'a mut Patience,
    /// What the cluster is going to hold.
    inventory: Inventory,
    /// What was known of the objects before they were announced.
    before: HashMap<ObjectKey, Option<InventoryEntry>>,
    errors: Vec<SyncError>,
    /// Whether a fault is believed to pass by itself.
    is_passing: bool,
    /// Whether a fault may pass by itself, believed or not.
    is_retried: bool,
    /// Whether the API server was there.
    is_answered: bool,
    failed: HashSet<ObjectKey>,
    /// What is not applied yet, by place in the list.
    waiting: BTreeMap<usize, Why>,
    /// Whether something that left the path may be missing by mistake.
    is_suspect: bool,
    /// The kinds whose definition was written by this run, and when.
    defined: HashMap<GroupKind, Instant>,
    applied: usize,
    deleted: usize,
    healed: usize,
    /// What left the path and is left alone, with the reason.
    kept: Vec<Spared>,
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
        let RunState { cluster, drift, swept, known, patience } = state;
        let inventory = cluster.inventory().cloned().unwrap_or_default();
        Self {
            context,
            cluster,
            drift,
            swept,
            known,
            patience,
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
            applied: 0,
            deleted: 0,
            healed: 0,
            kept: Vec::new(),
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
        self.inventory.settle(&desired, &self.cluster.observed.live);
        let mut plan = plan(&desired, &self.inventory, &self.cluster.observed.live, &scope);
        let not_healed = self.take_out_drift(&mut plan);
        let awaits_owner = self.awaits_owner(&plan, &scope);
        self.note_refusals(&plan);
        for object in objects {
            self.inventory.want(object.key());
        }
        self.note_suspects(&plan.surplus);
        self.announce(plan.steps.iter().flatten()).await?;
        let announced = self.inventory.clone();
        self.note_ends();
        for step in &plan.steps {
            let step = self.release(&plan, step, &desired);
            self.take_rest(&step).await;
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
        if !self.errors.is_empty() && !self.is_passing && awaits_owner != Some(true) {
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
        Ok(self.conclude(waits, waiting, pruned, awaits_owner).await)
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

    /// What this Sync may touch, and who else is there.
    fn scope(&self) -> Scope {
        let (neighbors, sync) = (&self.context.ctx.neighbors, self.context.sync);
        let was_given_up = |key: &&ObjectKey| {
            let owner = self.cluster.observed.live.objects.get(key).and_then(|live| live.owner.as_ref());
            owner.is_some_and(|owner| neighbors.was_given_up(owner, key))
        };
        Scope {
            owner: self.owner().to_owned(),
            living: neighbors.living(),
            given_up: self.context.desired.keys().iter().filter(was_given_up).cloned().collect(),
            namespaces: sync.spec.namespaces.clone(),
            kinds: sync.spec.kinds.clone(),
        }
    }

    /// Drift that is not to be healed, or not now, is taken out of the plan. Gives what is to be told instead.
    fn take_out_drift(&self, plan: &mut Plan) -> Vec<Apply> {
        let (mode, now) = (self.context.sync.spec.drift, Utc::now());
        let mut taken = Vec::new();
        for step in &mut plan.steps {
            taken.extend(step.extract_if(.., |apply| {
                let key = self.object(apply.index).key();
                let heals = mode == DriftMode::Heal && !self.drift.leaves_alone(key, &self.cluster.observed, now);
                apply.reason == Reason::Drifted && !heals
            }));
        }
        if mode == DriftMode::Detect { taken } else { Vec::new() }
    }

    fn note_refusals(&mut self, plan: &Plan) {
        self.errors.extend(self.context.desired.faults().cloned());
        for refusal in &plan.refusals {
            let object = self.object(refusal.index);
            self.fail(object.key().clone(), object.error(refusal.message.clone()));
        }
    }

    /// Whether one of the objects that are refused is going to be given up by the Sync that has it.
    fn awaits_owner(&self, plan: &Plan, scope: &Scope) -> Option<bool> {
        let refused = plan.refusals.iter().map(|refusal| self.object(refusal.index).key());
        let owners = refused.filter_map(|key| {
            let owner = self.cluster.observed.live.objects.get(key)?.owner.as_ref()?;
            (*owner != scope.owner && scope.living.contains_key(owner)).then_some((key, owner))
        });
        let (neighbors, name) = (&self.context.ctx.neighbors, &self.context.name.name);
        let mut owners = owners.peekable();
        owners.peek()?;
        Some(owners.any(|(key, owner)| neighbors.will_give_up(name, owner, key)))
    }

    /// The inventory holds an object before the object is written, and the others know of it before.
    async fn announce(&mut self, applies: impl Iterator<Item = &Apply>) -> Result<(), KubeError> {
        for apply in applies {
            let desired = &self.object(apply.index).desired;
            let before = self.inventory.find(&desired.key);
            if let Some(before) = before.filter(|entry| entry.version != desired.api_version) {
                self.versions.insert(desired.key.clone(), before.version.clone());
            }
            self.before.entry(desired.key.clone()).or_insert_with(|| before.cloned());
            self.inventory.announce(desired);
        }
        for object in self.context.desired.objects() {
            self.inventory.place(object.key(), object.origin.as_ref());
        }
        self.save().await
    }

    /// Has the cluster hold the inventory, and tells the others what it holds.
    async fn save(&mut self) -> Result<(), KubeError> {
        let RunContext { ctx, sync, name, .. } = self.context;
        self.cluster.save(&ctx.own, sync, self.inventory.clone()).await?;
        let holds: BTreeSet<ObjectKey> = self.inventory.iter().map(|entry| entry.key.clone()).collect();
        if self.known.holds.as_deref() != Some(&holds) {
            self.known.holds = Some(holds.into());
            ctx.neighbors.publish(&name.name, self.known.clone());
        }
        Ok(())
    }

    /// Tells drifts that are not to be healed. A dry run says which fields an apply would bring back.
    async fn detect(&mut self, not_healed: &[Apply]) {
        for apply in not_healed {
            if self.is_stopped() {
                return;
            }
            let object = self.object(apply.index);
            let key = object.key();
            let observed = &self.cluster.observed;
            if self.drift.was_told(key, observed) || !observed.drifted(&object.desired, &self.inventory) {
                continue;
            }
            let (_, tried) = dry_run(&self.cluster.client, object).await;
            self.context.metrics.wrote(crate::metrics::Verb::DryRun, tried.is_ok());
            match tried {
                Ok(applied) => {
                    if let Some(drift) = self.drift.note(object, &applied, &self.cluster.observed, None) {
                        self.context.metrics.drifted(FoundBy::Watch);
                        tracing::info!(sync = %self.context.name, object = %key, manager = drift.manager.as_deref(),
                            fields = ?drift.fields, "{key} was changed in the cluster");
                    }
                    self.drift.detect(key, &self.cluster.observed);
                }
                Err(error) => {
                    let error = self.context.desired.redact_about(&error.to_string(), key);
                    tracing::warn!(sync = %self.context.name, object = %key, "a drift cannot be explained: {error}");
                }
            }
        }
    }

    /// Whether anything is not applied yet but hooks that come after all the rest.
    fn waits_before_the_end(&self) -> bool {
        self.waiting.keys().any(|index| self.object(*index).desired.order.phase != Phase::PostSync)
    }

    async fn conclude(self, waits: bool, waiting: Waiting, pruned: Pruned, awaits_owner: Option<bool>) -> Outcome {
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
        if self.applied > 0 {
            let (revision, name) = (desired.revision(), self.context.name);
            tracing::info!(sync = %name, revision = %revision, "applied {} objects of {} for {name}",
                self.applied, revision.short());
        }
        let errors = errors.await;
        Outcome::Compared(Box::new(Compared {
            revision: desired.revision().clone(),
            source: desired.rendered.content.origin.source(),
            good: good.len(),
            applied: self.applied,
            deleted: self.deleted,
            healed: self.healed,
            kept: self.kept,
            heritage: self.heritage,
            images,
            errors,
            is_passing: self.is_passing,
            is_retried: self.is_retried,
            failed: self.failed,
            waits,
            waiting,
            awaits_owner,
            pruned,
        }))
    }
}
