//! The patches of a kustomization: what they are for, and what they say.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::Reference;
use crate::{
    object::text,
    values::texts::Block,
    yaml::{Documents, Node, cursor::Cursor},
};

/// How large a selector's expression may get when it is read.
const MAX_EXPRESSION_BYTES: usize = 1 << 16;

/// A patch, in a file or in the kustomization itself.
#[derive(Debug)]
pub(crate) struct Patch {
    /// What it says.
    pub body: Body,
    /// The objects that it changes; those that it names itself where there is none.
    pub target: Option<Selector>,
}

/// Where a patch stands.
#[derive(Debug)]
pub(crate) enum Body {
    /// In a file.
    File(Reference),
    /// In the kustomization.
    Inline(Arc<Inline>),
}

/// A patch that stands as a text in a kustomization.
#[derive(Debug)]
pub(crate) struct Inline {
    /// The text.
    pub text: String,
    /// What it holds; nothing where it is no YAML.
    pub documents: Documents,
    /// Where it stands.
    pub block: Block,
}

/// The objects that a patch changes. Source: kustomize's `types.Selector`; kinds and names are expressions that match in
/// full.
#[derive(Debug, Default)]
pub(crate) struct Selector {
    group: Option<String>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Option<String>,
    annotations: Option<String>,
}

/// Reads all patches of a kustomization, in the order in which they are carried out.
pub(super) fn read_all(root: &Cursor<'_>) -> Vec<Patch> {
    let mut all = Vec::new();
    for key in ["patchesStrategicMerge", "patches", "patchesJson6902"] {
        let list = root.key(key);
        all.extend(list.iter().flat_map(Cursor::items).filter_map(|item| Patch::read(&item)));
    }
    all
}

impl Patch {
    fn read(item: &Cursor<'_>) -> Option<Self> {
        let file = |cursor: &Cursor<'_>, path: &str| {
            Body::File(Reference { path: path.to_owned(), position: cursor.position })
        };
        let body = match item.text() {
            Some(text) if text.contains('\n') => Body::Inline(Arc::new(Inline::read(item, text))),
            Some(path) => file(item, path),
            None => match (item.key("path"), item.key("patch")) {
                (Some(path), _) => file(&path, path.text()?),
                (None, Some(patch)) => Body::Inline(Arc::new(Inline::read(&patch, patch.text()?))),
                (None, None) => return None,
            },
        };
        Some(Self { body, target: item.node.get("target").map(Selector::read) })
    }

    /// How much it holds, in values.
    pub fn weight(&self) -> usize {
        match &self.body {
            Body::File(_) => 1,
            Body::Inline(inline) => inline.documents.nodes,
        }
    }
}

impl Inline {
    fn read(cursor: &Cursor<'_>, text: &str) -> Self {
        Self { text: text.to_owned(), documents: Documents::read(text), block: Block::of(cursor) }
    }
}

impl Selector {
    fn read(node: &Node) -> Self {
        let word = |key: &str| node.get(key).and_then(Node::text).filter(|text| !text.is_empty());
        let whole = |key: &str| {
            RegexBuilder::new(&format!("^(?:{})$", word(key)?)).size_limit(MAX_EXPRESSION_BYTES).build().ok()
        };
        Self {
            group: word("group").map(str::to_owned),
            kind: whole("kind"),
            name: whole("name"),
            namespace: whole("namespace"),
            labels: word("labelSelector").map(str::to_owned),
            annotations: word("annotationSelector").map(str::to_owned),
        }
    }

    /// Whether it names an object, as far as its kind and its names go.
    pub fn fits(&self, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        let fits = |wanted: &Option<Regex>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted.is_match(text));
        // A namespace may come from a kustomization further out.
        fits(&self.kind, kind) && fits(&self.name, name) && namespace.is_none_or(|text| fits(&self.namespace, text))
    }

    /// Whether it is for objects of a kind, as it says itself.
    pub fn names_kind(&self, kind: &str) -> bool {
        self.kind.as_ref().is_some_and(|wanted| wanted.is_match(kind))
    }

    /// Whether it looks at more than kind and names.
    pub fn needs_object(&self) -> bool {
        self.labels.is_some() || self.annotations.is_some() || self.group.is_some()
    }

    /// Whether it names an object.
    pub fn matches(&self, object: &Node) -> bool {
        let word = |path: &[&str]| object.at(path).and_then(Node::text);
        let has = |wanted: &Option<String>, place: &str| {
            wanted.as_ref().is_none_or(|wanted| {
                object.at(&["metadata", place]).is_some_and(|all| holds(wanted, all)) || is_all_absent(wanted)
            })
        };
        self.fits(
            text(object, "kind"),
            word(&["metadata", "namespace"]),
            word(&["metadata", "name"]).unwrap_or_default(),
        ) && self.group.as_deref().is_none_or(|group| group == crate::object::group(object))
            && has(&self.labels, "labels")
            && has(&self.annotations, "annotations")
    }
}

/// Whether labels fulfil a selector such as `app=web,tier!=db,role`.
fn holds(selector: &str, labels: &Node) -> bool {
    let value = |key: &str| labels.get(key.trim()).and_then(Node::text);
    selector.split(',').map(str::trim).filter(|part| !part.is_empty()).all(|part| {
        if let Some((key, wanted)) = part.split_once("!=") {
            value(key) != Some(wanted.trim())
        } else if let Some((key, wanted)) = part.split_once("==").or_else(|| part.split_once('=')) {
            value(key) == Some(wanted.trim())
        } else if let Some(key) = part.strip_prefix('!') {
            value(key).is_none()
        } else {
            value(part).is_some()
        }
    })
}

/// Whether an object without any label fulfils a selector.
fn is_all_absent(selector: &str) -> bool {
    selector.split(',').map(str::trim).all(|part| part.starts_with('!') || part.contains("!="))
}
