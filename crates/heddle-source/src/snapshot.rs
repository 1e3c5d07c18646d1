//! One fetched revision: its files, read straight from the object store, without a checkout.

use std::{fmt, sync::Arc};

use gix::bstr::ByteSlice;
use heddle_core::git::Revision;

use crate::{ReadError, store::Generation};

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
    /// Its path from the repository's root, with `/`.
    pub path: String,
    /// How it is kept.
    pub mode: FileMode,
    /// The id of its content.
    pub id: String,
}

/// A revision that stands in the local store. It stays readable while it is held, whatever is fetched meanwhile.
#[derive(Clone)]
pub struct Snapshot {
    /// The commit.
    pub revision: Revision,
    repo: gix::ThreadSafeRepository,
    root: gix::ObjectId,
    // Keeps the clone's directory.
    _generation: Arc<Generation>,
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
        Ok(Self { revision, repo, root, _generation: generation })
    }

    /// Every file and symbolic link, ordered by path. Submodules, and paths that are not UTF-8, are left out.
    ///
    /// # Errors
    /// When the store is damaged.
    pub fn files(&self) -> Result<Vec<FileEntry>, ReadError> {
        let repo = self.repo.to_thread_local();
        let tree = repo.find_tree(self.root).map_err(damaged)?;
        let records = tree.traverse().breadthfirst.files().map_err(damaged)?;
        let mut files: Vec<FileEntry> = records
            .into_iter()
            .filter_map(|entry| {
                let mode = file_mode(entry.mode)?;
                let path = entry.filepath.to_str().ok()?.to_owned();
                Some(FileEntry { path, mode, id: entry.oid.to_string() })
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// The content of a file; of a symbolic link, its target.
    ///
    /// # Errors
    /// When there is no such file, or the store is damaged.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let repo = self.repo.to_thread_local();
        let entry = self.entry(&repo, path)?.ok_or_else(|| ReadError::Missing { path: path.to_owned() })?;
        if file_mode(entry.1).is_none() {
            return Err(ReadError::NotAFile { path: path.to_owned() });
        }
        Ok(repo.find_object(entry.0).map_err(damaged)?.detach().data)
    }

    /// The id of a directory's tree, or of a file's content; the empty path is the root. `None` when there is no such
    /// path. Equal ids mean equal content.
    pub fn tree_id(&self, path: &str) -> Option<String> {
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Some(self.root.to_string());
        }
        let repo = self.repo.to_thread_local();
        self.entry(&repo, path).ok().flatten().map(|(id, _)| id.to_string())
    }

    fn entry(
        &self,
        repo: &gix::Repository,
        path: &str,
    ) -> Result<Option<(gix::ObjectId, gix::objs::tree::EntryMode)>, ReadError> {
        let tree = repo.find_tree(self.root).map_err(damaged)?;
        let entry = tree.lookup_entry(path.split('/')).map_err(damaged)?;
        Ok(entry.map(|entry| (entry.object_id(), entry.mode())))
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("revision", &self.revision).finish_non_exhaustive()
    }
}

fn file_mode(mode: gix::objs::tree::EntryMode) -> Option<FileMode> {
    use gix::objs::tree::EntryKind;
    match mode.kind() {
        EntryKind::Blob => Some(FileMode::Regular),
        EntryKind::BlobExecutable => Some(FileMode::Executable),
        EntryKind::Link => Some(FileMode::Symlink),
        EntryKind::Tree | EntryKind::Commit => None,
    }
}

fn damaged(error: gix::Error) -> ReadError {
    ReadError::Damaged(error.to_string())
}
