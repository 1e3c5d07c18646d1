//! How much of what settings name is read.

use heddle_core::limit::Limit;

/// The largest file that a setting names or stands in, in bytes. A ConfigMap or a Secret of Kubernetes holds no more.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The limits of this crate, for `docs/reference/limits.md`.
pub const LIMITS: &[Limit] =
    &[Limit::bytes("the file that a setting names or stands in", MAX_FILE_BYTES as u64, "the program does not start")];
