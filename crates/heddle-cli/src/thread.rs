//! A change's line as a thread of five knots, `●──●──◐──○──○`, and in words.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::ProposalRef,
    pipeline::{End, Knot, KnotState, Line, Station},
};
use heddle_wire::view::ChangeView;

use crate::{
    table::{Cell, Tone},
    words::span,
};

/// The thread.
pub(crate) fn knots(line: &Line) -> Cell {
    of_knots(&line.knots)
}

/// The thread of any line.
pub(crate) fn of_knots(knots: &[Knot]) -> Cell {
    let mut pieces = Vec::new();
    for (index, knot) in knots.iter().enumerate() {
        if index > 0 {
            pieces.push(("──", Tone::Faint));
        }
        pieces.push(match knot.state {
            KnotState::Done => ("●", Tone::Good),
            KnotState::Moving => ("◐", Tone::Moving),
            KnotState::Waiting => ("◎", Tone::Waiting),
            KnotState::Failed => ("■", Tone::Bad),
            KnotState::NotYet => ("○", Tone::Faint),
        });
    }
    Cell::pieces(pieces)
}

/// How long it took, or how long it has been on its way.
pub(crate) fn time(change: &ChangeView, now: DateTime<Utc>) -> String {
    let began_at = change.line.knots.iter().find_map(|knot| knot.at).unwrap_or(change.created_at);
    span(change.line.ended_at.unwrap_or(now) - began_at)
}

/// Where it is, in words: the reason where it is stuck.
pub(crate) fn state(change: &ChangeView, now: DateTime<Utc>) -> Cell {
    let line = &change.line;
    if let Some(end) = line.end {
        return ended(end);
    }
    let Some(knot) = line.knots.iter().find(|knot| knot.state != KnotState::Done) else {
        return Cell::new("healthy everywhere so far");
    };
    let tone = match knot.state {
        KnotState::Failed => Tone::Bad,
        KnotState::Waiting => Tone::Waiting,
        _ => Tone::Plain,
    };
    let mut text = line.reason.clone().unwrap_or_else(|| on_its_way(change, knot.station));
    if let Some(since) = line.since {
        text = format!("{text}, since {}", span(now - since));
    }
    Cell::toned(text, tone)
}

fn on_its_way(change: &ChangeView, to: Station) -> String {
    match &change.proposal {
        Some(ProposalRef::PullRequest { number, .. }) if to == Station::Merged => {
            format!("#{number} is on its way to {}", word(to))
        }
        _ => format!("on its way to {}", word(to)),
    }
}

fn ended(end: End) -> Cell {
    match end {
        End::Healthy => Cell::toned("healthy", Tone::Good),
        End::Superseded => Cell::toned("superseded by a newer tag", Tone::Faint),
        End::Declined => Cell::toned("declined", Tone::Faint),
        End::Reverted => Cell::toned("reverted", Tone::Faint),
        End::Retired => Cell::toned("its place is gone", Tone::Faint),
        End::NoCluster => Cell::toned("merged; no cluster follows this place", Tone::Faint),
    }
}

/// Where a Sync is that has no reason to be there.
pub(crate) fn doing(applied: &Knot, healthy: &Knot) -> &'static str {
    match (applied.state, healthy.state) {
        (_, KnotState::Done) => "healthy",
        (KnotState::Done, _) => "on its way to healthy",
        (KnotState::NotYet, _) => "not yet",
        _ => "on its way to applied",
    }
}

/// A station in words.
pub(crate) fn word(station: Station) -> &'static str {
    match station {
        Station::Pushed => "pushed",
        Station::Proposed => "proposed",
        Station::Merged => "merged",
        Station::Applied => "applied",
        Station::Healthy => "healthy",
    }
}

#[cfg(test)]
mod tests;
