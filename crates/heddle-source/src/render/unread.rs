//! What lies under a path and gives no objects: it is told, and what is told of it decides whether something may be missing.
//!
//! Whether objects came from such a place before is not known here.

use std::fmt;

use super::{Files, KUSTOMIZATIONS};
use crate::{Kind, Tree, TreePath, tree::is_manifest};

/// The most files that are looked into only to see whether they look like manifests.
pub(crate) const MAX_LOOKED_AT: usize = 200;

/// The most bytes that are read for that, in all.
const MAX_LOOKED_BYTES: usize = 8 << 20;

/// A place under the path that gives no objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The file, or the directory.
    pub path: TreePath,
    /// Why.
    pub why: WhyUnread,
    /// Whether it looks as if it held manifests.
    pub is_likely: bool,
}

/// Why a place gives no objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyUnread {
    /// Links are not followed.
    Link,
    /// Other repositories are not fetched.
    Submodule,
    /// Hidden files and directories are passed over.
    Hidden,
    /// Its name ends in another way than those of manifests.
    Extension,
    /// It was read, and holds no manifest.
    NoManifest,
    /// A kustomization that was built, and gave nothing.
    NothingBuilt,
    /// A chart that was rendered, and gave nothing.
    NothingRendered,
    /// A chart that others are made with.
    Library,
}

impl WhyUnread {
    /// Whether it stands in the place of what is read. What is hidden or named otherwise was put aside by a person.
    pub fn stands_in_the_place_of_manifests(self) -> bool {
        !matches!(self, Self::Hidden | Self::Extension | Self::Library)
    }
}

impl fmt::Display for WhyUnread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "a symbolic link, which is not followed",
            Self::Submodule => "a submodule, which is not fetched",
            Self::Hidden => "hidden",
            Self::Extension => "its name ends in none of .yaml, .yml and .json",
            Self::NoManifest => "it holds no manifest",
            Self::NothingBuilt => "its kustomization gives no objects",
            Self::NothingRendered => "its chart gives no objects",
            Self::Library => "a library chart, which other charts are made with",
        })
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.why)
    }
}

/// Looks at what is not read, within bounds.
pub(super) struct Looker<'a, T> {
    tree: &'a T,
    files_left: usize,
    bytes_left: usize,
}

impl<'a, T: Tree> Looker<'a, T> {
    pub(super) fn new(tree: &'a T) -> Self {
        Self { tree, files_left: MAX_LOOKED_AT, bytes_left: MAX_LOOKED_BYTES }
    }

    /// What a link is, as far as that is told.
    pub(super) fn link(&mut self, path: &TreePath) -> Unread {
        let is_likely = is_manifest(path.as_bytes()) || self.leads_to_manifests(path);
        Unread { path: path.clone(), why: WhyUnread::Link, is_likely }
    }

    fn leads_to_manifests(&mut self, link: &TreePath) -> bool {
        let Some(target) = self.read(link).and_then(|target| String::from_utf8(target).ok()) else { return false };
        let is_directory = |path: TreePath| matches!(self.tree.find(&path), Ok(Some(Kind::Directory)));
        is_manifest(target.as_bytes()) || link.parent().resolve(&target).is_ok_and(is_directory)
    }

    /// A hidden file, or one whose name ends in another way, where it looks like manifests.
    pub(super) fn file(&mut self, path: &TreePath, why: WhyUnread) -> Option<Unread> {
        let name = path.names().last().unwrap_or_default();
        if !is_named_like_manifests(name) || is_manifest(name.as_bytes()) != (why == WhyUnread::Hidden) {
            return None;
        }
        let is_likely = self.read(path).is_some_and(|content| starts_like_a_manifest(&content));
        is_likely.then(|| Unread { path: path.clone(), why, is_likely })
    }

    fn read(&mut self, path: &TreePath) -> Option<Vec<u8>> {
        if self.bytes_left == 0 {
            return None;
        }
        self.files_left = self.files_left.checked_sub(1)?;
        let content = self.tree.read(path).ok()?;
        self.bytes_left = self.bytes_left.saturating_sub(content.len());
        Some(content)
    }
}

/// Whether a name speaks of YAML or JSON, wherever: `a.YAML`, `a.yaml.bak`.
fn is_named_like_manifests(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".yaml", ".yml", ".json"].iter().any(|extension| name.contains(extension)) && !KUSTOMIZATIONS.contains(&&*name)
}

/// Whether the first word of a text is the field with which manifests begin.
fn starts_like_a_manifest(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&content[..content.len().min(64 << 10)]);
    let is_word = |line: &&str| !line.is_empty() && !line.starts_with('#') && !line.starts_with("---");
    let Some(first) = text.lines().map(str::trim_end).find(is_word) else { return false };
    let is_json = first.starts_with('{') && text.contains("\"apiVersion\"") && text.contains("\"kind\"");
    is_json || ["apiVersion:", "kind:", "metadata:"].iter().any(|field| first.starts_with(field))
}

/// What lies on the way to a path, or at it, and is not followed.
pub(super) fn obstacle(files: &Files<'_, impl Tree>, path: &TreePath) -> Option<(TreePath, WhyUnread)> {
    let mut at = path.clone();
    let mut found = None;
    while !at.is_root() {
        match files.tree.find(&at) {
            Ok(Some(Kind::Submodule)) => found = Some((at.clone(), WhyUnread::Submodule)),
            Ok(Some(Kind::File(crate::FileMode::Symlink))) => found = Some((at.clone(), WhyUnread::Link)),
            _ => {}
        }
        at = at.parent();
    }
    found
}
