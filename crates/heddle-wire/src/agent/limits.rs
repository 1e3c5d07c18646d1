//! How much one report may hold. The agent makes none above it; the API answers one above it with 413.

use super::{Deploy, DeployFact, Report, SyncReport};

/// Largest report, in bytes of JSON before compression.
pub const MAX_REPORT_BYTES: usize = 4 << 20;

/// Most facts in a report.
pub const MAX_FACTS: usize = 500;

/// Most Syncs whose state is in a report.
pub const MAX_SYNCS: usize = 500;

/// Most workloads in a report, those of all its Syncs together.
pub const MAX_WORKLOADS: usize = 2000;

/// Most images in a fact, and in a workload.
pub const MAX_IMAGES: usize = 2000;

/// Most Syncs of a cluster whose presence can be told. Above it none is taken for gone.
pub const MAX_PRESENT: usize = 5000;

/// What of a report is above its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a report holds at most {limit} {what}, and this one holds {count}: split it")]
pub struct Excess {
    /// What there is too much of.
    pub what: &'static str,
    /// How much there is.
    pub count: usize,
    /// How much may be.
    pub limit: usize,
}

impl Report {
    /// Looks for what is above its limit; bytes are counted where they are read.
    ///
    /// # Errors
    /// The first that there is too much of.
    pub fn check_size(&self) -> Result<(), Excess> {
        let images = self.facts.iter().map(DeployFact::count_images);
        let images = images.chain(self.syncs.iter().flat_map(SyncReport::count_images)).max();
        let counts = [
            ("facts", self.facts.len(), MAX_FACTS),
            ("Syncs", self.syncs.len(), MAX_SYNCS),
            ("workloads", self.syncs.iter().map(SyncReport::count_workloads).sum(), MAX_WORKLOADS),
            ("names of Syncs", self.present.as_ref().map_or(0, Vec::len), MAX_PRESENT),
            ("images in one fact or workload", images.unwrap_or_default(), MAX_IMAGES),
        ];
        match counts.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, count, limit)) => Err(Excess { what, count, limit }),
            None => Ok(()),
        }
    }
}

impl DeployFact {
    /// How many images it names.
    pub fn count_images(&self) -> usize {
        match &self.what {
            Deploy::Applied { images } | Deploy::Failed { images, .. } => images.len(),
            Deploy::Health { .. } => 1,
        }
    }
}

impl SyncReport {
    /// How many workloads it names.
    pub fn count_workloads(&self) -> usize {
        self.observed.as_ref().map_or(0, |observed| observed.workloads.len())
    }

    fn count_images(&self) -> impl Iterator<Item = usize> {
        self.observed.iter().flat_map(|observed| &observed.workloads).map(|workload| workload.images.len())
    }
}
