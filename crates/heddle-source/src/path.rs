//! Names and paths in a tree of git.
//!
//! A tree object may hold any bytes as a name, and hosts differ in what they let in. Here a name is parsed once, where it is
//! read, and only what was parsed can be joined to a path: no path leads out of the tree that it was read from.

use std::{borrow::Borrow, fmt, ops::Deref};

use gix::{
    bstr::BStr,
    validate::path::{component, component::Error as NameError},
};

use crate::limits::MAX_TREE_DEPTH;

/// A path from the root of a tree, its names joined by `/`; the root is empty.
///
/// Each name is one that a checkout by git could write on any system: not `.`, `..` or `.git` in any spelling that a file
/// system takes for these, and without `/`, `\` and control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

/// One name of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name<'a>(&'a str);

/// Why a name or a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Git's own check (`git fsck`) refuses such a name too.
    #[error("{name:?} {reason}")]
    Unsafe {
        /// The name, with what cannot be shown replaced.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It leads nowhere else, and is no text that could be shown or reported.
    #[error("{name:?} is no text: it holds control characters or is no UTF-8; give it another name, or take it out")]
    NoText {
        /// The name, with what cannot be shown replaced.
        name: String,
    },
    /// It does not say where it is from.
    #[error("`{path}` is an absolute path, and files are named from the directory of whoever names them")]
    Absolute {
        /// The path.
        path: String,
    },
    /// It leads out of the tree.
    #[error("`{path}` leads out of the repository")]
    Outside {
        /// The path.
        path: String,
    },
    /// It lies too deep.
    #[error("{path:?} lies deeper than {MAX_TREE_DEPTH} directories")]
    TooDeep {
        /// The path.
        path: String,
    },
}

impl<'a> Name<'a> {
    /// Parses the name of an entry.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, PathError> {
        let shown = || String::from_utf8_lossy(bytes).into_owned();
        let options = component::Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };
        let reason = match component(BStr::new(bytes), None, options) {
            Ok(_) if bytes.contains(&b'\\') => "holds a `\\`, which separates directories on some systems",
            Ok(_) if bytes.contains(&0) => "holds a NUL",
            Ok(_) => {
                let text = std::str::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control));
                return text.map(Name).ok_or_else(|| PathError::NoText { name: shown() });
            }
            Err(NameError::Empty) => "is no name",
            Err(NameError::Relative) => "leads out of its directory",
            Err(NameError::PathSeparator) => "holds a `/`, which separates directories",
            Err(NameError::DotGitDir) => "is taken for git's own `.git` by some systems",
            Err(_) => "is no name that git would write",
        };
        Err(PathError::Unsafe { name: shown(), reason })
    }
}

impl TreePath {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a path that a person wrote, with `/` between names. A `/` at either end, and `.` for where one is, are taken.
    ///
    /// # Errors
    /// When one of its names cannot stand in a tree (`..` cannot), or there are too many.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        names.into_iter().try_fold(Self::root(), |path, name| path.join(Name::parse(name.as_bytes())?))
    }

    /// The path of an entry of this directory.
    pub(crate) fn join(&self, name: Name<'_>) -> Result<Self, PathError> {
        let path = Self(if self.is_root() { name.0.to_owned() } else { format!("{}/{}", self.0, name.0) });
        if path.names().count() > MAX_TREE_DEPTH { Err(PathError::TooDeep { path: path.0 }) } else { Ok(path) }
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its names, from the root on.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The directory that it lies in; the root's is the root.
    pub fn parent(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or_else(String::new, |(directory, _)| directory.to_owned()))
    }

    /// Whether it is `directory` or lies anywhere below.
    pub fn is_in(&self, directory: &Self) -> bool {
        let rest = self.0.strip_prefix(&directory.0);
        directory.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The way to it from `directory`, where it lies there.
    pub(crate) fn below(&self, directory: &Self) -> Option<Self> {
        let is_below = self.is_in(directory);
        is_below.then(|| Self(self.0[directory.0.len()..].trim_start_matches('/').to_owned()))
    }

    /// The relative path by which a file of `directory` means this one.
    pub(crate) fn seen_from(&self, directory: &Self) -> String {
        let shared = self.names().zip(directory.names()).take_while(|(own, other)| own == other).count();
        let up = std::iter::repeat_n("..", directory.names().count() - shared);
        let way: Vec<&str> = up.chain(self.names().skip(shared)).collect();
        if way.is_empty() { ".".to_owned() } else { way.join("/") }
    }

    /// The path that a file of this directory means by `relative`.
    ///
    /// # Errors
    /// When it is absolute, leads out of the tree, or one of its names cannot stand in a tree.
    pub(crate) fn resolve(&self, relative: &str) -> Result<Self, PathError> {
        if relative.starts_with('/') {
            return Err(PathError::Absolute { path: relative.to_owned() });
        }
        let step = |path: Self, part: &str| match part {
            "" | "." => Ok(path),
            ".." if path.is_root() => Err(PathError::Outside { path: relative.to_owned() }),
            ".." => Ok(path.parent()),
            name => path.join(Name::parse(name.as_bytes())?),
        };
        relative.split('/').try_fold(self.clone(), step)
    }
}

impl Deref for TreePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// Text orders and hashes alike.
impl Borrow<str> for TreePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<TreePath> for String {
    fn from(path: TreePath) -> Self {
        path.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
