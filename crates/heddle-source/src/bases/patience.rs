//! How long hosts are waited for while one path is looked at.
//!
//! What is kept goes on without them, so waiting is all that a host which does not answer can cost. It is bounded for each
//! question, for each host and for all together.

use std::{collections::BTreeMap, future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::{
    FetchError,
    limits::{ASKING_LIMIT, HOST_PATIENCE},
};

/// A fault that may come of a host which does not answer.
pub(super) trait Silence: From<FetchError> {
    /// Whether it comes of one.
    fn is_silence(&self) -> bool;
}

impl Silence for FetchError {
    fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }
}

/// What hosts have cost so far.
pub(super) struct Patience {
    until: Instant,
    /// How long each was waited for in vain, by its host and port.
    lost: BTreeMap<String, Duration>,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { until: Instant::now() + ASKING_LIMIT, lost: BTreeMap::new() }
    }

    /// When nothing is asked any more.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Asks the host of an address, for as long as `limit` and all of it together let.
    ///
    /// # Errors
    /// When it gives nothing in time, or was waited for too long before, or the question fails.
    pub(super) async fn ask<T, E: Silence>(
        &mut self,
        url: &Url,
        limit: Duration,
        question: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let began_at = Instant::now();
        if began_at >= self.until {
            let reason = format!("all together take longer than {} s", ASKING_LIMIT.as_secs());
            return Err(FetchError::Refused { reason }.into());
        }
        let host = url.host_str().unwrap_or_default();
        let key = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        if self.lost.get(&key).is_some_and(|lost| *lost >= HOST_PATIENCE) {
            let reason = format!("`{host}` did not answer before, and is asked nothing more in this look");
            return Err(FetchError::Unreachable { reason }.into());
        }
        let asked = timeout_at(self.until.min(began_at + limit), question).await;
        let asked = asked.unwrap_or_else(|_| Err(FetchError::TimedOut { limit_secs: limit.as_secs() }.into()));
        if asked.as_ref().is_err_and(Silence::is_silence) {
            *self.lost.entry(key).or_default() += began_at.elapsed();
        }
        asked
    }
}

#[cfg(test)]
mod tests;
