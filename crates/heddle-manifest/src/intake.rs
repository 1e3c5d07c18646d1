//! How much of a branch is read, and kept of what was read. Whoever reads files asks before it reads each.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The largest file that is read, in bytes. No object in a cluster is larger: etcd takes 1.5 MiB.
pub const MAX_FILE_BYTES: u64 = 8 << 20;

/// How many bytes of manifests are read of one branch.
pub const MAX_BRANCH_BYTES: u64 = 64 << 20;

/// How many manifests are read of one branch.
pub const MAX_BRANCH_FILES: usize = 20_000;

/// Counts what is read of a branch, before it is read.
#[derive(Debug, Default)]
pub struct Intake {
    files: usize,
    bytes: u64,
}

/// Why a file is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMuch {
    /// It is too large by itself; others are read.
    #[error("the file is larger than {} MiB, so its images are not seen: split it", MAX_FILE_BYTES >> 20)]
    File,
    /// With it, the branch is too large; smaller ones may still be read.
    #[error("the branch holds more than {} MiB of manifests, so this file and others are not read: split the repository", MAX_BRANCH_BYTES >> 20)]
    Bytes,
    /// The branch holds too many files.
    #[error(
        "the branch holds more than {MAX_BRANCH_FILES} manifests, so this file and those behind it are not read: split the repository"
    )]
    Files,
}

impl Intake {
    /// Takes a file of a size, or says why it must not be read.
    ///
    /// # Errors
    /// When the file, or all that was taken with it, is too much.
    pub fn admit(&mut self, size_bytes: u64) -> Result<(), TooMuch> {
        if size_bytes > MAX_FILE_BYTES {
            return Err(TooMuch::File);
        }
        if self.files >= MAX_BRANCH_FILES {
            return Err(TooMuch::Files);
        }
        if self.bytes + size_bytes > MAX_BRANCH_BYTES {
            return Err(TooMuch::Bytes);
        }
        self.files += 1;
        self.bytes += size_bytes;
        Ok(())
    }
}

/// How many values may be kept of all files of a branch: references of kustomizations, and values of objects in which peers
/// say how images are updated. An image counts as [`IMAGE_WEIGHT`] values.
pub const MAX_KEPT: usize = 500_000;

/// How many values an image counts as.
pub const IMAGE_WEIGHT: usize = 8;

/// The shelf that all clones of the files share.
#[derive(Debug, Default, Clone)]
pub(crate) struct Shelf(Arc<AtomicUsize>);

/// Room on the shelf; it is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    shelf: Shelf,
    amount: usize,
}

impl Shelf {
    /// Takes room; `None` when there is not enough left.
    pub fn take(&self, amount: usize) -> Option<Room> {
        let grown = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(amount).filter(|grown| *grown <= MAX_KEPT)
        });
        grown.ok().map(|_| Room { shelf: self.clone(), amount })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shelf.0.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
