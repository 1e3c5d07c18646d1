//! What a kustomization says, from its text alone.

use heddle_core::place::Place;

use crate::{
    object::{ImageValue, anchored, around},
    yaml::{Node, Position},
};

/// The names under which kustomize looks for a kustomization, in its order.
pub(crate) const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A kustomization as far as images need it.
#[derive(Debug, Default)]
pub(crate) struct Kustomization {
    /// Files and folders whose objects come first.
    pub resources: Vec<Reference>,
    /// Folders whose kustomizations are applied to what came before.
    pub components: Vec<Reference>,
    /// Files of patches.
    pub patches: Vec<Reference>,
    /// The entries of `images`.
    pub images: Vec<ImageEntry>,
}

/// A path as it is written in a kustomization.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The path, relative to the kustomization.
    pub path: String,
    /// Where it is written.
    pub position: Position,
}

/// An entry of `images`.
#[derive(Debug, Clone)]
pub(crate) struct ImageEntry {
    /// The image that it changes, as manifests write it, without tag.
    pub name: String,
    /// What stands there instead.
    pub new_name: Option<String>,
    /// The tag's value, where one is written.
    pub new_tag: Option<ImageValue>,
    /// The digest, where one is written.
    pub digest: Option<ImageValue>,
}

impl Kustomization {
    /// Reads the root of a kustomization's document.
    pub fn read(root: &Node, file: &str) -> Self {
        let references = |keys: &[&str]| -> Vec<Reference> {
            keys.iter().filter_map(|key| root.get(key)).flat_map(|list| list.items()).filter_map(reference).collect()
        };
        let images = root.get("images").map(|list| {
            let outer = anchored(root).or_else(|| around(root, "images")).or_else(|| anchored(list));
            list.items().iter().filter_map(|item| read_entry(item, file, outer)).collect()
        });
        Self {
            resources: references(&["resources", "bases"]),
            components: references(&["components"]),
            patches: references(&["patches", "patchesStrategicMerge"]),
            images: images.unwrap_or_default(),
        }
    }
}

/// A path, or a mapping with one. Inline patches have none.
fn reference(node: &Node) -> Option<Reference> {
    let path = match node.text() {
        Some(text) if !text.contains('\n') => text,
        Some(_) => return None,
        None => node.get("path")?.text()?,
    };
    Some(Reference { path: path.to_owned(), position: node.position })
}

fn read_entry(item: &Node, file: &str, outer: Option<&'static str>) -> Option<ImageEntry> {
    let name = item.get("name").and_then(Node::text)?.to_owned();
    let new_name = item.get("newName").and_then(Node::text).filter(|text| !text.is_empty()).map(str::to_owned);
    let value = |key: &str| -> Option<ImageValue> {
        let node = item.get(key)?;
        let text = node.text().filter(|text| !text.is_empty())?;
        Some(ImageValue {
            place: Place {
                file: file.to_owned(),
                line: node.position.line,
                object: "Kustomization".to_owned(),
                field: format!("images[name={name}].{key}"),
            },
            container: None,
            text: text.to_owned(),
            at: node.span.start,
            column: node.position.column,
            obstacle: outer.or_else(|| anchored(item)).or_else(|| around(item, key)),
        })
    };
    let (new_tag, digest) = (value("newTag"), value("digest"));
    Some(ImageEntry { name, new_name, new_tag, digest })
}
