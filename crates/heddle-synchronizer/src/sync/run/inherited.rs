//! Taking over what kubectl, Flux, Argo CD or Helm applied before.
//!
//! What they and we have applied becomes ours alone at once, so that it leaves the cluster when it leaves Git. What they
//! applied and no file has is named first, and goes with the next change of its object, right after that has applied, unless
//! `spec.takeOver` is `keep`: with a change that is refused nothing goes.
//! Of an object that names a controller of theirs nothing is taken unless that is suspended, or is not in this cluster and
//! `spec.takeOver` is `orphaned`.

use std::collections::{BTreeMap, HashMap, HashSet};

use heddle_kube::{AccountClient, Applied, ControllerState, KubeError, sync::TakeOver};
use heddle_reconcile::{Apply, Controller, Inherited, InventoryEntry, ObjectKey, Reason};

use super::{super::desired::PlacedObject, Run, gather::until_stopped};

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// What others have of the objects, as a run found it.
#[derive(Debug, Default)]
pub(in crate::sync) struct Heritage {
    /// Objects that a controller of another tool has, with that one and what is known of it.
    pub others: BTreeMap<ObjectKey, (Controller, ControllerState)>,
    /// Objects with fields that no file has: whose these are, and which.
    pub going: Vec<(ObjectKey, Vec<String>, Vec<String>)>,
}

impl Run<'_> {
    /// The objects of a step with which that goes that others applied of them and no file has: those that are changed.
    pub(super) async fn heirs(&mut self, step: &[&Apply]) -> HashSet<ObjectKey> {
        let mut heirs = HashSet::new();
        if self.context.sync.spec.take_over == TakeOver::Keep {
            return heirs;
        }
        for apply in step.iter().filter(|apply| apply.reason == Reason::Changed) {
            let key = self.object(apply.index).key();
            if self.cluster.observed.inherited(key).is_some_and(Inherited::has_rest) && self.is_free(key).await {
                heirs.insert(key.clone());
            }
        }
        heirs
    }

    /// Takes what others and we have applied of objects that are as Git has them, and notes what is left to others.
    pub(super) async fn take_shared(&mut self) {
        let is_applied = |object: &&PlacedObject| {
            object.desired.order.hook.is_none() && self.inventory.find_applied(&object.desired).is_some()
        };
        let objects = self.context.desired.objects().iter().filter(is_applied);
        let inherits = objects.filter(|object| self.cluster.observed.inherited(object.key()).is_some());
        self.take(inherits.collect()).await;
        if self.context.sync.spec.take_over == TakeOver::Keep {
            return;
        }
        for object in self.context.desired.objects() {
            let key = object.key();
            let Some(inherited) = self.cluster.observed.inherited(key).filter(|inherited| inherited.has_rest()) else {
                continue;
            };
            if !self.heritage.others.contains_key(key) {
                let managers = inherited.managers().into_iter().map(str::to_owned).collect();
                let (mut fields, more) = inherited.rest();
                fields.extend((more > 0).then(|| format!("{more} more")));
                self.heritage.going.push((key.clone(), managers, fields));
            }
        }
    }

    async fn take(&mut self, objects: Vec<&PlacedObject>) {
        let mut free = Vec::new();
        for object in objects {
            if self.is_free(object.key()).await
                && self.cluster.observed.inherited(object.key()).is_some_and(Inherited::has_shared)
            {
                free.push(object);
            }
        }
        let client = &self.cluster.client;
        let requests: Vec<_> = free.into_iter().map(|object| take_shared(client, object)).collect();
        let results = until_stopped(requests, CONCURRENCY, self.context.stop).await;
        for (object, result) in results {
            match result {
                Ok(Some(applied)) => self.note_taken(object, &applied),
                Ok(None) => {}
                // It is tried again with the next run.
                Err(error) => {
                    let error = self.context.desired.redact_about(&error.to_string(), object.key());
                    tracing::warn!(sync = %self.context.name, object = %object.key(), "it cannot be taken over: {error}");
                }
            }
        }
    }

    /// Whether no controller of another tool has an object: none is named on it, it was seen to be suspended, or it is not
    /// here and the Sync says that such are gone.
    async fn is_free(&mut self, key: &ObjectKey) -> bool {
        let controllers = self.cluster.observed.inherited(key).map(|inherited| inherited.controllers.clone());
        for controller in controllers.unwrap_or_default() {
            let state = match self.controllers.get(&controller) {
                Some(state) => state.clone(),
                None => {
                    let state = self.look_for_controller(&controller).await;
                    self.controllers.insert(controller.clone(), state.clone());
                    state
                }
            };
            let is_gone = state == ControllerState::NotHere && self.context.sync.spec.take_over == TakeOver::Orphaned;
            if state != ControllerState::Suspended && !is_gone {
                self.heritage.others.insert(key.clone(), (controller, state));
                return false;
            }
        }
        true
    }

    async fn look_for_controller(&mut self, controller: &Controller) -> ControllerState {
        match self.cluster.kinds_with(&[&controller.kind]).await {
            Ok(kinds) => self.cluster.client.look_for_controller(&kinds, controller).await,
            Err(error) => ControllerState::Unknown(error.to_string()),
        }
    }

    fn note_taken(&mut self, object: &PlacedObject, applied: &Applied) {
        let key = object.key();
        tracing::info!(sync = %self.context.name, object = %key, "took over {key}");
        self.cluster.observed.observe_applied(key, self.owner(), applied);
        let Some(known) = self.inventory.find(key).cloned() else { return };
        // What is shared is ours already: where our fields are others than those that we applied, somebody changed them, or
        // they were left to others.
        if known.has_fields_of(applied.entry.as_ref()) {
            self.inventory.put(InventoryEntry { entry: applied.entry.clone(), ..known });
        } else {
            self.cluster.observed.observe_changed(key, applied.managed_fields.clone());
        }
    }
}

async fn take_shared<'a>(
    client: &AccountClient,
    object: &'a PlacedObject,
) -> (&'a PlacedObject, Result<Option<Applied>, KubeError>) {
    (object, client.take_shared(object.key(), &object.served).await)
}

/// What a run knows of the controllers of others.
pub(super) type Controllers = HashMap<Controller, ControllerState>;
