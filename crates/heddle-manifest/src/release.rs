//! Images in the objects by which Flux and Argo CD install charts and kustomizations.

mod parameters;
mod patches;

use self::parameters::Parameters;
use crate::{
    image::ImageValue,
    kustomize::read_entries,
    object::{group, object_name, text},
    policy::FoundPolicy,
    values::{self, texts},
    yaml::{Documents, Node, Position, cursor::Cursor},
};

/// A kind of object with images that belong to no container.
pub(crate) fn release_images(root: &Cursor<'_>) -> Vec<ImageValue> {
    let object = object_name(root.node);
    match (group(root.node), text(root.node, "kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            let mut found = root.at(&["spec", "values"]).map(|spec| values::images(&spec, &object)).unwrap_or_default();
            for renderer in root.at(&["spec", "postRenderers"]).iter().flat_map(Cursor::items) {
                found.extend(renderer.key("kustomize").iter().flat_map(|renderer| kustomized(renderer, &object)));
            }
            found
        }
        ("helm.fluxcd.io" | "flux.weave.works", "HelmRelease" | "FluxHelmRelease") => flux_v1(root, &object),
        ("kustomize.toolkit.fluxcd.io", "Kustomization") | ("heddle.dev", "Sync") => {
            let values = root.at(&["spec", "helm", "values"]);
            let values = values.iter().flat_map(|values| values::images(values, &object));
            root.key("spec").iter().flat_map(|spec| kustomized(spec, &object)).chain(values).collect()
        }
        ("argoproj.io", "Application") => {
            let mut found = application(root, &object);
            for image in &mut found {
                image.policy = FoundPolicy::of_image_updater(root.node, &image.parts.name_and_build().0);
            }
            found
        }
        ("argoproj.io", "ApplicationSet") => application_set(root, &object),
        ("", "ConfigMap") => config_map(root, &object),
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => within(root, &["spec", "valuesContent"], &object),
        ("addons.cluster.x-k8s.io", "HelmChartProxy") => within(root, &["spec", "valuesTemplate"], &object),
        _ => Vec::new(),
    }
}

/// The patches of an object that are no YAML, with their texts. Templates of several objects are not looked at: they become
/// YAML later.
pub(crate) fn broken_patches<'a>(root: &Cursor<'a>) -> Vec<(Position, &'a str)> {
    let spec = root.key("spec");
    let listed = |key: &str| -> Vec<Cursor<'a>> {
        let list = spec.as_ref().and_then(|spec| spec.key(key));
        list.iter().flat_map(Cursor::items).collect()
    };
    let around: Vec<Cursor<'a>> = match (group(root.node), text(root.node, "kind")) {
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            listed("postRenderers").iter().filter_map(|renderer| renderer.key("kustomize")).collect()
        }
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => spec.iter().cloned().collect(),
        ("argoproj.io", "Application") => {
            let one = spec.iter().filter_map(|spec| spec.key("source"));
            one.chain(listed("sources")).filter_map(|source| source.key("kustomize")).collect()
        }
        _ => Vec::new(),
    };
    around.iter().flat_map(patches::broken).collect()
}

/// The parameters that Argo CD keeps beside an application's source: `.argocd-source.yaml`.
pub(crate) fn source_file_images(root: &Cursor<'_>) -> Vec<ImageValue> {
    let mut found = Vec::new();
    source(root, "Application", &mut found);
    found
}

/// The images of YAML that stands as a text.
fn within(root: &Cursor<'_>, path: &[&str], object: &str) -> Vec<ImageValue> {
    root.at(path).iter().flat_map(|text| texts::images(text, object)).collect()
}

/// Values of charts, and manifests, that a ConfigMap holds as texts.
fn config_map(root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let data = root.key("data");
    let entries = data.iter().flat_map(Cursor::entries);
    let yaml = entries.filter(|(key, _)| key.ends_with(".yaml") || key.ends_with(".yml"));
    yaml.flat_map(|(_, text)| texts::images(&text, object)).collect()
}

/// What `images` and the patches of a mapping set, as they do in a kustomization.
fn kustomized(parent: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let entries = read_entries(parent, "images", object).into_iter().map(|entry| (*entry.value).clone());
    entries.chain(patches::images(parent, object)).collect()
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
        let parameters = Parameters::read(&helm);
        parameters.images(object, found);
        // `values` counts where there is no `valuesObject`, and parameters win over both.
        let given = helm.key("valuesObject").filter(|given| !given.node.is_null());
        let (field, given) = match (given, helm.key("values")) {
            (Some(given), _) => {
                parameters.refuse_stale(&given, found);
                (given.field.clone(), values::images(&given, object))
            }
            (None, Some(text)) => {
                let documents = Documents::read(text.text().unwrap_or_default());
                documents.roots.iter().for_each(|root| parameters.refuse_stale(&Cursor::root(root), found));
                (text.field.clone(), texts::images(&text, object))
            }
            (None, None) => (String::new(), Vec::new()),
        };
        for image in given {
            let left = parameters.lay_over(image, &field, found);
            found.extend(left);
        }
    }
    for image in source.at(&["kustomize", "images"]).iter().flat_map(Cursor::items) {
        let Some(mut value) = ImageValue::whole(&image, object, None) else { continue };
        // `old=new:tag`: what the manifests call the image stays.
        let prefix = value.parts.name.as_ref().and_then(|spot| spot.text.find('=')).map_or(0, |at| at + 1);
        value.parts.prefix_len = prefix;
        found.push(value);
    }
    found.extend(source.key("kustomize").iter().flat_map(|given| patches::images(given, object)));
}

#[cfg(test)]
mod tests;
