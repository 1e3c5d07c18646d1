//! Remote files on disk, by their address and SHA-256, each for those who were let through to it.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest, Sha256};
use url::Url;

use crate::limits::{MAX_FILE_BYTES, MAX_KEPT_FILES_BYTES};

/// A directory of files.
#[derive(Debug, Clone)]
pub(super) struct KeptFiles(PathBuf);

impl KeptFiles {
    pub(super) fn open(dir: PathBuf) -> Self {
        Self(dir)
    }

    /// The file with a digest, as `owner` was given it at an address; none that was damaged.
    pub(super) fn find(&self, url: &Url, owner: &str, sha256: &str) -> Option<Arc<[u8]>> {
        let path = self.place(url, owner, sha256);
        let size = fs::metadata(&path).ok()?.len();
        let bytes = (size <= MAX_FILE_BYTES).then(|| fs::read(&path)).and_then(Result::ok)?;
        (digest_of(&bytes) == sha256).then(|| bytes.into())
    }

    /// Keeps a file, and removes the oldest where they are too many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&self, url: &Url, owner: &str, sha256: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(bytes)?;
        file.persist(self.place(url, owner, sha256)).map_err(|error| error.error)?;
        self.trim(MAX_KEPT_FILES_BYTES)
    }

    fn trim(&self, most_bytes: u64) -> io::Result<()> {
        let sized = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()))
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.0)?.filter_map(sized).collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if bytes <= most_bytes {
                break;
            }
            remove(&path)?;
            bytes -= size;
        }
        Ok(())
    }

    /// Who only knows the digest of a file is not given it: whoever names it names an address that it may be fetched from.
    fn place(&self, url: &Url, owner: &str, sha256: &str) -> PathBuf {
        self.0.join(digest_of(format!("{sha256}\n{owner}\n{url}").as_bytes()))
    }
}

/// The SHA-256 of a content, in hexadecimal digits.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
