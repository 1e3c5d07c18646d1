//! The line of a commit: pushed → merged → applied → healthy, for each Sync of its branch.
//!
//! What was seen and now come in as values. Which revision contains which is decided before, by ancestry; nothing here
//! compares the clocks of two programs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Knot, KnotState, RolloutKey, Station, rollout::took};
use crate::{
    git::{BranchName, Revision},
    health::HealthStatus,
    pull_request::{BringingPullRequest, PullRequestFate},
};

type At = DateTime<Utc>;

/// All that is known of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevisionHistory {
    /// The pull request that brings it.
    pub pull_request: Option<BringingPullRequest>,
    /// The branch that carries it, and since when, where that is known; `None` where no branch that is read does.
    pub merged: Option<(BranchName, Option<At>)>,
    /// The Syncs that follow the branch, and those that once applied it.
    pub syncs: Vec<RevisionInSync>,
}

/// A commit as a Sync sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionInSync {
    /// The Sync.
    pub key: RolloutKey,
    /// The first revision that it applied as a whole and that is, or contains, the commit.
    pub applied: Option<AppliedRevision>,
    /// When that one, or a later one, was first seen healthy as a whole.
    pub healthy_at: Option<At>,
    /// How it is now.
    pub now: SyncNow,
}

/// A revision that a Sync applied as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRevision {
    /// Which.
    pub revision: Revision,
    /// When.
    pub at: At,
    /// How many objects it changed there, where the agent knew.
    pub changed: Option<u64>,
    /// `at` is when we heard that it is applied, which came to be before.
    pub is_inferred: bool,
    /// Whether it would have been noted that all was healthy; else none says nothing.
    pub is_health_known: bool,
}

/// What a Sync says now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncNow {
    /// That it does not come to the commit any more, and why.
    pub left: Option<Left>,
    /// `spec.suspend`.
    pub is_suspended: bool,
    /// Why nothing is heard of it, in a sentence, and since when.
    pub silence: Option<(String, Option<At>)>,
    /// What keeps it from applying: the first error of the last attempt.
    pub failure: Option<String>,
    /// What it waits for before it applies, in a sentence.
    pub waits_for: Option<String>,
    /// The verdict on its objects, and why it is not better.
    pub health: Option<(HealthStatus, Option<String>)>,
}

/// Why a Sync tells nothing more of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is gone, or follows something else by now.
    Gone,
    /// What it applied since is not known to contain the commit: history was rewritten, or it stands on no branch that is
    /// read.
    MovedOn,
}

/// How a commit's line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RevisionEnd {
    /// Healthy in every Sync that it concerns.
    Healthy,
    /// Applied by every Sync, and it changed no object of any, or what came with it changed them back.
    Unchanged,
    /// Every Sync that applied it is gone, or at a revision that is not known to contain it, and that it was healthy there
    /// nobody saw, or it was not kept.
    Left,
    /// On its branch, which no Sync follows.
    NoSync,
    /// Its pull request was closed and not merged.
    Declined,
}

/// The line of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionLine {
    /// Pushed, merged, applied, healthy.
    pub knots: Vec<Knot>,
    /// How it ended, if it did.
    pub end: Option<RevisionEnd>,
    /// What it waits for, in a sentence, where it has not ended.
    pub reason: Option<String>,
    /// Since when it waits for that.
    pub since: Option<DateTime<Utc>>,
    /// Each Sync by itself.
    pub syncs: Vec<RevisionSyncLine>,
}

/// How one Sync is doing with a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionSyncLine {
    /// The Sync.
    pub sync: RolloutKey,
    /// Applied.
    pub applied: Knot,
    /// Healthy.
    pub healthy: Knot,
    /// The later revision with which it came, where the Sync never applied this one by itself.
    pub contained_in: Option<Revision>,
    /// How many objects changed when it came, with `contained_in` by all together that came then; 0 where none did, `None`
    /// where the agent did not know.
    pub changed: Option<u64>,
    /// Why it is stuck there, or counts no more.
    pub reason: Option<String>,
    /// It counts no more: the Sync left, and had not been seen healthy with it.
    pub left_out: bool,
}

/// Computes the line of the commit `revision`, carried by `carried_by` where its branch carries it.
pub fn revision_line(carried_by: &Revision, history: &RevisionHistory) -> RevisionLine {
    let pull = history.pull_request.as_ref();
    let merged_at = merged_at(history);
    let pushed_at = pull.map(|pull| pull.opened_at).into_iter().chain(merged_at).min();
    let mut syncs: Vec<RevisionSyncLine> =
        history.syncs.iter().map(|sync| sync_line(sync, carried_by, history.merged.is_some(), merged_at)).collect();
    syncs.sort_by(|one, other| one.sync.cmp(&other.sync));
    let counted: Vec<&RevisionSyncLine> = syncs.iter().filter(|sync| !sync.left_out).collect();
    // Where it changes something: what it leaves alone is healthy or not without it.
    let concerned: Vec<&RevisionSyncLine> = counted.iter().filter(|sync| sync.changed != Some(0)).copied().collect();
    let of = if concerned.is_empty() { &counted } else { &concerned };
    let is_merged = history.merged.is_some();
    let (applied, applied_at) = everywhere(counted.iter().map(|sync| &sync.applied), is_merged);
    let (healthy, healthy_at) = everywhere(of.iter().map(|sync| &sync.healthy), applied);
    // One that left may have been the only one in which something changed.
    let has_left = syncs.iter().any(|sync| sync.left_out && sync.applied.at.is_some());
    let end = match end(history, healthy, &counted, &concerned) {
        Some(RevisionEnd::NoSync | RevisionEnd::Unchanged) if has_left => Some(RevisionEnd::Left),
        end => end,
    };
    let (state, reason, since) = match end {
        Some(_) => (KnotState::NotYet, None, None),
        None if !is_merged => before_merge(pull, pushed_at),
        None => worst(of, applied, merged_at),
    };
    let times = [pushed_at, merged_at, applied_at, healthy_at];
    let reached = [true, is_merged, applied, healthy];
    let stations = [Station::Pushed, Station::Merged, Station::Applied, Station::Healthy];
    let next = reached.iter().position(|reached| !reached);
    let knots = (0..stations.len())
        .map(|at| Knot {
            station: stations[at],
            state: if reached[at] {
                KnotState::Done
            } else if next == Some(at) {
                state
            } else {
                KnotState::NotYet
            },
            at: times[at].filter(|_| reached[at]),
            inferred: at == 0 && pull.is_none() && times[0].is_some(),
            took_ms: at.checked_sub(1).filter(|_| reached[at]).and_then(|before| took(times[before], times[at])),
        })
        .collect();
    RevisionLine { knots, end, reason, since, syncs }
}

/// The host's word, where a pull request was merged into the branch that is read; else when that was read.
fn merged_at(history: &RevisionHistory) -> Option<At> {
    let (branch, seen_at) = history.merged.as_ref()?;
    match &history.pull_request {
        Some(pull) if pull.base == *branch => match &pull.end {
            PullRequestFate::Merged { at, .. } => Some(*at),
            _ => *seen_at,
        },
        _ => *seen_at,
    }
}

/// Whether all of some knots are reached, of which there is one, and when the last was.
fn everywhere<'a>(knots: impl Iterator<Item = &'a Knot>, is_before: bool) -> (bool, Option<At>) {
    let knots: Vec<&Knot> = knots.collect();
    let all = is_before && !knots.is_empty() && knots.iter().all(|knot| knot.state == KnotState::Done);
    (all, knots.iter().filter_map(|knot| knot.at).max().filter(|_| all))
}

fn end(
    history: &RevisionHistory,
    healthy: bool,
    counted: &[&RevisionSyncLine],
    concerned: &[&RevisionSyncLine],
) -> Option<RevisionEnd> {
    if history.merged.is_none() {
        let pull = history.pull_request.as_ref()?;
        return matches!(pull.end, PullRequestFate::Closed { .. }).then_some(RevisionEnd::Declined);
    }
    match (counted.is_empty(), concerned.is_empty()) {
        (true, _) => Some(RevisionEnd::NoSync),
        (false, true) => Some(RevisionEnd::Unchanged),
        (false, false) => healthy.then_some(RevisionEnd::Healthy),
    }
}

type Stop = (KnotState, Option<String>, Option<At>);

fn before_merge(pull: Option<&BringingPullRequest>, pushed_at: Option<At>) -> Stop {
    let reason = match pull {
        None => "no branch that an environment follows carries it, and no pull request brings it".to_owned(),
        Some(BringingPullRequest { number, base, end: PullRequestFate::Merged { .. }, .. }) => {
            format!("#{number} was merged into `{base}`, which no environment follows")
        }
        Some(pull) => format!("waits for #{} to be merged", pull.number),
    };
    (KnotState::Waiting, Some(reason), pushed_at)
}

/// The worst Sync: failed, then waiting, then moving; one that can say why before one that cannot.
fn worst(syncs: &[&RevisionSyncLine], is_applied: bool, merged_at: Option<At>) -> Stop {
    let knot = |sync: &RevisionSyncLine| if is_applied { sync.healthy.clone() } else { sync.applied.clone() };
    let worst = syncs.iter().min_by_key(|sync| (knot(sync).state.weight(), sync.reason.is_none()));
    let Some(worst) = worst else { return (KnotState::Moving, None, merged_at) };
    let since = if is_applied { worst.applied.at } else { merged_at };
    (knot(worst).state, worst.reason.clone(), since)
}

fn sync_line(sync: &RevisionInSync, carried_by: &Revision, is_merged: bool, merged_at: Option<At>) -> RevisionSyncLine {
    let applied_at = sync.applied.as_ref().map(|applied| applied.at);
    let changed = sync.applied.as_ref().and_then(|applied| applied.changed);
    // What it leaves as it was needs no time to be well again.
    let healthy_at = if changed == Some(0) { applied_at } else { sync.healthy_at.filter(|_| applied_at.is_some()) };
    let left = sync.now.left.filter(|_| healthy_at.is_none());
    let (applying, why_not_applied) = match (applied_at, left) {
        (Some(_), _) => (KnotState::Done, None),
        (None, Some(_)) => (KnotState::NotYet, None),
        (None, None) if !is_merged => (KnotState::NotYet, None),
        (None, None) => applying(&sync.now),
    };
    let (healing, why_not_healthy) = match (applied_at, healthy_at, left) {
        (None, _, left) => (KnotState::NotYet, left.map(|left| format!("{} before it came", words(left)))),
        (Some(_), Some(_), _) => (KnotState::Done, None),
        (Some(_), None, Some(left)) if sync.applied.as_ref().is_some_and(|applied| !applied.is_health_known) => {
            (KnotState::NotYet, Some(format!("{} since; whether it was healthy was not kept then", words(left))))
        }
        (Some(_), None, Some(left)) => (KnotState::NotYet, Some(format!("{} before it was seen healthy", words(left)))),
        (Some(_), None, None) => healing(&sync.now),
    };
    let inferred = sync.applied.as_ref().is_some_and(|applied| applied.is_inferred);
    let knot = |station, state, at: Option<At>, before| {
        let took_ms = if inferred { None } else { took(before, at) };
        Knot { station, state, at, inferred: inferred && at.is_some(), took_ms }
    };
    let contained_in = sync.applied.as_ref().map(|applied| &applied.revision).filter(|one| *one != carried_by).cloned();
    RevisionSyncLine {
        sync: sync.key.clone(),
        applied: knot(Station::Applied, applying, applied_at, merged_at),
        healthy: knot(Station::Healthy, healing, healthy_at, applied_at),
        contained_in,
        changed,
        reason: why_not_applied.or(why_not_healthy),
        left_out: left.is_some(),
    }
}

fn words(left: Left) -> &'static str {
    match left {
        Left::Gone => "the Sync was gone, or followed something else,",
        Left::MovedOn => "the Sync came to a revision that is not known to contain it",
    }
}

fn applying(now: &SyncNow) -> (KnotState, Option<String>) {
    if let Some((reason, _)) = &now.silence {
        return (KnotState::Waiting, Some(reason.clone()));
    }
    if now.is_suspended {
        return (KnotState::Waiting, Some("the Sync is suspended; take `spec.suspend` off to go on".to_owned()));
    }
    match (&now.failure, &now.waits_for) {
        (Some(failure), _) => (KnotState::Failed, Some(failure.clone())),
        (None, Some(waits_for)) => (KnotState::Waiting, Some(waits_for.clone())),
        (None, None) => (KnotState::Moving, None),
    }
}

fn healing(now: &SyncNow) -> (KnotState, Option<String>) {
    if let Some((reason, _)) = &now.silence {
        return (KnotState::Waiting, Some(reason.clone()));
    }
    let unwell = || Some("not all of its objects are well yet".to_owned());
    let unseen = || Some("how its objects are doing has not been seen yet".to_owned());
    match &now.health {
        Some((status @ (HealthStatus::Degraded | HealthStatus::Missing), reason)) => {
            (KnotState::Failed, Some(reason.clone().unwrap_or_else(|| status.to_string())))
        }
        Some((HealthStatus::Progressing | HealthStatus::Terminating, reason)) => {
            (KnotState::Moving, reason.clone().or_else(unwell))
        }
        Some((HealthStatus::Suspended, reason)) => {
            (KnotState::Waiting, reason.clone().or_else(|| Some("something in it is suspended".to_owned())))
        }
        Some((HealthStatus::Unknown, reason)) => (KnotState::Waiting, reason.clone().or_else(unseen)),
        Some((HealthStatus::Healthy, _)) => {
            (KnotState::Moving, Some("the report of its health is on the way".to_owned()))
        }
        None => (KnotState::Waiting, unseen()),
    }
}

#[cfg(test)]
mod tests;
