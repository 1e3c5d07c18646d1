//! A turn for each of many.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::Semaphore;

/// A turn for each of many, kept while somebody holds or waits for it.
pub(crate) struct Keyed<K> {
    width: usize,
    known: Mutex<HashMap<K, Weak<Semaphore>>>,
}

/// Below this many, turns that nobody needs are left lying.
const KEPT: usize = 1024;

impl<K: Eq + Hash> Keyed<K> {
    /// Each so wide.
    pub fn new(width: usize) -> Self {
        Self { width, known: Mutex::default() }
    }

    /// The turn of one.
    pub fn of(&self, key: K) -> Arc<Semaphore> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = known.get(&key).and_then(Weak::upgrade) {
            return turn;
        }
        if known.len() >= KEPT && known.len() == known.capacity() {
            known.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Semaphore::new(self.width));
        known.insert(key, Arc::downgrade(&turn));
        turn
    }
}
