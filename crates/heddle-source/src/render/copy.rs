//! A private copy of files, for a program that reads them from disk.

use std::{
    cell::Cell,
    fs::{self, File, Permissions},
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::{Path, PathBuf},
    process,
    sync::LazyLock,
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use crate::{TreePath, limits::MAX_RENDER_BYTES, tree::open_folder};

/// How the names of all copies begin.
const PREFIX: &str = "heddle-render-";

/// How those of this process begin: with its number and the instant of its start, which no other process has.
static MARK: LazyLock<String> = LazyLock::new(|| {
    let pid = process::id();
    format!("{PREFIX}{pid}.{}-", began_at(pid).unwrap_or_default())
});

/// Removes the copies that processes left in a folder which were killed. What cannot be removed is somebody else's.
///
/// # Errors
/// When the folder cannot be listed.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    // Where processes cannot be looked at, nobody knows which are gone.
    if began_at(process::id()).is_none() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.split_once('.'));
        let Some((Ok(pid), began)) = owner.map(|(pid, began)| (pid.parse(), began)) else { continue };
        if began_at(pid).as_deref() != Some(began) {
            // A link is not followed: it is no directory.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// When a process began, in ticks since the machine did; `None` when there is no such process. Source: `proc_pid_stat(5)`,
/// field 22; the second one is a name in parentheses that may hold anything.
fn began_at(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
}

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
        builder.prefix(MARK.as_str()).permissions(Permissions::from_mode(0o700));
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

    /// Removes a directory with all that it holds.
    ///
    /// # Errors
    /// When it is not there, or cannot be removed.
    pub(super) fn remove(&self, directory: &TreePath) -> io::Result<()> {
        fs::remove_dir_all(self.at(directory))
    }
}

#[cfg(test)]
mod tests;
