//! When tasks that ended begin anew. The time comes in.

use std::{collections::HashMap, time::Duration};

use heddle_service::backoff::Backoff;
use tokio::time::Instant;

/// How long a task waits that ended once.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How long a task waits that ends again and again: each time it asks git.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A task that ran for so long is not one that ends again and again.
const LONG: Duration = Duration::from_secs(900);

/// Tasks that ended, by the name of their Sync.
#[derive(Debug, Default)]
pub struct Restarts(HashMap<String, Ended>);

#[derive(Debug)]
struct Ended {
    backoff: Backoff,
    /// When it begins anew, or did.
    at: Instant,
    is_due: bool,
}

impl Restarts {
    /// A task has ended. Gives how long it waits.
    pub fn note_end(&mut self, name: &str, now: Instant) -> Duration {
        let ended = self.0.entry(name.to_owned()).or_insert_with(|| Ended {
            backoff: Backoff::new(FIRST_WAIT, LONGEST_WAIT),
            at: now,
            is_due: false,
        });
        if now.saturating_duration_since(ended.at) > LONG {
            ended.backoff.reset();
        }
        let wait = ended.backoff.next_wait();
        (ended.at, ended.is_due) = (now + wait, true);
        wait
    }

    /// When the next task begins anew.
    pub fn next_at(&self) -> Option<Instant> {
        self.0.values().filter(|ended| ended.is_due).map(|ended| ended.at).min()
    }

    /// Takes those that begin anew now.
    pub fn claim(&mut self, now: Instant) -> Vec<String> {
        let due = self.0.iter_mut().filter(|(_, ended)| ended.is_due && ended.at <= now);
        due.map(|(name, ended)| {
            ended.is_due = false;
            name.clone()
        })
        .collect()
    }

    /// A Sync is gone.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }
}

#[cfg(test)]
mod tests;
