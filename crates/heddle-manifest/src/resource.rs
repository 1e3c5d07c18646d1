//! Rules that say where custom resources hold images: `resources` in `.heddle.yaml`.

mod known;

mod shape;

pub(crate) use self::{known::known_rules, shape::by_shape};
use crate::{
    glob::Glob,
    image::{Home, ImageValue, Parts},
    object::{container_image, group, object_name, pod_images, text},
    path::Path,
    read::object_images,
    values::texts,
    yaml::{Node, cursor::Cursor},
};

/// How the address of an artifact in a registry starts.
const OCI: &str = "oci://";

/// Where a kind of custom resource holds images.
#[derive(Debug, Clone)]
pub struct ResourceRule {
    /// The API group, as a glob; every group where it is not given.
    pub group: Option<Glob>,
    /// The kind.
    pub kind: String,
    /// The places.
    pub places: Vec<ResourcePlace>,
}

/// A place of an image in a custom resource.
#[derive(Debug, Clone)]
pub enum ResourcePlace {
    /// The image is one text: `spec.image`, `spec.workers[*].image`.
    Image(Path),
    /// The image stands in parts.
    Parts {
        /// The registry's host, where it stands apart.
        registry: Option<Path>,
        /// The repository.
        repository: Path,
        /// The tag.
        tag: Option<Path>,
        /// The digest.
        digest: Option<Path>,
    },
    /// A mapping that is written as the values of a chart are, such as `spec.values`.
    Values(Path),
    /// A container, by its `image`.
    Container(Path),
    /// The spec of a pod: its `containers` and `initContainers`.
    Pod(Path),
    /// An object within this one, which may be a custom resource itself.
    Object(Path),
    /// A text that is YAML itself.
    Text(Path),
    /// OpenShift's reference, which names an image where its `kind` is `DockerImage`, and else a tag of a stream. Source:
    /// `ObjectReference` of `build.openshift.io` and `image.openshift.io`.
    Reference(Path),
}

impl ResourceRule {
    /// Whether the rule is for the kind of an object.
    pub(crate) fn is_for(&self, root: &Node) -> bool {
        let is_group = self.group.as_ref().is_none_or(|glob| glob.matches(group(root)));
        is_group && text(root, "kind") == self.kind
    }

    /// The images of an object, where the rule is for its kind.
    pub(crate) fn images(&self, root: &Cursor<'_>) -> Vec<ImageValue> {
        if !self.is_for(root.node) {
            return Vec::new();
        }
        let object = object_name(root.node);
        self.places.iter().flat_map(|place| place.images(root, &object)).collect()
    }
}

impl ResourcePlace {
    fn images(&self, root: &Cursor<'_>, object: &str) -> Vec<ImageValue> {
        match self {
            Self::Image(path) => {
                path.all(root).iter().filter_map(|image| ImageValue::whole(image, object, None)).collect()
            }
            Self::Reference(path) => {
                let references = path.all(root).into_iter().filter(|from| text(from.node, "kind") == "DockerImage");
                let names = references.filter_map(|from| from.key("name"));
                names.filter_map(|name| ImageValue::whole(&name, object, None)).collect()
            }
            Self::Values(path) => {
                path.all(root).iter().flat_map(|values| crate::values::images(values, object)).collect()
            }
            Self::Container(path) => {
                path.all(root).iter().filter_map(|container| container_image(container, object)).collect()
            }
            Self::Pod(path) => path.all(root).iter().flat_map(|pod| pod_images(pod, object)).collect(),
            Self::Object(path) => {
                let inner = path.all(root).into_iter().flat_map(|inner| object_images(&inner, &[]));
                // Patches name the object that stands in the file.
                let own = |image| ImageValue { object: object.to_owned(), is_of_own_kind: false, ..image };
                inner.map(own).collect()
            }
            Self::Text(path) => path.all(root).iter().flat_map(|text| texts::images(text, object)).collect(),
            Self::Parts { registry, repository, tag, digest } => {
                let one = |path: &Option<Path>| path.as_ref().and_then(|path| path.all(root).into_iter().next());
                let Some(name) = repository.all(root).into_iter().next() else { return Vec::new() };
                let (registry, tag, digest) = (one(registry), one(tag), one(digest));
                let Some(mut image) = ImageValue::whole(&name, object, None) else { return Vec::new() };
                // Flux writes the scheme before a repository of artifacts.
                let is_address = name.text().is_some_and(|text| text.starts_with(OCI));
                let prefix_len = if is_address { OCI.len() } else { 0 };
                let cursors = [registry.as_ref(), tag.as_ref(), digest.as_ref()];
                image.obstacle = image.obstacle.or(cursors.into_iter().flatten().find_map(|cursor| cursor.obstacle));
                let spot = |cursor: Option<Cursor<'_>>| cursor.and_then(|cursor| cursor.spot());
                image.parts = Parts {
                    registry: spot(registry),
                    tag: spot(tag),
                    digest: spot(digest),
                    prefix_len,
                    home: None::<Home>,
                    ..image.parts
                };
                vec![image]
            }
        }
    }
}

#[cfg(test)]
mod tests;
