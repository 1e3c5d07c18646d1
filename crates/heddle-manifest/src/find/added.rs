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

/// What is said of paths, by the path; each reference with the file that says so.
#[derive(Debug, Default)]
pub(super) struct Added {
    components: BTreeMap<String, Vec<(String, Reference)>>,
    /// The files of values that the Syncs of a path name, be it none.
    values: BTreeMap<String, Vec<(String, Reference)>>,
}

impl Added {
    pub fn read(files: &Files) -> Self {
        let mut added = Self::default();
        // Only Syncs, and what speaks of components, are read for this.
        let is_follower = |text: &str| FOLLOWERS.iter().any(|(group, _)| text.contains(group));
        let says_so = |text: &str| {
            text.contains("components") && is_follower(text) || text.contains("heddle.dev/") && text.contains("Sync")
        };
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
        let path = plain_path(word(object, &["spec", "path"]));
        take_list(&mut self.components, file, &path, object.at(&["spec", "components"]));
        if kind == "Sync" {
            self.values.entry(path.clone()).or_default();
            take_list(&mut self.values, file, &path, object.at(&["spec", "helm", "valuesFiles"]));
        }
    }

    /// The files of values that the Syncs of a chart's directory name; none where no Sync is known by which it is rendered, so
    /// that it may be any. One of a directory around it takes the chart's own values alone.
    pub fn values_of(&self, chart: &str) -> Option<&[(String, Reference)]> {
        let around = || self.values.keys().any(|path| covers(path, chart)).then_some([].as_slice());
        self.values.get(chart).map(Vec::as_slice).or_else(around)
    }

    /// What is added to a path or to one below it: that path, the file that says so, and the component.
    pub fn within<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Reference)> {
        let inner = self.components.iter().filter(move |(inner, _)| covers(path, inner));
        inner.flat_map(|(inner, list)| list.iter().map(move |(file, one)| (inner.as_str(), file.as_str(), one)))
    }
}

fn take_list(known: &mut BTreeMap<String, Vec<(String, Reference)>>, file: &str, path: &str, list: Option<&Node>) {
    for item in list.map(Node::items).unwrap_or_default() {
        let Some(text) = item.text() else { continue };
        let known = known.entry(path.to_owned()).or_default();
        // A Sync and what it takes the place of say the same.
        if !known.iter().any(|(_, other)| other.path == text) {
            known.push((file.to_owned(), Reference { path: text.to_owned(), position: item.position }));
        }
    }
}
