//! Images of custom resources that no rule is for: a text or a mapping under `image` in `spec` that says a build.

use crate::{
    image::ImageValue,
    object::{group, object_name, text},
    values,
    yaml::cursor::Cursor,
};

/// The images of a custom resource by their shape, but of Kubernetes' own kinds and of those that install charts, which are
/// known in full. Unlike values of charts, which are written for images, a resource may
/// mean much by `image`: only what names a path and a build is taken for one.
pub(crate) fn by_shape(root: &Cursor<'_>) -> Vec<ImageValue> {
    let group = group(root.node);
    let is_own = group.ends_with(".k8s.io") || group.ends_with(".fluxcd.io") || group == "flux.weave.works";
    let is_release = is_own || matches!(text(root.node, "kind"), "Application" | "ApplicationSet" | "ImageUpdater");
    let is_custom = group.contains('.') && !is_release;
    let Some(spec) = root.key("spec").filter(|_| is_custom) else { return Vec::new() };
    let object = object_name(root.node);
    let found = values::images(&spec, &object).into_iter();
    found.filter(is_certain).map(|image| ImageValue { object: object.clone(), ..image }).collect()
}

fn is_certain(image: &ImageValue) -> bool {
    let (name, build) = image.parts.name_and_build();
    let key = image.parts.name.as_ref().map_or("", |spot| spot.field.as_str());
    let key = key.rsplit('.').next().unwrap_or_default();
    let around = image.parts.name.as_ref().and_then(|spot| spot.field.rsplit('.').nth(1)).unwrap_or_default();
    let says_image = |key: &str| key.to_lowercase().ends_with("image");
    let is_apart = image.parts.tag.is_some() && says_image(around);
    name.contains('/') && !build.is_empty() && (says_image(key) || is_apart)
}
