//! Whether a cluster's agent is there, and whether what it says arrives.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_db::clusters::LastHeard;
use heddle_wire::view::Link;

/// An agent that was heard this long ago is connected.
const CONNECTED: TimeDelta = TimeDelta::seconds(90);

/// An agent that was not heard, or whose reports were not taken, for this long is not.
const GONE: TimeDelta = TimeDelta::minutes(5);

/// How the link to an agent is. One that asks for hints while its reports do not arrive is there, and what is known of
/// its cluster is old all the same.
pub fn of(heard: &LastHeard, now: DateTime<Utc>) -> Link {
    let is_old = heard.reported_at.is_some_and(|reported| now - reported > GONE);
    match (heard.revoked_at, heard.seen_at) {
        (Some(_), _) => Link::Revoked,
        (None, None) => Link::NeverConnected,
        (None, Some(seen)) if now - seen < CONNECTED && is_old => Link::Silent,
        (None, Some(seen)) if now - seen < CONNECTED => Link::Connected,
        (None, Some(seen)) if now - seen <= GONE => Link::Late,
        (None, Some(_)) => Link::Offline,
    }
}

#[cfg(test)]
mod tests;
