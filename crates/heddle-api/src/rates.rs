//! How often a program may ask. Counted by each replica for itself: it guards the replica, it is no account.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use heddle_wire::agent::{REPORT_EACH, REPORTS_AT_ONCE};
use uuid::Uuid;

use crate::problem::{ApiError, ApiResult};

/// What rates over time are told by.
pub const MINUTE: Duration = Duration::from_secs(60);

/// A bucket: so many at once, and after that one each `each`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// How long until one more may come.
    pub each: Duration,
}

/// Push notices of one receiver: 60 at once, 10 a second over time.
pub const NOTICES: Rate = Rate { burst: 60, each: Duration::from_millis(100) };

/// Reports of one cluster's agent: 60 at once, 2 a second over time. An agent that begins tells each step of each Sync.
pub const AGENTS: Rate = Rate { burst: REPORTS_AT_ONCE, each: REPORT_EACH };

/// Git tokens for one cluster: 30 at once, one each two seconds over time.
pub const GIT_TOKENS: Rate = Rate { burst: 30, each: Duration::from_secs(2) };

/// Looks of one reporter: 60 at once, one each six seconds over time. A look takes longer than that.
pub const LOOKS: Rate = Rate { burst: 60, each: Duration::from_secs(6) };

/// Tests of logins of one organization: 10 at once, one each six seconds over time.
pub const LOGIN_TESTS: Rate = Rate { burst: 10, each: Duration::from_secs(6) };

impl Rate {
    /// How many in a minute over time, for the page of limits.
    pub const fn each_minute(self) -> u64 {
        (MINUTE.as_millis() / self.each.as_millis()) as u64
    }
}

/// The buckets of all that are limited.
pub struct Rates {
    /// Of a receiver's notices.
    pub notices: Buckets,
    /// Of the reports that a cluster's agent sends.
    pub agents: Buckets,
    /// Of a cluster's git tokens.
    pub git_tokens: Buckets,
    /// Of the looks that a reporter tells of.
    pub looks: Buckets,
    /// Of an organization's tests of logins.
    pub login_tests: Buckets,
}

impl Rates {
    /// All buckets full.
    pub fn new() -> Self {
        Self {
            notices: Buckets::new(NOTICES),
            agents: Buckets::new(AGENTS),
            git_tokens: Buckets::new(GIT_TOKENS),
            looks: Buckets::new(LOOKS),
            login_tests: Buckets::new(LOGIN_TESTS),
        }
    }

    /// Forgets the buckets that are full again.
    pub fn sweep(&self) {
        for buckets in [&self.notices, &self.agents, &self.git_tokens, &self.looks, &self.login_tests] {
            buckets.0.retain_recent();
            buckets.0.shrink_to_fit();
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self::new()
    }
}

type Store = HashMapStateStore<Uuid>;

/// A bucket for each of many.
pub struct Buckets(RateLimiter<Uuid, Store, DefaultClock, NoOpMiddleware<<DefaultClock as Clock>::Instant>>);

impl Buckets {
    fn new(rate: Rate) -> Self {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::with_period(rate.each).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst);
        Self(RateLimiter::hashmap_with_clock(quota, DefaultClock::default()))
    }

    /// Takes one out of the bucket of `key`.
    ///
    /// # Errors
    /// 429 with the time until one more may come.
    pub fn take(&self, key: Uuid) -> ApiResult<()> {
        self.0.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            ApiError::too_many(wait, "this comes too often; send less, or wait as `Retry-After` says")
        })
    }
}

#[cfg(test)]
mod tests;
