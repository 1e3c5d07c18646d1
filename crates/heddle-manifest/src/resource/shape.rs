//! Images of custom resources that no rule is for: a text or a mapping under `image` in `spec` that says a build.

use crate::{
    image::ImageValue,
    object::{group, object_name, text},
    values,
    yaml::cursor::Cursor,
};

/// Groups of policy, telemetry and mesh, with those below them, and the kinds that are meant where not all are: what they
/// say of images is a condition or a name, and nothing runs it.
const SAYING: [(&str, &[&str]); 4] =
    [("kyverno.io", &[]), ("gatekeeper.sh", &[]), ("istio.io", &[]), ("monitoring.coreos.com", &["PrometheusRule"])];

/// Keys below which a text says what is looked for or how something is called.
const SAYING_KEYS: [&str; 4] = ["labels", "annotations", "matchLabels", "pattern"];

/// The images of a custom resource by their shape, but of Kubernetes' own kinds and of those that install charts, which are
/// known in full, and of those that only speak of images. Unlike values of charts, which are written for images, a resource
/// may mean much by `image`: only what names a registry, a path and a build is taken for one.
pub(crate) fn by_shape(root: &Cursor<'_>) -> Vec<ImageValue> {
    let group = group(root.node);
    let is_own = group.ends_with(".k8s.io") || group.ends_with(".fluxcd.io") || group == "flux.weave.works";
    let is_release = is_own || matches!(text(root.node, "kind"), "Application" | "ApplicationSet" | "ImageUpdater");
    let is_custom = group.contains('.') && !is_release && !only_says(group, text(root.node, "kind"));
    let Some(spec) = root.key("spec").filter(|_| is_custom) else { return Vec::new() };
    let object = object_name(root.node);
    let found = values::images(&spec, &object).into_iter();
    found.filter(is_certain).map(|image| ImageValue { object: object.clone(), ..image }).collect()
}

fn only_says(group: &str, kind: &str) -> bool {
    let is_in = |name: &str| group.strip_suffix(name).is_some_and(|front| front.is_empty() || front.ends_with('.'));
    SAYING.iter().any(|(name, kinds)| is_in(name) && (kinds.is_empty() || kinds.contains(&kind)))
}

fn is_certain(image: &ImageValue) -> bool {
    let (name, build) = image.parts.name_and_build();
    let field = image.parts.name.as_ref().map_or("", |spot| spot.field.as_str());
    let mut keys = field.rsplit('.');
    let (key, around) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
    let says_image = |key: &str| key.to_lowercase().ends_with("image");
    let is_apart = image.parts.tag.is_some() && says_image(around);
    let is_said = field.split(['.', '[', ']']).any(|key| SAYING_KEYS.contains(&key));
    // Paths of pictures and of disks have no host in front.
    let names_host = name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    names_host && !is_said && !build.is_empty() && (says_image(key) || is_apart)
}
