//! The net below the watches: every object is applied as a dry run now and then, to find what its metadata did not show,
//! such as another order in a keyed list.
//!
//! An apply that would change nothing leaves the time of our entry in `managedFields` alone, so a dry run whose entry is
//! not the kept one has found something. Source: structured-merge-diff `merge/update.go`, which answers no object then.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use futures::StreamExt;
use heddle_kube::{Applied, KubeError, sync::DriftMode};
use heddle_reconcile::{Inventory, InventoryEntry, ObjectKey};
use tokio::time::Instant;

use super::{Follower, apply::dry_run, objects::WantedObject};
use crate::metrics::{FoundBy, Verb};

/// Objects in one go. Between two goes a new commit is taken up.
const BATCH: usize = 32;

/// Requests at a time: nobody waits for a sweep.
const CONCURRENCY: usize = 2;

/// What is left of the sweep that is under way, and when the next one begins.
#[derive(Debug)]
pub(super) struct Sweep {
    every: Duration,
    next_at: Instant,
    left: VecDeque<ObjectKey>,
    /// What it found and is not healed yet.
    pub found: HashSet<ObjectKey>,
}

impl Sweep {
    pub fn new(every: Duration) -> Self {
        Self { every, next_at: Instant::now() + every, left: VecDeque::new(), found: HashSet::new() }
    }

    pub fn wake_at(&self) -> Instant {
        if self.left.is_empty() { self.next_at } else { Instant::now() }
    }
}

impl Follower {
    /// Compares the next objects, when it is time.
    pub(super) async fn sweep(&mut self) {
        if self.sweep.wake_at() > Instant::now() {
            return;
        }
        if self.sweep.left.is_empty() {
            self.sweep.next_at = Instant::now() + self.sweep.every;
            self.begin_sweep();
        }
        let (Some(wanted), Some(mut inventory)) = (self.wanted.take(), self.inventory.take()) else { return };
        let count = self.sweep.left.len().min(BATCH);
        let batch: HashSet<ObjectKey> = self.sweep.left.drain(..count).collect();
        let objects = wanted.objects.iter().filter(|object| batch.contains(&object.desired.key));
        let tries: Vec<_> = objects.map(|object| dry_run(&self.client, object)).collect();
        let tried: Vec<_> = futures::stream::iter(tries).buffer_unordered(CONCURRENCY).collect().await;
        for (object, result) in tried {
            self.take_tried(object, result, &mut inventory);
        }
        (self.wanted, self.inventory) = (Some(wanted), Some(inventory));
    }

    /// Queues what was applied and is as far as the watches know as it was. Others are healed or told already.
    fn begin_sweep(&mut self) {
        let (Some(wanted), Some(inventory)) = (&self.wanted, &self.inventory) else { return };
        if self.incomplete || self.sync.spec.drift == DriftMode::Off {
            return;
        }
        let is_settled = |object: &&WantedObject| {
            let desired = &object.desired;
            inventory.find_applied(desired).is_some()
                && !desired.may_vanish
                && desired.order.hook.is_none()
                && !self.view.drifted(desired, inventory)
        };
        self.sweep.left = wanted.objects.iter().filter(is_settled).map(|object| object.desired.key.clone()).collect();
        self.metrics.swept();
    }

    fn take_tried(&mut self, object: &WantedObject, result: Result<Applied, KubeError>, inventory: &mut Inventory) {
        self.metrics.wrote(Verb::DryRun, result.is_ok());
        let key = &object.desired.key;
        let (Ok(applied), Some(known)) = (result, inventory.find(key)) else { return };
        let entry = self.view.entry_of(key);
        if applied.entry == known.entry || self.detected.get(key) == Some(&entry) {
            return;
        }
        match self.sync.spec.drift {
            // An entry that is not known is a drift to the plan, which heals it.
            DriftMode::Heal => {
                inventory.put(InventoryEntry { entry: None, ..known.clone() });
                self.sweep.found.insert(key.clone());
                self.unsettled = true;
            }
            DriftMode::Detect => {
                self.note_drift(object, &applied, FoundBy::Sweep, None);
                self.detected.insert(key.clone(), entry);
            }
            DriftMode::Off => {}
        }
    }
}
