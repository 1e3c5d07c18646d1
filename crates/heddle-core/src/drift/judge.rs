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

/// Why a Sync differs of which nothing else is known.
const WAITS: &str = "what Git says is not all applied yet";

/// A condition that an agent reports of a Sync.
#[derive(Debug, Clone, Copy)]
pub struct SyncCondition<'a> {
    /// Its name, such as `Fetched`.
    pub kind: &'a str,
    /// Whether its status is `True`.
    pub is_true: bool,
    /// The sentence.
    pub message: &'a str,
    /// Since when its status is so.
    pub since: Timestamp,
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
    /// All that its agent says of it.
    pub conditions: &'a [SyncCondition<'a>],
    /// Whether it waits for somebody to allow that what left Git is deleted.
    pub is_prune_stopped: bool,
    /// When the state was reported.
    pub reported_at: Timestamp,
}

/// Judges a Sync by what its agent reported. What is known to differ is told before what is not known.
pub fn judge_sync(look: &SyncLook<'_>) -> Verdict {
    let unwatched = || look.find_untrue(&["Fetched", "Watched"]);
    look.unseen()
        .or_else(|| look.difference())
        .or_else(|| look.find_untrue(&["Rendered"]))
        .or_else(|| look.unapplied())
        .or_else(unwatched)
        .or_else(|| look.waiting())
        .unwrap_or(Verdict { state: DriftState::Same, since: None, reason: None })
}

fn verdict(state: DriftState, since: Option<Timestamp>, reason: Option<&str>) -> Verdict {
    Verdict { state, since, reason: reason.map(str::to_owned) }
}

impl SyncLook<'_> {
    /// Why nobody looks at it, or can.
    fn unseen(&self) -> Option<Verdict> {
        if let AgentWord::Old(since) = self.agent {
            return Some(verdict(DriftState::NotLookedAt, since, Some("its agent is not heard")));
        }
        if let Some((message, since)) = self.fault {
            return Some(verdict(DriftState::Unknown, Some(since), Some(message)));
        }
        if self.is_suspended {
            return Some(verdict(DriftState::NotLookedAt, None, Some("it is suspended in the cluster")));
        }
        self.unseen_since.map(|since| {
            verdict(DriftState::NotLookedAt, Some(since), Some("its agent has not looked at the objects yet"))
        })
    }

    /// What is in the cluster and not so in Git.
    fn difference(&self) -> Option<Verdict> {
        if self.open_drifts > 0 {
            return Some(verdict(DriftState::Differs, self.open_since, None));
        }
        if let Some(fought) = self.conditions.iter().find(|one| one.kind == "FoughtOver" && one.is_true) {
            return Some(verdict(DriftState::Differs, Some(fought.since), Some(fought.message)));
        }
        let pruned = self.conditions.iter().find(|one| one.kind == "Pruned");
        self.is_prune_stopped.then(|| {
            let since = pruned.map_or(self.reported_at, |one| one.since);
            verdict(DriftState::Differs, Some(since), Some("what left Git is there until somebody allows the deletion"))
        })
    }

    /// What the agent tried and could not apply.
    fn unapplied(&self) -> Option<Verdict> {
        let since = Some(self.reported_at);
        match self.errors {
            0 if self.is_applied && !self.is_whole => Some(verdict(DriftState::Differs, since, Some(WAITS))),
            0 => None,
            1 => Some(verdict(DriftState::Differs, since, Some("something could not be applied"))),
            _ => Some(verdict(DriftState::Differs, since, Some("several things could not be applied"))),
        }
    }

    /// That nothing is applied yet.
    fn waiting(&self) -> Option<Verdict> {
        (!self.is_applied).then(|| verdict(DriftState::Differs, Some(self.reported_at), Some(WAITS)))
    }

    /// The first of these conditions that is said and not true: without it, what Git or the cluster says is not known.
    fn find_untrue(&self, kinds: &[&str]) -> Option<Verdict> {
        let untrue = self.conditions.iter().find(|one| kinds.contains(&one.kind) && !one.is_true)?;
        let reason = if untrue.message.is_empty() { untrue.kind } else { untrue.message };
        Some(verdict(DriftState::Unknown, Some(untrue.since), Some(reason)))
    }
}
