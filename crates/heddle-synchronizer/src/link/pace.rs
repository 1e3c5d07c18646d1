//! How often the agent reports: what comes while it waits goes with the next report.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use heddle_wire::agent::{REPORT_EACH, REPORTS_AT_ONCE};

/// So many reports go at once. What the API takes beyond that is left to an agent that begins anew.
const AT_ONCE: u32 = REPORTS_AT_ONCE - 10;

/// A bucket as the API has one for each agent, a little smaller.
pub(super) struct Pace<C: Clock = DefaultClock> {
    bucket: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    clock: C,
}

impl Default for Pace {
    fn default() -> Self {
        Self::by(DefaultClock::default())
    }
}

impl<C: Clock + Clone> Pace<C> {
    fn by(clock: C) -> Self {
        let burst = NonZeroU32::new(AT_ONCE).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(REPORT_EACH).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        Self { bucket: RateLimiter::direct_with_clock(quota, clock.clone()), clock }
    }

    /// Waits until the next report may go.
    pub(super) async fn wait(&self) {
        while let Some(wait) = self.take() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes one out of the bucket, or says how long it is empty.
    fn take(&self) -> Option<Duration> {
        self.bucket.check().err().map(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests;
