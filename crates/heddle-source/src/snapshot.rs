//! One fetched revision: its files, read straight from the object store, without a checkout.

use std::{fmt, sync::Arc};

use gix::objs::{TreeRefIter, tree::EntryKind};
use heddle_core::git::Revision;

use crate::{
    PathError, ReadError, TreePath,
    limits::{MAX_FILE_BYTES, MAX_OBJECT_BYTES},
    path::Name,
    store::Generation,
    tree::{Kind, Unnamed, Walk, is_manifest},
};

/// How git keeps a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileMode {
    /// `100644`.
    Regular,
    /// `100755`.
    Executable,
    /// `120000`: the content is the link's target.
    Symlink,
}

/// A file of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path.
    pub path: TreePath,
    /// How it is kept.
    pub mode: FileMode,
    id: gix::ObjectId,
}

/// What a directory and all below hold.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Ordered by path.
    pub(crate) files: Vec<FileEntry>,
    pub(crate) submodules: Vec<TreePath>,
    pub(crate) unnamed: Vec<Unnamed>,
}

/// A revision that stands in the local store. It stays readable while it is held, whatever is fetched meanwhile.
///
/// All that it does may take long and blocks its thread.
#[derive(Clone)]
pub struct Snapshot {
    /// The commit.
    pub revision: Revision,
    repo: gix::ThreadSafeRepository,
    root: gix::ObjectId,
    // Keeps the clone's directory.
    generation: Arc<Generation>,
}

impl Snapshot {
    pub(crate) fn open(
        repo: gix::ThreadSafeRepository,
        commit: gix::ObjectId,
        generation: Arc<Generation>,
    ) -> Result<Self, ReadError> {
        let local = repo.to_thread_local();
        let root = local.find_commit(commit).and_then(|commit| Ok(commit.tree_id()?.detach())).map_err(damaged)?;
        let revision = commit.to_string().try_into().map_err(|error| ReadError::Damaged(format!("{error}")))?;
        Ok(Self { revision, repo, root, generation })
    }

    /// Every file and symbolic link, ordered by path. Submodules are left out.
    ///
    /// # Errors
    /// When there are more than a walk takes, a name could lead out of the tree or is no text, or the store is damaged. A
    /// directory or a manifest with such a name is not passed over: its objects would count as taken out of the repository.
    pub fn files(&self) -> Result<Vec<FileEntry>, ReadError> {
        let Entries { files, unnamed, .. } = self.entries_in(&TreePath::root(), &mut Walk::default())?;
        match unnamed.into_iter().next() {
            None => Ok(files),
            Some(Unnamed { directory, fault }) => Err(ReadError::BadTree { directory, source: fault }),
        }
    }

    /// What a directory and all below hold; nothing when there is no such directory. No other directory is looked at.
    ///
    /// # Errors
    /// When there is more than the walk takes, a name could lead out of the tree, or the store is damaged.
    pub(crate) fn entries_in(&self, directory: &TreePath, walk: &mut Walk) -> Result<Entries, ReadError> {
        let repo = self.repo.to_thread_local();
        let mut found = Entries::default();
        let start = match self.entry(&repo, directory)? {
            Some((EntryKind::Tree, id)) => id,
            _ => return Ok(found),
        };
        let mut waiting = vec![(directory.clone(), start)];
        while let Some((directory, id)) = waiting.pop() {
            let tree = repo.find_tree(id).map_err(damaged)?;
            for entry in TreeRefIter::from_bytes(&tree.data, repo.object_hash()) {
                let entry = entry.map_err(|error| ReadError::Damaged(error.to_string()))?;
                walk.step()?;
                let kind = entry.mode.kind();
                let name = match Name::parse(entry.filename) {
                    Ok(name) => name,
                    Err(fault @ PathError::NoText { .. }) => {
                        if may_hold_manifests(kind, entry.filename) {
                            found.unnamed.push(Unnamed { directory: directory.clone(), fault });
                        }
                        continue;
                    }
                    Err(source) => return Err(ReadError::BadTree { directory, source }),
                };
                let path = match directory.join(name) {
                    Ok(path) => path,
                    Err(source) => return Err(ReadError::BadTree { directory, source }),
                };
                match (kind, file_mode(kind)) {
                    (EntryKind::Tree, _) => waiting.push((path, entry.oid.to_owned())),
                    (_, Some(mode)) => found.files.push(FileEntry { path, mode, id: entry.oid.to_owned() }),
                    (_, None) => found.submodules.push(path),
                }
            }
        }
        found.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// What stands at a path.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        let entry = self.entry(&self.repo.to_thread_local(), path)?;
        Ok(entry.map(|(kind, _)| match (kind, file_mode(kind)) {
            (EntryKind::Tree, _) => Kind::Directory,
            (_, Some(mode)) => Kind::File(mode),
            (_, None) => Kind::Submodule,
        }))
    }

    /// The content of a file; of a symbolic link, its target.
    ///
    /// # Errors
    /// When there is no such file, it is larger than [`MAX_FILE_BYTES`], or the store is damaged.
    pub fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let repo = self.repo.to_thread_local();
        let (kind, id) = self.entry(&repo, path)?.ok_or_else(|| ReadError::Missing { path: path.clone() })?;
        if file_mode(kind).is_none() {
            return Err(ReadError::NotAFile { path: path.clone() });
        }
        content(&repo, id, path)
    }

    /// The size of a file that was listed. Nothing is unpacked.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn size_bytes(&self, file: &FileEntry) -> Result<u64, ReadError> {
        Ok(self.repo.to_thread_local().find_header(file.id).map_err(damaged)?.size())
    }

    /// The content of a file that was listed.
    ///
    /// # Errors
    /// When it is larger than [`MAX_FILE_BYTES`], or the store is damaged.
    pub fn read_entry(&self, file: &FileEntry) -> Result<Vec<u8>, ReadError> {
        content(&self.repo.to_thread_local(), file.id, &file.path)
    }

    /// The id of a directory's tree, or of a file's content. `None` when there is no such path. Equal ids mean equal
    /// content.
    pub fn tree_id(&self, path: &TreePath) -> Option<String> {
        self.entry(&self.repo.to_thread_local(), path).ok().flatten().map(|(_, id)| id.to_string())
    }

    /// What its clone takes on disk.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.generation.stored_bytes()
    }

    fn entry(&self, repo: &gix::Repository, path: &TreePath) -> Result<Option<(EntryKind, gix::ObjectId)>, ReadError> {
        if path.is_root() {
            return Ok(Some((EntryKind::Tree, self.root)));
        }
        let tree = repo.find_tree(self.root).map_err(damaged)?;
        let entry = tree.lookup_entry(path.names()).map_err(damaged)?;
        Ok(entry.map(|entry| (entry.mode().kind(), entry.object_id())))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("revision", &self.revision).finish_non_exhaustive()
    }
}

/// The size is asked for first, which unpacks nothing.
fn content(repo: &gix::Repository, id: gix::ObjectId, path: &TreePath) -> Result<Vec<u8>, ReadError> {
    let size_bytes = repo.find_header(id).map_err(damaged)?.size();
    if size_bytes > MAX_FILE_BYTES {
        return Err(ReadError::FileTooLarge { path: path.clone(), size_bytes });
    }
    Ok(repo.find_object(id).map_err(damaged)?.detach().data)
}

fn file_mode(kind: EntryKind) -> Option<FileMode> {
    match kind {
        EntryKind::Blob => Some(FileMode::Regular),
        EntryKind::BlobExecutable => Some(FileMode::Executable),
        EntryKind::Link => Some(FileMode::Symlink),
        EntryKind::Tree | EntryKind::Commit => None,
    }
}

/// Whether an entry whose name is no text may hold what is read as manifests.
fn may_hold_manifests(kind: EntryKind, name: &[u8]) -> bool {
    !matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable) || is_manifest(name)
}

fn damaged(error: gix::Error) -> ReadError {
    if error.is_resource_exhausted() {
        return ReadError::ObjectTooLarge { limit_mib: MAX_OBJECT_BYTES >> 20 };
    }
    ReadError::Damaged(error.to_string())
}
