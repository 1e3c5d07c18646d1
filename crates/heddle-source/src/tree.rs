//! What is rendered: files by path, of a fetched revision or of a folder of this machine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::{Component, Path, PathBuf},
};

use heddle_manifest::documents::parse_document;

use crate::{FileMode, ReadError, Snapshot, render::references};

/// Files by their paths from a root, with `/`.
pub trait Tree: Sync {
    /// The path of every file and symbolic link.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn modes(&self) -> Result<BTreeMap<String, FileMode>, ReadError>;

    /// The content of a file.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// What is equal for a path as long as nothing there or below changes; `None` where nothing is, or nobody knows.
    fn id(&self, path: &str) -> Option<String>;
}

impl Tree for Snapshot {
    fn modes(&self) -> Result<BTreeMap<String, FileMode>, ReadError> {
        Ok(self.files()?.into_iter().map(|entry| (entry.path, entry.mode)).collect())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        Self::read(self, path)
    }

    fn id(&self, path: &str) -> Option<String> {
        self.tree_id(path)
    }
}

/// A folder or a file of this machine, with the folders that its kustomizations refer to. Hidden folders are passed over.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// The way from the root to what was asked for.
    inner: String,
    files: BTreeMap<String, FileMode>,
}

impl Folder {
    /// Lists the files.
    ///
    /// # Errors
    /// When the path, or a folder below it, cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let mut found: BTreeMap<PathBuf, FileMode> = BTreeMap::new();
        let mut folders = BTreeSet::new();
        let mut queue = VecDeque::from([path.clone()]);
        if path.is_file() {
            found.insert(path.clone(), FileMode::Regular);
            queue.clear();
        }
        while let Some(folder) = queue.pop_front() {
            if !folders.iter().any(|known| folder.starts_with(known)) {
                list(&folder, &mut found)?;
                let below = found.range(folder.clone()..).map(|(file, _)| file);
                queue.extend(below.take_while(|file| file.starts_with(&folder)).flat_map(|file| referred(file)));
                folders.insert(folder);
            }
        }
        let start = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
        let is_root = |root: &&Path| folders.iter().all(|folder| folder.starts_with(root));
        let root = start.ancestors().find(is_root).unwrap_or(start).to_owned();
        let named = |path: &Path| path.strip_prefix(&root).ok().and_then(Path::to_str).map(str::to_owned);
        let files = found.iter().filter_map(|(file, mode)| Some((named(file)?, *mode))).collect();
        Ok(Self { inner: named(&path).unwrap_or_default(), root, files })
    }

    /// What was asked for, as a path from the root.
    pub fn path(&self) -> &str {
        &self.inner
    }

    /// A file as seen from the folder that was asked for: `../base/api.yaml`.
    pub fn name(&self, file: &str) -> String {
        let folder =
            if self.files.contains_key(&self.inner) { crate::render::parent(&self.inner) } else { &self.inner };
        let parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let shared = parts.iter().zip(file.split('/')).take_while(|(own, other)| *own == other).count();
        let up = std::iter::repeat_n("..", parts.len() - shared);
        up.chain(file.split('/').skip(shared)).collect::<Vec<_>>().join("/")
    }
}

impl Tree for Folder {
    fn modes(&self) -> Result<BTreeMap<String, FileMode>, ReadError> {
        Ok(self.files.clone())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        fs::read(self.root.join(path)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Missing { path: path.to_owned() },
            _ => ReadError::Damaged(format!("`{path}` cannot be read: {error}")),
        })
    }

    fn id(&self, _: &str) -> Option<String> {
        None
    }
}

fn list(folder: &Path, found: &mut BTreeMap<PathBuf, FileMode>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            found.insert(entry.path(), FileMode::Symlink);
        } else if kind.is_file() {
            found.insert(entry.path(), FileMode::Regular);
        } else if kind.is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            list(&entry.path(), found)?;
        }
    }
    Ok(())
}

/// The folders that a file refers to, where it is a kustomization.
fn referred(file: &Path) -> Vec<PathBuf> {
    let is_kustomization = file.file_name().and_then(|name| name.to_str()).is_some_and(crate::render::is_kustomization);
    let text = is_kustomization.then(|| fs::read_to_string(file).ok()).flatten().unwrap_or_default();
    let Ok(kustomization) = parse_document(&text) else { return Vec::new() };
    let paths = references(&kustomization).into_iter().filter_map(|path| resolve(file.parent()?, Path::new(&path)));
    paths.filter(|path| path.is_dir()).collect()
}

/// A relative path as seen from a folder; links are not followed.
fn resolve(folder: &Path, path: &Path) -> Option<PathBuf> {
    let mut resolved = folder.to_owned();
    for part in path.components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir if !resolved.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}
