//! Hooks: made anew for each run, their end remembered, and deleted as they say.

use std::{collections::HashSet, time::Duration};

use heddle_core::health::HealthStatus;
use heddle_kube::{AccountClient, KubeError};
use heddle_reconcile::{Desired, HookEnd, Inventory, InventoryEntry, ObjectKey, ended_hooks, health::has_health};
use heddle_service::backoff::Backoff;
use tokio::time::Instant;

use super::{
    Follower,
    objects::{Wanted, WantedObject},
};
use crate::metrics::Verb;

/// How long a former run is given to be gone after it was deleted.
const GONE_LIMIT: Duration = Duration::from_secs(15);

impl Follower {
    /// The end of a hook that ended and whose end is not in the inventory yet.
    pub(super) fn end_of(&self, object: &WantedObject, inventory: &Inventory) -> Option<HookEnd> {
        let desired = &object.desired;
        let hook = desired.order.hook?;
        let entry = inventory.find_applied(desired).filter(|entry| entry.ended.is_none())?;
        if !has_health(&desired.key.kind) {
            return Some(HookEnd::Succeeded);
        }
        match self.view.last_word(&desired.key, entry.uid.as_deref()?)? {
            (HealthStatus::Healthy, _) => Some(HookEnd::Succeeded),
            (HealthStatus::Degraded, why) if hook.delete_failed => {
                let reason = self.root_of(&desired.key).unwrap_or(why);
                Some(HookEnd::Failed { reason: self.redactor.redact(&reason) })
            }
            _ => None,
        }
    }

    /// Notes in the inventory how hooks have ended: they may be gone afterwards, and are not run again for it.
    pub(super) fn note_ends(&mut self, wanted: &Wanted, inventory: &mut Inventory) {
        for object in wanted.hooks() {
            let Some(end) = self.end_of(object, inventory) else { continue };
            let key = &object.desired.key;
            tracing::info!(sync = %self.name, object = %key, ?end, "the hook {key} has ended");
            if let Some(entry) = inventory.find(key).cloned() {
                inventory.put(InventoryEntry { ended: Some(end), ..entry });
            }
        }
    }

    /// Deletes hooks that have ended and say that they are to be deleted then. Their end is in the cluster's inventory
    /// by now.
    pub(super) async fn delete_ended(&mut self, wanted: &Wanted, inventory: &Inventory) {
        let all = wanted.objects.iter().map(|object| &object.desired);
        let end_of = |desired: &Desired| inventory.find_applied(desired)?.ended.as_ref();
        let due: HashSet<&ObjectKey> = ended_hooks(all, end_of).into_iter().collect();
        for object in wanted.objects.iter().filter(|object| due.contains(&object.desired.key)) {
            let key = &object.desired.key;
            let entry = inventory.find_applied(&object.desired);
            let live = self.view.live.objects.get(key).filter(|live| !live.deleting);
            let (Some(uid), Some(_)) = (entry.and_then(|entry| entry.uid.as_ref()), live) else { continue };
            let deleted = self.client.delete(key, &object.served, uid).await;
            self.metrics.wrote(Verb::Delete, deleted.is_ok());
            match deleted {
                Ok(_) => self.view.forget(key),
                Err(error) => {
                    let error = self.redactor.redact(&error.to_string());
                    tracing::warn!(sync = %self.name, object = %key, "the hook has ended and cannot be deleted: {error}");
                }
            }
        }
    }
}

/// Deletes what ran last under the name of a hook, and waits until it is gone. What Heddle did not make stays.
pub(super) async fn clear_way(client: &AccountClient, owner: &str, object: &WantedObject) -> Result<(), KubeError> {
    let (key, served) = (&object.desired.key, &object.served);
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
            return Err(KubeError::Unavailable("its last run is being deleted and not gone yet".to_owned()));
        }
        if asked.as_ref() != Some(&found.uid) {
            client.delete(key, served, &found.uid).await?;
            asked = Some(found.uid);
        }
        tokio::time::sleep(backoff.next_wait()).await;
    }
    Ok(())
}
