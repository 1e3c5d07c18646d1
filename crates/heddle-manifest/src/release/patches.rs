//! Images that patches set which stand in objects of Flux and Argo CD: the post-renderers of a release, a `Kustomization` of
//! Flux, the source of an application. What they patch stands elsewhere, so both are places.

use super::release_images;
use crate::{
    aliases,
    image::ImageValue,
    object::{container_images, text},
    values::texts::{Block, placed},
    yaml::{Documents, Node, Position, cursor::Cursor},
};

/// The images that the patches of a mapping set.
pub(super) fn images(parent: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    listed(parent).flat_map(|patch| patched(&patch, object)).collect()
}

/// The patches that are no YAML, with their texts.
pub(super) fn broken<'a>(parent: &Cursor<'a>) -> Vec<(Position, &'a str)> {
    let texts = listed(parent).filter_map(|patch| Some((patch.position, patch.text()?)));
    texts.filter(|(_, text)| Documents::read(text).error.is_some()).collect()
}

fn listed<'a>(parent: &Cursor<'a>) -> impl Iterator<Item = Cursor<'a>> {
    let list = |key: &str| parent.key(key).iter().flat_map(Cursor::items).collect::<Vec<_>>();
    let patches = list("patches").into_iter().chain(list("patchesJson6902")).filter_map(|item| item.key("patch"));
    patches.chain(list("patchesStrategicMerge")).collect::<Vec<_>>().into_iter()
}

/// The images that one patch sets, which is a text or stands as itself.
fn patched(patch: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let Some(written) = patch.text() else { return of_root(patch, object) };
    let (block, documents) = (Block::of(patch), Documents::read(written));
    if documents.error.is_some() {
        return Vec::new();
    }
    let mut found: Vec<ImageValue> =
        documents.roots.iter().flat_map(|root| of_root(&Cursor::root(root), object)).collect();
    aliases::release(&mut found, &documents.roots);
    found.into_iter().map(|image| placed(image, &block, written)).collect()
}

/// The images of a merge, or of a list of operations.
fn of_root(root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
    let found = match root.node.is_list() {
        true => root.items().flat_map(|operation| set(&operation, object)).collect(),
        false => [container_images(root), release_images(root)].concat(),
    };
    found.into_iter().map(|image| ImageValue { object: object.to_owned(), is_kustomizable: false, ..image }).collect()
}

/// The image that an operation sets, or that of a container which it brings.
fn set(operation: &Cursor<'_>, object: &str) -> Option<ImageValue> {
    let is_image = text(operation.node, "path").ends_with("/image");
    if !matches!(text(operation.node, "op"), "add" | "replace") {
        return None;
    }
    let value = operation.key("value")?;
    if value.node.is_scalar() {
        return ImageValue::whole(&value, object, None).filter(|_| is_image);
    }
    let name = value.node.get("name").and_then(Node::text).map(str::to_owned);
    ImageValue::whole(&value.key("image")?, object, name)
}
