//! Facts and now → the line of a change. Nothing else computes it, in no SQL and no handler.
//!
//! A later station implies the earlier ones; the time shown for a station is the least of its own and of all later
//! ones, where a source that counts whole seconds counts with the latest instant it may mean (`Fact::happened_at`).
//! The order and the repetition of facts make no difference.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{
    End, FactKind, History, Knot, KnotState, Line, RolloutKey, Station, Unread,
    rollout::{Rollout, earliest, newest, took},
};
use crate::change::{Gate, GateKind, ProposalRef};

type At = DateTime<Utc>;

const STATIONS: [Station; 5] =
    [Station::Pushed, Station::Proposed, Station::Merged, Station::Applied, Station::Healthy];

/// Computes the line of a change at `now`.
pub fn line(history: &History, now: At) -> Line {
    let gathered = Gathered::from_history(history);
    let own = gathered.own_times();
    let reached = gathered.reached(&own);
    let times = gathered.shown_times(&own, &reached);
    let end = gathered.end(&own);
    let stop = match end {
        Some(_) => Stop::default(),
        None => gathered.stop(&reached, &times, now),
    };
    let knots = (0..STATIONS.len())
        .map(|at| Knot {
            station: STATIONS[at],
            state: match (reached[at], end) {
                (true, _) => KnotState::Done,
                (false, None) if reached[..at].iter().all(|before| *before) => stop.state,
                (false, _) => KnotState::NotYet,
            },
            at: times[at],
            inferred: times[at].is_some() && times[at] != own[at],
            took_ms: at.checked_sub(1).and_then(|before| took(times[before], times[at])),
        })
        .collect();
    Line {
        knots,
        end: end.map(|(_, end)| end),
        ended_at: end.map(|(at, _)| at),
        reason: stop.reason,
        since: stop.since,
        rollouts: gathered.rollouts.iter().map(|(key, rollout)| rollout.line(key, times[2])).collect(),
    }
}

/// Where an unfinished change stands, and why.
struct Stop {
    state: KnotState,
    reason: Option<String>,
    since: Option<At>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { state: KnotState::NotYet, reason: None, since: None }
    }
}

/// The facts, each kind reduced to what counts.
#[derive(Default)]
struct Gathered<'a> {
    any: bool,
    pushed_at: Option<At>,
    proposed_at: Option<At>,
    merged_at: Option<At>,
    declined_at: Option<At>,
    reverted_at: Option<At>,
    superseded_at: Option<At>,
    retired_at: Option<At>,
    proposal: Option<(At, Option<u64>)>,
    gate: Option<(At, String, Option<At>, bool, bool)>,
    /// Whether the set of rollouts is fixed.
    fixed: bool,
    rollouts: BTreeMap<RolloutKey, Rollout>,
    unread: Option<&'a Unread>,
}

impl<'a> Gathered<'a> {
    fn from_history(history: &'a History) -> Self {
        let mut all = Self {
            fixed: history.rollouts.is_some(),
            any: !history.facts.is_empty(),
            unread: history.unread.as_ref(),
            ..Self::default()
        };
        for key in history.rollouts.iter().flatten() {
            all.rollouts.entry(key.clone()).or_default();
        }
        for fact in &history.facts {
            let at = fact.happened_at();
            match &fact.kind {
                FactKind::Pushed => earliest(&mut all.pushed_at, at),
                FactKind::Gated { gate } => all.take_gate(gate, fact.at),
                FactKind::Proposed { proposal } => {
                    earliest(&mut all.proposed_at, at);
                    newest(&mut all.proposal, (fact.at, pull_request(proposal)));
                }
                FactKind::Merged { .. } => earliest(&mut all.merged_at, at),
                FactKind::Declined { .. } => earliest(&mut all.declined_at, at),
                FactKind::Reverted { .. } => earliest(&mut all.reverted_at, at),
                FactKind::Superseded { .. } => earliest(&mut all.superseded_at, at),
                FactKind::Retired { .. } => earliest(&mut all.retired_at, at),
                FactKind::Applied { rollout, .. }
                | FactKind::ApplyFailed { rollout, .. }
                | FactKind::Health { rollout, .. }
                | FactKind::Skipped { rollout }
                | FactKind::RolloutRetired { rollout } => {
                    all.rollouts.entry(rollout.clone()).or_default().take(fact);
                }
            }
        }
        all
    }

    fn take_gate(&mut self, gate: &Gate, at: At) {
        let fault = matches!(gate.kind, GateKind::Broken | GateKind::Refused);
        let after_proposal = gate.kind == GateKind::Branch;
        newest(&mut self.gate, (at, gate.reason.clone(), gate.until, fault, after_proposal));
    }

    /// The rollouts that count.
    fn counted(&self) -> impl Iterator<Item = &Rollout> {
        self.rollouts.values().filter(|rollout| rollout.left_out_at().is_none())
    }

    /// The latest of one instant of every counted rollout; `None` while one has none, or the set is not fixed.
    fn everywhere(&self, instant: impl Fn(&Rollout) -> Option<At>) -> Option<At> {
        if !self.fixed {
            return None;
        }
        let instants: Option<Vec<At>> = self.counted().map(instant).collect();
        instants?.into_iter().max()
    }

    fn own_times(&self) -> [Option<At>; 5] {
        let applied = self.everywhere(Rollout::applied_at);
        let healthy = self.everywhere(Rollout::healthy_at);
        [self.pushed_at, self.proposed_at, self.merged_at, applied, healthy]
    }

    /// The earliest sign, besides the station's own fact, that a station was reached.
    fn sign(&self, station: Station) -> Option<At> {
        match station {
            Station::Proposed => self.declined_at,
            Station::Merged => {
                let rollouts = self.rollouts.values().filter_map(Rollout::merged_by);
                rollouts.chain(self.reverted_at).min()
            }
            Station::Pushed | Station::Applied | Station::Healthy => None,
        }
    }

    fn reached(&self, own: &[Option<At>; 5]) -> [bool; 5] {
        let mut reached = [false; 5];
        let mut later = false;
        for at in (0..5).rev() {
            later = later || own[at].is_some() || self.sign(STATIONS[at]).is_some();
            reached[at] = later;
        }
        // A change is made from a tag that was seen.
        reached[0] = reached[0] || self.any;
        reached
    }

    fn shown_times(&self, own: &[Option<At>; 5], reached: &[bool; 5]) -> [Option<At>; 5] {
        let mut times = [None; 5];
        let mut least: Option<At> = None;
        for at in (0..5).rev() {
            least = least.into_iter().chain(own[at]).chain(self.sign(STATIONS[at])).min();
            times[at] = least.filter(|_| reached[at]);
        }
        times
    }

    /// The first end that came to be; at one instant, the better one.
    fn end(&self, own: &[Option<At>; 5]) -> Option<(At, End)> {
        let all_left_out = || -> Option<(At, End)> {
            let left: Option<Vec<At>> = self.rollouts.values().map(Rollout::left_out_at).collect();
            let at = left?.into_iter().max().filter(|_| self.fixed)?;
            let gone = self.rollouts.values().all(Rollout::is_retired);
            Some((at, if gone { End::Retired } else { End::Superseded }))
        };
        let no_cluster =
            self.merged_at.or(self.sign(Station::Merged)).filter(|_| self.fixed && self.rollouts.is_empty());
        let ends = [
            own[4].map(|at| (at, End::Healthy)),
            self.superseded_at.map(|at| (at, End::Superseded)),
            self.declined_at.map(|at| (at, End::Declined)),
            self.reverted_at.map(|at| (at, End::Reverted)),
            self.retired_at.map(|at| (at, End::Retired)),
            no_cluster.map(|at| (at, End::NoCluster)),
            all_left_out(),
        ];
        // `min_by_key` keeps the first of equals.
        ends.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn stop(&self, reached: &[bool; 5], times: &[Option<At>; 5], now: At) -> Stop {
        let next = reached.iter().position(|reached| !reached);
        match next.map(|at| STATIONS[at]) {
            None | Some(Station::Pushed) => Stop::default(),
            Some(Station::Proposed) => self.stop_before_proposal(times[0], now),
            Some(Station::Merged) => self.stop_before_merge(times[1]),
            Some(Station::Applied) => self.stop_in_cluster(Rollout::applying, times[2]),
            Some(Station::Healthy) => self.stop_in_cluster(Rollout::healing, times[3]),
        }
    }

    fn stop_before_proposal(&self, pushed_at: Option<At>, now: At) -> Stop {
        // Whatever else it waits for, it is not written before its registry is read again.
        if let Some(Unread { reason, since }) = self.unread {
            return Stop { state: KnotState::Failed, reason: Some(reason.clone()), since: Some(*since) };
        }
        match &self.gate {
            Some((at, reason, until, fault, _)) if until.is_none_or(|until| until > now) => Stop {
                state: if *fault { KnotState::Failed } else { KnotState::Waiting },
                reason: Some(reason.clone()),
                since: Some(*at),
            },
            _ => Stop { state: KnotState::Moving, reason: None, since: pushed_at },
        }
    }

    fn stop_before_merge(&self, proposed_at: Option<At>) -> Stop {
        if let Some((at, reason, _, _, true)) = &self.gate {
            return Stop { state: KnotState::Waiting, reason: Some(reason.clone()), since: Some(*at) };
        }
        match self.proposal {
            Some((_, Some(number))) => {
                let reason = Some(format!("waits for #{number} to be merged"));
                Stop { state: KnotState::Waiting, reason, since: proposed_at }
            }
            _ => Stop { state: KnotState::Moving, reason: None, since: proposed_at },
        }
    }

    /// The worst of the counted rollouts: failed, then waiting, then moving; one that can say why before one that cannot.
    fn stop_in_cluster(
        &self,
        view: impl Fn(&Rollout) -> (KnotState, Option<String>, Option<At>),
        reached_at: Option<At>,
    ) -> Stop {
        let rank = |(state, reason, since): &(KnotState, Option<String>, Option<At>)| {
            (state.weight(), reason.is_none(), *since, reason.clone())
        };
        let worst = self.counted().map(view).min_by_key(rank);
        match worst {
            Some((KnotState::Done | KnotState::NotYet, _, _)) | None => {
                Stop { state: KnotState::Moving, reason: None, since: reached_at }
            }
            Some((state, reason, since)) => Stop { state, reason, since: since.or(reached_at) },
        }
    }
}

fn pull_request(proposal: &ProposalRef) -> Option<u64> {
    match proposal {
        ProposalRef::PullRequest { number, .. } => Some(*number),
        ProposalRef::Commit { .. } => None,
    }
}
