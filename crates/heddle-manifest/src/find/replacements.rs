//! Which images a replacement sets. What it sets is told and not written: the value stands in another object.

use std::sync::Arc;

use super::{
    closure::{Reader, resolve},
    live::Live,
    patches::identity,
};
use crate::{
    image::ImageValue,
    kustomize::{Copied, Kustomization, Renamed, Replacement, Replacing, Source},
    path::Path,
    written::split_build,
    yaml::{Node, cursor::Cursor},
};

const SET_ELSEWHERE: &str = "a replacement of a kustomization sets this image from another object: change it there";

/// Carries out the replacements of a kustomization on its images.
pub(super) fn apply(
    reader: &mut Reader<'_>,
    file: &Arc<str>,
    folder: &str,
    kustomization: &Kustomization,
    live: &mut [Live],
) {
    for replacing in &kustomization.replacements {
        match replacing {
            Replacing::Here(Ok(replacement)) => carry_out(reader, file, kustomization, replacement, live),
            Replacing::Here(Err(fault)) => {
                let message = format!("this replacement cannot be read, so nothing is updated: {}", fault.message);
                reader.refuse(file, fault.position, "broken-kustomization", message);
                doubt_all(file, fault.position.line, live);
            }
            Replacing::File(reference) => {
                let path = resolve(folder, &reference.path).filter(|path| reader.has(path));
                let Some(documents) = path.as_ref().and_then(|path| reader.documents(path)) else {
                    let message = format!("the replacement `{}` cannot be read, so nothing is updated", reference.path);
                    reader.refuse(file, reference.position, "missing-file", message);
                    doubt_all(file, reference.position.line, live);
                    continue;
                };
                for replacement in documents.roots.iter().flat_map(Replacement::of_file) {
                    match replacement {
                        Ok(replacement) => carry_out(reader, file, kustomization, &replacement, live),
                        Err(fault) => {
                            let path = path.as_deref().unwrap_or_default();
                            let message = format!("this replacement cannot be read: {}", fault.message);
                            reader.refuse(path, fault.position, "broken-kustomization", message);
                            doubt_all(&Arc::from(path), fault.position.line, live);
                        }
                    }
                }
            }
        }
    }
}

fn doubt_all(file: &str, line: u32, live: &mut [Live]) {
    let doubt: Arc<str> = format!("{file}:{line}").into();
    live.iter_mut().for_each(|image| image.doubt = Some(Arc::clone(&doubt)));
}

fn carry_out(
    reader: &mut Reader<'_>,
    file: &Arc<str>,
    kustomization: &Kustomization,
    replacement: &Replacement,
    live: &mut [Live],
) {
    let mut value: Option<Option<String>> = None;
    for target in &replacement.targets {
        for index in 0..live.len() {
            let Some(is_exact) = reached(target, &live[index]) else { continue };
            if !is_meant(reader, target, &live[index]) {
                continue;
            }
            let value = value.get_or_insert_with(|| source(reader, kustomization, &replacement.source, live));
            let image = &mut live[index];
            match value.as_deref().filter(|_| is_exact) {
                Some(value) => set(image, target, value),
                None => image.doubt = Some(format!("{file}:{}", replacement.position.line).into()),
            }
        }
    }
}

/// Whether a field that gets the value is an image: `Some(true)` where it is the text of the whole image and no other.
fn reached(target: &Copied, image: &Live) -> Option<bool> {
    let whole = |field: &str, end: usize| end == field.len();
    let mut reached = None;
    for field in image.fields.all() {
        for (pattern, is_exact) in &target.fields {
            let Some(found) = pattern.find(field) else { continue };
            let rest = &field[found.end()..];
            if rest.is_empty() || rest.starts_with(['.', '[']) {
                let is_image = image.fields.is_whole() && whole(field, found.end());
                reached = Some(reached.unwrap_or(true) && *is_exact && is_image);
            }
        }
    }
    reached
}

fn is_meant(reader: &mut Reader<'_>, target: &Copied, image: &Live) -> bool {
    let (kind, namespace, name) = identity(&image.object);
    let renamed = Arc::clone(&image.renamed);
    if !target.select.fits(kind, namespace, name, &renamed) {
        return false;
    }
    let needs_object = target.select.needs_object() || !target.reject.is_empty();
    !needs_object
        || reader
            .with_object(&image.origin, &image.object, |object| {
                target.select.matches(object.node, &renamed)
                    && !target.reject.iter().any(|reject| reject.matches(object.node, &renamed))
            })
            .unwrap_or(true)
}

fn set(image: &mut Live, target: &Copied, value: &str) {
    let written = target.pieces.put(&image.written(), value);
    let (name, build) = split_build(&written);
    (image.name, image.build) = (name.to_owned(), build.to_owned());
    let value = Arc::make_mut(&mut image.value);
    *value = ImageValue { obstacle: Some(SET_ELSEWHERE), ..value.clone() };
}

/// The value that is copied, where it can be known from the files that were read: it stands in one object alone.
fn source(reader: &mut Reader<'_>, kustomization: &Kustomization, source: &Source, live: &[Live]) -> Option<String> {
    let (selector, field, pieces) = match source {
        Source::Text(text) => return Some(text.clone()),
        Source::Object(selector, field, pieces) => (selector, field, pieces),
    };
    let mut found: Vec<String> = Vec::new();
    for (name, key, text) in &kustomization.literals {
        if selector.fits("ConfigMap", None, name, &Renamed::default()) && *field == format!("data.{key}") {
            found.push(text.clone());
        }
    }
    let path = Path::parse(&field.replace(".[", "[")).ok()?;
    // What a patch may have changed is not looked for.
    if !kustomization.patches.is_empty() || live.iter().any(|image| image.doubt.is_some()) {
        return None;
    }
    let resources = reader.reached.iter().cloned().collect::<Vec<_>>();
    for file in resources {
        let Some(documents) = reader.documents(&file) else { continue };
        let is_it = |root: &&Node| selector.matches(root, &Renamed::default());
        let texts = documents.roots.iter().filter(is_it).flat_map(|root| path.all(&Cursor::root(root)));
        found.extend(texts.filter_map(|cursor| cursor.text().map(str::to_owned)));
    }
    found.sort();
    found.dedup();
    match found.as_slice() {
        [one] => pieces.of(one).map(str::to_owned),
        _ => None,
    }
}
