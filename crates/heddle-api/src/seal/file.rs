//! The file of sealing keys: one a line, 64 hexadecimal digits each, the first one seals.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::rand;
use secrecy::zeroize::Zeroizing;

use super::Key;

/// The most keys of a file.
pub const MAX_KEYS: usize = 16;

/// The largest file in bytes.
const MAX_BYTES: u64 = 8 << 10;

/// Why keys cannot be had. Nothing of the file is repeated but the number of a line.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read.
    #[error("{} cannot be read: {source}; name a file that this program may read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no key.
    #[error("line {line} of {} is no key; write the output of `openssl rand -hex 32`, one key a line", .path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("{} holds no key; write the output of `openssl rand -hex 32` into it", .0.display())]
    Empty(PathBuf),
    /// There is more than keys.
    #[error("{} holds more than {MAX_KEYS} keys; take out those that `heddle-api rotate-secrets` says may go", .0.display())]
    TooMany(PathBuf),
    /// A new file cannot be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads the keys of a file. Empty lines and those that begin with `#` are passed over.
pub(super) fn read(path: &Path) -> Result<Vec<Key>, KeysError> {
    let unreadable = |source| KeysError::Unreadable { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
        return Err(KeysError::TooMany(path.to_owned()));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
    let mut keys = Vec::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut bytes = Zeroizing::new([0_u8; 32]);
        let key = hex::decode_to_slice(line, &mut bytes[..]).ok().and_then(|()| Key::new(&bytes));
        keys.push(key.ok_or_else(|| KeysError::NoKey { path: path.to_owned(), line: index + 1 })?);
    }
    match keys.len() {
        0 => Err(KeysError::Empty(path.to_owned())),
        1..=MAX_KEYS => Ok(keys),
        _ => Err(KeysError::TooMany(path.to_owned())),
    }
}

/// Makes a file with one new key that its owner alone may read, unless there is a file.
///
/// # Errors
/// When it cannot be written.
pub fn make(path: &Path) -> Result<(), KeysError> {
    let unwritable = |source| KeysError::Unwritable { path: path.to_owned(), source };
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rand::fill(&mut bytes[..]).map_err(|_| unwritable(io::Error::other("the system gives no random numbers")))?;
    let text = Zeroizing::new(format!("{}\n", hex::encode(&bytes[..])));
    // Whole or not at all: half a file would be taken for one with a broken key.
    let part = path.with_extension("part");
    let _ = fs::remove_file(&part);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(unwritable)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritable)?;
    match fs::hard_link(&part, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unwritable(error)),
    }
    fs::remove_file(&part).map_err(unwritable)
}
