//! Room on disk for what is unpacked, for as long as somebody uses it.
//!
//! Each process has a directory of its own, which it locks. What a process that was killed has left is removed by the next.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::{NamedTempFile, TempDir, TempPath};

use crate::limits::MAX_UNPACKED_BYTES;

const LOCK: &str = "lock";

/// A directory of what is unpacked. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::bases) struct Rooms {
    dir: PathBuf,
    shared: Arc<Shared>,
    most_bytes: u64,
}

#[derive(Debug, Default)]
struct Shared {
    own: OnceLock<Own>,
    bytes: AtomicU64,
}

/// The directory of this process.
#[derive(Debug)]
struct Own {
    dir: TempDir,
    _lock: File,
}

/// The content of one package, which goes with it.
#[derive(Debug)]
pub(super) struct Room {
    path: TempPath,
    bytes: u64,
    most_bytes: u64,
    shared: Arc<Shared>,
}

impl Rooms {
    /// Nothing is made before the first use.
    pub(in crate::bases) fn open(dir: PathBuf) -> Self {
        Self { dir, shared: Arc::default(), most_bytes: MAX_UNPACKED_BYTES }
    }

    /// An empty one, and its file to write to.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn take(&self) -> io::Result<(Room, File)> {
        let own = match self.shared.own.get() {
            Some(own) => own,
            None => {
                let new = Own::make(&self.dir)?;
                self.shared.own.get_or_init(|| new)
            }
        };
        let (file, path) = NamedTempFile::new_in(own.dir.path())?.into_parts();
        Ok((Room { path, bytes: 0, most_bytes: self.most_bytes, shared: Arc::clone(&self.shared) }, file))
    }
}

impl Room {
    /// Counts what was written to it.
    ///
    /// # Errors
    /// When all rooms take too much with it.
    pub(super) fn fill(&mut self, bytes: u64) -> io::Result<()> {
        self.bytes = bytes;
        let others = self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        if others + bytes > self.most_bytes {
            let most_mib = self.most_bytes >> 20;
            return Err(io::Error::other(format!("the charts in use by all Syncs take more than {most_mib} MiB")));
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.shared.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Own {
    fn make(parent: &Path) -> io::Result<Self> {
        fs::create_dir_all(parent)?;
        sweep(parent)?;
        let dir = tempfile::Builder::new().prefix("of-").tempdir_in(parent)?;
        // It has the name of a lock only once it is locked.
        let (lock, path) = NamedTempFile::new_in(dir.path())?.into_parts();
        lock.lock()?;
        path.persist(dir.path().join(LOCK)).map_err(|error| error.error)?;
        Ok(Self { dir, _lock: lock })
    }
}

/// Removes what processes have left that are no more.
fn sweep(parent: &Path) -> io::Result<()> {
    for entry in fs::read_dir(parent)? {
        let dir = entry?.path();
        let Ok(lock) = File::open(dir.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            match fs::remove_dir_all(&dir) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
