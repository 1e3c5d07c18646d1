//! How much of a key is read. What signatures may cost is `heddle_registry::limits`, which fetches them.

use heddle_core::limit::Limit;

/// The largest file of a public key, in bytes. A PEM of RSA with 8192 bits has about 1,500.
pub const MAX_KEY_BYTES: usize = 16 << 10;

/// The limits of this crate, for `docs/reference/limits.md`.
pub const LIMITS: &[Limit] = &[Limit::bytes(
    "the file of a public key that `signed_by` names",
    MAX_KEY_BYTES as u64,
    "finding `unreadable-key`; nothing counts as signed by it",
)];
