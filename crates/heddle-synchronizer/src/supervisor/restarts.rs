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
mod tests {
    use super::*;

    #[test]
    fn a_task_that_ends_again_and_again_begins_less_and_less_often() {
        let (mut restarts, mut now) = (Restarts::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..12 {
            waits.push(restarts.note_end("a", now));
            assert!(restarts.claim(now).is_empty(), "it begins at once");
            now = restarts.next_at().unwrap();
            assert_eq!(restarts.claim(now), ["a"]);
            assert_eq!(restarts.next_at(), None);
        }
        assert!(waits[0] <= FIRST_WAIT && waits[11] >= LONGEST_WAIT / 2 && waits[11] <= LONGEST_WAIT, "{waits:?}");
        assert!(restarts.note_end("a", now + LONG * 2) <= FIRST_WAIT, "it ran for long");
    }

    #[test]
    fn each_waits_for_itself_and_one_that_is_gone_does_not_begin() {
        let (mut restarts, now) = (Restarts::default(), Instant::now());
        restarts.note_end("a", now);
        restarts.note_end("b", now);
        restarts.forget("a");
        assert_eq!(restarts.claim(now + LONGEST_WAIT), ["b"]);
    }
}
