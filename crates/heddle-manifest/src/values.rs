//! Images in the values of Helm charts, by their shape.
//!
//! Charts agree on no names, but on a few shapes: `image: {registry, repository, tag, digest}`, `image: name:tag`,
//! `image` with `tag` beside it, `webImage` with `webImageTag`. What has one of these shapes and reads as an image is one.

use std::collections::HashMap;

use heddle_core::image::ImageRef;

use crate::{
    image::{Home, ImageValue, Parts},
    style::is_other_type,
    written::split_build,
    yaml::{Node, Value, cursor::Cursor},
};

/// How many values are looked at; aliases may make many of a few.
const MAX_VALUES: usize = 500_000;

/// The ways that charts call the name of an image, lower case and without separators; the rest of the key is its stem.
const NAMES: [&str; 4] = ["imagerepository", "imagename", "imagerepo", "image"];

/// Finds the images in a mapping of values.
pub(crate) fn images(values: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let mut search = Search { object, found: Vec::new(), left: MAX_VALUES };
    search.value(values, None);
    search.found
}

struct Search<'s> {
    object: &'s str,
    found: Vec<ImageValue>,
    left: usize,
}

impl Search<'_> {
    /// `container` is the part of the values that an image found here belongs to.
    fn value(&mut self, cursor: &Cursor<'_>, container: Option<&str>) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        match &cursor.node.value {
            Value::Mapping(_) => self.mapping(cursor, container),
            Value::Sequence(_) => {
                for item in cursor.items() {
                    let name = item.node.get("name").and_then(Node::text).map(str::to_owned);
                    self.value(&item, name.as_deref().or(container));
                }
            }
            Value::Scalar(..) | Value::Alias(_) | Value::Anchored(_) => {}
        }
    }

    fn mapping(&mut self, cursor: &Cursor<'_>, container: Option<&str>) {
        if let Some(image) = self.repository(cursor, container) {
            self.found.push(image);
        }
        let entries: Vec<(&str, Cursor<'_>)> = cursor.entries().collect();
        let texts = entries.iter().filter(|(_, value)| is_scalar(value.node)).map(|(key, value)| (plain(key), value));
        let beside: HashMap<String, &Cursor<'_>> = texts.rev().collect();
        for (key, value) in &entries {
            if value.text().is_some() {
                let image = self.named(&beside, key, value, container);
                self.found.extend(image);
            } else {
                // `image` says what it is, not whose it is.
                let inner = if stem_of(key).as_deref() == Some("") { container } else { Some(*key) };
                self.value(value, inner);
            }
        }
    }

    /// `{registry, repository, tag, digest}`, where something says that it is an image.
    fn repository(&self, cursor: &Cursor<'_>, container: Option<&str>) -> Option<ImageValue> {
        let part = |names: &[&str]| names.iter().find_map(|name| cursor.key(name)).filter(|part| is_scalar(part.node));
        let is_image = cursor.field.rsplit(['.', ']']).next().is_some_and(|key| stem_of(key).is_some());
        let name = part(&["repository", "repo"]).or_else(|| part(&["name"]).filter(|_| is_image))?;
        let version = || part(&["version"]).filter(|_| is_image);
        let (registry, digest) = (part(&["registry"]), part(&["digest"]));
        let tag = part(&["tag", "imageTag"]).or_else(version);
        let says_so = is_image || tag.is_some() || digest.is_some();
        let home = Home { at: cursor.at, name: None, tag: "tag", digest: Some("digest") };
        says_so.then(|| self.image(name, [registry, tag, digest], Some(home), container)).flatten()
    }

    /// A text under a key such as `image` or `webImage`, with what stands beside it.
    fn named(
        &self,
        beside: &HashMap<String, &Cursor<'_>>,
        key: &str,
        value: &Cursor<'_>,
        container: Option<&str>,
    ) -> Option<ImageValue> {
        let stem = stem_of(key)?;
        let text = value.text().filter(|text| !text.is_empty() && !is_other_type(text))?;
        let part = |names: [&str; 2]| {
            let part = names.iter().find_map(|name| beside.get(&format!("{stem}{name}")));
            part.map(|part| (*part).clone())
        };
        let (registry, tag, digest) =
            (part(["imageregistry", "registry"]), part(["imagetag", "tag"]), part(["imagedigest", "digest"]));
        let is_bare = split_build(text).1.is_empty() && tag.is_none() && digest.is_none();
        // A lone word may be anything; a path with a file's ending is a picture.
        let is_picture = [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".iso", ".qcow2", ".img"];
        if is_bare && (!stem.is_empty() || is_picture.iter().any(|ending| text.ends_with(ending))) {
            return None;
        }
        let container = if stem.is_empty() { container.map(str::to_owned) } else { Some(key.to_owned()) };
        self.image(value.clone(), [registry, tag, digest], None, container.as_deref())
    }

    fn image(
        &self,
        name: Cursor<'_>,
        [registry, tag, digest]: [Option<Cursor<'_>>; 3],
        home: Option<Home>,
        container: Option<&str>,
    ) -> Option<ImageValue> {
        let cursors = [Some(&name), registry.as_ref(), tag.as_ref(), digest.as_ref()];
        let obstacle = cursors.into_iter().flatten().find_map(|cursor| cursor.obstacle);
        let spot = |cursor: Option<&Cursor<'_>>| cursor.and_then(Cursor::spot);
        let parts = Parts {
            registry: spot(registry.as_ref()),
            name: spot(Some(&name)).filter(|spot| !spot.text.is_empty()),
            tag: spot(tag.as_ref()),
            digest: spot(digest.as_ref()),
            home,
            ..Parts::default()
        };
        parts.name.as_ref()?;
        if !reads_as_image(&parts) {
            return None;
        }
        Some(ImageValue {
            object: self.object.to_owned(),
            container: container.map(str::to_owned),
            parts,
            obstacle,
            is_kustomizable: false,
            policy: None,
            vacant: None,
        })
    }
}

/// Values hold much that only looks like an image: addresses, git repositories, templates.
fn reads_as_image(parts: &Parts) -> bool {
    let (name, build) = parts.name_and_build();
    !name.contains("://") && format!("{}{build}", name.to_lowercase()).parse::<ImageRef>().is_ok()
}

fn is_scalar(node: &Node) -> bool {
    node.text().is_some()
}

/// What stands before `image` in a key, in plain letters; `None` for keys that name no image.
fn stem_of(key: &str) -> Option<String> {
    let key = plain(key);
    NAMES.iter().find_map(|name| key.strip_suffix(name)).map(str::to_owned)
}

/// A key in lower case and without separators.
pub(crate) fn plain(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
