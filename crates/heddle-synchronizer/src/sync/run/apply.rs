//! From objects to the cluster.

use std::{collections::HashMap, time::Duration};

use chrono::Utc;
use futures::StreamExt;
use heddle_kube::{AccountClient, Applied, KubeError};
use heddle_reconcile::{Apply, GroupKind, InventoryEntry, Reason};
use heddle_service::backoff::Backoff;
use tokio::time::Instant;

use super::{super::desired::DesiredObject, Run, hooks::clear_way};
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
        let (client, owner, objects) = (&self.cluster.client, self.owner(), self.context.desired.objects());
        let defined = &self.defined;
        let requests: Vec<_> = step.iter().map(|apply| apply_object(client, owner, apply, objects, defined)).collect();
        let results: Vec<_> = futures::stream::iter(requests).buffer_unordered(CONCURRENCY).collect().await;
        for (apply, result) in results {
            let object = self.object(apply.index);
            self.context.metrics.wrote(Verb::Apply, result.is_ok());
            match result {
                Ok(applied) => self.note_applied(apply, object, &applied),
                Err(error) => {
                    self.is_passing |= error.is_transient();
                    let error = self.context.desired.error(object, &error.to_string());
                    self.fail(object.key().clone(), error);
                }
            }
        }
    }

    fn note_applied(&mut self, apply: &Apply, object: &DesiredObject, applied: &Applied) {
        let key = object.key();
        let was_swept = self.swept.remove(key);
        if apply.reason == Reason::Drifted
            && let Some(drift) = self.drift.note(object, applied, &self.cluster.observed, Some(Utc::now()))
        {
            self.healed += 1;
            self.context.metrics.drifted(if was_swept { FoundBy::Sweep } else { FoundBy::Watch });
            tracing::info!(sync = %self.context.name, object = %key, manager = drift.manager.as_deref(), fields = ?drift.fields,
                "{key} was changed in the cluster and put back");
        }
        for taken in &applied.taken {
            tracing::info!(sync = %self.context.name, object = %key, "took `{}` from {}", taken.field, taken.manager);
        }
        self.drift.is_mended(key);
        if let Some(kind) = &object.desired.defines {
            self.defined.insert(kind.clone(), Instant::now());
        }
        self.cluster.observed.observe_applied(key, self.owner(), applied);
        self.inventory.put(InventoryEntry {
            key: key.clone(),
            version: object.desired.api_version.clone(),
            uid: Some(applied.uid.clone()),
            manifest: Some(object.desired.manifest.clone()),
            entry: applied.entry.clone(),
            ended: None,
            leaving: false,
            origin: object.origin.clone(),
        });
        self.applied += 1;
    }
}

async fn apply_object<'a>(
    client: &AccountClient,
    owner: &str,
    apply: &'a Apply,
    objects: &[DesiredObject],
    defined: &HashMap<GroupKind, Instant>,
) -> (&'a Apply, Result<Applied, KubeError>) {
    let object = &objects[apply.index];
    let result = async {
        if object.desired.order.hook.is_some() {
            clear_way(client, owner, object).await?;
        }
        try_apply(client, object, objects, defined).await
    };
    (apply, result.await)
}

/// Asks what applying one object would come to.
pub(in crate::sync) async fn dry_run<'a>(
    client: &AccountClient,
    object: &'a DesiredObject,
) -> (&'a DesiredObject, Result<Applied, KubeError>) {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    (object, client.apply(object.request(&manifest, true)).await)
}

/// Applies one object. A kind that its definition brings along is served a moment after that was applied, and what is new
/// in it is known a moment later. `defined`: when each kind was whose definition this run has written.
async fn try_apply(
    client: &AccountClient,
    object: &DesiredObject,
    objects: &[DesiredObject],
    defined: &HashMap<GroupKind, Instant>,
) -> Result<Applied, KubeError> {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    let request = object.request(&manifest, false);
    let kind = &object.key().kind;
    let is_defined = objects.iter().any(|other| other.desired.defines.as_ref() == Some(kind));
    let served_until = is_defined.then(|| Instant::now() + DEFINITION_LIMIT);
    let known_until = defined.get(kind).map(|written_at| *written_at + SCHEMA_LIMIT);
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
