//! What a record means now.

use chrono::TimeDelta;

use super::{DriftState, Found};
use crate::{Timestamp, policy::say_age};

/// Where nobody said how often something is looked at, what was found counts for so long.
pub const SILENT_WITHOUT_EXPECTATION: TimeDelta = TimeDelta::days(7);

/// What the last look of a record found.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What it found.
    pub found: Found,
    /// Since when each look found that.
    pub since: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why not everything was looked at, where that is so.
    pub reason: Option<&'a str>,
    /// Whether the token that it came with was revoked since.
    pub is_by_revoked: bool,
}

/// What `drift:` says of a record.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// How often somebody must look.
    pub every: TimeDelta,
    /// Since when that is asked for.
    pub asked_at: Timestamp,
}

/// What a record means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub state: DriftState,
    /// Since when it holds, as far as that is known.
    pub since: Option<Timestamp>,
    /// Why, where the state alone does not say it.
    pub reason: Option<String>,
}

/// How much later than expected a look may end before that counts as silence: machines that run it are never on the dot.
pub fn slack(every: TimeDelta) -> TimeDelta {
    (every / 4).max(TimeDelta::minutes(5))
}

/// Judges a record of looks that are reported.
pub fn judge(known: Option<Known<'_>>, expected: Option<Expected>, now: Timestamp) -> Verdict {
    let Some(known) = known else {
        let since = expected.map(|expected| expected.asked_at);
        let asked =
            since.map(|since| format!("nobody has looked, since it was asked for {} ago", say_age(now - since)));
        let reason = asked.unwrap_or_else(|| "nobody has looked yet".to_owned());
        return Verdict { state: DriftState::NotLookedAt, since, reason: Some(reason) };
    };
    let silent = now - known.ended_at;
    if silent > counts_for(expected, now) {
        let reason = format!("nobody has looked for {}; it was {} then", say_age(silent), in_words(known.found));
        return Verdict { state: DriftState::NotLookedAt, since: Some(known.ended_at), reason: Some(reason) };
    }
    if known.is_by_revoked {
        let reason = format!("the last look is by a revoked reporter; it was {} then", in_words(known.found));
        return Verdict { state: DriftState::Unknown, since: Some(known.ended_at), reason: Some(reason) };
    }
    let state = match known.found {
        Found::Same => DriftState::Same,
        Found::Differs => DriftState::Differs,
        Found::Unknown => DriftState::Unknown,
    };
    Verdict { state, since: Some(known.since), reason: known.reason.map(str::to_owned) }
}

/// How old a look may be now.
fn counts_for(expected: Option<Expected>, now: Timestamp) -> TimeDelta {
    let late = |every: TimeDelta| every + slack(every);
    let unasked = late(SILENT_WITHOUT_EXPECTATION);
    match expected {
        None => unasked,
        // Where it is asked for from today on, nobody is late yet; but what did not count before counts no more.
        Some(Expected { every, asked_at }) if now - asked_at <= late(every) => late(every).max(unasked),
        Some(Expected { every, .. }) => late(every),
    }
}

const fn in_words(found: Found) -> &'static str {
    match found {
        Found::Same => "the same",
        Found::Differs => "different",
        Found::Unknown => "not known",
    }
}

/// How fresh an agent's word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentWord {
    /// The agent is there, and what it sees arrives.
    Fresh,
    /// Nothing of it arrives, since then.
    Old(Option<Timestamp>),
}

/// What is known of a Sync, as far as its drift goes.
#[derive(Debug, Clone, Copy)]
pub struct SyncLook<'a> {
    /// Whether its agent is heard.
    pub agent: AgentWord,
    /// What is wrong with its spec, and since when.
    pub fault: Option<(&'a str, Timestamp)>,
    /// `spec.suspend`.
    pub is_suspended: bool,
    /// Since when the agent has not seen the objects.
    pub unseen_since: Option<Timestamp>,
    /// Whether any revision is applied.
    pub is_applied: bool,
    /// Whether the revision last tried is applied whole.
    pub is_whole: bool,
    /// How many errors the last attempt had.
    pub errors: u64,
    /// How many objects somebody changed that were not put back.
    pub open_drifts: u64,
    /// Since when the first of them is so.
    pub open_since: Option<Timestamp>,
    /// When the state was reported.
    pub reported_at: Timestamp,
}

/// Judges a Sync by what its agent reported.
pub fn judge_sync(look: &SyncLook<'_>) -> Verdict {
    let verdict = |state, since, reason: Option<&str>| Verdict { state, since, reason: reason.map(str::to_owned) };
    if let AgentWord::Old(since) = look.agent {
        return verdict(DriftState::NotLookedAt, since, Some("its agent is not heard"));
    }
    if let Some((message, since)) = look.fault {
        return verdict(DriftState::Unknown, Some(since), Some(message));
    }
    if look.is_suspended {
        return verdict(DriftState::NotLookedAt, None, Some("it is suspended in the cluster"));
    }
    if look.unseen_since.is_some() {
        return verdict(
            DriftState::NotLookedAt,
            look.unseen_since,
            Some("its agent has not looked at the objects yet"),
        );
    }
    if look.open_drifts > 0 {
        return verdict(DriftState::Differs, look.open_since, None);
    }
    if look.errors > 0 {
        let reason = format!("{} could not be applied", if look.errors == 1 { "something" } else { "several things" });
        return verdict(DriftState::Differs, Some(look.reported_at), Some(&reason));
    }
    if !look.is_applied || !look.is_whole {
        return verdict(DriftState::Differs, Some(look.reported_at), Some("what Git says is not all applied yet"));
    }
    verdict(DriftState::Same, None, None)
}
