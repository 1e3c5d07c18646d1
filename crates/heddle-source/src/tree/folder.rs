//! A folder of this machine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use heddle_manifest::documents::parse_document;

use super::{Kind, Tree, Walk};
use crate::{
    FileMode, ReadError, TreePath,
    limits::{MAX_FILE_BYTES, MAX_TREE_DEPTH},
    render::references,
};

/// A folder or a file of this machine, with the folders that its kustomizations refer to. Hidden folders are passed over,
/// and so are names that could not stand in a tree of git.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// The way from the root to what was asked for.
    inner: TreePath,
    files: BTreeMap<TreePath, FileMode>,
}

impl Folder {
    /// Lists the files.
    ///
    /// # Errors
    /// When the path, or a folder below it, cannot be read, or holds more than a walk takes.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let mut found: BTreeMap<PathBuf, FileMode> = BTreeMap::new();
        let mut folders = BTreeSet::new();
        let mut walk = Walk::default();
        let mut queue = VecDeque::from([path.clone()]);
        if path.is_file() {
            found.insert(path.clone(), FileMode::Regular);
            queue.clear();
        }
        while let Some(folder) = queue.pop_front() {
            if !folders.iter().any(|known| folder.starts_with(known)) {
                list(&folder, MAX_TREE_DEPTH, &mut walk, &mut found)?;
                let below = found.range(folder.clone()..).map(|(file, _)| file);
                queue.extend(below.take_while(|file| file.starts_with(&folder)).flat_map(|file| referred(file)));
                folders.insert(folder);
            }
        }
        let start = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
        let is_root = |root: &&Path| folders.iter().all(|folder| folder.starts_with(root));
        let root = start.ancestors().find(is_root).unwrap_or(start).to_owned();
        let named = |path: &Path| TreePath::parse(path.strip_prefix(&root).ok()?.to_str()?).ok();
        let files = found.iter().filter_map(|(file, mode)| Some((named(file)?, *mode))).collect();
        Ok(Self { inner: named(&path).unwrap_or_default(), root, files })
    }

    /// What was asked for, as a path from the root.
    pub fn path(&self) -> &TreePath {
        &self.inner
    }

    /// A file as seen from the folder that was asked for: `../base/api.yaml`.
    pub fn name(&self, file: &str) -> String {
        let folder = if self.files.contains_key(&self.inner) { self.inner.parent() } else { self.inner.clone() };
        let parts: Vec<&str> = folder.names().collect();
        let shared = parts.iter().zip(file.split('/')).take_while(|(own, other)| *own == other).count();
        let up = std::iter::repeat_n("..", parts.len() - shared);
        up.chain(file.split('/').skip(shared)).collect::<Vec<_>>().join("/")
    }

    fn below<'a>(&'a self, directory: &'a TreePath) -> impl Iterator<Item = (&'a TreePath, &'a FileMode)> {
        self.files.iter().filter(move |(path, _)| path.is_in(directory) && *path != directory)
    }
}

impl Tree for Folder {
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        let file = self.files.get(path).map(|mode| Kind::File(*mode));
        let is_directory = || path.is_root() || self.below(path).next().is_some();
        Ok(file.or_else(|| is_directory().then_some(Kind::Directory)))
    }

    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Vec<(TreePath, FileMode)>, ReadError> {
        let count = |(path, mode): (&TreePath, &FileMode)| walk.step().map(|()| (path.clone(), *mode));
        self.below(directory).map(count).collect()
    }

    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Missing { path: path.clone() },
            _ => ReadError::Damaged(format!("`{path}` cannot be read: {error}")),
        };
        let file = File::open(self.root.join(path.as_str())).map_err(fail)?;
        let size_bytes = file.metadata().map_err(fail)?.len();
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(ReadError::FileTooLarge { path: path.clone(), size_bytes });
        }
        Ok(bytes)
    }

    fn id(&self, _: &TreePath) -> Option<String> {
        None
    }
}

fn list(folder: &Path, depth_left: usize, walk: &mut Walk, found: &mut BTreeMap<PathBuf, FileMode>) -> io::Result<()> {
    let depth_left = depth_left
        .checked_sub(1)
        .ok_or_else(|| io::Error::other(format!("{} lies deeper than {MAX_TREE_DEPTH} folders", folder.display())))?;
    for entry in fs::read_dir(folder)? {
        walk.step().map_err(io::Error::other)?;
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            found.insert(entry.path(), FileMode::Symlink);
        } else if kind.is_file() {
            found.insert(entry.path(), FileMode::Regular);
        } else if kind.is_dir() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            list(&entry.path(), depth_left, walk, found)?;
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
