//! What was learned of repositories of charts a moment ago, in memory: bounded by its bytes, and by who was let through to it.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use heddle_registry::charts::Index;
use reqwest::header::HeaderValue;
use tokio::{
    sync::{OwnedMutexGuard, Semaphore},
    time::Instant,
};
use url::Url;

use super::{package::ChartTree, repositories::Offer};
use crate::limits::{INDEX_FRESH, INDICES_AT_ONCE, KEPT_INDEX_TERM, MAX_KEPT_INDICES_BYTES, MAX_KEPT_OFFERS};

/// All of it.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) indices: Indices,
    /// What registries have, by the chart.
    pub(super) offers: Fresh<Offer>,
    /// The SHA-256 of packages that came from an address.
    pub(super) packages: Fresh<String>,
    /// Packages that somebody holds unpacked, by their place.
    pub(super) unpacked: Held,
    pub(super) flights: Flights,
    /// Turns to read an index, which takes its whole text into memory.
    pub(super) reading: Arc<Semaphore>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            indices: Indices::holding(MAX_KEPT_INDICES_BYTES),
            offers: Fresh::default(),
            packages: Fresh::default(),
            unpacked: Held::default(),
            flights: Flights::default(),
            reading: Arc::new(Semaphore::new(INDICES_AT_ONCE)),
        }
    }
}

/// Indices by their address and by whom they were shown to.
#[derive(Debug)]
pub(super) struct Indices {
    known: Mutex<HashMap<(Url, String), KnownIndex>>,
    most_bytes: u64,
}

/// An index that was fetched.
#[derive(Debug, Clone)]
pub(super) struct KnownIndex {
    at: Instant,
    used_at: Instant,
    pub(super) etag: Option<HeaderValue>,
    pub(super) index: Arc<Index>,
}

impl KnownIndex {
    /// Whether it is taken for what the repository has now.
    pub(super) fn is_fresh(&self) -> bool {
        self.at.elapsed() < INDEX_FRESH
    }

    fn bytes(&self) -> u64 {
        let etag = self.etag.as_ref().map_or(0, HeaderValue::len);
        (size_of::<((Url, String), Self)>() + etag) as u64 + self.index.bytes()
    }
}

impl Indices {
    fn holding(most_bytes: u64) -> Self {
        Self { known: Mutex::default(), most_bytes }
    }

    /// The one at an address that was shown to the first of these owners, a fresh one before all others.
    pub(super) fn find(&self, url: &Url, owners: [String; 2]) -> Option<KnownIndex> {
        let mut known = lock(&self.known);
        let keys = owners.map(|owner| (url.clone(), owner));
        let is_fresh = |key: &&(Url, String)| known.get(*key).is_some_and(KnownIndex::is_fresh);
        let key = keys.iter().find(is_fresh).or_else(|| keys.iter().find(|key| known.contains_key(*key)))?;
        let found = known.get_mut(key)?;
        found.used_at = Instant::now();
        Some(found.clone())
    }

    /// Keeps one. Those that nobody asked for any more are forgotten, and so are those longest not asked for where they are too
    /// many.
    pub(super) fn keep(&self, url: &Url, owner: &str, etag: Option<HeaderValue>, index: Arc<Index>) {
        let now = Instant::now();
        let key = (url.clone(), owner.to_owned());
        let mut known = lock(&self.known);
        known.insert(key.clone(), KnownIndex { at: now, used_at: now, etag, index });
        known.retain(|_, one| one.used_at.elapsed() < KEPT_INDEX_TERM);
        let size = |((url, owner), one): (&(Url, String), &KnownIndex)| {
            (url.as_str().len() + owner.len()) as u64 + one.bytes()
        };
        let mut bytes: u64 = known.iter().map(size).sum();
        while bytes > self.most_bytes {
            let others = known.iter().filter(|(other, _)| **other != key);
            let oldest = others.min_by_key(|(_, one)| one.used_at).map(|(oldest, _)| oldest.clone());
            let Some(oldest) = oldest else { return };
            bytes -= known.get_key_value(&oldest).map_or(0, size);
            known.remove(&oldest);
        }
    }
}

/// What is taken for what there is, for some time after it was asked for.
#[derive(Debug)]
pub(super) struct Fresh<V>(Mutex<HashMap<(String, String), (Instant, V)>>);

impl<V> Default for Fresh<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V: Clone> Fresh<V> {
    /// What was answered to the first of these owners.
    pub(super) fn find(&self, what: &str, owners: [String; 2]) -> Option<V> {
        let known = lock(&self.0);
        let mut found = owners.into_iter().filter_map(|owner| known.get(&(what.to_owned(), owner)));
        found.find(|(at, _)| at.elapsed() < INDEX_FRESH).map(|(_, value)| value.clone())
    }

    pub(super) fn keep(&self, what: &str, owner: &str, value: V) {
        let mut known = lock(&self.0);
        if known.len() >= MAX_KEPT_OFFERS {
            known.retain(|_, (at, _)| at.elapsed() < INDEX_FRESH);
        }
        if known.len() >= MAX_KEPT_OFFERS {
            known.clear();
        }
        known.insert((what.to_owned(), owner.to_owned()), (Instant::now(), value));
    }
}

/// Packages that somebody holds unpacked.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<HashMap<PathBuf, Weak<ChartTree>>>);

impl Held {
    pub(super) fn find(&self, place: &PathBuf) -> Option<Arc<ChartTree>> {
        lock(&self.0).get(place).and_then(Weak::upgrade)
    }

    pub(super) fn hold(&self, place: PathBuf, tree: &Arc<ChartTree>) {
        let mut unpacked = lock(&self.0);
        unpacked.retain(|_, held| held.strong_count() > 0);
        unpacked.insert(place, Arc::downgrade(tree));
    }
}

/// What is being asked for, so that nobody asks for the same meanwhile.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<String, Weak<Lane>>>);

/// What one asks for at a time, with the fault that the last one came to.
type Lane = tokio::sync::Mutex<Option<(Instant, String)>>;

/// A turn to ask.
pub(super) struct Turn {
    began_at: Instant,
    lane: OwnedMutexGuard<Option<(Instant, String)>>,
}

impl Flights {
    /// Waits until nobody else asks for it. What they were answered may be there by then.
    pub(super) async fn take_turn(&self, what: String) -> Turn {
        let began_at = Instant::now();
        let lane = {
            let mut flights = lock(&self.0);
            flights.retain(|_, lane| lane.strong_count() > 0);
            let known = flights.get(&what).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lane = Arc::default();
                flights.insert(what, Arc::downgrade(&lane));
                lane
            })
        };
        Turn { began_at, lane: lane.lock_owned().await }
    }
}

impl Turn {
    /// How the question ended that was waited for, where it ended in a fault.
    pub(super) fn fault(&self) -> Option<&str> {
        self.lane.as_ref().filter(|(at, _)| *at > self.began_at).map(|(_, fault)| fault.as_str())
    }

    /// Tells the fault to those who wait.
    pub(super) fn tell(&mut self, fault: &str) {
        *self.lane = Some((Instant::now(), fault.to_owned()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was just asked for is not asked for again for another chart of the same look.
const _: () = assert!(INDEX_FRESH.as_secs() > Duration::from_secs(60).as_secs());

#[cfg(test)]
mod tests;
