//! What lies on this machine, reached without following a link: each name on the way is looked at in the folder before it.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::Kind;
use crate::{FileMode, limits::MAX_FILE_BYTES};

/// What lies on the way from a folder; nothing of what is behind a link or in a repository of its own.
pub(super) fn kind(root: &Path, way: &Path) -> Option<Kind> {
    let mut place = root.to_owned();
    let mut names = way.iter().peekable();
    while let Some(name) = names.next() {
        place.push(name);
        let kind = fs::symlink_metadata(&place).ok()?.file_type();
        let is_last = names.peek().is_none();
        match kind {
            kind if kind.is_symlink() => return is_last.then_some(Kind::File(FileMode::Symlink)),
            kind if kind.is_file() => return is_last.then_some(Kind::File(FileMode::Regular)),
            kind if kind.is_dir() && place.join(".git").exists() => return is_last.then_some(Kind::Submodule),
            kind if kind.is_dir() && is_last => return Some(Kind::Directory),
            kind if kind.is_dir() => {}
            _ => return None,
        }
    }
    None
}

/// The content of a file on the way from a folder, which itself is no link; of one with more than [`MAX_FILE_BYTES`] the
/// error says how many bytes there are.
///
/// # Errors
/// When there is no such file, or a link on the way or in its place.
pub(super) fn read(root: &Path, way: &Path) -> io::Result<Result<Vec<u8>, u64>> {
    let mut folder = open_folder(CWD, root)?;
    for name in way.parent().into_iter().flat_map(Path::iter) {
        folder = open_folder(folder.as_fd(), Path::new(name))?;
    }
    let name = way.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?;
    // What is no file may have come in its place: a pipe would be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(folder, name, flags, Mode::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() as u64 > MAX_FILE_BYTES { Err(metadata.len()) } else { Ok(bytes) })
}

/// Opens a folder as seen from another; its last name is no link.
pub(crate) fn open_folder(folder: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, path, flags, Mode::empty())?)
}
