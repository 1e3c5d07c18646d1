//! Objects of a kind in all files, with their places.

use super::Origin;
use crate::{Files, config::split_list, yaml::Node};

/// Calls `each` with every object of a group, those in lists too.
pub(super) fn for_each_of(files: &Files, group: &str, mut each: impl FnMut(&str, &Node)) {
    for (path, roots) in files.of_peers() {
        for root in roots {
            let listed = root.get("items").map(Node::items).unwrap_or_default();
            let objects = std::iter::once(root).chain(listed);
            objects
                .filter(|object| word(object, &["apiVersion"]).starts_with(group))
                .for_each(|object| each(path, object));
        }
    }
}

/// The text at a path; empty where there is none.
pub(crate) fn word<'a>(node: &'a Node, path: &[&str]) -> &'a str {
    node.at(path).and_then(Node::text).unwrap_or_default()
}

/// The texts of a list, or of one text with commas between its members.
pub(super) fn words(node: Option<&Node>) -> Vec<String> {
    let Some(node) = node else { return Vec::new() };
    match node.text() {
        Some(text) => split_list(text),
        None => node.items().iter().filter_map(Node::text).map(str::to_owned).collect(),
    }
}

/// Where an object stands.
pub(super) fn origin(file: &str, object: &Node) -> Origin {
    let (namespace, name) = (word(object, &["metadata", "namespace"]), word(object, &["metadata", "name"]));
    let full = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    let what = format!("{} `{full}`", word(object, &["kind"]));
    Origin { what, file: file.to_owned(), line: object.position.line }
}
