//! What a kustomization says, from its text alone.

use crate::{
    image::{Home, ImageValue, Parts},
    intake::IMAGE_WEIGHT,
    yaml::{Node, Position, cursor::Cursor},
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
    /// Files of values, for charts or for generated ConfigMaps.
    pub values: Vec<Reference>,
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
    /// The entry itself.
    pub value: std::sync::Arc<ImageValue>,
    /// It says which build runs: a tag, a digest or both.
    pub has_build: bool,
}

impl Kustomization {
    /// How much it holds, in values.
    pub fn weight(&self) -> usize {
        let lists = [&self.resources, &self.components, &self.patches, &self.values];
        lists.iter().map(|list| list.len()).sum::<usize>() + self.images.len() * IMAGE_WEIGHT
    }

    /// Reads the root of a kustomization's document.
    pub fn read(root: &Node) -> Self {
        let references = |keys: &[&str]| -> Vec<Reference> {
            keys.iter().filter_map(|key| root.get(key)).flat_map(|list| list.items()).filter_map(reference).collect()
        };
        let cursor = Cursor::root(root);
        Self {
            resources: references(&["resources", "bases"]),
            components: references(&["components"]),
            patches: references(&["patches", "patchesStrategicMerge"]),
            values: values(root),
            images: read_entries(&cursor, "images", "Kustomization"),
        }
    }
}

/// The files of values that charts and generators take.
fn values(root: &Node) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut add = |node: &Node| {
        let Some(text) = node.text() else { return };
        // A generator may name the key: `values.yaml=prod.yaml`.
        let path = text.rsplit('=').next().unwrap_or(text);
        if path.ends_with(".yaml") || path.ends_with(".yml") {
            found.push(Reference { path: path.to_owned(), position: node.position });
        }
    };
    for chart in root.get("helmCharts").map(Node::items).unwrap_or_default() {
        chart.get("valuesFile").into_iter().for_each(&mut add);
        chart.get("additionalValuesFiles").map(Node::items).unwrap_or_default().iter().for_each(&mut add);
    }
    for generator in ["configMapGenerator", "secretGenerator"] {
        for entry in root.get(generator).map(Node::items).unwrap_or_default() {
            entry.get("files").map(Node::items).unwrap_or_default().iter().for_each(&mut add);
        }
    }
    found
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

/// The entries of a list in the form of kustomize's `images`.
pub(crate) fn read_entries(parent: &Cursor<'_>, key: &str, object: &str) -> Vec<ImageEntry> {
    parent.key(key).iter().flat_map(Cursor::items).filter_map(|item| read_entry(&item, object)).collect()
}

fn read_entry(item: &Cursor<'_>, object: &str) -> Option<ImageEntry> {
    let name = item.node.get("name").and_then(Node::text)?.to_owned();
    let part = |key: &str| item.key(key);
    let (new_name, tag, digest) = (part("newName"), part("newTag"), part("digest"));
    let obstacle = [Some(item), tag.as_ref(), digest.as_ref(), new_name.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|cursor| cursor.obstacle);
    let spot = |cursor: Option<Cursor<'_>>| cursor.and_then(|cursor| cursor.spot());
    let home = Home { at: item.at, name: Some("newName"), tag: "newTag", digest: Some("digest") };
    let parts = Parts {
        name: spot(new_name),
        fixed_name: Some(name.clone()),
        tag: spot(tag),
        digest: spot(digest),
        home: Some(home),
        ..Parts::default()
    };
    let new_name = parts.name.as_ref().map(|spot| spot.text.clone()).filter(|text| !text.is_empty());
    let filled = |spot: &Option<crate::yaml::Spot>| spot.as_ref().is_some_and(|spot| !spot.text.is_empty());
    let has_build = filled(&parts.tag) || filled(&parts.digest);
    let vacant = crate::yaml::Spot {
        text: String::new(),
        position: item.position,
        span: item.at..item.at,
        field: format!("{}.newTag", item.field),
    };
    let value = ImageValue {
        vacant: Some(vacant),
        object: object.to_owned(),
        container: None,
        parts,
        obstacle,
        is_kustomizable: false,
        policy: None,
    };
    Some(ImageEntry { name, new_name, value: std::sync::Arc::new(value), has_build })
}
