//! Whether a cluster's agent is there.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_wire::view::Link;

/// How the link to an agent is, by when it was last heard.
pub fn of(last_seen_at: Option<DateTime<Utc>>, revoked_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Link {
    match (revoked_at, last_seen_at) {
        (Some(_), _) => Link::Revoked,
        (None, None) => Link::NeverConnected,
        (None, Some(seen)) if now - seen < TimeDelta::seconds(90) => Link::Connected,
        (None, Some(seen)) if now - seen <= TimeDelta::minutes(5) => Link::Late,
        (None, Some(_)) => Link::Offline,
    }
}
