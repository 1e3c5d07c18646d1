//! Images in the objects by which Flux and Argo CD install charts and kustomizations.

use std::collections::HashMap;

use crate::{
    image::{ImageValue, Within},
    kustomize::read_entries,
    object::{group, object_name, text},
    policy::FoundPolicy,
    values,
    yaml::{Documents, Node, Spot, cursor::Cursor},
};

/// A kind of object with images that belong to no container.
pub(crate) fn release_images(root: &Cursor<'_>) -> Vec<ImageValue> {
    let object = object_name(root.node);
    match (group(root.node), text(root.node, "kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            let mut found = root.at(&["spec", "values"]).map(|spec| values::images(&spec, &object)).unwrap_or_default();
            for renderer in root.at(&["spec", "postRenderers"]).iter().flat_map(Cursor::items) {
                found.extend(renderer.key("kustomize").iter().flat_map(|renderer| entries(renderer, &object)));
            }
            found
        }
        ("helm.fluxcd.io" | "flux.weave.works", "HelmRelease" | "FluxHelmRelease") => flux_v1(root, &object),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
            root.key("spec").iter().flat_map(|spec| entries(spec, &object)).collect()
        }
        ("argoproj.io", "Application") => {
            let mut found = application(root, &object);
            for image in &mut found {
                image.policy = FoundPolicy::of_image_updater(root.node, &image.parts.name_and_build().0);
            }
            found
        }
        ("argoproj.io", "ApplicationSet") => application_set(root, &object),
        _ => Vec::new(),
    }
}

/// The parameters that Argo CD keeps beside an application's source: `.argocd-source.yaml`.
pub(crate) fn source_file_images(root: &Cursor<'_>) -> Vec<ImageValue> {
    let mut found = Vec::new();
    source(root, "Application", &mut found);
    found
}

fn entries(parent: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    read_entries(parent, "images", object).into_iter().map(|entry| (*entry.value).clone()).collect()
}

/// Flux v1: annotations name the values by their paths; what they name is not looked for again.
fn flux_v1(root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let Some(spec) = root.at(&["spec", "values"]) else { return Vec::new() };
    let mut found: Vec<ImageValue> = Vec::new();
    let annotations = root.node.at(&["metadata", "annotations"]);
    for (key, path) in annotations.map(Node::entries).unwrap_or_default() {
        let Some(container) = key.text().and_then(|key| key.strip_prefix("repository.fluxcd.io/")) else { continue };
        let at = |path: &str| spec.at(&path.split('.').collect::<Vec<_>>());
        let mapped = |part: &str| at(annotations?.get(&format!("{part}.fluxcd.io/{container}"))?.text()?);
        let Some(name) = path.text().and_then(at) else { continue };
        let parts = [mapped("registry"), mapped("tag")];
        found.extend(parted(&name, parts, object, container));
    }
    let taken = |image: &ImageValue| found.iter().any(|other| other.parts.name == image.parts.name);
    let by_shape: Vec<ImageValue> = values::images(&spec, object).into_iter().filter(|image| !taken(image)).collect();
    found.extend(by_shape);
    for image in &mut found {
        let container = image.container.as_deref().unwrap_or("chart-image");
        image.policy = FoundPolicy::of_flux_v1(root.node, container);
    }
    found
}

/// An image whose registry and tag stand apart.
fn parted(
    name: &Cursor<'_>,
    [registry, tag]: [Option<Cursor<'_>>; 2],
    object: &str,
    container: &str,
) -> Option<ImageValue> {
    let mut image = ImageValue::whole(name, object, Some(container.to_owned()))?;
    image.obstacle = [Some(name), registry.as_ref(), tag.as_ref()].into_iter().flatten().find_map(|c| c.obstacle);
    image.parts.registry = registry.and_then(|registry| registry.spot());
    image.parts.tag = tag.and_then(|tag| tag.spot());
    Some(image)
}

fn application(root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let mut found = Vec::new();
    let Some(spec) = root.key("spec") else { return found };
    let several = spec.key("sources");
    for one in spec.key("source").into_iter().chain(several.iter().flat_map(Cursor::items)) {
        source(&one, object, &mut found);
    }
    found
}

fn application_set(root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let mut found = root.at(&["spec", "template"]).map(|template| application(&template, object)).unwrap_or_default();
    for generator in root.at(&["spec", "generators"]).iter().flat_map(Cursor::items) {
        generated(&generator, object, 0, &mut found);
    }
    found
}

/// What a generator's list puts into the template, and the template of its own.
fn generated(generator: &Cursor<'_>, object: &str, depth: u8, found: &mut Vec<ImageValue>) {
    for (_, inner) in generator.entries() {
        if let Some(elements) = inner.key("elements") {
            found.extend(values::images(&elements, object));
        }
        found.extend(inner.key("values").iter().flat_map(|given| values::images(given, object)));
        found.extend(inner.key("template").iter().flat_map(|template| application(template, object)));
        for nested in inner.key("generators").iter().flat_map(Cursor::items).filter(|_| depth < 3) {
            generated(&nested, object, depth + 1, found);
        }
    }
}

/// What the source of an application says about images.
fn source(source: &Cursor<'_>, object: &str, found: &mut Vec<ImageValue>) {
    if let Some(helm) = source.key("helm") {
        parameters(&helm, object, found);
        found.extend(helm.key("valuesObject").iter().flat_map(|given| values::images(given, object)));
        found.extend(helm.key("values").iter().flat_map(|text| text_values(text, object)));
    }
    for image in source.at(&["kustomize", "images"]).iter().flat_map(Cursor::items) {
        let Some(mut value) = ImageValue::whole(&image, object, None) else { continue };
        // `old=new:tag`: what the manifests call the image stays.
        let prefix = value.parts.name.as_ref().and_then(|spot| spot.text.find('=')).map_or(0, |at| at + 1);
        value.parts.prefix_len = prefix;
        found.push(value);
    }
}

/// Helm parameters: `image.tag` with `image.repository` or `image.name` beside it, or `image` alone.
fn parameters(helm: &Cursor<'_>, object: &str, found: &mut Vec<ImageValue>) {
    let all: Vec<(String, Cursor<'_>)> = helm
        .key("parameters")
        .iter()
        .flat_map(Cursor::items)
        .filter_map(|item| Some((item.node.get("name")?.text()?.to_owned(), item.key("value")?)))
        .collect();
    let by_name: HashMap<&str, &Cursor<'_>> = all.iter().rev().map(|(name, value)| (name.as_str(), value)).collect();
    let named = |name: String| by_name.get(name.as_str()).map(|value| (*value).clone());
    for (name, value) in &all {
        let (stem, last) = name.rsplit_once('.').map_or(("", name.as_str()), |(stem, last)| (stem, last));
        let beside = |last: &str| named(if stem.is_empty() { last.to_owned() } else { format!("{stem}.{last}") });
        let container = stem.strip_suffix(".image").or(Some(stem)).filter(|stem| !stem.is_empty() && *stem != "image");
        let image = match last {
            "repository" | "name" if beside("tag").is_some() => {
                parted(value, [beside("registry"), beside("tag")], object, container.unwrap_or_default())
            }
            "image" if beside("tag").is_some() => {
                parted(value, [beside("registry"), beside("tag")], object, container.unwrap_or_default())
            }
            "image" => ImageValue::whole(value, object, None),
            _ => None,
        };
        found.extend(image.map(|mut image| {
            image.container = container.map(str::to_owned);
            image
        }));
    }
}

/// Values that stand as text in a block.
fn text_values(block: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let Some(text) = block.text() else { return Vec::new() };
    let documents = Documents::read(text);
    let mut found = Vec::new();
    for root in &documents.roots {
        for mut image in values::images(&Cursor::root(root), object) {
            let is_block = block.node.is_literal();
            let otherwise = "the values are no literal block (`values: |`): write them as `valuesObject`";
            image.obstacle = image.obstacle.or(block.obstacle).or((!is_block).then_some(otherwise));
            // Places are told as they stand in the file; bytes stay those of the inner text, for the edit of it.
            image.parts.within = Some(Within { at: block.at, outer: outer(block, text, image.span().start) });
            for spot in image.parts.spots_mut() {
                shift(spot, block);
            }
            found.push(image);
        }
    }
    found
}

/// Where a byte of a block's text stands in the file: each line of the block is indented.
fn outer(block: &Cursor<'_>, text: &str, inner: usize) -> usize {
    let indent = block.position.column as usize - 1;
    let lines = text[..inner].split_inclusive('\n').skip(1).filter(|line| *line != "\n").count();
    let starts_line = text[..inner].ends_with('\n');
    block.at + inner + indent * (lines + usize::from(starts_line))
}

fn shift(spot: &mut Spot, block: &Cursor<'_>) {
    spot.position.line += block.position.line - 1;
    spot.position.column += block.position.column - 1;
    spot.field = format!("{}.{}", block.field, spot.field);
}
