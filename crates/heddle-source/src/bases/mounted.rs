//! A tree with what was fetched for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::charts::{ChartTree, RemoteChart};
use crate::{FileMode, Kind, Listing, PathError, ReadError, Snapshot, Tree, TreePath, Unnamed, Walk, tree::Address};

/// Under which directory what was fetched has its place. What the tree itself has under such a name stays its own.
const PLACE: &str = ".remote";

/// What was fetched for the addresses in a tree's kustomizations and charts, and why the rest was not. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Bases {
    by_name: BTreeMap<Named, Result<Mount, String>>,
    is_settled: bool,
}

/// How something elsewhere is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// A base or a file, by an address.
    Address(String),
    /// A chart of a repository.
    Chart(RemoteChart),
}

/// Something that was fetched.
#[derive(Debug, Clone)]
pub(super) struct Mount {
    /// Where it has its place: the host, the path there, and its id.
    pub(super) name: String,
    /// The commit, or the SHA-256 of the file or the package.
    pub(super) id: String,
    /// What of it the address names.
    pub(super) way: TreePath,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Repository(Arc<Snapshot>),
    File(Arc<[u8]>),
    Chart(Arc<ChartTree>),
}

impl Bases {
    /// Whether they are what others are: the same commits and files, and the same faults.
    pub fn are_the_same_as(&self, other: &Self) -> bool {
        let id = |found: &Result<Mount, String>| found.as_ref().map(|mount| mount.id.clone()).map_err(Clone::clone);
        let ids = |bases: &Self| bases.by_name.iter().map(|(at, found)| (at.clone(), id(found))).collect::<Vec<_>>();
        ids(self) == ids(other)
    }

    /// Whether looking again would come to the same as long as the tree is the same: each is fixed by its address.
    pub fn are_settled(&self) -> bool {
        self.is_settled && self.are_all_there()
    }

    /// Whether each was fetched, so that all that they name in turn is known.
    pub(super) fn are_all_there(&self) -> bool {
        self.by_name.values().all(Result::is_ok)
    }

    pub(super) fn settle(&mut self, is_settled: bool) {
        self.is_settled = is_settled;
    }

    pub(super) fn knows(&self, named: &Named) -> bool {
        self.by_name.contains_key(named)
    }

    /// Whether it knows what is called so in [`super::Resolved`].
    pub(super) fn knows_of(&self, name: &str) -> bool {
        self.by_name.keys().any(|named| match named {
            Named::Address(address) => address == name,
            Named::Chart(chart) => chart.to_string() == name,
        })
    }

    pub(super) fn insert(&mut self, named: Named, found: Result<Mount, String>) {
        self.by_name.insert(named, found);
    }

    pub(super) fn count(&self) -> usize {
        self.by_name.len()
    }
}

/// A tree in which what was fetched has a place.
pub struct WithBases<'a, T> {
    tree: &'a T,
    mounts: BTreeMap<TreePath, &'a Mount>,
    by_name: BTreeMap<&'a Named, Result<TreePath, String>>,
    place: TreePath,
    /// What was asked for and is not known.
    asked_for: Mutex<BTreeSet<Named>>,
}

impl<'a, T: Tree> WithBases<'a, T> {
    /// Puts them beside the tree.
    pub fn new(tree: &'a T, bases: &'a Bases) -> Self {
        let place = free_place(tree);
        let (mut mounts, mut by_name) = (BTreeMap::new(), BTreeMap::new());
        for (named, found) in &bases.by_name {
            let placed = found.as_ref().map_err(Clone::clone).and_then(|mount| {
                let (root, at) = place_of(&place, mount).map_err(|error| format!("has no place here: {error}"))?;
                mounts.insert(root, mount);
                Ok(at)
            });
            by_name.insert(named, placed);
        }
        Self { tree, mounts, by_name, place, asked_for: Mutex::default() }
    }

    /// What was asked for and is not known.
    pub(super) fn asked_for(&self) -> BTreeSet<Named> {
        self.asked_for.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn look_up(&self, named: Named) -> Address {
        match self.by_name.get(&named) {
            Some(Ok(path)) => Address::At(path.clone()),
            Some(Err(why)) => Address::Refused(why.clone()),
            None => {
                self.asked_for.lock().unwrap_or_else(PoisonError::into_inner).insert(named);
                Address::Unknown
            }
        }
    }

    /// What was fetched that holds a path, with its place and the way in it.
    fn mount_of(&self, path: &TreePath) -> Option<(&TreePath, &'a Mount, TreePath)> {
        let (place, mount) = self.mounts.iter().find(|(place, _)| path.is_in(place))?;
        Some((place, mount, path.below(place)?))
    }
}

impl<T: Tree> Tree for WithBases<'_, T> {
    fn find(&self, path: &TreePath) -> Result<Option<Kind>, ReadError> {
        match self.mount_of(path) {
            None if path.is_in(&self.place) => Ok(None),
            None => self.tree.find(path),
            Some((_, Mount { content: Content::Repository(snapshot), .. }, way)) => snapshot.find(&way),
            Some((_, Mount { content: Content::Chart(chart), .. }, way)) => Ok(chart.find(&way)),
            Some((_, mount, way)) if way == mount.way => Ok(Some(Kind::File(FileMode::Regular))),
            Some((_, _, way)) => Ok(way.is_root().then_some(Kind::Directory)),
        }
    }

    fn list(&self, directory: &TreePath, walk: &mut Walk) -> Result<Listing, ReadError> {
        let Some((place, mount, way)) = self.mount_of(directory) else { return self.tree.list(directory, walk) };
        let at = |path: TreePath| place.resolve(&path).map_err(|source| ReadError::BadTree { directory: path, source });
        let listed = match &mount.content {
            Content::Repository(snapshot) => Tree::list(&**snapshot, &way, walk)?,
            Content::Chart(chart) => chart.list(&way, walk)?,
            Content::File(_) => Listing::default(),
        };
        let all = |paths: Vec<TreePath>| paths.into_iter().map(at).collect::<Result<Vec<_>, _>>();
        Ok(Listing {
            files: listed
                .files
                .into_iter()
                .map(|(path, mode)| Ok((at(path)?, mode)))
                .collect::<Result<_, ReadError>>()?,
            hidden: all(listed.hidden)?,
            submodules: all(listed.submodules)?,
            unnamed: listed
                .unnamed
                .into_iter()
                .map(|one| Ok(Unnamed { directory: at(one.directory)?, ..one }))
                .collect::<Result<_, ReadError>>()?,
        })
    }

    fn read(&self, path: &TreePath) -> Result<Vec<u8>, ReadError> {
        match self.mount_of(path) {
            None => self.tree.read(path),
            Some((_, Mount { content: Content::Repository(snapshot), .. }, way)) => snapshot.read(&way),
            Some((_, Mount { content: Content::Chart(chart), .. }, way)) => chart.read(&way),
            Some((_, Mount { content: Content::File(bytes), way: file, .. }, way)) if way == *file => {
                Ok(bytes.to_vec())
            }
            Some(_) => Err(ReadError::Missing { path: path.clone() }),
        }
    }

    fn id(&self, path: &TreePath) -> Option<String> {
        if self.mount_of(path).is_none() { self.tree.id(path) } else { None }
    }

    fn address(&self, address: &str) -> Address {
        self.look_up(Named::Address(address.to_owned()))
    }

    fn chart(&self, chart: &RemoteChart) -> Address {
        self.look_up(Named::Chart(chart.clone()))
    }

    fn border(&self, path: &TreePath) -> TreePath {
        match self.mount_of(path) {
            Some((place, ..)) => place.clone(),
            None if path.is_in(&self.place) => self.place.clone(),
            None => TreePath::root(),
        }
    }
}

/// A directory that the tree has not.
fn free_place(tree: &impl Tree) -> TreePath {
    let names = std::iter::once(PLACE.to_owned()).chain((1..).map(|number| format!("{PLACE}-{number}")));
    let mut places = names.filter_map(|name| TreePath::root().resolve(&name).ok());
    places
        .find(|place| matches!(tree.find(place), Ok(None) | Err(_)))
        .expect("only so many names are of one directory, so one of all numbers is free")
}

/// The root of what was fetched, and what of it the address names.
///
/// # Errors
/// When that is no path: nothing that lies elsewhere may stand for it.
fn place_of(place: &TreePath, mount: &Mount) -> Result<(TreePath, TreePath), PathError> {
    let root = place.resolve(&mount.name)?;
    let at = root.resolve(&mount.way)?;
    Ok((root, at))
}
