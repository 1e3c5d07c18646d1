//! Helm parameters of an Argo CD application: they win over the values beside them.
//!
//! Source: <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>, "Values" and "Helm Parameters".

use std::collections::HashMap;

use crate::{
    image::{ImageValue, Parts},
    values::{self, IsFor, Level},
    yaml::{Node, Spot, cursor::Cursor},
};

const SPLIT: &str =
    "a parameter sets a part of this image, and the values its digest or its tag: write both in one of them";

/// Helm parameters, by the paths of the values that they set.
pub(super) struct Parameters<'a> {
    /// The mappings that are named, each with its keys.
    levels: Vec<(String, Vec<(String, Cursor<'a>)>)>,
    by_path: HashMap<String, Cursor<'a>>,
}

impl<'a> Parameters<'a> {
    pub fn read(helm: &Cursor<'a>) -> Self {
        let mut levels: Vec<(String, Vec<(String, Cursor<'a>)>)> = Vec::new();
        let (mut level_of, mut seen) = (HashMap::new(), HashMap::new());
        let mut by_path = HashMap::new();
        let list = helm.key("parameters");
        for item in list.iter().flat_map(Cursor::items) {
            let (Some(name), Some(mut value)) = (item.node.get("name").and_then(Node::text), item.key("value")) else {
                continue;
            };
            let (path, key) = name.rsplit_once('.').unwrap_or(("", name));
            let level = *level_of.entry(path).or_insert_with(|| {
                levels.push((path.to_owned(), Vec::new()));
                levels.len() - 1
            });
            // Argo CD takes the last of several; a person may look at the first.
            let next = levels[level].1.len();
            let index = *seen.entry(name).or_insert(next);
            if index < next {
                value.obstacle = value.obstacle.or(Some("the parameter stands twice: keep one"));
                levels[level].1[index] = (key.to_owned(), value.clone());
            } else {
                levels[level].1.push((key.to_owned(), value.clone()));
            }
            by_path.insert(name.to_owned(), value);
        }
        Self { levels, by_path }
    }

    /// `image.tag` with `image.repository`, as if they stood in mappings.
    pub fn images(&self, object: &str, found: &mut Vec<ImageValue>) {
        let levels = self.levels.iter().map(|(path, keys)| (path.clone(), Level::of_texts(keys.clone())));
        found.extend(values::images_by_path(&levels.collect::<Vec<_>>(), object));
    }

    /// Refuses the parameters' own images where the values at their way hold a digest that no parameter sets.
    pub fn refuse_stale(&self, values: &Cursor<'_>, own: &mut [ImageValue]) {
        for (path, keys) in &self.levels {
            let way: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
            let Some(mapping) = values.at(&way).filter(|found| found.node.is_mapping()) else { continue };
            let level = Level::of_mapping(&mapping);
            let is_for = if way.is_empty() { IsFor::Anything } else { IsFor::Image };
            let is_set = |key: &str| keys.iter().any(|(known, _)| values::plain(known) == key);
            let own_digest = level.own_digest();
            if !level.other_digests("", is_for).chain(own_digest).any(|key| !is_set(key)) {
                continue;
            }
            let is_here = |spot: &Spot| keys.iter().any(|(_, value)| value.at == spot.span.start);
            for one in own.iter_mut().filter(|one| one.parts.spots().any(is_here)) {
                one.obstacle = one.obstacle.or(Some(SPLIT));
            }
        }
    }

    /// Lays the parameters over an image in the values at a way; nothing is left where they make an image of their own.
    pub fn lay_over(&self, mut image: ImageValue, values: &str, own: &mut [ImageValue]) -> Option<ImageValue> {
        let way = |spot: &Spot| {
            let rest = spot.field.strip_prefix(values).unwrap_or(&spot.field);
            rest.trim_start_matches('.').to_owned()
        };
        let set = |spot: &Spot| self.by_path.get(&way(spot));
        let beside = |key: &str| {
            let name = way(image.parts.name.as_ref().filter(|_| image.parts.home.is_some())?);
            let around = name.rsplit_once('.').map_or(String::new(), |(around, _)| format!("{around}."));
            self.by_path.get(&format!("{around}{key}"))
        };
        let name = image.parts.name.as_ref().and_then(set);
        let tag = image.parts.tag.as_ref().map_or_else(|| beside("tag"), set);
        let digest = image.parts.digest.as_ref().map_or_else(|| beside("digest"), set);
        // A registry beside the name counts for whichever name stands there then.
        let registry = image.parts.registry.as_ref().map_or_else(|| beside("registry"), set).and_then(Cursor::text);
        let registry = registry.map(str::to_owned);
        if registry.is_some() {
            image.parts.host = registry;
        }
        if name.is_none() && tag.is_none() && digest.is_none() {
            return Some(image);
        }
        let written = image.parts.registry.as_ref().map(|spot| spot.text.clone());
        let host = image.parts.host.clone().or(written).filter(|host| !host.is_empty());
        let is_filled = |spot: &Option<Spot>| spot.as_ref().is_some_and(|spot| !spot.text.is_empty());
        let is_split = (is_filled(&image.parts.digest) && digest.is_none() && tag.is_some())
            || (is_filled(&image.parts.tag) && tag.is_none() && digest.is_some());
        let around = [name, tag, digest].into_iter().flatten().find_map(|cursor| cursor.obstacle);
        let of_shape = image.obstacle.filter(|obstacle| values::is_of_shape(obstacle));
        let obstacle = of_shape.or(around).or(is_split.then_some(SPLIT));
        // With its name, a parameter's tag or digest is an image already.
        if let Some(name) = name.filter(|_| tag.is_some() || digest.is_some() || image.parts.home.is_none()) {
            let is_same =
                |one: &&mut ImageValue| one.parts.name.as_ref().is_some_and(|spot| spot.span.start == name.at);
            for one in own.iter_mut().filter(is_same) {
                one.obstacle = one.obstacle.or(obstacle);
                let has_host = one.parts.registry.is_some() || one.parts.host.is_some();
                one.parts.host = one.parts.host.take().or(host.clone().filter(|_| !has_host));
            }
            return None;
        }
        if let Some(name) = name {
            image.parts.fixed_name = name.text().map(str::to_owned);
            (image.parts.name, image.parts.registry, image.parts.host) = (None, None, host);
        } else {
            let (name, _) = image.parts.name_and_build();
            image.obstacle = obstacle;
            image.parts = Parts {
                fixed_name: Some(name),
                tag: tag.and_then(Cursor::spot),
                digest: digest.and_then(Cursor::spot),
                is_bare_digest: image.parts.is_bare_digest,
                digest_in_tag: image.parts.digest_in_tag,
                ..Parts::default()
            };
        }
        Some(image)
    }
}
