//! From objects to the cluster.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use chrono::Utc;
use futures::StreamExt;
use heddle_core::image::ImageRef;
use heddle_kube::{AccountClient, Applied, ApplyRequest, KubeError, Place, Served, sync::DriftMode};
use heddle_reconcile::{Apply, GroupKind, Inventory, InventoryEntry, ObjectKey, Plan, Reason, plan};
use heddle_service::backoff::Backoff;
use heddle_wire::agent::{Deploy, DeployFact, SyncError};
use tokio::time::Instant;

use super::{
    Follower,
    objects::{Wanted, WantedObject},
};
use crate::metrics::{FoundBy, Verb};

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// How long the first lists of new watches are waited for.
const LIST_LIMIT: Duration = Duration::from_secs(20);

/// How long a definition is given until its objects can be applied.
const DEFINITION_LIMIT: Duration = Duration::from_secs(15);

/// What became of the objects of one run.
#[derive(Default)]
struct Outcome {
    errors: Vec<SyncError>,
    /// Something failed that may pass by itself.
    transient: bool,
    failed: HashSet<ObjectKey>,
    /// Another Sync is about to give an object up: this is not the end of it.
    awaits: bool,
    applied: usize,
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
        wanted.resolve(&kinds, &owner, default_namespace);
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
        for wave in &plan.waves {
            let wave = hold_back(wave, &plan.needs, &wanted.objects, &mut outcome);
            self.apply_wave(&wave, &wanted.objects, inventory, &mut outcome).await;
        }
        self.detect(&drifted, &wanted.objects, inventory).await;
        self.prune(plan.surplus, wanted, inventory, &mut outcome.errors).await;
        self.note_leftovers(inventory);
        self.shared.own.save_inventory(&self.sync, &before, inventory).await.inspect_err(|_| {
            // The cluster still holds what was announced, which is a superset.
            *inventory = before.clone();
        })?;
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

    async fn apply_wave(
        &mut self,
        wave: &[&Apply],
        objects: &[WantedObject],
        inventory: &mut Inventory,
        outcome: &mut Outcome,
    ) {
        let requests: Vec<_> = wave.iter().map(|apply| apply_object(&self.client, apply, objects)).collect();
        let results: Vec<_> = futures::stream::iter(requests).buffer_unordered(CONCURRENCY).collect().await;
        for (apply, result) in results {
            let object = &objects[apply.index];
            self.metrics.wrote(Verb::Apply, result.is_ok());
            match result {
                Ok(applied) => self.take_applied(apply, object, &applied, inventory, outcome).await,
                Err(error) => {
                    outcome.transient |= error.is_transient();
                    outcome.errors.push(object.error(self.redactor.redact(&error.to_string())));
                    outcome.failed.insert(object.desired.key.clone());
                }
            }
        }
    }

    async fn take_applied(
        &mut self,
        apply: &Apply,
        object: &WantedObject,
        applied: &Applied,
        inventory: &mut Inventory,
        outcome: &mut Outcome,
    ) {
        let key = &object.desired.key;
        if apply.reason == Reason::Drifted {
            let found_by = if self.sweep.found.remove(key) { FoundBy::Sweep } else { FoundBy::Watch };
            self.note_drift(key, applied, found_by, Some(Utc::now()));
        }
        for taken in &applied.taken {
            tracing::info!(sync = %self.name, object = %key, "took `{}` from {}", taken.field, taken.manager);
        }
        self.detected.remove(key);
        self.view.take_applied(key, &self.owner(), applied);
        inventory.put(InventoryEntry {
            key: key.clone(),
            version: object.desired.api_version.clone(),
            uid: Some(applied.uid.clone()),
            manifest: Some(object.desired.manifest.clone()),
            entry: applied.entry.clone(),
        });
        outcome.applied += 1;
    }

    /// Says what came of it, in conditions and facts.
    fn conclude(&mut self, wanted: &Wanted, outcome: Outcome) {
        let now = Utc::now();
        let Outcome { errors, transient, failed, awaits, applied } = outcome;
        let mut errors: Vec<_> = errors.into_iter().map(|error| wanted.locate(error)).collect();
        errors.sort_by(|a, b| (&a.file, a.line, &a.object).cmp(&(&b.file, b.line, &b.object)));
        let revision = &wanted.revision;
        if errors.is_empty() {
            let message = format!("{} objects of {} are applied", wanted.objects.len(), revision.short());
            self.conditions.set("Applied", Some(true), "Applied", &message, now);
        } else {
            let good = wanted.objects.iter().filter(|object| !failed.contains(&object.desired.key)).count();
            let message = format!("{} errors; {good} objects of {} are applied", errors.len(), revision.short());
            self.conditions.set("Applied", Some(false), "Failed", &message, now);
        }
        if applied > 0 {
            tracing::info!(sync = %self.name, revision = %revision, errors = errors.len(),
                "applied {applied} objects of {} for {}", revision.short(), self.name);
        }
        self.errors = errors;
        if transient {
            return self.retry_soon();
        }
        if awaits {
            return;
        }
        self.incomplete = false;
        self.backoff.reset();
        let good = wanted.objects.iter().filter(|object| !failed.contains(&object.desired.key));
        let mut images: Vec<ImageRef> = good.flat_map(|object| object.images.iter().cloned()).collect();
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
        let fact = DeployFact { sync: self.name.clone(), at: Utc::now(), revision, what };
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

/// Takes out of a wave what needs something that failed; gives the rest.
fn hold_back<'a>(
    wave: &'a [Apply],
    needs: &[Vec<usize>],
    objects: &[WantedObject],
    outcome: &mut Outcome,
) -> Vec<&'a Apply> {
    let mut ready = Vec::with_capacity(wave.len());
    for apply in wave {
        let Some(blocker) = blocker(apply.index, needs, objects, &outcome.failed) else {
            ready.push(apply);
            continue;
        };
        let object = &objects[apply.index];
        outcome.errors.push(object.error(format!("it waits for {blocker}, which could not be applied")));
        outcome.failed.insert(object.desired.key.clone());
    }
    ready
}

/// What failed of that which an object needs.
fn blocker<'a>(
    index: usize,
    needs: &[Vec<usize>],
    objects: &'a [WantedObject],
    failed: &HashSet<ObjectKey>,
) -> Option<&'a ObjectKey> {
    let needed = needs.get(index)?.iter().map(|needed| &objects[*needed].desired.key);
    needed.into_iter().find(|key| failed.contains(*key))
}

async fn apply_object<'a>(
    client: &AccountClient,
    apply: &'a Apply,
    objects: &[WantedObject],
) -> (&'a Apply, Result<Applied, KubeError>) {
    (apply, try_apply(client, &objects[apply.index], objects).await)
}

/// Asks what applying one object would come to.
pub(super) async fn dry_run<'a>(
    client: &AccountClient,
    object: &'a WantedObject,
) -> (&'a WantedObject, Result<Applied, KubeError>) {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    let request = ApplyRequest { key: &object.desired.key, served: &object.served, manifest: &manifest, dry_run: true };
    (object, client.apply(request).await)
}

/// Applies one object. A kind that its definition brings along is served a moment after that was applied.
async fn try_apply(
    client: &AccountClient,
    object: &WantedObject,
    objects: &[WantedObject],
) -> Result<Applied, KubeError> {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    let request =
        ApplyRequest { key: &object.desired.key, served: &object.served, manifest: &manifest, dry_run: false };
    let is_defined = |kind: &GroupKind| objects.iter().any(|other| other.desired.defines.as_ref() == Some(kind));
    if !is_defined(&object.desired.key.kind) {
        return client.apply(request).await;
    }
    let deadline = Instant::now() + DEFINITION_LIMIT;
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    loop {
        match client.apply(request.clone()).await {
            Err(KubeError::NotFound(_)) if Instant::now() < deadline => {
                tokio::time::sleep(backoff.next_wait()).await;
            }
            result => return result,
        }
    }
}
