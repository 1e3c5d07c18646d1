//! One run: compare, apply step by step, prune, and say what came of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use chrono::Utc;
use heddle_core::image::ImageRef;
use heddle_kube::{KubeError, Place, Served, sync::DriftMode};
use heddle_reconcile::{Apply, Inventory, ObjectKey, Phase, Plan, Reason, Why, plan};
use heddle_wire::agent::{Deploy, DeployFact, SyncError};
use tokio::time::Instant;

use super::{
    Follower,
    objects::{Wanted, WantedObject},
    prune::Left,
    resolve::Target,
    spec::Spec,
};

/// How long the first lists of new watches are waited for.
const LIST_LIMIT: Duration = Duration::from_secs(20);

/// What became of the objects of one run.
#[derive(Default)]
pub(super) struct Outcome {
    pub errors: Vec<SyncError>,
    /// Something failed that may pass by itself.
    pub transient: bool,
    pub failed: HashSet<ObjectKey>,
    /// What is not applied yet, by place in the list.
    pub waiting: BTreeMap<usize, Why>,
    /// Another Sync is about to give an object up: this is not the end of it.
    pub awaits: bool,
    pub applied: usize,
}

impl Outcome {
    /// Whether anything is not applied yet but hooks that come after all the rest.
    fn waits_before_the_end(&self, wanted: &Wanted) -> bool {
        self.waiting.keys().any(|index| wanted.objects[*index].desired.order.phase != Phase::PostSync)
    }
}

impl Follower {
    /// Makes the cluster as the repository wants it.
    pub(super) async fn reconcile(&mut self) {
        let Some(mut wanted) = self.wanted.take() else { return };
        self.incomplete = true;
        if !self.has_account().await {
            self.wanted = Some(wanted);
            return;
        }
        let result = self.try_reconcile(&mut wanted).await;
        self.wanted = Some(wanted);
        if let Err(error) = result {
            self.fail_transiently("Applied", "ClusterFault", &error.to_string());
        }
    }

    async fn try_reconcile(&mut self, wanted: &mut Wanted) -> Result<(), KubeError> {
        let kinds = match self.kinds.take() {
            Some(kinds) if !wanted.has_unknown_kinds(&kinds) => kinds,
            _ => {
                wanted.unresolve();
                self.client.list_kinds().await?
            }
        };
        let mut inventory = match self.inventory.take() {
            Some(inventory) => inventory,
            None => self.shared.own.load_inventory(&self.sync).await?,
        };
        let owner = self.owner();
        let namespaces = &self.sync.spec.namespaces;
        let default_namespace = if let [namespace] = namespaces.as_slice() { Some(namespace.as_str()) } else { None };
        let ignore = &self.sync.spec.ignore;
        wanted.resolve(&Target { kinds: &kinds, owner: &owner, default_namespace, ignore });
        self.view.remember(wanted.hooks().map(|object| object.desired.key.clone()).collect());
        self.watch_all(&wanted.objects, &inventory, &kinds).await;
        self.kinds = Some(kinds);
        self.publish_wants(wanted);
        let result = match self.awaited_dependency(&wanted.revision) {
            Some(awaited) => {
                self.errors.clear();
                self.conditions.set("Applied", Some(false), "DependencyNotReady", &awaited, Utc::now());
                Ok(())
            }
            None => self.execute(wanted, &mut inventory).await,
        };
        self.note_holds(&inventory);
        self.inventory = Some(inventory);
        result
    }

    async fn execute(&mut self, wanted: &Wanted, inventory: &mut Inventory) -> Result<(), KubeError> {
        let desired: Vec<_> = wanted.objects.iter().map(|object| object.desired.clone()).collect();
        let scope = self.scope(&wanted.objects);
        let mut plan = plan(&desired, inventory, &self.view.live, &scope);
        let drifted = self.take_out_drift(&mut plan, &wanted.objects);
        let mut outcome = Outcome { awaits: self.awaits_owner(&plan, wanted, &scope), ..Outcome::default() };
        outcome.errors.extend(wanted.render_errors.iter().chain(&wanted.resolve_errors).cloned());
        for refusal in &plan.refusals {
            let object = &wanted.objects[refusal.index];
            outcome.errors.push(object.error(refusal.message.clone()));
            outcome.failed.insert(object.desired.key.clone());
        }
        self.announce(&plan, wanted, inventory).await?;
        self.look_at_vanished(&plan, &wanted.objects).await;
        let (before, began_at) = (inventory.clone(), Instant::now());
        self.note_ends(wanted, inventory);
        for wave in &plan.waves {
            let wave = self.open(&plan, wave, &desired, wanted, inventory, &mut outcome);
            self.apply_wave(&wave, &wanted.objects, inventory, &mut outcome).await;
        }
        self.detect(&drifted, &wanted.objects, inventory).await;
        self.hold(wanted, inventory, &mut outcome);
        if !outcome.errors.is_empty() && !outcome.transient {
            let on_failure: Vec<_> = plan.on_failure.iter().filter(|apply| apply.reason != Reason::Drifted).collect();
            self.apply_wave(&on_failure, &wanted.objects, inventory, &mut outcome).await;
        }
        let waits = outcome.waits_before_the_end(wanted);
        self.prune(plan.surplus, wanted, inventory, Left { errors: &mut outcome.errors, waits }).await;
        self.note_leftovers(inventory);
        self.shared.own.save_inventory(&self.sync, &before, inventory).await.inspect_err(|_| {
            // The cluster still holds what was announced, which is a superset.
            *inventory = before.clone();
        })?;
        self.delete_ended(wanted, inventory).await;
        if before != *inventory {
            self.metrics.apply_took(began_at.elapsed());
        }
        self.conclude(wanted, outcome);
        Ok(())
    }

    pub(super) fn owner(&self) -> String {
        self.sync.metadata.uid.clone().unwrap_or_default()
    }

    /// Watches every place where this Sync has or wants objects, and waits for the first lists.
    async fn watch_all(&mut self, objects: &[WantedObject], inventory: &Inventory, kinds: &heddle_kube::Kinds) {
        let mut places: HashMap<Place, Served> = HashMap::new();
        let known = inventory.iter().filter_map(|entry| {
            let served = kinds.find(&entry.key.kind, &entry.version).or_else(|| kinds.preferred(&entry.key.kind))?;
            Some((&entry.key, served))
        });
        for (key, served) in objects.iter().map(|object| (&object.desired.key, &object.served)).chain(known) {
            if served.watchable {
                places.entry((key.kind.clone(), key.namespace.clone())).or_insert_with(|| served.clone());
            }
        }
        let mut awaited: BTreeSet<Place> = self.watches.set(places).into_iter().collect();
        let deadline = Instant::now() + LIST_LIMIT;
        loop {
            awaited.retain(|place| !self.view.live.covered.contains(place) && !self.view.blind.contains_key(place));
            if awaited.is_empty() {
                return;
            }
            match tokio::time::timeout_at(deadline, self.seen.recv()).await {
                Ok(Some(seen)) => self.view.take(seen, Some(inventory), Utc::now()),
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Drift that is not to be healed, or not now, is taken out of the plan. Gives what is to be told instead.
    fn take_out_drift(&self, plan: &mut Plan, objects: &[WantedObject]) -> Vec<Apply> {
        let (mode, now) = (self.sync.spec.drift, Utc::now());
        let mut taken = Vec::new();
        for wave in &mut plan.waves {
            taken.extend(wave.extract_if(.., |apply| {
                let heals = mode == DriftMode::Heal && !self.fights.hold(&objects[apply.index].desired.key, now);
                apply.reason == Reason::Drifted && !heals
            }));
        }
        if mode == DriftMode::Off { Vec::new() } else { taken }
    }

    /// The inventory holds an object before the object is written.
    async fn announce(&mut self, plan: &Plan, wanted: &Wanted, inventory: &mut Inventory) -> Result<(), KubeError> {
        let mut announced = inventory.clone();
        for apply in plan.waves.iter().flatten() {
            let desired = &wanted.objects[apply.index].desired;
            announced.announce(&desired.key, &desired.api_version);
        }
        if announced != *inventory {
            self.shared.own.save_inventory(&self.sync, inventory, &announced).await?;
            *inventory = announced;
        }
        Ok(())
    }

    /// Says what came of it, in conditions and facts.
    fn conclude(&mut self, wanted: &Wanted, outcome: Outcome) {
        let now = Utc::now();
        let waits = outcome.waits_before_the_end(wanted);
        let Outcome { errors, transient, failed, awaits, applied, waiting } = outcome;
        let is_good =
            |object: &&WantedObject| !failed.contains(&object.desired.key) && !self.held.holds(&object.desired.key);
        let good: Vec<&WantedObject> = wanted.objects.iter().filter(is_good).collect();
        let mut errors: Vec<_> = errors.into_iter().map(|error| wanted.locate(error)).collect();
        errors.sort_by(|a, b| (&a.file, a.line, &a.object).cmp(&(&b.file, b.line, &b.object)));
        let revision = &wanted.revision;
        let done = format!("{} objects of {} are applied", good.len(), revision.short());
        let rest = self.held.told().map(|awaited| format!("; {} more wait for {awaited}", waiting.len()));
        let done = format!("{done}{}", rest.unwrap_or_default());
        match (errors.len(), waits) {
            (0, false) => self.conditions.set("Applied", Some(true), "Applied", &done, now),
            (0, true) => self.conditions.set("Applied", None, "Waiting", &done, now),
            (faults, _) => {
                self.conditions.set("Applied", Some(false), "Failed", &format!("{faults} errors; {done}"), now);
            }
        }
        if applied > 0 {
            tracing::info!(sync = %self.name, revision = %revision, errors = errors.len(),
                "applied {applied} objects of {} for {}", revision.short(), self.name);
        }
        self.errors = errors;
        if transient {
            return self.retry_soon();
        }
        if awaits || (waits && self.errors.is_empty()) {
            return;
        }
        self.incomplete = !waiting.is_empty();
        self.backoff.reset();
        let mut images: Vec<ImageRef> = good.iter().flat_map(|object| object.images.iter().cloned()).collect();
        images.sort_by_key(ToString::to_string);
        images.dedup();
        let what = if self.errors.is_empty() {
            Deploy::Applied { images }
        } else {
            Deploy::Failed { images, errors: self.errors.clone() }
        };
        let is_good = self.errors.is_empty();
        if self.tell_fact(revision.clone(), what) && is_good {
            self.applied_revision = Some(revision.clone());
        }
    }

    /// Puts a fact into the outbox. What could not be kept there is not done, and is tried again.
    pub(super) fn tell_fact(&mut self, revision: heddle_core::git::Revision, what: Deploy) -> bool {
        // Without a source nothing is rendered, so that nothing can happen to it.
        let Ok(source) = self.spec.as_ref().map(Spec::source) else { return true };
        let fact = DeployFact { sync: self.name.clone(), source, at: Utc::now(), revision, what };
        match self.shared.outbox.tell_fact(fact) {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(sync = %self.name, %error, "the outbox cannot be written");
                self.incomplete = true;
                self.retry_soon();
                false
            }
        }
    }
}
