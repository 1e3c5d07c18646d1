//! Hooks: made anew for each run, their end remembered, and deleted as they say.

use std::{collections::HashSet, time::Duration};

use heddle_kube::{AccountClient, Deleted, KubeError};
use heddle_reconcile::{InventoryEntry, ObjectKey, ended_hooks};
use heddle_service::backoff::Backoff;
use tokio::time::Instant;

use super::{super::desired::PlacedObject, Run};
use crate::metrics::Verb;

/// How long a former run is given to be gone after it was deleted.
pub(crate) const GONE_LIMIT: Duration = Duration::from_secs(15);

impl Run<'_> {
    /// Notes in the inventory how hooks have ended: they may be gone afterwards, and are not run again for it.
    pub(super) fn note_ends(&mut self) {
        let desired = self.context.desired;
        for object in desired.hooks() {
            let Some(end) = self.scene().end_of(object) else { continue };
            let key = object.key();
            tracing::info!(sync = %self.context.name, object = %key, ?end, "the hook {key} has ended");
            if let Some(entry) = self.inventory.find(key).cloned() {
                self.inventory.put(InventoryEntry { ended: Some(end), ..entry });
            }
        }
    }

    /// Deletes hooks that have ended and say that they are to be deleted then. Their end is in the cluster's inventory
    /// by now.
    pub(super) async fn delete_ended(&mut self) {
        let desired = self.context.desired;
        let all = desired.objects().iter().map(|object| &object.desired);
        let end_of = |wanted: &heddle_reconcile::DesiredObject| self.inventory.find_applied(wanted)?.ended.as_ref();
        let due: HashSet<&ObjectKey> = ended_hooks(all, end_of).into_iter().collect();
        for object in desired.objects().iter().filter(|object| due.contains(object.key())) {
            let key = object.key();
            let entry = self.inventory.find_applied(&object.desired);
            let live = self.cluster.observed.live.objects.get(key).filter(|live| !live.deleting);
            let (Some(uid), Some(_)) = (entry.and_then(|entry| entry.uid.as_ref()), live) else { continue };
            let deleted = self.cluster.client.delete(key, &object.served, uid).await;
            self.context.metrics.wrote(Verb::Delete, deleted.is_ok());
            match deleted {
                Ok(Deleted::Gone) => self.cluster.observed.forget(key),
                Ok(Deleted::Terminating { finalizers }) => self.cluster.observed.observe_deleting(key, &finalizers),
                Err(error) => {
                    let error = desired.redact_about(&error.to_string(), key);
                    tracing::warn!(sync = %self.context.name, object = %key, "the hook has ended and cannot be deleted: {error}");
                }
            }
        }
    }
}

/// Deletes what ran last under the name of a hook, and waits until it is gone. What Heddle did not make stays.
pub(super) async fn clear_way(client: &AccountClient, owner: &str, object: &PlacedObject) -> Result<(), KubeError> {
    let (key, served) = (object.key(), &object.served);
    let deadline = Instant::now() + GONE_LIMIT;
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
    let mut asked = None;
    while let Some(found) = client.find_metadata(key, served).await? {
        if found.owner.as_deref() != Some(owner) {
            return Err(KubeError::Refused(
                "an object of this name is in the cluster that this Sync did not make, and a hook is made anew for each \
                 run: delete that object, or give the hook another name"
                    .to_owned(),
            ));
        }
        if Instant::now() >= deadline {
            return Err(KubeError::Failing("its last run is being deleted and not gone yet".to_owned()));
        }
        if asked.as_ref() != Some(&found.uid) {
            client.delete(key, served, &found.uid).await?;
            asked = Some(found.uid);
        }
        tokio::time::sleep(backoff.next_wait()).await;
    }
    Ok(())
}
