//! How much one report may hold. The agent makes none above it; the API answers one above it with 413.

use super::{Deploy, DeployFact, Report, SyncError, SyncReport};

/// Largest report, in bytes of JSON before compression.
pub const MAX_REPORT_BYTES: usize = 4 << 20;

/// Most facts in a report.
pub const MAX_FACTS: usize = 500;

/// Largest fact that an agent sends, in bytes of JSON.
pub const MAX_FACT_BYTES: usize = 512 << 10;

/// Most errors in the state of a Sync.
pub const MAX_ERRORS: usize = 200;

/// Most errors in a fact: the state has more.
pub const MAX_FACT_ERRORS: usize = 20;

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
    /// The same with no more errors than a fact may hold.
    #[must_use]
    pub fn fit(mut self) -> Self {
        if let Deploy::Failed { errors, .. } = &mut self.what {
            errors.truncate(MAX_FACT_ERRORS);
        }
        self
    }

    /// How many images it names.
    pub fn count_images(&self) -> usize {
        match &self.what {
            Deploy::Applied { images, .. } | Deploy::Failed { images, .. } => images.len(),
            Deploy::Health { .. } => 1,
        }
    }
}

impl SyncReport {
    /// The same with no more in it than a report may hold and than fits into `most_bytes` of JSON. An error at the front
    /// says what was left out.
    #[must_use]
    pub fn fit(mut self, most_bytes: usize) -> Self {
        let had = (self.errors.len(), self.count_workloads());
        self.errors.truncate(MAX_ERRORS);
        if let Some(observed) = &mut self.observed {
            observed.workloads.truncate(MAX_WORKLOADS);
            observed.workloads.iter_mut().for_each(|workload| workload.images.truncate(MAX_IMAGES));
        }
        loop {
            // Measured with the error that says what was left out: that one has to fit as well.
            let noted = self.clone().note_left_out(had);
            let is_too_large = serde_json::to_vec(&noted).is_ok_and(|text| text.len() > most_bytes);
            if !is_too_large || !self.halve() {
                return noted;
            }
        }
    }

    /// Says in an error at the front what is left out of the errors and the workloads that it `had`, if anything.
    fn note_left_out(mut self, had: (usize, usize)) -> Self {
        if had == (self.errors.len(), self.count_workloads()) {
            return self;
        }
        self.errors.truncate(MAX_ERRORS - 1);
        let (errors, workloads) = (had.0 - self.errors.len(), had.1 - self.count_workloads());
        let message = format!(
            "{errors} errors and {workloads} workloads of this Sync are not told here: it is larger than a report may be; \
             split the Sync"
        );
        self.errors.insert(0, SyncError { file: None, line: None, object: None, message: message.into() });
        self
    }

    /// Leaves out half of what there is most of; false when nothing is left to leave out.
    fn halve(&mut self) -> bool {
        let half = |length: usize| (length > 0).then_some(length / 2);
        let workloads = self.observed.as_mut().map(|observed| &mut observed.workloads);
        if let Some((workloads, length)) = workloads.and_then(|all| half(all.len()).map(|length| (all, length))) {
            workloads.truncate(length);
        } else if let Some(length) = half(self.errors.len()) {
            self.errors.truncate(length);
        } else if let Some(length) = half(self.drifts.len()) {
            self.drifts.truncate(length);
        } else {
            return false;
        }
        true
    }

    /// How many workloads it names.
    pub fn count_workloads(&self) -> usize {
        self.observed.as_ref().map_or(0, |observed| observed.workloads.len())
    }

    fn count_images(&self) -> impl Iterator<Item = usize> {
        self.observed.iter().flat_map(|observed| &observed.workloads).map(|workload| workload.images.len())
    }
}

#[cfg(test)]
mod tests;
