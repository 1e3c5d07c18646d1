//! Which images the variables of kustomizations make (`vars`). What they make is told and not written: the value stands in
//! what a generator takes.
//!
//! Kustomize puts the values in at the end, when all objects are there. Source: kustomize's `types.Var`, and its
//! `RefVarTransformer`.

use std::{collections::HashMap, sync::Arc};

use super::{
    closure::{Reader, resolve},
    live::Live,
    patches::identity,
};
use crate::{image::ImageValue, kustomize::Kustomization, object::text, written::split_build, yaml::Node};

const SET_ELSEWHERE: &str = "a variable of a kustomization (`vars`) is a part of this image: change the value there";

/// A kustomization that was led to, with its folder; those within others come first.
pub(super) type Visited<'a> = (String, &'a Kustomization);

/// Puts the values of variables into the images of a kustomization and of all that it leads to.
pub(super) fn apply(reader: &mut Reader<'_>, visited: &[Visited<'_>], live: &mut [Live]) {
    let is_open = |image: &Live| image.is_kustomizable && image.written().contains("$(");
    if !live.iter().any(is_open) || visited.iter().all(|(_, one)| one.vars.is_empty()) {
        return;
    }
    let values = values(reader, visited);
    let fields = fields(reader, visited);
    for image in live.iter_mut().filter(|image| is_open(image)) {
        let (kind, ..) = identity(&image.object);
        let Some(field) = image.fields.name.as_deref().map(without_members) else { continue };
        if !fields.iter().any(|(of, path)| *path == field && (of.is_empty() || of == kind)) {
            continue;
        }
        let Some(written) = filled(&image.written(), &values) else { continue };
        let (name, build) = split_build(&written);
        (image.name, image.build) = (name.to_owned(), build.to_owned());
        let value = Arc::make_mut(&mut image.value);
        *value = ImageValue { obstacle: Some(SET_ELSEWHERE), ..value.clone() };
    }
}

/// The values of the variables, by their names: those that a ConfigMap of a generator holds.
fn values(reader: &Reader<'_>, visited: &[Visited<'_>]) -> HashMap<String, String> {
    let mut data: HashMap<(&str, String), String> = HashMap::new();
    for (folder, kustomization) in visited {
        for (name, file) in &kustomization.env_files {
            let text = resolve(folder, &file.path).and_then(|path| reader.files().get(&path)).unwrap_or_default();
            let lines = text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'));
            let pairs = lines.filter_map(|line| line.split_once('='));
            data.extend(pairs.map(|(key, value)| ((name.as_str(), key.to_owned()), value.to_owned())));
        }
        let literals = kustomization.literals.iter();
        data.extend(literals.map(|(name, key, value)| ((name.as_str(), key.clone()), value.clone())));
    }
    let all = visited.iter().flat_map(|(_, one)| &one.vars);
    all.filter_map(|var| Some((var.name.clone(), data.get(&(var.object.as_str(), var.key.clone()))?.clone()))).collect()
}

/// Where variables count: kind and way of keys, as the configurations of the kustomizations say.
fn fields(reader: &mut Reader<'_>, visited: &[Visited<'_>]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (folder, kustomization) in visited {
        for file in &kustomization.configurations {
            let path = resolve(folder, &file.path).filter(|path| reader.has(path));
            let Some(documents) = path.and_then(|path| reader.documents(&path)) else { continue };
            let lists = documents.roots.iter().filter_map(|root| root.get("varReference"));
            for item in lists.flat_map(Node::items) {
                let way = text(item, "path").replace("[]", "").replace('/', ".");
                found.push((text(item, "kind").to_owned(), way));
            }
        }
    }
    found
}

/// A way of keys without the members of lists: `spec.containers[name=a].image` is `spec.containers.image`.
fn without_members(field: &str) -> String {
    let (mut way, mut depth) = (String::new(), 0_usize);
    for character in field.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => way.push(character),
            _ => {}
        }
    }
    way
}

/// A text with the values of its variables; `None` where one has no value that is known.
fn filled(text: &str, values: &HashMap<String, String>) -> Option<String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("$(") {
        let (name, after) = behind.split_once(')')?;
        filled.push_str(before);
        filled.push_str(values.get(name)?);
        rest = after;
    }
    Some(filled + rest)
}
