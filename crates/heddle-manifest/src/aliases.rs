//! Texts that aliases and merge keys take to several places, where each of these is the same part of one image: `tag: &tag v1`
//! here and `tag: *tag` there, `image: &image {…}` here and `image: *image` there. They change together, where the text is
//! written.

use std::collections::{HashMap, HashSet};

use crate::{
    image::ImageValue,
    policy::FoundPolicy,
    yaml::{Node, Value, cursor::SHARED, is_merge_key},
};

/// A text, by its first byte, that says which build of an image runs.
type Source = (usize, String);

/// Lets tags, digests and whole images change that aliases take to other places of the same image and to nothing else. What
/// says at one of the places how tags are chosen says so for all. `images` are all of a file with these documents.
pub(crate) fn release<'i>(images: impl IntoIterator<Item = &'i mut ImageValue>, roots: &[Node]) {
    let whole = images.into_iter().filter(|image| image.parts.within.is_none());
    let mut images: Vec<&mut ImageValue> =
        whole.filter(|image| image.parts.spots().any(|spot| spot.shared.is_some())).collect();
    if images.is_empty() {
        return;
    }
    // A patch for several objects stands once for all of them.
    let mut places: HashMap<Source, HashSet<String>> = HashMap::new();
    let mut policies: HashMap<Source, FoundPolicy> = HashMap::new();
    for image in &mut images {
        for (source, field) in sources(image) {
            places.entry(source.clone()).or_default().insert(field);
            if let Some(policy) = &image.policy {
                policies.entry(source).or_insert_with(|| policy.clone());
            }
        }
    }
    let mut ways = HashMap::new();
    roots.iter().for_each(|root| count(root, &mut ways));
    let mut names: HashMap<usize, usize> = HashMap::new();
    places.keys().for_each(|(at, _)| *names.entry(*at).or_default() += 1);
    let is_free = |source: &Source| {
        names.get(&source.0) == Some(&1) && places.get(source).map(HashSet::len).as_ref() == ways.get(&source.0)
    };
    for image in images {
        free(image, &is_free);
        let mut own = sources(image).into_iter().map(|(source, _)| source).filter(is_free);
        image.policy = image.policy.take().or_else(|| own.find_map(|source| policies.get(&source).cloned()));
    }
}

/// The shared texts that say which build of an image runs, each with the way on which the image takes it.
fn sources(image: &mut ImageValue) -> Vec<(Source, String)> {
    let (name, _) = image.parts.name_and_build();
    let shared = image.parts.deciding_spots_mut().filter_map(|spot| Some((spot.shared?.at, spot.field.clone())));
    shared.map(|(at, field)| ((at, name.clone()), field)).collect()
}

fn free(image: &mut ImageValue, is_free: &impl Fn(&Source) -> bool) {
    let (name, _) = image.parts.name_and_build();
    let mut all_free = true;
    for spot in image.parts.deciding_spots_mut() {
        match &mut spot.shared {
            Some(shared) if is_free(&(shared.at, name.clone())) => shared.is_free = true,
            _ => all_free &= spot.obstacle.is_none(),
        }
    }
    // The name is not written when a tag is.
    let others = image.parts.spots().filter(|spot| spot.shared.is_none());
    let is_plain = others.into_iter().all(|spot| spot.obstacle.is_none());
    if all_free && is_plain && image.obstacle.is_some_and(|reason| SHARED.contains(&reason)) {
        image.obstacle = None;
    }
}

/// Counts the ways that lead to each text of a document, those through aliases and merge keys too. A key is one: an edit of
/// its text would rename it.
fn count(node: &Node, ways: &mut HashMap<usize, usize>) {
    let node = node.resolved();
    match &node.value {
        Value::Scalar(..) => *ways.entry(node.span.start).or_default() += 1,
        Value::Sequence(items) => items.iter().for_each(|item| count(item, ways)),
        Value::Mapping(_) => count_entries(node, &mut HashSet::new(), ways),
        Value::Anchored(_) | Value::Alias(_) => {}
    }
}

fn count_entries<'n>(mapping: &'n Node, known: &mut HashSet<&'n str>, ways: &mut HashMap<usize, usize>) {
    let mut own: HashMap<&str, usize> = HashMap::new();
    for (index, (key, value)) in mapping.entries().iter().enumerate().filter(|(_, (key, _))| !is_merge_key(key)) {
        count(key, ways);
        let name = key.text().unwrap_or_default();
        if !known.contains(name) {
            count(value, ways);
            own.insert(name, index);
        }
    }
    // What a merge key brings behind a key takes its place for some readers.
    for (index, (_, source)) in mapping.entries().iter().enumerate().filter(|(_, (key, _))| is_merge_key(key)) {
        known.extend(own.iter().filter(|(_, at)| **at > index).map(|(name, _)| *name));
        source.mappings().iter().for_each(|source| count_entries(source, known, ways));
    }
    known.extend(own.into_keys());
}
