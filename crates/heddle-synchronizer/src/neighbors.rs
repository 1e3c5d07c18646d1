//! What the Syncs of the cluster know of each other: who is there, what each wants and holds, and who waits for whom.
//!
//! An object that moves from one Sync to another is handed over and never deleted: the old owner gives up what another
//! one wants, and the new one takes it when it was given up. What left a path may have moved to any Sync of the same
//! branch, so it is deleted only when each of them has said what it wants at that revision. Nobody is too slow for that. A
//! Sync whose branch is not known may be of any.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use heddle_core::git::{BranchName, RepoUrl, Revision};
use heddle_reconcile::{GroupKind, Holds, ObjectKey};
use tokio::{sync::watch, time::Instant};

/// What a Sync lets the others know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Its UID.
    pub uid: String,
    /// The repository and the branch that it follows; `None` while its spec does not say it in a way that can be read.
    pub source: Option<(RepoUrl, BranchName)>,
    /// Whether it applies nothing at the moment. It says all the same what it wants.
    pub suspended: bool,
    /// The Syncs that it waits for.
    pub depends_on: Vec<String>,
    /// The revision that `wants` is all of; `None` until one was rendered without a fault.
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
    /// What was let go of and stays in namespaces and definitions, its own and those of others.
    pub notes: Arc<BTreeMap<ObjectKey, Holds>>,
}

/// What becomes of an object that left the path of a Sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// This Sync wants it and takes it.
    Moved(String),
    /// This Sync wants it and is suspended.
    MovedToSuspended(String),
    /// Nobody has said that he wants it.
    Unclaimed,
}

/// Every Sync that exists, by name.
#[derive(Debug)]
pub struct Neighbors {
    inner: Mutex<Inner>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Inner {
    syncs: BTreeMap<String, Known>,
    /// Since when each has said what it wants of its revision.
    revised_at: BTreeMap<String, Instant>,
    /// Whether every Sync of the cluster is in `syncs`.
    all_known: bool,
}

impl Default for Neighbors {
    fn default() -> Self {
        Self { inner: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Neighbors {
    /// Takes a Sync in, of which nothing is known yet but its UID.
    pub fn join(&self, name: &str, uid: &str) {
        let known = Known { uid: uid.to_owned(), ..Known::default() };
        self.lock().syncs.insert(name.to_owned(), known);
        self.changed.send_replace(());
    }

    /// Takes in what is new about a Sync. Of one that is gone nothing is taken in: its task may still have been at it.
    pub fn publish(&self, name: &str, known: Known) {
        let mut inner = self.lock();
        let told = inner.syncs.get_mut(name).filter(|told| told.uid == known.uid && **told != known);
        let Some(told) = told else { return };
        let is_revised = told.revision != known.revision;
        *told = known;
        if is_revised {
            inner.revised_at.insert(name.to_owned(), Instant::now());
        }
        drop(inner);
        self.changed.send_replace(());
    }

    /// A Sync is gone.
    pub fn remove(&self, name: &str) {
        let mut inner = self.lock();
        inner.syncs.remove(name);
        inner.revised_at.remove(name);
        drop(inner);
        self.changed.send_replace(());
    }

    /// Every Sync of the cluster has been published.
    pub fn know_all(&self) {
        let knew = std::mem::replace(&mut self.lock().all_known, true);
        if !knew {
            self.changed.send_replace(());
        }
    }

    /// Says when anything changes.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// All Syncs: name by UID.
    pub fn living(&self) -> BTreeMap<String, String> {
        self.lock().syncs.iter().map(|(name, known)| (known.uid.clone(), name.clone())).collect()
    }

    /// What the other Syncs have applied or are about to, by name; `None` where that is not known yet.
    pub fn held_by_others(&self, name: &str) -> Vec<(String, Option<Arc<BTreeSet<ObjectKey>>>)> {
        let inner = self.lock();
        let others = inner.syncs.iter().filter(|(other, _)| *other != name);
        others.map(|(other, known)| (other.clone(), known.holds.clone())).collect()
    }

    /// Namespaces and definitions of other Syncs with which an object would go. While it is not known what all of them have,
    /// any that it could go with may be one.
    pub fn holders_elsewhere(
        &self,
        name: &str,
        key: &ObjectKey,
        plurals: &BTreeMap<GroupKind, String>,
    ) -> Vec<ObjectKey> {
        let others = self.held_by_others(name);
        let known = others.iter().filter_map(|(_, holds)| holds.as_deref()).flatten();
        let mut holders: Vec<ObjectKey> = known.filter(|holder| key.goes_with(holder, plurals)).cloned().collect();
        if others.iter().any(|(_, holds)| holds.is_none()) {
            holders.extend(key.holders(plurals));
        }
        holders
    }

    /// What the other Syncs have let go of and know to stay in a namespace or a definition.
    pub fn noted_by_others(&self, name: &str, holder: &ObjectKey) -> Holds {
        let inner = self.lock();
        let mut noted = Holds::default();
        for (_, known) in inner.syncs.iter().filter(|(other, _)| *other != name) {
            known.notes.get(holder).into_iter().for_each(|holds| noted.merge(holds));
        }
        noted
    }

    /// Whether another Sync that has a namespace or a definition has noted that it holds all of this.
    pub fn have_others_noted(&self, name: &str, holder: &ObjectKey, holds: &Holds) -> bool {
        let inner = self.lock();
        let mut others = inner.syncs.iter().filter(|(other, _)| *other != name).map(|(_, known)| known);
        others.any(|known| {
            known.holds.as_ref().is_some_and(|all| all.contains(holder))
                && known.notes.get(holder).is_some_and(|noted| noted.covers(holds))
        })
    }

    /// What becomes of an object that left the path of `name`, as far as the others have said.
    pub fn fate(&self, name: &str, key: &ObjectKey) -> Fate {
        let inner = self.lock();
        let mut takers = inner.syncs.iter().filter(|(other, known)| *other != name && known.wants.contains(key));
        let suspended = |(_, known): &(&String, &Known)| known.suspended;
        match takers.clone().find(|taker| !suspended(taker)).or_else(|| takers.next()) {
            Some(taker) if suspended(&taker) => Fate::MovedToSuspended(taker.0.clone()),
            Some((other, _)) => Fate::Moved(other.clone()),
            None => Fate::Unclaimed,
        }
    }

    /// Whether the Sync with this UID, which applied an object once, has given it up.
    pub fn was_given_up(&self, uid: &str, key: &ObjectKey) -> bool {
        let inner = self.lock();
        let owner = inner.syncs.values().find(|known| known.uid == uid);
        owner.and_then(|owner| owner.holds.as_ref()).is_some_and(|holds| !holds.contains(key))
    }

    /// Whether the Sync with this UID is going to give an object up: it has not come to the revision that `name` has come
    /// to, or does not want the object any more and has not let it go yet.
    pub fn will_give_up(&self, name: &str, uid: &str, key: &ObjectKey) -> bool {
        let inner = self.lock();
        let Some(own) = inner.syncs.get(name) else { return false };
        let owner = inner.syncs.values().find(|known| known.uid == uid && !known.suspended);
        let has_dropped = |owner: &Known| owner.revision.is_some() && !owner.wants.contains(key);
        owner.is_some_and(|owner| is_behind(owner, own) || has_dropped(owner))
    }

    /// Syncs of the same repository and branch that have not said what they want of the revision that `name` has come to,
    /// and Syncs that may be of the same branch, in words. What left the path of `name` may have moved to any of them.
    pub fn silent(&self, name: &str) -> Vec<String> {
        let inner = self.lock();
        let Some(own) = inner.syncs.get(name) else { return Vec::new() };
        let others = inner.syncs.iter().filter(|(other, _)| *other != name);
        let mut silent: Vec<String> = others.filter_map(|(other, known)| silence(other, known, own)).collect();
        if !inner.all_known {
            silent.push("Syncs that are not known yet".to_owned());
        }
        silent
    }

    /// Whether another Sync of the branch has come to another revision than `head` after an instant.
    pub fn have_moved_on(&self, name: &str, head: Option<&Revision>, since: Instant) -> bool {
        let inner = self.lock();
        let Some(own) = inner.syncs.get(name) else { return false };
        let mut others = inner.syncs.iter().filter(|(other, known)| *other != name && known.source == own.source);
        own.source.is_some()
            && others.any(|(other, known)| {
                let is_later = inner.revised_at.get(other).is_some_and(|at| *at > since);
                is_later && known.revision.is_some() && known.revision.as_ref() != head
            })
    }

    /// What a Sync still waits for, if it depends on others: a sentence. A dependency on the same branch has to have come
    /// to `revision` as well.
    pub fn awaited(&self, name: &str, revision: &Revision) -> Option<String> {
        let inner = self.lock();
        let own = inner.syncs.get(name)?;
        if let Some(circle) = circle(&inner.syncs, name) {
            return Some(format!("it waits for itself: {}", circle.join(" → ")));
        }
        own.depends_on.iter().find_map(|dependency| {
            let Some(known) = inner.syncs.get(dependency) else {
                return Some(format!("there is no Sync `{dependency}`"));
            };
            if known.source == own.source && known.applied.as_ref() != Some(revision) {
                return Some(format!("it waits until {} is applied by the Sync `{dependency}`", revision.short()));
            }
            (!known.is_ready).then(|| format!("it waits for the Sync `{dependency}`: {}", known.message))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a Sync follows the same branch as another and is not at the same revision.
fn is_behind(known: &Known, own: &Known) -> bool {
    known.source.is_some() && known.source == own.source && known.revision != own.revision
}

/// The name of a Sync, with why, where it has not said what it wants of the revision that another one has come to.
fn silence(name: &str, known: &Known, own: &Known) -> Option<String> {
    if known.source.is_none() {
        return Some(format!("{name} (its branch cannot be read)"));
    }
    let why = if known.suspended { " (suspended)" } else { "" };
    is_behind(known, own).then(|| format!("{name}{why}"))
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
