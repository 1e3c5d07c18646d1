//! From objects to the cluster.

use std::time::Duration;

use chrono::Utc;
use futures::StreamExt;
use heddle_kube::{AccountClient, Applied, KubeError};
use heddle_reconcile::{Apply, GroupKind, Inventory, InventoryEntry, Reason};
use heddle_service::backoff::Backoff;
use tokio::time::Instant;

use super::{Follower, hooks::clear_way, objects::WantedObject, reconcile::Outcome};
use crate::metrics::{FoundBy, Verb};

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// How long a definition is given until its objects can be applied.
const DEFINITION_LIMIT: Duration = Duration::from_secs(15);

impl Follower {
    pub(super) async fn apply_wave(
        &mut self,
        wave: &[&Apply],
        objects: &[WantedObject],
        inventory: &mut Inventory,
        outcome: &mut Outcome,
    ) {
        let owner = self.owner();
        let requests: Vec<_> = wave.iter().map(|apply| apply_object(&self.client, &owner, apply, objects)).collect();
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
            self.note_drift(object, applied, found_by, Some(Utc::now()));
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
            ended: None,
        });
        outcome.applied += 1;
    }
}

async fn apply_object<'a>(
    client: &AccountClient,
    owner: &str,
    apply: &'a Apply,
    objects: &[WantedObject],
) -> (&'a Apply, Result<Applied, KubeError>) {
    let object = &objects[apply.index];
    let result = async {
        if object.desired.order.hook.is_some() {
            clear_way(client, owner, object).await?;
        }
        try_apply(client, object, objects).await
    };
    (apply, result.await)
}

/// Asks what applying one object would come to.
pub(super) async fn dry_run<'a>(
    client: &AccountClient,
    object: &'a WantedObject,
) -> (&'a WantedObject, Result<Applied, KubeError>) {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    (object, client.apply(object.request(&manifest, true)).await)
}

/// Applies one object. A kind that its definition brings along is served a moment after that was applied.
async fn try_apply(
    client: &AccountClient,
    object: &WantedObject,
    objects: &[WantedObject],
) -> Result<Applied, KubeError> {
    let manifest = serde_json::from_str(&object.text).unwrap_or_default();
    let request = object.request(&manifest, false);
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
