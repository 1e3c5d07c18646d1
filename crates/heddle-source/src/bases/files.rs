//! Remote files and packages of charts on disk, by their address and SHA-256, each for those who were let through to it.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use sha2::{Digest, Sha256};
use url::Url;

/// A directory of files.
#[derive(Debug, Clone)]
pub(super) struct KeptFiles {
    dir: PathBuf,
    /// The most bytes of one.
    most_of_one: u64,
    /// The most bytes of all.
    most: u64,
}

impl KeptFiles {
    pub(super) fn open(dir: PathBuf, most_of_one: u64, most: u64) -> Self {
        Self { dir, most_of_one, most }
    }

    /// The file with a digest, as `owner` was given it at an address; none that was damaged.
    pub(super) fn find(&self, url: &Url, owner: &str, sha256: &str) -> Option<Arc<[u8]>> {
        let path = self.place(url, owner, sha256);
        let file = File::open(&path).ok()?;
        let mut bytes = Vec::new();
        file.take(self.most_of_one + 1).read_to_end(&mut bytes).ok()?;
        if bytes.len() as u64 > self.most_of_one || digest_of(&bytes) != sha256 {
            return None;
        }
        Self::touch(&path);
        Some(bytes.into())
    }

    /// Notes that the file at a place is used: that is not what goes first. Where it cannot be noted, it is fetched again one day.
    pub(super) fn touch(place: &Path) {
        let _ = File::open(place).and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// Keeps a file, says where, and removes those longest not used where they are too many, but for those in use.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(
        &self,
        url: &Url,
        owner: &str,
        sha256: &str,
        bytes: &[u8],
        is_in_use: impl Fn(&PathBuf) -> bool,
    ) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.dir)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.dir)?;
        file.write_all(bytes)?;
        let place = self.place(url, owner, sha256);
        file.persist(&place).map_err(|error| error.error)?;
        self.trim(is_in_use)?;
        Ok(place)
    }

    fn trim(&self, is_in_use: impl Fn(&PathBuf) -> bool) -> io::Result<()> {
        let sized = |entry: io::Result<fs::DirEntry>| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH), metadata.len(), entry.path()))
        };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = fs::read_dir(&self.dir)?.filter_map(sized).collect();
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if bytes <= self.most {
                break;
            }
            if is_in_use(&path) {
                continue;
            }
            remove(&path)?;
            bytes -= size;
        }
        Ok(())
    }

    /// Who only knows the digest of a file is not given it: whoever names it names an address that it may be fetched from.
    pub(super) fn place(&self, url: &Url, owner: &str, sha256: &str) -> PathBuf {
        self.dir.join(digest_of(format!("{sha256}\n{owner}\n{url}").as_bytes()))
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
