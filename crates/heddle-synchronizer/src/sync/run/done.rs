//! What was done in the cluster, for those who are to be told.

use heddle_reconcile::Spared;

/// What a run has done. It is told however the run ends: what is done is not done again, so the next one knows nothing of it.
#[derive(Debug, Default)]
pub(in crate::sync) struct Done {
    /// How many objects were written.
    pub applied: usize,
    /// How many were deleted.
    pub deleted: usize,
    /// How many drifts were put back.
    pub healed: usize,
    /// What left the path and says itself that it stays: nobody's any more.
    pub kept: Vec<Spared>,
}
