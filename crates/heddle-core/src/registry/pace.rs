//! How much a registry is asked: from what it said of its limit to how many scans may run there, and from when.
//!
//! One state serves all images of an organization that are read at one host with one login, and all automators. Pure; the
//! table in `docs/registries.md` says the same to people.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// So many scans run at one host with one login where it says nothing of a limit.
pub const MOST_AT_ONCE: u32 = 8;

/// So many requests one scan has under way at once.
pub const REQUESTS_OF_A_SCAN: u32 = 2;

/// How long a host rests that asks for fewer requests and does not say until when; doubled each time in a row.
pub const FIRST_REST: TimeDelta = TimeDelta::seconds(30);

/// The longest of these rests, and the longest pause between two scans of a host that has little left.
pub const LONGEST_REST: TimeDelta = TimeDelta::minutes(10);

/// What a registry says of its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Allowance {
    /// Requests in a window; at least 1.
    pub limit: u64,
    /// Requests that are left of it.
    pub remaining: u64,
    /// When what is left is full again, where it says so or its window follows from what it says.
    pub resets_at: Option<DateTime<Utc>>,
}

/// What a piece of work found out about how much a host may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HostReport {
    /// Whether it asked for fewer requests: 429, or 503 with `Retry-After`.
    #[serde(default)]
    pub throttled: bool,
    /// When it may be asked again, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<DateTime<Utc>>,
    /// What it said of its limit; the answer that left the least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
}

/// How much a host is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Scans at once.
    pub at_once: u32,
    /// Nothing begins before.
    pub not_before: Option<DateTime<Utc>>,
    /// How often in a row it asked for fewer requests.
    pub throttled: u32,
    /// Since when it is asked less than it could be.
    pub slow_since: Option<DateTime<Utc>>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: MOST_AT_ONCE, not_before: None, throttled: 0, slow_since: None }
    }
}

impl Pace {
    /// The pace after a piece of work, which began to ask before others may have said something else.
    #[must_use]
    pub fn after(self, told: &HostReport, now: DateTime<Utc>) -> Self {
        let since = Some(self.slow_since.unwrap_or(now));
        if told.throttled {
            // Those that were under way when one was refused say the same once more.
            let again = self.not_before.is_some_and(|at| at > now);
            let throttled = if again { self.throttled } else { self.throttled.saturating_add(1) };
            let rest = FIRST_REST * (1 << throttled.saturating_sub(1).min(10));
            let until = told.retry_at.unwrap_or(now + rest.min(LONGEST_REST));
            return Self { at_once: 1, not_before: self.not_before.max(Some(until)), throttled, slow_since: since };
        }
        let rests = self.not_before.filter(|at| *at > now);
        if rests.is_some() && self.throttled > 0 {
            // One that was let through before the others were refused.
            return self;
        }
        match told.allowance.and_then(|allowance| pause(&allowance, now)) {
            Some(pause) => Self { at_once: 1, not_before: Some(now + pause), throttled: 0, slow_since: since },
            None => Self { not_before: rests, ..Self::default() },
        }
    }

    /// Whether nothing may begin now.
    pub fn rests_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.not_before.filter(|at| *at > now)
    }
}

/// How long to wait before the next scan, so that what is left lasts until it is full again; `None` while more than half
/// is left.
fn pause(allowance: &Allowance, now: DateTime<Utc>) -> Option<TimeDelta> {
    let Allowance { limit, remaining, resets_at } = *allowance;
    if remaining.saturating_mul(2) > limit {
        return None;
    }
    let left = resets_at.map_or(LONGEST_REST, |at| at - now).max(TimeDelta::zero());
    if remaining == 0 {
        return Some(left);
    }
    let parts = i32::try_from(remaining).unwrap_or(i32::MAX);
    Some((left / parts).min(LONGEST_REST))
}
