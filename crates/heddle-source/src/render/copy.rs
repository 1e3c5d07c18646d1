//! A private copy of files, for a program that reads them from disk.

use std::{
    cell::Cell,
    fs::{File, Permissions},
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use crate::{TreePath, limits::MAX_RENDER_BYTES, tree::open_folder};

/// A directory of its own, removed with all that it holds when this is dropped.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    dir: tempfile::TempDir,
    root: OwnedFd,
    bytes_left: Cell<u64>,
}

impl PrivateCopy {
    /// In `folder`, else where temporary files lie.
    pub(super) fn new(folder: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("heddle-render-").permissions(Permissions::from_mode(0o700));
        let dir = folder.map_or_else(|| builder.tempdir(), |folder| builder.tempdir_in(folder))?;
        let root = open_folder(CWD, dir.path())?;
        Ok(Self { dir, root, bytes_left: Cell::new(MAX_RENDER_BYTES) })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where a path of the tree lies in it.
    pub(super) fn at(&self, path: &TreePath) -> PathBuf {
        path.names().fold(self.path().to_owned(), |at, name| at.join(name))
    }

    /// Writes a new file. Each directory on the way is opened from the one before, so no link is followed.
    ///
    /// # Errors
    /// When there is a file of this path, or anything but a directory on the way to it, or the copy is too large with it.
    pub(super) fn write(&self, path: &TreePath, content: &[u8]) -> io::Result<()> {
        let left = self.bytes_left.get().checked_sub(content.len() as u64).ok_or_else(|| {
            io::Error::other(format!(
                "it needs more than {} MiB of files: move what is no manifest out of its directories",
                MAX_RENDER_BYTES >> 20
            ))
        })?;
        self.bytes_left.set(left);
        let mut names = path.names().peekable();
        let mut opened: Option<OwnedFd> = None;
        while let Some(name) = names.next() {
            let folder = opened.as_ref().unwrap_or(&self.root).as_fd();
            if names.peek().is_none() {
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
                return File::from(file).write_all(content);
            }
            match mkdirat(folder, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            opened = Some(open_folder(folder, Path::new(name))?);
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "a root is no file"))
    }
}

#[cfg(test)]
mod tests;
