//! Opens files that are encrypted with SOPS.
//!
//! The official `sops` opens them, from memory to memory: it reads the file on its standard input, has the key in an
//! environment of its own, no network and no home, and checks the file's MAC. Nothing that it gives is ever written to a
//! disk, and no message holds any of it.

mod format;
mod identities;
mod opened;

use std::{
    collections::HashMap,
    fmt, io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

pub use self::identities::{Identities, IdentityError};
pub(super) use self::{
    format::Format,
    opened::{Opened, Put},
};
use super::{
    RenderTools,
    cipher::disguised,
    copy::sweep,
    process::{self, ProcessFault},
    until::Until,
};
use crate::limits::{CHILD_HEAP_BYTES, MAX_OPENED_BYTES};

/// What opens encrypted files. Clones share what was opened.
#[derive(Clone)]
pub struct Decryption {
    sops: PathBuf,
    identities: Identities,
    memory_dir: Option<PathBuf>,
    kept: Arc<Mutex<Kept>>,
}

/// Opened files by the digest of their format and cipher text, so that one which did not change is not opened again.
#[derive(Default)]
struct Kept {
    files: HashMap<[u8; 32], SecretSlice<u8>>,
    bytes: usize,
}

/// Why a file was not opened.
pub(super) enum Closed {
    /// In words without anything of what it holds.
    Fault(String),
    /// The time of the render is over.
    Ended,
}

impl Decryption {
    /// With the official `sops`, keys, and a folder in memory, in which kustomize may read what its generators name; without
    /// one these files are errors.
    pub fn new(sops: PathBuf, identities: Identities, memory_dir: Option<PathBuf>) -> Self {
        Self { sops, identities, memory_dir, kept: Arc::default() }
    }

    /// The folder in memory.
    pub(super) fn memory_dir(&self) -> Option<&Path> {
        self.memory_dir.as_deref()
    }

    /// What stands for an encrypted value, and is treated as one. It is the same each time, since names are made of what objects
    /// hold.
    pub(super) fn word_for(&self, cipher: &str) -> String {
        let digest = Sha256::new().chain_update(self.identities.expose()).chain_update([0]).chain_update(cipher);
        disguised(&hex::encode(digest.finalize()))
    }

    /// Opens a file of a format.
    ///
    /// # Errors
    /// With what is wrong and what to do.
    pub(super) fn open(
        &self,
        content: &[u8],
        format: Format,
        (tools, until): (&RenderTools, &Until),
    ) -> Result<Vec<u8>, Closed> {
        let digest =
            Sha256::new().chain_update(format.name()).chain_update([0]).chain_update(content).finalize().into();
        if let Some(known) = self.kept().files.get(&digest) {
            return Ok(known.expose_secret().to_vec());
        }
        if !self.sops.is_file() {
            return Err(Closed::Fault(format!(
                "it is encrypted, and there is no program `{}` that opens it: install the official sops, or name it by HEDDLE_SOPS",
                self.sops.display()
            )));
        }
        match process::run(self.command(format), Some(content), tools.limit, until, &tools.slots) {
            Ok(opened) => {
                self.keep(digest, &opened);
                Ok(opened)
            }
            Err(ProcessFault::Ended) => Err(Closed::Ended),
            Err(ProcessFault::Failed(complaint)) => Err(Closed::Fault(explain(&complaint.0, content))),
            Err(fault) => Err(Closed::Fault(format!("`{}`, which opens it, {fault}", self.sops.display()))),
        }
    }

    /// It looks for settings where it runs and above, and for keys at home: neither is there.
    fn command(&self, format: Format) -> Command {
        let mut command = Command::new(&self.sops);
        command
            .args(["decrypt", "--input-type", format.name(), "--output-type", format.name()])
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("SOPS_AGE_KEY", self.identities.expose())
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .env("GOMEMLIMIT", CHILD_HEAP_BYTES.to_string())
            .current_dir("/");
        command
    }

    fn keep(&self, digest: [u8; 32], opened: &[u8]) {
        let mut kept = self.kept();
        if kept.bytes + opened.len() > MAX_OPENED_BYTES {
            *kept = Kept::default();
        }
        if opened.len() <= MAX_OPENED_BYTES {
            kept.bytes += opened.len();
            kept.files.insert(digest, opened.to_vec().into());
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Decryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decryption")
            .field("sops", &self.sops)
            .field("memory_dir", &self.memory_dir)
            .finish_non_exhaustive()
    }
}

/// Two are the same that open the same.
impl PartialEq for Decryption {
    fn eq(&self, other: &Self) -> bool {
        (&self.sops, &self.identities, &self.memory_dir) == (&other.sops, &other.identities, &other.memory_dir)
    }
}

/// A folder in memory, as it was said, else `/dev/shm` where that is one: what is written there comes to no disk but by
/// swapping. What processes of Heddle that were killed have left in it is removed.
///
/// # Errors
/// When what was said is none, or cannot be looked at.
pub fn memory_dir(said: Option<PathBuf>) -> io::Result<Option<PathBuf>> {
    let found = find_memory_dir(said)?;
    if let Some(Err(error)) = found.as_deref().map(sweep) {
        tracing::warn!(%error, "what killed processes may have left in memory could not be looked for: {error}");
    }
    Ok(found)
}

fn find_memory_dir(said: Option<PathBuf>) -> io::Result<Option<PathBuf>> {
    let Some(dir) = said else {
        let usual = Path::new("/dev/shm");
        return Ok(is_in_memory(usual).is_ok_and(|is_in_memory| is_in_memory).then(|| usual.to_owned()));
    };
    let named = |words: &dyn fmt::Display| io::Error::other(format!("`{}` {words}", dir.display()));
    match is_in_memory(&dir) {
        Ok(true) => Ok(Some(dir)),
        Ok(false) => Err(named(&"does not lie in memory")),
        Err(error) => Err(named(&format!("cannot be looked at: {error}"))),
    }
}

/// Whether a folder is on a tmpfs or a ramfs. Source: statfs(2).
fn is_in_memory(dir: &Path) -> io::Result<bool> {
    const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    Ok(IN_MEMORY.contains(&rustix::fs::statfs(dir)?.f_type))
}

/// What a complaint of sops means. Its own words may quote what it read.
fn explain(complaint: &str, content: &[u8]) -> String {
    // It breaks them into lines with a margin.
    let complaint = complaint.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ");
    let says = |words: &[&str]| words.iter().any(|words| complaint.contains(words));
    if says(&["MAC mismatch", "Cannot decrypt MAC", "Error decrypting tree"]) {
        return "its MAC does not fit: something other than sops changed it after it was encrypted; make the change with \
                `sops edit`"
            .to_owned();
    }
    if says(&["Errors while loading age identities"]) {
        return "a key that was given is no identity of age (`AGE-SECRET-KEY-1…`) as `age-keygen` writes it".to_owned();
    }
    if !says(&["Failed to get the data key"]) {
        return "sops cannot open it; `sops decrypt` tells you why".to_owned();
    }
    let recipients = format::age_recipients(content);
    if recipients.is_empty() {
        return "it is encrypted for no key of age, and no other key is taken: add one with `sops rotate --in-place --add-age`"
            .to_owned();
    }
    format!(
        "no key that was given opens it: it is encrypted for {}; give the identity of one of these, or add a recipient with \
         `sops rotate --in-place --add-age`",
        recipients.join(", ")
    )
}

#[cfg(test)]
mod tests;
