//! What the Syncs of the cluster know of each other: who is there, what each wants and holds, and who waits for whom.
//!
//! An object that moves from one Sync to another is handed over and never deleted: the old owner gives up what another
//! one wants, and the new one takes it when it was given up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use heddle_core::git::{BranchName, RepoUrl, Revision};
use heddle_reconcile::ObjectKey;
use tokio::sync::watch;

/// What a Sync lets the others know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its UID.
    pub uid: String,
    /// The repository and the branch that it follows.
    pub source: Option<(RepoUrl, BranchName)>,
    /// Whether it does nothing at the moment.
    pub suspended: bool,
    /// The Syncs that it waits for.
    pub depends_on: Vec<String>,
    /// The revision that `wants` is about.
    pub revision: Option<Revision>,
    /// The revision that is fully applied.
    pub applied: Option<Revision>,
    /// Whether it is ready.
    pub is_ready: bool,
    /// Why it is not.
    pub message: String,
    /// The objects that its repository has.
    pub wants: Arc<BTreeSet<ObjectKey>>,
    /// The objects that it has applied or is about to; `None` until its inventory was read.
    pub holds: Option<Arc<BTreeSet<ObjectKey>>>,
}

/// Every Sync that exists, by name.
#[derive(Debug)]
pub struct Registry {
    syncs: Mutex<BTreeMap<String, Known>>,
    changed: watch::Sender<()>,
}

impl Default for Registry {
    fn default() -> Self {
        Self { syncs: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Registry {
    /// Takes a Sync in, or what is new about it.
    pub fn publish(&self, name: &str, known: Known) {
        let mut syncs = self.lock();
        if syncs.get(name) != Some(&known) {
            syncs.insert(name.to_owned(), known);
            drop(syncs);
            self.changed.send_replace(());
        }
    }

    /// A Sync is gone.
    pub fn remove(&self, name: &str) {
        self.lock().remove(name);
        self.changed.send_replace(());
    }

    /// Says when anything changes.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// All Syncs: name by UID.
    pub fn living(&self) -> BTreeMap<String, String> {
        self.lock().iter().map(|(name, known)| (known.uid.clone(), name.clone())).collect()
    }

    /// What is known of a Sync.
    pub fn find(&self, name: &str) -> Option<Known> {
        self.lock().get(name).cloned()
    }

    /// Another Sync than `name` that wants an object.
    pub fn other_wanting(&self, name: &str, key: &ObjectKey) -> Option<String> {
        let syncs = self.lock();
        let mut others = syncs.iter().filter(|(other, known)| *other != name && !known.suspended);
        others.find(|(_, known)| known.wants.contains(key)).map(|(other, _)| other.clone())
    }

    /// Whether the Sync with this UID, which applied an object once, has given it up.
    pub fn was_given_up(&self, uid: &str, key: &ObjectKey) -> bool {
        let syncs = self.lock();
        let owner = syncs.values().find(|known| known.uid == uid);
        owner.and_then(|owner| owner.holds.as_ref()).is_some_and(|holds| !holds.contains(key))
    }

    /// Syncs of the same repository and branch that have not come to a revision that `name` has come to.
    pub fn others_behind(&self, name: &str) -> Vec<String> {
        let syncs = self.lock();
        let Some(own) = syncs.get(name) else { return Vec::new() };
        let is_behind = |other: &Known| {
            !other.suspended && other.source.is_some() && other.source == own.source && other.revision != own.revision
        };
        let others = syncs.iter().filter(|(other, known)| *other != name && is_behind(known));
        others.map(|(other, _)| other.clone()).collect()
    }

    /// What a Sync still waits for, if it depends on others: a sentence. A dependency on the same branch has to have come
    /// to `revision` as well.
    pub fn awaited(&self, name: &str, revision: &Revision) -> Option<String> {
        let syncs = self.lock();
        let own = syncs.get(name)?;
        if let Some(circle) = circle(&syncs, name) {
            return Some(format!("it waits for itself: {}", circle.join(" → ")));
        }
        own.depends_on.iter().find_map(|dependency| {
            let Some(known) = syncs.get(dependency) else { return Some(format!("there is no Sync `{dependency}`")) };
            if known.source == own.source && known.applied.as_ref() != Some(revision) {
                return Some(format!("it waits until {} is applied by the Sync `{dependency}`", revision.short()));
            }
            (!known.is_ready).then(|| format!("it waits for the Sync `{dependency}`: {}", known.message))
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.syncs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way from a Sync back to itself by what it depends on.
fn circle(syncs: &BTreeMap<String, Known>, name: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![name.to_owned()]];
    while let Some(way) = ways.pop() {
        let Some(known) = way.last().and_then(|last| syncs.get(last)) else { continue };
        for next in &known.depends_on {
            let way: Vec<String> = way.iter().chain([next]).cloned().collect();
            if next == name {
                return Some(way);
            }
            if seen.insert(next.clone()) {
                ways.push(way);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
