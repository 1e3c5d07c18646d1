//! The files of the directories that a render looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use super::{KUSTOMIZATIONS, fields};
use crate::{Address, FileMode, Kind, PathError, ReadError, Tree, TreePath, Unnamed, Walk};

/// Files by path. A directory is listed when it is first asked for, and all of them together are one walk.
pub(super) struct Files<'a, T> {
    pub(super) tree: &'a T,
    found: BTreeMap<TreePath, FileMode>,
    loaded: BTreeSet<TreePath>,
    /// Files that are no part of what is rendered, because they lie in hidden directories.
    pub(super) hidden: BTreeSet<TreePath>,
    pub(super) submodules: BTreeSet<TreePath>,
    pub(super) unnamed: Vec<Unnamed>,
    walk: Walk,
}

impl<'a, T: Tree> Files<'a, T> {
    pub(super) fn new(tree: &'a T) -> Self {
        Self {
            tree,
            found: BTreeMap::new(),
            loaded: BTreeSet::new(),
            hidden: BTreeSet::new(),
            submodules: BTreeSet::new(),
            unnamed: Vec::new(),
            walk: Walk::default(),
        }
    }

    /// Whether the tree has a directory at a path, and lists it.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(super) fn load_directory(&mut self, path: &TreePath) -> Result<bool, ReadError> {
        let is_directory = self.tree.find(path)? == Some(Kind::Directory);
        if is_directory {
            self.load(path)?;
        }
        Ok(is_directory)
    }

    /// Lists a directory and all below, unless that was done.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub(super) fn load(&mut self, directory: &TreePath) -> Result<(), ReadError> {
        let border = self.tree.border(directory);
        let is_listed = |loaded: &TreePath| directory.is_in(loaded) && self.tree.border(loaded) == border;
        if !self.loaded.iter().any(is_listed) {
            let listed = self.tree.list(directory, &mut self.walk)?;
            self.found.extend(listed.files);
            self.hidden.extend(listed.hidden);
            self.submodules.extend(listed.submodules);
            // A directory may be listed again as a part of one around it.
            let new: Vec<Unnamed> = listed.unnamed.into_iter().filter(|one| !self.unnamed.contains(one)).collect();
            self.unnamed.extend(new);
            self.loaded.insert(directory.clone());
        }
        Ok(())
    }

    /// The path that a file of a directory means, within its own repository.
    ///
    /// # Errors
    /// When it is absolute, leads out of the repository, or one of its names cannot stand in a tree.
    pub(super) fn resolve(&self, directory: &TreePath, named: &str) -> Result<TreePath, PathError> {
        let path = directory.resolve(named)?;
        let is_inside = self.tree.border(&path) == self.tree.border(directory);
        is_inside.then_some(path).ok_or_else(|| PathError::Outside { path: named.to_owned() })
    }

    /// The path that a kustomization of a directory means, by a way or by an address.
    ///
    /// # Errors
    /// As [`Self::resolve`], and when nothing was fetched from the address.
    pub(super) fn target(&self, directory: &TreePath, named: &str) -> Result<TreePath, PathError> {
        if !fields::is_remote(named) {
            return self.resolve(directory, named);
        }
        match self.tree.address(named) {
            Address::At(path) => Ok(path),
            Address::Refused(_) | Address::Unknown => Err(PathError::Outside { path: named.to_owned() }),
        }
    }

    /// Whether the tree has a file at a path, of a directory that is loaded or not.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(super) fn has_file(&self, path: &TreePath) -> Result<bool, ReadError> {
        Ok(matches!(self.tree.find(path)?, Some(Kind::File(_))))
    }

    /// Counts a file that is made for a kustomization, as one of the tree.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn count(&mut self) -> Result<(), ReadError> {
        self.walk.step()
    }

    /// Every file in a loaded directory and below.
    pub(super) fn under<'b>(&'b self, directory: &'b TreePath) -> impl Iterator<Item = (&'b TreePath, FileMode)> {
        let prefix = if directory.is_root() { String::new() } else { format!("{directory}/") };
        let start = prefix.clone();
        self.found
            .range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, mode)| (path, *mode))
    }

    /// The kustomization file of a loaded directory, if it has one, and how git keeps it.
    pub(super) fn kustomization(&self, directory: &TreePath) -> Option<(TreePath, FileMode)> {
        let candidates = KUSTOMIZATIONS.into_iter().filter_map(|name| directory.resolve(name).ok());
        candidates.into_iter().find_map(|path| self.found.get(&path).map(|mode| (path.clone(), *mode)))
    }
}
