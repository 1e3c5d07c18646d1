//! A folder of this machine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs, io,
    path::{Component, Path, PathBuf},
};

use heddle_manifest::documents::parse_document;

use super::{Kind, Listing, Tree, Unnamed, Walk, is_manifest, straight};
use crate::{
    FileMode, PathError, ReadError, TreePath,
    limits::MAX_TREE_DEPTH,
    path::Name,
    render::{files, references},
};

/// The most files and folders in hidden folders that are looked at: these are no input, and may be a tool's own store.
const MAX_HIDDEN: usize = 1_000;

/// A folder or a file of this machine, with the folders and files that its kustomizations refer to. What lies in hidden
/// folders is listed apart; a folder below with a `.git` of its own counts as a submodule; names that could not stand in a
/// tree of git are passed over.
///
/// Nothing beyond the git repository around it is read. Where there is none, folders with kustomizations are followed
/// wherever they lie, and the least folder around them all is the border for single files.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    is_in_repository: bool,
    /// The way from the root to what was asked for.
    inner: TreePath,
    files: BTreeMap<TreePath, FileMode>,
    hidden: BTreeSet<TreePath>,
    submodules: BTreeSet<TreePath>,
    unnamed: Vec<Unnamed>,
    /// The folders of which all of that is.
    folders: BTreeSet<PathBuf>,
}

/// What was found on this machine.
#[derive(Debug, Default)]
struct Found {
    files: BTreeMap<PathBuf, FileMode>,
    hidden: Vec<PathBuf>,
    submodules: Vec<PathBuf>,
    /// Each with its folder.
    unnamed: Vec<(PathBuf, PathError)>,
    walk: Walk,
}

impl Folder {
    /// Lists the files.
    ///
    /// # Errors
    /// When the path, or a folder below it, cannot be read, or holds more than a walk takes.
    pub fn open(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let repository = path.ancestors().find(|folder| folder.join(".git").exists());
        let border = repository.or_else(|| path.ancestors().last()).unwrap_or(&path);
        let mut found = Found::default();
        let mut folders = BTreeSet::new();
        let mut queue = VecDeque::from([path.clone()]);
        if path.is_file() {
            found.files.insert(path.clone(), FileMode::Regular);
            queue.clear();
        }
        while let Some(folder) = queue.pop_front() {
            if folders.iter().any(|known| folder.starts_with(known)) {
                continue;
            }
            found.list(&folder, MAX_TREE_DEPTH)?;
            let below = found.files.range(folder.clone()..).take_while(|(file, _)| file.starts_with(&folder));
            let regular = below.filter(|(_, mode)| **mode == FileMode::Regular).map(|(file, _)| file);
            let referred: Vec<_> = regular.flat_map(|file| referred(border, file)).collect();
            for (place, kind) in referred {
                match kind {
                    Kind::Directory => queue.push_back(place),
                    // It may lie in a hidden folder, of which nothing is listed.
                    Kind::File(mode) if place.starts_with(&folder) => drop(found.files.entry(place).or_insert(mode)),
                    Kind::File(_) | Kind::Submodule => {}
                }
            }
            folders.insert(folder);
        }
        let start = if path.is_file() { path.parent().unwrap_or(&path) } else { &path };
        let is_around_all = |root: &&Path| folders.iter().all(|folder| folder.starts_with(root));
        let root = repository.or_else(|| start.ancestors().find(is_around_all)).unwrap_or(start).to_owned();
        let Listing { files, hidden, submodules, unnamed } = found.named(&root);
        Ok(Self {
            inner: named(&root, &path).unwrap_or_default(),
            files: files.into_iter().collect(),
            hidden: hidden.into_iter().collect(),
            submodules: submodules.into_iter().collect(),
            unnamed,
            folders,
            is_in_repository: repository.is_some(),
            root,
        })
    }

    /// What was asked for, as a path from the root.
    pub fn path(&self) -> &TreePath {
        &self.inner
    }

    /// Whether it lies in a git repository, which is then the border of what is read.
    pub fn is_in_repository(&self) -> bool {
        self.is_in_repository
    }

    /// A file as seen from the folder that was asked for: `../base/api.yaml`.
    pub fn name(&self, file: &str) -> String {
        let folder = if self.files.contains_key(&self.inner) { self.inner.parent() } else { self.inner.clone() };
        let parts: Vec<&str> = folder.names().collect();
        let shared = parts.iter().zip(file.split('/')).take_while(|(own, other)| *own == other).count();
        let up = std::iter::repeat_n("..", parts.len() - shared);
        up.chain(file.split('/').skip(shared)).collect::<Vec<_>>().join("/")
    }

    /// What lies at a path that no listed folder holds. Links on the way to it are not followed.
    fn beside(&self, path: &TreePath) -> Option<Kind> {
        straight::kind(&self.root, Path::new(path.as_str()))
    }

    fn below<'a>(&'a self, directory: &'a TreePath) -> impl Iterator<Item = (&'a TreePath, &'a FileMode)> {
        self.files.iter().filter(move |(path, _)| path.is_in(directory) && *path != directory)
    }
}

impl Tree for Folder {
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        let file = self.files.get(path).map(|mode| Kind::File(*mode)).or_else(|| self.beside(path));
        let submodule = || self.submodules.contains(path).then_some(Kind::Submodule);
        let is_directory = || path.is_root() || self.below(path).next().is_some();
        Ok(file.or_else(submodule).or_else(|| is_directory().then_some(Kind::Directory)))
    }

    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError> {
        let place = self.root.join(directory.as_str());
        if self.beside(directory) == Some(Kind::Directory)
            && !self.folders.iter().any(|folder| place.starts_with(folder))
        {
            let mut found = Found { walk: std::mem::take(walk), ..Found::default() };
            let listed = found.list(&place, MAX_TREE_DEPTH);
            *walk = std::mem::take(&mut found.walk);
            listed.map_err(|error| ReadError::Damaged(format!("`{directory}` cannot be listed: {error}")))?;
            return Ok(found.named(&self.root));
        }
        let count = |(path, mode): (&TreePath, &FileMode)| walk.step().map(|()| (path.clone(), *mode));
        let inside = |paths: &BTreeSet<TreePath>| paths.iter().filter(|path| path.is_in(directory)).cloned().collect();
        Ok(Listing {
            files: self.below(directory).map(count).collect::<Result<_, _>>()?,
            hidden: inside(&self.hidden),
            submodules: inside(&self.submodules),
            unnamed: self.unnamed.iter().filter(|one| one.directory.is_in(directory)).cloned().collect(),
        })
    }

    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        let fail = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => ReadError::Missing { path: path.clone() },
            _ => ReadError::Damaged(format!("`{path}` cannot be read: {error}")),
        };
        if self.find(path)? == Some(Kind::File(FileMode::Symlink)) {
            let target = fs::read_link(self.root.join(path.as_str())).map_err(fail)?;
            return Ok(target.into_os_string().into_encoded_bytes());
        }
        let content = straight::read(&self.root, Path::new(path.as_str())).map_err(fail)?;
        content.map_err(|size_bytes| ReadError::FileTooLarge { path: path.clone(), size_bytes })
    }

    fn id(&self, _: &TreePath) -> Option<String> {
        None
    }
}

impl Found {
    /// What was found, by its paths from a root.
    fn named(self, root: &Path) -> Listing {
        let unnamed = |(folder, fault): (PathBuf, PathError)| Some(Unnamed { directory: named(root, &folder)?, fault });
        Listing {
            files: self.files.iter().filter_map(|(file, mode)| Some((named(root, file)?, *mode))).collect(),
            hidden: self.hidden.iter().filter_map(|file| named(root, file)).collect(),
            submodules: self.submodules.iter().filter_map(|folder| named(root, folder)).collect(),
            unnamed: self.unnamed.into_iter().filter_map(unnamed).collect(),
        }
    }

    fn list(&mut self, folder: &Path, depth_left: usize) -> io::Result<()> {
        let too_deep = || io::Error::other(format!("{} lies deeper than {MAX_TREE_DEPTH} folders", folder.display()));
        let depth_left = depth_left.checked_sub(1).ok_or_else(too_deep)?;
        for entry in fs::read_dir(folder)? {
            self.walk.step().map_err(io::Error::other)?;
            let entry = entry?;
            let (kind, name) = (entry.file_type()?, entry.file_name());
            let name = name.as_encoded_bytes();
            if name == b".git" {
                continue;
            }
            if let Err(fault @ PathError::NoText { .. }) = Name::parse(name)
                && (!kind.is_file() || is_manifest(name))
            {
                self.unnamed.push((folder.to_owned(), fault));
            } else if kind.is_symlink() {
                self.files.insert(entry.path(), FileMode::Symlink);
            } else if kind.is_file() {
                self.files.insert(entry.path(), FileMode::Regular);
            } else if kind.is_dir() && name.starts_with(b".") {
                let most = self.hidden.len() + MAX_HIDDEN;
                // A tool's own folder may be closed to others; nothing of it is read.
                let _ = list_hidden(&entry.path(), most, &mut self.hidden);
            } else if kind.is_dir() && entry.path().join(".git").exists() {
                self.submodules.push(entry.path());
            } else if kind.is_dir() {
                self.list(&entry.path(), depth_left)?;
            }
        }
        Ok(())
    }
}

/// The path from a root, where there is one.
fn named(root: &Path, path: &Path) -> Option<TreePath> {
    TreePath::parse(path.strip_prefix(root).ok()?.to_str()?).ok()
}

/// The files in a hidden folder, until there are so many.
fn list_hidden(folder: &Path, most: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if found.len() + waiting.len() >= most {
                return Ok(());
            }
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    Ok(())
}

/// The folders and files that a file refers to, where it is a kustomization: those within the border to which no link leads.
fn referred(border: &Path, file: &Path) -> Vec<(PathBuf, Kind)> {
    let is_kustomization = file.file_name().and_then(|name| name.to_str()).is_some_and(crate::render::is_kustomization);
    let content = || straight::read(border, file.strip_prefix(border).ok()?).ok()?.ok();
    let text = is_kustomization.then(content).flatten().and_then(|content| String::from_utf8(content).ok());
    let Ok(kustomization) = parse_document(&text.unwrap_or_default()) else { return Vec::new() };
    let folders = references(&kustomization);
    let files = files(&kustomization).into_iter().map(str::to_owned);
    let paths = folders.into_iter().chain(files).filter_map(|path| resolve(file.parent()?, Path::new(&path)));
    let place = |path: PathBuf| {
        let way = path.strip_prefix(border).ok()?;
        let kind = if way.as_os_str().is_empty() { Kind::Directory } else { straight::kind(border, way)? };
        Some((path, kind))
    };
    paths.filter_map(place).collect()
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
