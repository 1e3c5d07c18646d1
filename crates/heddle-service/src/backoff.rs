//! How long to wait before the next try.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

/// Exponential backoff with jitter: each wait is between half and the whole of a ceiling that doubles up to `most`.
///
/// Source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
#[derive(Debug, Clone)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    /// Starts with a ceiling of `least`.
    pub fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, tries: 0 }
    }

    /// The next wait.
    pub fn next_wait(&mut self) -> Duration {
        let ceiling = self.least.saturating_mul(1 << self.tries.min(16)).min(self.most);
        self.tries = self.tries.saturating_add(1);
        ceiling.mul_f64(0.5 + random_fraction() / 2.0)
    }

    /// After a success the next failure waits shortly again.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

/// A number from 0 up to 1. The seed of the standard library's hash maps is random enough to spread waits.
pub(crate) fn random_fraction() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 11;
    random as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests;
