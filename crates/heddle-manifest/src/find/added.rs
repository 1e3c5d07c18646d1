//! What Syncs, and Flux's `Kustomization`s, add to the paths that they follow, as far as their text stands on the branch.

use std::collections::BTreeMap;

use super::{Files, covers};
use crate::{
    kustomize::Reference,
    peers::{plain_path, word},
    yaml::Node,
};

/// What follows a path: group and kind.
const FOLLOWERS: [(&str, &str); 2] = [("heddle.dev/", "Sync"), ("kustomize.toolkit.fluxcd.io/", "Kustomization")];

/// Components by the paths to which they are added, each with the file that says so.
#[derive(Debug, Default)]
pub(super) struct Added(BTreeMap<String, Vec<(String, Reference)>>);

impl Added {
    pub fn read(files: &Files) -> Self {
        let mut added = Self::default();
        // Only what speaks of components is read for this.
        let says_so =
            |text: &str| text.contains("components") && FOLLOWERS.iter().any(|(group, _)| text.contains(group));
        for (path, file) in files.texts.iter().filter(|(_, file)| says_so(&file.text)) {
            for root in &files.reading(path, file).peers {
                let listed = root.get("items").map(Node::items).unwrap_or_default();
                std::iter::once(root).chain(listed).for_each(|object| added.take(path, object));
            }
        }
        added
    }

    fn take(&mut self, file: &str, object: &Node) {
        let (api_version, kind) = (word(object, &["apiVersion"]), word(object, &["kind"]));
        if !FOLLOWERS.iter().any(|(group, follower)| api_version.starts_with(group) && kind == *follower) {
            return;
        }
        let list = object.at(&["spec", "components"]).map(Node::items).unwrap_or_default();
        for item in list {
            let Some(path) = item.text() else { continue };
            let known = self.0.entry(plain_path(word(object, &["spec", "path"]))).or_default();
            // A Sync and what it takes the place of say the same.
            if !known.iter().any(|(_, other)| other.path == path) {
                known.push((file.to_owned(), Reference { path: path.to_owned(), position: item.position }));
            }
        }
    }

    /// What is added to a path or to one below it: that path, the file that says so, and the component.
    pub fn within<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Reference)> {
        let inner = self.0.iter().filter(move |(inner, _)| covers(path, inner));
        inner.flat_map(|(inner, list)| list.iter().map(move |(file, one)| (inner.as_str(), file.as_str(), one)))
    }
}
