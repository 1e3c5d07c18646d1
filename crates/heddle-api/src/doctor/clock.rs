//! Whether this machine's clock is right, by those of others.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_wire::view::{DoctorArea, DoctorCheck};

use super::{fault, ok, warning};

/// Up to here clocks count as one: what is told of time is to the second, and an answer takes a while.
const SAME: TimeDelta = TimeDelta::seconds(5);

/// GitHub takes no App whose token was made more than a minute ahead of its clock.
/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
const TAKEN: TimeDelta = TimeDelta::seconds(30);

/// Compares what `whose` clock said with ours, in the midst between question and answer.
pub(super) fn judge(whose: &str, theirs: DateTime<Utc>, asked: DateTime<Utc>, answered: DateTime<Utc>) -> DoctorCheck {
    let ours = asked + (answered - asked) / 2;
    let apart = ours - theirs;
    // The answer itself may have taken longer than the clocks are apart.
    let sure = (apart.abs() - (answered - asked) / 2).max(TimeDelta::zero());
    let way = if apart < TimeDelta::zero() { "behind" } else { "ahead of" };
    let said = format!("the clock of this machine is {} s {way} that of {whose}", apart.num_seconds().abs());
    let remedy = "let the machine take its time from a server (NTP), and look at the other one too";
    match sure {
        same if same <= SAME => ok(DoctorArea::Clock, format!("the clock agrees with that of {whose}")),
        near if near <= TAKEN => warning(DoctorArea::Clock, said, remedy),
        _ => fault(DoctorArea::Clock, said, remedy),
    }
}
