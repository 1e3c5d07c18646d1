//! From objects to the cluster.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use chrono::{DateTime, Utc};
use heddle_kube::{AccountClient, Applied, ApplyRequest, KubeError, sync::DriftMode};
use heddle_reconcile::{Apply, DriftRules, GroupKind, InventoryEntry, ObjectKey, Reason};
use heddle_service::backoff::Backoff;
use tokio::time::Instant;

use super::{super::desired::PlacedObject, Run, gather::until_stopped, hooks::clear_way};
use crate::metrics::{FoundBy, Verb};

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// How long a definition is given until its objects can be applied.
pub(crate) const DEFINITION_LIMIT: Duration = Duration::from_secs(15);

/// How long after a definition was written its objects are tried again that are refused: the API server goes on judging
/// them by the definition before for a moment.
pub(crate) const SCHEMA_LIMIT: Duration = Duration::from_secs(5);

impl Run<'_> {
    pub(super) async fn apply_step(&mut self, step: &[&Apply]) {
        let heirs = self.heirs(step).await;
        let (client, owner, objects) = (&self.cluster.client, self.owner(), self.context.desired.objects());
        let (asked_at, defined) = (Utc::now(), &self.defined);
        let brought: HashSet<&GroupKind> =
            objects.iter().filter_map(|object| object.desired.defines.as_ref()).collect();
        let given = |apply: &Apply| Given {
            rules: self.drift.rules_for(&objects[apply.index], asked_at),
            applied_as: self.versions.get(objects[apply.index].key()).cloned(),
            defined,
            is_brought: brought.contains(&objects[apply.index].key().kind),
            takes_rest: heirs.contains(objects[apply.index].key()),
        };
        let requests: Vec<_> =
            step.iter().map(|apply| apply_object(client, owner, apply, objects, given(apply))).collect();
        let results = until_stopped(requests, CONCURRENCY, self.context.stop).await;
        self.note_answers(results.iter().map(|(_, result)| result.as_ref().err()));
        for (apply, result) in results {
            let object = self.object(apply.index);
            self.context.metrics.wrote(Verb::Apply, result.is_ok());
            match result {
                Ok(applied) => self.note_applied(apply, object, &applied, asked_at),
                Err(error) => self.note_failed(object, &error),
            }
        }
    }

    /// Notes whether the API server was there.
    pub(super) fn note_answers<'e>(&mut self, mut faults: impl Iterator<Item = Option<&'e KubeError>>) {
        self.is_answered |= faults.any(|fault| fault.is_none_or(KubeError::is_of_request));
    }

    /// Notes the fault of an object with this manifest. Says whether it is believed to pass by itself.
    pub(super) fn believes(&mut self, key: &ObjectKey, manifest: &str, error: &KubeError) -> bool {
        if !error.is_transient() {
            self.patience.end(key);
            return false;
        }
        // While the API server is away nothing is learnt of an object.
        let is_believed = !self.is_answered || self.patience.note(key, manifest);
        self.is_passing |= is_believed;
        self.is_retried = true;
        is_believed
    }

    fn note_failed(&mut self, object: &PlacedObject, error: &KubeError) {
        let key = object.key();
        if error.wrote_nothing() {
            self.take_back(object);
        }
        self.believes(key, &object.desired.manifest, error);
        let error = self.context.desired.error(object, &with_way_out(&error.to_string()));
        self.fail(key.clone(), error);
    }

    /// `asked_at`: by which time it was decided what is left to others. A pause may have ended since.
    fn note_applied(&mut self, apply: &Apply, object: &PlacedObject, applied: &Applied, asked_at: DateTime<Utc>) {
        let key = object.key();
        let was_swept = self.swept.remove(key);
        if apply.reason == Reason::Drifted
            && let Some(drift) = self.drift.note(object, applied, &self.cluster.observed, Some(Utc::now()))
        {
            self.done.healed += 1;
            self.context.metrics.drifted(if was_swept { FoundBy::Sweep } else { FoundBy::Watch });
            tracing::info!(sync = %self.context.name, object = %key, manager = drift.manager.as_deref(), fields = ?drift.fields,
                "{key} was changed in the cluster and put back");
        }
        for taken in &applied.settled.taken {
            tracing::info!(sync = %self.context.name, object = %key, "took `{}` from {}", taken.field, taken.manager);
        }
        self.drift.is_mended(key, Utc::now());
        if let Some(kind) = &object.desired.defines {
            self.defined.insert(kind.clone(), Instant::now());
        }
        self.drift.observe_applied(key, applied);
        self.patience.end(key);
        self.cluster.observed.observe_applied(key, self.owner(), applied);
        // What is on its way out vanishes with what was written to it. Where that is not healed as drift, it is made anew.
        let is_going = applied.deleting && self.context.sync.spec.drift != DriftMode::Heal;
        self.is_retried |= is_going;
        let is_whole = !self.drift.leaves_any(key, &applied.settled.left, asked_at);
        if !is_whole {
            self.cluster.observed.observe_changed(key, applied.managed_fields.clone());
        }
        let known = self.inventory.find(key).cloned();
        self.inventory.put(InventoryEntry {
            version: object.desired.api_version.clone(),
            uid: Some(applied.uid.clone()),
            manifest: Some(object.desired.manifest.clone()).filter(|_| !is_going),
            // What is not applied as a whole is a drift until it is, also to an agent that knows of no fight.
            entry: applied.entry.clone().filter(|_| is_whole),
            was: None,
            ended: None,
            leaving: false,
            origin: object.origin.clone(),
            ..known.unwrap_or_else(|| InventoryEntry::announced(key.clone(), &object.desired.api_version))
        });
        self.done.applied += 1;
    }
}

/// The words of a refusal, and what to do where a value cannot be changed.
fn with_way_out(message: &str) -> String {
    // As Kubernetes' validation says it, of single fields and of a whole spec.
    const IMMUTABLE: [&str; 5] = [
        "field is immutable",
        "may not change once set",
        "spec is immutable after creation",
        "updates to statefulset spec for fields other than",
        "cannot change roleRef",
    ];
    if !IMMUTABLE.iter().any(|words| message.contains(words)) {
        return message.to_owned();
    }
    format!("{message}; to have it so, delete the object: it is made anew from its file at once")
}

/// What a run knows beside the object.
struct Given<'a> {
    rules: DriftRules,
    /// The version under which it was applied before, where that is another one.
    applied_as: Option<String>,
    /// When each kind was defined whose definition this run has written.
    defined: &'a HashMap<GroupKind, Instant>,
    /// Whether its kind is defined by another of the objects.
    is_brought: bool,
    /// Whether what others applied of it, and no file has, goes with it.
    takes_rest: bool,
}

async fn apply_object<'a>(
    client: &AccountClient,
    owner: &str,
    apply: &'a Apply,
    objects: &[PlacedObject],
    given: Given<'_>,
) -> (&'a Apply, Result<Applied, KubeError>) {
    let object = &objects[apply.index];
    let result = async {
        if object.desired.order.hook.is_some() {
            clear_way(client, owner, object).await?;
        }
        let applied = try_apply(client, object, &given).await?;
        Ok(if given.takes_rest { let_rest_go(client, object, applied).await } else { applied })
    };
    (apply, result.await)
}

/// Lets go what others applied of an object that is applied by now. Where that fails the object stays as it was applied, and
/// the next change tries again.
async fn let_rest_go(client: &AccountClient, object: &PlacedObject, applied: Applied) -> Applied {
    match client.let_rest_go(object.key(), &object.served).await {
        Ok(Some(after)) => {
            tracing::info!(object = %object.key(), "took over {}", object.key());
            Applied { settled: applied.settled, ..after }
        }
        Ok(None) => applied,
        Err(error) => {
            // The words of a refusal may hold what must not be told; its kind does not.
            tracing::warn!(object = %object.key(), class = ?error.class(), "what others applied of {} stays", object.key());
            applied
        }
    }
}

/// Asks what applying one object would come to.
pub(in crate::sync) async fn dry_run<'a>(
    client: &AccountClient,
    object: &'a PlacedObject,
) -> (&'a PlacedObject, Result<Applied, KubeError>) {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    (object, client.apply(object.request(&manifest, &object.rules, true)).await)
}

/// Whether an apply would change what an object means.
///
/// # Errors
/// When the API server cannot be asked: then it is not known.
pub(in crate::sync) async fn would_change(client: &AccountClient, object: &PlacedObject) -> Result<bool, KubeError> {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    client.would_change(&object.request(&manifest, &object.rules, true)).await
}

/// Applies one object. A kind that its definition brings along is served a moment after that was applied, and what is new
/// in it is known a moment later.
async fn try_apply(client: &AccountClient, object: &PlacedObject, given: &Given<'_>) -> Result<Applied, KubeError> {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    let request =
        ApplyRequest { applied_as: given.applied_as.as_deref(), ..object.request(&manifest, &given.rules, false) };
    let kind = &object.key().kind;
    let served_until = given.is_brought.then(|| Instant::now() + DEFINITION_LIMIT);
    let known_until = given.defined.get(kind).map(|written_at| *written_at + SCHEMA_LIMIT);
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    loop {
        let tried = client.apply(request.clone()).await;
        let until = match &tried {
            Err(KubeError::NotFound(_) | KubeError::NotServed(_)) => served_until,
            Err(KubeError::Refused(_)) => known_until,
            _ => None,
        };
        if until.is_none_or(|until| Instant::now() >= until) {
            return tried;
        }
        tokio::time::sleep(backoff.next_wait()).await;
    }
}
