//! The net below the watches: every object is applied as a dry run now and then, to find what its metadata did not show,
//! such as another order in a keyed list.
//!
//! An apply that would change nothing leaves the time of our entry in `managedFields` alone, so a dry run whose entry is
//! not the kept one may have found something. Source: structured-merge-diff `merge/update.go`, which answers no object then.
//! It may have found nothing: some kinds are kept so that an empty list and none cannot be told apart, and the API server
//! tells them apart all the same. So what the object would be is compared with what it is.

use std::collections::{HashSet, VecDeque};

use chrono::Utc;
use heddle_kube::{Applied, KubeError, sync::DriftMode};
use heddle_reconcile::{Inventory, InventoryEntry, ObjectKey, OwnEntry};
use tokio_util::sync::CancellationToken;

use super::{
    cluster::{ClusterState, Observed},
    desired::{Desired, PlacedObject},
    drift::DriftLog,
    run::{dry_run, until_stopped, would_change},
};
use crate::metrics::{FoundBy, SyncMetrics, Verb};

/// Objects in one go. Between two goes a new commit is taken up.
const BATCH: usize = 32;

/// Requests at a time: nobody waits for a sweep.
const CONCURRENCY: usize = 2;

/// The objects that the sweep under way has yet to compare, and what it has found.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    left: VecDeque<ObjectKey>,
    /// Drifts that are to be healed.
    pub found: HashSet<ObjectKey>,
}

impl Sweep {
    /// Queues what was applied and is as far as the watches know as it was: others are healed. Where nothing is, all of it.
    pub fn begin(&mut self, desired: &Desired, observed: &Observed, inventory: &Inventory, mode: DriftMode) {
        let is_settled = |object: &&PlacedObject| {
            let wanted = &object.desired;
            inventory.find_applied(wanted).is_some()
                && !wanted.may_vanish
                && wanted.order.hook.is_none()
                && (mode == DriftMode::Detect || !observed.drifted(wanted, inventory))
        };
        self.left = desired.objects().iter().filter(is_settled).map(|object| object.key().clone()).collect();
    }

    /// Forgets what is queued and what was found: it is about objects that are not wanted any more.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes the next keys off the queue. Whether they are objects still or not, they are off.
    fn next_batch(&mut self) -> HashSet<ObjectKey> {
        let count = self.left.len().min(BATCH);
        self.left.drain(..count).collect()
    }

    /// Compares the next objects. Says whether something was found that a run has to heal.
    pub async fn go_on(
        &mut self,
        desired: &Desired,
        cluster: &ClusterState,
        mode: DriftMode,
        drift: &mut DriftLog,
        metrics: &SyncMetrics,
        stop: &CancellationToken,
    ) -> bool {
        let mut batch = self.next_batch();
        let Some(inventory) = cluster.inventory() else { return false };
        let objects = desired.objects().iter().filter(|object| batch.contains(object.key()));
        let tries: Vec<_> = objects.map(|object| dry_run(&cluster.client, object)).collect();
        let tried = until_stopped(tries, CONCURRENCY, stop).await;
        if stop.is_cancelled() {
            // The rest has its turn after what is newer.
            batch.retain(|key| tried.iter().all(|(object, _)| object.key() != key));
            self.left.extend(batch);
        }
        let before = self.found.len();
        for (object, result) in tried {
            metrics.wrote(Verb::DryRun, result.is_ok());
            let (key, observed) = (object.key(), &cluster.observed);
            let Some((known, applied)) = inventory.find(key).zip(result.ok()) else { continue };
            let differs = match applied.entry == known.entry {
                true => Ok(false),
                false => is_change(cluster, object, &applied, known).await,
            };
            match (mode, differs) {
                // An apply changes nothing where nothing differs.
                (DriftMode::Heal, Ok(true) | Err(_)) => drop(self.found.insert(key.clone())),
                (DriftMode::Heal | DriftMode::Off, _) => {}
                // It is neither a drift nor none: the next sweep asks again.
                (DriftMode::Detect, Err(error)) => {
                    tracing::debug!(class = ?error.class(), "whether {key} has drifted is not known");
                }
                (DriftMode::Detect, Ok(differs)) => {
                    let is_news = differs && !drift.is_open(key);
                    if is_news && drift.note(object, &applied, observed, None).is_some() {
                        metrics.drifted(FoundBy::Sweep);
                    }
                    drift.note_look(object, &applied, observed, differs, Utc::now());
                }
            }
        }
        self.found.len() > before
    }

    /// Whether objects are left.
    pub fn is_under_way(&self) -> bool {
        !self.left.is_empty()
    }
}

/// Whether an apply would change what the object means. Where our fields are not those that they were it would, unless that
/// is known by the watch.
///
/// # Errors
/// When the API server cannot be asked.
async fn is_change(
    cluster: &ClusterState,
    object: &PlacedObject,
    applied: &Applied,
    known: &InventoryEntry,
) -> Result<bool, KubeError> {
    let fields = |entry: &Option<OwnEntry>| entry.as_ref().map(|entry| entry.fields.clone());
    if fields(&known.entry) != fields(&applied.entry) {
        return Ok(true);
    }
    would_change(&cluster.client, object).await
}

#[cfg(test)]
mod tests;
