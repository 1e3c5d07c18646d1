//! When a Sync acts. The time comes in, and nothing else: no git, no cluster, no clock.
//!
//! What is due is claimed, and a claim takes it off: the next time is set before anything is done, so that no fault of
//! what is done can make it due at once again. Only a sweep goes on without a pause, as long as it has objects left.

use std::time::Duration;

use heddle_service::backoff::Backoff;
use tokio::time::Instant;

/// How often what is not healthy is looked at for its root.
const ROOTS_EVERY: Duration = Duration::from_secs(5);

/// How long after a fault that will pass the next try is made, at the least and at the most.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));

/// What of the Sync decides when it acts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Situation {
    /// Nothing is applied and nothing compared.
    pub is_suspended: bool,
    /// A look is under way. The next one begins when it has ended.
    pub is_looking: bool,
    /// There are workloads of which a root may be found.
    pub is_unwell: bool,
    /// When a verdict changes by itself.
    pub changes_at: Option<Instant>,
}

/// When a Sync acts next.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    sweep_every: Duration,
    look_at: Instant,
    /// `None` when there is nothing to apply, prune or heal.
    run_at: Option<Instant>,
    roots_at: Instant,
    sweep_at: Instant,
    /// Whether the sweep that is under way has objects left.
    sweep_goes_on: bool,
    look_backoff: Backoff,
    run_backoff: Backoff,
}

impl Schedule {
    /// Looks at once, and then every `interval`.
    pub fn new(interval: Duration, sweep_every: Duration, now: Instant) -> Self {
        let backoff = || Backoff::new(RETRY.0, RETRY.1);
        Self {
            interval,
            sweep_every,
            look_at: now,
            run_at: None,
            roots_at: now + ROOTS_EVERY,
            sweep_at: now + sweep_every,
            sweep_goes_on: false,
            look_backoff: backoff(),
            run_backoff: backoff(),
        }
    }

    /// Another interval; the next look is at once.
    pub fn begin(&mut self, interval: Duration, now: Instant) {
        self.interval = interval;
        self.look_at = now;
    }

    /// The branch may have moved.
    pub fn look(&mut self, now: Instant) {
        self.look_at = self.look_at.min(now);
    }

    /// There may be something to apply, prune or heal.
    pub fn settle(&mut self, now: Instant) {
        self.run_at = Some(self.run_at.map_or(now, |at| at.min(now)));
    }

    /// When the branch is looked at next.
    pub fn look_at(&self) -> Instant {
        self.look_at
    }

    /// Takes the look that is due.
    pub fn claim_look(&mut self, now: Instant) -> bool {
        let is_due = self.look_at <= now;
        if is_due {
            self.look_at = now + self.interval;
        }
        is_due
    }

    /// Takes the run that is due.
    pub fn claim_run(&mut self, now: Instant) -> bool {
        self.run_at.take_if(|at| *at <= now).is_some()
    }

    /// Takes the search for roots that is due.
    pub fn claim_roots(&mut self, now: Instant) -> bool {
        let is_due = self.roots_at <= now;
        if is_due {
            self.roots_at = now + ROOTS_EVERY;
        }
        is_due
    }

    /// Takes the part of a sweep that is due: the first of a new one, or the next of the one that is under way.
    pub fn claim_sweep(&mut self, now: Instant) -> Option<SweepPart> {
        if std::mem::take(&mut self.sweep_goes_on) {
            return Some(SweepPart::Next);
        }
        let is_due = self.sweep_at <= now;
        is_due.then(|| {
            self.sweep_at = now + self.sweep_every;
            SweepPart::First
        })
    }

    /// A sweep has objects left.
    pub fn continue_sweep(&mut self) {
        self.sweep_goes_on = true;
    }

    /// How a look ended. One that failed for a reason that passes is made again before its time.
    pub fn looked(&mut self, passing_fault: bool, now: Instant) {
        if passing_fault {
            self.look_at = self.look_at.min(now + self.look_backoff.next_wait());
        } else {
            self.look_backoff.reset();
        }
    }

    /// How a run ended. One that failed for a reason that passes is made again soon.
    pub fn ran(&mut self, passing_fault: bool, now: Instant) {
        if passing_fault {
            let at = now + self.run_backoff.next_wait();
            self.run_at = Some(self.run_at.map_or(at, |known| known.min(at)));
        } else {
            self.run_backoff.reset();
        }
    }

    /// When there is something to do; never `now` or before it unless something is due.
    pub fn next_wake(&self, situation: Situation, now: Instant) -> Instant {
        let acts = !situation.is_suspended;
        let look = (!situation.is_looking).then_some(self.look_at);
        let run = self.run_at.filter(|_| acts);
        let sweep = acts.then_some(if self.sweep_goes_on { now } else { self.sweep_at });
        let roots = situation.is_unwell.then_some(self.roots_at);
        let change = situation.changes_at.filter(|at| *at > now);
        [look, run, sweep, roots, change].into_iter().flatten().min().unwrap_or(now + self.interval)
    }
}

/// A part of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SweepPart {
    /// A new one begins.
    First,
    /// It goes on.
    Next,
}

#[cfg(test)]
mod tests;
