//! What waits for an automator: a pushed tag that no update has looked at yet, and what people asked for.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_db::pushes::Waiting;
use heddle_wire::view::AUTOMATOR_SILENT;

#[cfg(test)]
mod tests;

/// The reason in words, the farthest obstacle first.
pub fn reason(push: &Waiting, automator_seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    if let Some((name, seen_at)) = &push.served_by {
        match seen_at {
            None => {
                return format!("the automator `{name}`, which alone serves its registry, has not asked for work yet");
            }
            Some(seen) if now - *seen >= AUTOMATOR_SILENT => {
                let silent = span(now - *seen);
                return format!("the automator `{name}`, which alone serves its registry, is silent for {silent}");
            }
            Some(_) => {}
        }
    }
    if let Some(away) = away(automator_seen_at, now) {
        return away;
    }
    if let Some(until) = push.rests_until.filter(|until| *until > now) {
        let until = until.format("%H:%M:%S UTC");
        return format!("its registry asks for fewer requests; it is asked again at {until}");
    }
    match (&push.scan_error, &push.update_error) {
        (Some(error), _) => format!("its registry could not be read: {error}"),
        (None, Some(error)) => format!("the last update failed: {error}"),
        (None, None) => "an automator looks at it next".to_owned(),
    }
}

/// That nobody works; `None` while an automator does.
pub fn away(automator_seen_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    match automator_seen_at {
        None => Some("no automator has asked for work yet".to_owned()),
        Some(seen) if now - seen >= AUTOMATOR_SILENT => Some(format!("no automator for {}", span(now - seen))),
        Some(_) => None,
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
