//! What a pushed tag waits for that no update has looked at yet.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_db::pushes::Waiting;
use heddle_wire::view::AUTOMATOR_SILENT;

#[cfg(test)]
mod tests;

/// The reason in words, the farthest obstacle first.
pub fn reason(push: &Waiting, automator_seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    match automator_seen_at {
        None => return "no automator has asked for work yet".to_owned(),
        Some(seen) if now - seen >= AUTOMATOR_SILENT => return format!("no automator for {}", span(now - seen)),
        Some(_) => {}
    }
    match (&push.scan_error, &push.update_error) {
        (Some(error), _) => format!("its registry could not be read: {error}"),
        (None, Some(error)) => format!("the last update failed: {error}"),
        (None, None) => "an automator looks at it next".to_owned(),
    }
}

/// A time in its largest unit.
fn span(time: TimeDelta) -> String {
    match (time.num_days(), time.num_hours(), time.num_minutes()) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} d"),
    }
}
