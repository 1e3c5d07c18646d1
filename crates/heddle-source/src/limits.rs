//! The bounds on what a repository may hold. Whoever can push decides what is fetched, so nothing is read without one.

use std::time::Duration;

use heddle_core::limit::Limit;

/// The most files and directories that are listed of one revision, for one path. A snapshot of Kubernetes itself has
/// about 30,000.
pub const MAX_TREE_ENTRIES: usize = 100_000;

/// The deepest that a file may lie, in names. Linux ends at 4,096 bytes of path.
pub const MAX_TREE_DEPTH: usize = 64;

/// The largest object of git that is unpacked, in bytes. GitHub warns from this size on.
pub const MAX_OBJECT_BYTES: u64 = 50 << 20;

/// The largest file that is read, in bytes. No object in a cluster is larger (etcd takes 1.5 MiB).
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// The most bytes that the answers of one fetch may hold. A snapshot of Kubernetes itself takes about 40 MiB.
pub const MAX_FETCH_BYTES: u64 = 256 << 20;

/// How long one fetch may take.
pub const FETCH_LIMIT: Duration = Duration::from_secs(120);

/// Every limit of this crate.
pub const LIMITS: &[Limit] = &[
    Limit::count(
        "files and directories that are listed of one revision for one path",
        MAX_TREE_ENTRIES as u64,
        "condition `Rendered`, or the repository's error: there are more than that",
    ),
    Limit::count("directories above a file", MAX_TREE_DEPTH as u64, "the same places: the directory is refused"),
    Limit::bytes(
        "one file that is read of a revision",
        MAX_FILE_BYTES,
        "an error at the file; below a kustomization a note, and the file is passed over",
    ),
    Limit::bytes(
        "one object of git, unpacked; so many that their index takes no more",
        MAX_OBJECT_BYTES,
        "condition `Fetched`, or the repository's error: an object is too large",
    ),
    Limit::bytes("answers of a git host to one fetch", MAX_FETCH_BYTES, "the same places: the fetch brought too much"),
    Limit::time("one fetch", FETCH_LIMIT, "the same places: it took too long; tried again"),
];
