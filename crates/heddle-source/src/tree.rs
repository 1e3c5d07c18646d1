//! What is rendered: files by path, of a fetched revision or of a folder of this machine.

use crate::{FileMode, ReadError, Snapshot, TreePath, limits::MAX_TREE_ENTRIES};

mod folder;

pub use self::folder::Folder;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file or a symbolic link.
    File(FileMode),
}

/// How much of a tree may still be looked at.
#[derive(Debug)]
pub struct Walk {
    entries_left: usize,
}

impl Default for Walk {
    /// A walk over at most [`MAX_TREE_ENTRIES`] files and directories.
    fn default() -> Self {
        Self { entries_left: MAX_TREE_ENTRIES }
    }
}

impl Walk {
    /// Counts one entry.
    pub(crate) fn step(&mut self) -> Result<(), ReadError> {
        let left = self.entries_left.checked_sub(1);
        self.entries_left = left.ok_or(ReadError::TooManyEntries { limit: MAX_TREE_ENTRIES })?;
        Ok(())
    }
}

/// Files by their paths from a root. Each function may take long and blocks its thread.
pub trait Tree: Sync {
    /// What stands at a path.
    ///
    /// # Errors
    /// When it cannot be looked at.
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError>;

    /// Every file and symbolic link in a directory and below; none when there is no such directory.
    ///
    /// # Errors
    /// When they cannot be listed, or are more than the walk takes.
    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Vec<(TreePath, FileMode)>, ReadError>;

    /// The content of a file.
    ///
    /// # Errors
    /// When there is no such file, it is larger than [`crate::limits::MAX_FILE_BYTES`], or it cannot be read.
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError>;

    /// What is equal for a path as long as nothing there or below changes; `None` where nothing is, or nobody knows.
    fn id(&self, path: &TreePath) -> Option<String>;
}

impl Tree for Snapshot {
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Self::find(self, path)
    }

    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Vec<(TreePath, FileMode)>, ReadError> {
        Ok(self.files_in(directory, walk)?.into_iter().map(|entry| (entry.path, entry.mode)).collect())
    }

    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        Self::read(self, path)
    }

    fn id(&self, path: &TreePath) -> Option<String> {
        self.tree_id(path)
    }
}
