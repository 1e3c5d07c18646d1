//! What is rendered: files by path, of a fetched revision or of a folder of this machine.

use crate::{
    FileMode, PathError, ReadError, RemoteChart, Snapshot, TreePath, limits::MAX_TREE_ENTRIES, snapshot::Entries,
};

mod folder;
mod straight;

pub use self::folder::Folder;
pub(crate) use self::straight::open_folder;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A file or a symbolic link.
    File(FileMode),
    /// A link to a commit of another repository, which is not fetched.
    Submodule,
}

/// What a directory and all below hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Every file and symbolic link.
    pub files: Vec<(TreePath, FileMode)>,
    /// Further files in hidden directories, where these are no part of what is rendered: those of a folder of this machine.
    pub hidden: Vec<TreePath>,
    /// The places of submodules. Nothing in them is listed.
    pub submodules: Vec<TreePath>,
    /// Directories, and files that may be manifests, whose name is no text. Nothing in them is listed.
    pub unnamed: Vec<Unnamed>,
}

/// Something whose name is no text, so that it has no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// Where it lies.
    pub directory: TreePath,
    /// What is wrong with its name.
    pub fault: PathError,
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

    /// What a directory and all below hold; nothing when there is no such directory.
    ///
    /// # Errors
    /// When it cannot be listed, holds a name that could lead out of the tree, or more than the walk takes.
    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError>;

    /// The content of a file; of a symbolic link, its target.
    ///
    /// # Errors
    /// When there is no such file, it is larger than [`crate::limits::MAX_FILE_BYTES`], or it cannot be read.
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError>;

    /// What is equal for a path as long as nothing there or below changes; `None` where nothing is, or nobody knows.
    fn id(&self, path: &TreePath) -> Option<String>;

    /// What an address outside of the repository leads to.
    fn address(&self, _address: &str) -> Address {
        Address::Unknown
    }

    /// What a chart of a repository elsewhere leads to: its directory.
    fn chart(&self, _chart: &RemoteChart) -> Address {
        Address::Unknown
    }

    /// The root of the repository that holds a path: nothing of it refers to what lies outside.
    fn border(&self, _path: &TreePath) -> TreePath {
        TreePath::root()
    }
}

/// What an address outside of a repository leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// It was fetched, and has its place here.
    At(TreePath),
    /// It was not, for this reason: words that follow the address.
    Refused(String),
    /// Nothing is fetched.
    Unknown,
}

impl Tree for Snapshot {
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        Self::find(self, path)
    }

    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError> {
        let Entries { files, submodules, unnamed } = self.entries_in(directory, walk)?;
        Ok(Listing {
            files: files.into_iter().map(|entry| (entry.path, entry.mode)).collect(),
            hidden: Vec::new(),
            submodules,
            unnamed,
        })
    }

    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        Self::read(self, path)
    }

    fn id(&self, path: &TreePath) -> Option<String> {
        self.tree_id(path)
    }
}

/// Whether a file of this name is read as manifests.
pub(crate) fn is_manifest(name: &[u8]) -> bool {
    let extensions: [&[u8]; 3] = [b".yaml", b".yml", b".json"];
    extensions.iter().any(|extension| name.ends_with(extension))
}
