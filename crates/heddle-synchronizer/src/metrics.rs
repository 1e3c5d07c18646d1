//! What the agent counts about itself, for Prometheus. `docs/reference/agent.md` has the same list for people; a test
//! holds the two together.

use std::time::Duration;

use ::metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Each metric with what it says.
const ALL: [(&str, Kind, &str); 13] = [
    (LEADS, Kind::Gauge, "1 while this agent holds the Lease and works, 0 while it waits"),
    (CONDITION, Kind::Gauge, "1 while a condition of a Sync is True, else 0"),
    (OBJECTS, Kind::Gauge, "objects in the inventory of a Sync"),
    (ERRORS, Kind::Gauge, "errors of the last attempt of a Sync"),
    (FETCHES, Kind::Counter, "how often the branch of a Sync was asked for, by result"),
    (RENDERS, Kind::Counter, "new revisions of a Sync by what became of them; skipped: none of its inputs changed"),
    (RENDER_SECONDS, Kind::Histogram, "how long rendering took"),
    (APPLY_SECONDS, Kind::Histogram, "how long applying and pruning took, where there was something to do"),
    (WRITES, Kind::Counter, "objects of a Sync that were applied, tried or deleted, by result"),
    (DRIFTS, Kind::Counter, "changes that others made to objects of a Sync, by what found them"),
    (SWEEPS, Kind::Counter, "how often every object of a Sync was compared by a dry run"),
    (WAITING, Kind::Gauge, "deploy facts that the API has not taken yet"),
    (REPORTS, Kind::Counter, "reports to the API, by result"),
];

const LEADS: &str = "heddle_agent_leads";
const CONDITION: &str = "heddle_sync_condition";
const OBJECTS: &str = "heddle_sync_objects";
const ERRORS: &str = "heddle_sync_errors";
const FETCHES: &str = "heddle_sync_fetches_total";
const RENDERS: &str = "heddle_sync_renders_total";
const RENDER_SECONDS: &str = "heddle_sync_render_seconds";
const APPLY_SECONDS: &str = "heddle_sync_apply_seconds";
const WRITES: &str = "heddle_sync_writes_total";
const DRIFTS: &str = "heddle_sync_drifts_total";
const SWEEPS: &str = "heddle_sync_sweeps_total";
const WAITING: &str = "heddle_outbox_facts";
const REPORTS: &str = "heddle_reports_total";

/// Tells the recorder what each metric says.
pub fn describe() {
    for (name, kind, help) in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, help),
            Kind::Gauge => describe_gauge!(name, help),
            Kind::Histogram => describe_histogram!(name, help),
        }
    }
}

/// Whether this agent works.
pub fn leads(leads: bool) {
    gauge!(LEADS).set(f64::from(leads));
}

/// How the API took a report.
pub fn reported(is_good: bool) {
    counter!(REPORTS, "result" => result(is_good)).increment(1);
}

/// How many deploy facts wait.
pub fn waiting(facts: usize) {
    // Counts this small are exact.
    gauge!(WAITING).set(facts as f64);
}

/// What a write was.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    Apply,
    DryRun,
    Delete,
}

/// What became of a new revision.
#[derive(Debug, Clone, Copy)]
pub enum RenderResult {
    Done,
    Failed,
    /// None of its inputs changed.
    Skipped,
}

/// What found a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundBy {
    Watch,
    Sweep,
}

/// The metrics of one Sync.
#[derive(Debug, Clone)]
pub struct SyncMetrics(String);

impl SyncMetrics {
    pub fn new(sync: &str) -> Self {
        Self(sync.to_owned())
    }

    pub fn condition(&self, kind: &'static str, is_true: bool) {
        gauge!(CONDITION, "sync" => self.0.clone(), "type" => kind).set(f64::from(is_true));
    }

    /// `objects` is `None` while it is not known how many there are.
    pub fn state(&self, objects: Option<u64>, errors: usize) {
        // Counts this small are exact.
        if let Some(objects) = objects {
            gauge!(OBJECTS, "sync" => self.0.clone()).set(objects as f64);
        }
        gauge!(ERRORS, "sync" => self.0.clone()).set(errors as f64);
    }

    pub fn fetched(&self, is_good: bool) {
        counter!(FETCHES, "sync" => self.0.clone(), "result" => result(is_good)).increment(1);
    }

    pub fn rendered(&self, what: RenderResult) {
        let what = match what {
            RenderResult::Done => "done",
            RenderResult::Failed => "failed",
            RenderResult::Skipped => "skipped",
        };
        counter!(RENDERS, "sync" => self.0.clone(), "result" => what).increment(1);
    }

    pub fn render_took(&self, took: Duration) {
        histogram!(RENDER_SECONDS, "sync" => self.0.clone()).record(took.as_secs_f64());
    }

    pub fn apply_took(&self, took: Duration) {
        histogram!(APPLY_SECONDS, "sync" => self.0.clone()).record(took.as_secs_f64());
    }

    pub fn wrote(&self, verb: Verb, is_good: bool) {
        let verb = match verb {
            Verb::Apply => "apply",
            Verb::DryRun => "dry-run",
            Verb::Delete => "delete",
        };
        counter!(WRITES, "sync" => self.0.clone(), "verb" => verb, "result" => result(is_good)).increment(1);
    }

    pub fn drifted(&self, found_by: FoundBy) {
        let found_by = match found_by {
            FoundBy::Watch => "watch",
            FoundBy::Sweep => "sweep",
        };
        counter!(DRIFTS, "sync" => self.0.clone(), "found_by" => found_by).increment(1);
    }

    pub fn swept(&self) {
        counter!(SWEEPS, "sync" => self.0.clone()).increment(1);
    }
}

fn result(is_good: bool) -> &'static str {
    if is_good { "ok" } else { "failed" }
}

#[cfg(test)]
mod tests;
