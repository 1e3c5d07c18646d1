//! What of an object may lead to an image, by its words alone.

use std::collections::BTreeSet;

use crate::yaml::{Documents, Node, Value};

/// Where kinds of followers say what they lay over their path.
const LAID: [&[&str]; 13] = [
    &["spec", "images"],
    &["spec", "patches"],
    &["spec", "patchesStrategicMerge"],
    &["spec", "patchesJson6902"],
    &["spec", "components"],
    &["spec", "helm"],
    &["spec", "values"],
    &["spec", "chart", "spec", "valuesFiles"],
    &["spec", "source"],
    &["spec", "sources"],
    &["spec", "template", "spec", "source"],
    &["spec", "template", "spec", "sources"],
    &["spec", "templatePatch"],
];

/// Keys of a source that lay nothing over it: where it is, and which revision of it.
const PLACES: [&str; 6] = ["path", "repoURL", "targetRevision", "ref", "name", "chart"];

/// Words in keys and pointers that lead to an image or to the version of a chart, beside all that hold "image" or end in
/// "tag" or "digest".
const OF_IMAGES: [&str; 13] = [
    "newname",
    "sha",
    "sha256",
    "repository",
    "registry",
    "hub",
    "version",
    "chart",
    "url",
    "semver",
    "components",
    "valuefiles",
    "valuesfiles",
];

/// Whether a follower lays something else over its path than before, which may lead to an image.
pub(super) fn lays_other(before: &Node, after: &Node) -> bool {
    LAID.iter().any(|way| {
        let is_of_image = way.last().is_some_and(|key| is_word(key));
        differs(before.at(way), after.at(way), is_of_image)
    })
}

/// Whether two values differ in what may lead to an image; `is_of_image` where the way to them does.
fn differs(before: Option<&Node>, after: Option<&Node>, is_of_image: bool) -> bool {
    match (before, after) {
        (None, None) => false,
        (None, Some(only)) | (Some(only), None) => is_of_image && !is_empty(only) || speaks_of_images(only),
        (Some(before), Some(after)) if before.is_mapping() && after.is_mapping() => {
            let keys: BTreeSet<&str> =
                before.entries().iter().chain(after.entries()).filter_map(|(key, _)| key.text()).collect();
            let differs = |key: &&str| differs(before.get(key), after.get(key), is_of_image || is_word(key));
            keys.iter().filter(|key| !PLACES.contains(key)).any(differs)
        }
        (Some(before), Some(after)) if is_sources(before) && before.items().len() == after.items().len() => {
            let mut pairs = before.items().iter().zip(after.items());
            pairs.any(|(before, after)| differs(Some(before), Some(after), is_of_image))
        }
        (Some(before), Some(after)) => {
            !is_same(before, after) && (is_of_image || speaks_of_images(before) || speaks_of_images(after))
        }
    }
}

/// Whether it is a list of what Argo CD takes together, of which each is a thing of its own.
fn is_sources(node: &Node) -> bool {
    !node.items().is_empty() && node.items().iter().all(|item| item.get("repoURL").is_some())
}

fn is_empty(node: &Node) -> bool {
    node.is_null() || !node.is_scalar() && node.items().is_empty() && node.entries().is_empty()
}

fn is_same(one: &Node, other: &Node) -> bool {
    let all = |one: &[Node], other: &[Node]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
    };
    match (&one.resolved().value, &other.resolved().value) {
        (Value::Scalar(one, _), Value::Scalar(other, _)) => one == other,
        (Value::Sequence(one), Value::Sequence(other)) => all(one, other),
        (Value::Mapping(one), Value::Mapping(other)) => {
            let pairs = one.iter().zip(other);
            one.len() == other.len()
                && pairs.into_iter().all(|(one, other)| is_same(&one.0, &other.0) && is_same(&one.1, &other.1))
        }
        _ => false,
    }
}

/// Whether something in a value may lead to an image: a key, a pointer of an operation, the name of a parameter; in a text
/// that is YAML too.
pub(super) fn speaks_of_images(node: &Node) -> bool {
    if let Some(text) = node.text() {
        let inner = text.contains(['\n', '{', '[', ':']).then(|| Documents::read(text));
        return match inner.filter(|inner| inner.error.is_none() && inner.roots.iter().any(|root| !root.is_scalar())) {
            Some(inner) => inner.roots.iter().any(speaks_of_images),
            // A pointer, or the name of a parameter; a media type has such words too.
            None => (text.starts_with('/') || !text.contains('/')) && is_word(text),
        };
    }
    let of_key = |(key, value): &(Node, Node)| {
        let key = key.text().unwrap_or_default();
        // Whom a patch is for is no part of what it says.
        key != "target" && (is_word(key) || speaks_of_images(value))
    };
    node.items().iter().any(speaks_of_images) || node.entries().iter().any(of_key)
}

/// Whether a key, or a step of a way of keys, is a word of images.
fn is_word(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut steps = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
    let is_one = |step: &str| OF_IMAGES.contains(&step) || step.ends_with("tag") || step.ends_with("digest");
    text.contains("image") || steps.any(is_one)
}
