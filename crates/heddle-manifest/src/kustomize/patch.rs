//! The patches of a kustomization: what they are for, and what they say.

use std::sync::Arc;

use super::{Fault, Reference, Selector, selector::plain_text};
use crate::{
    values::texts::Block,
    yaml::{Documents, Position, cursor::Cursor},
};

/// A patch, in a file or in the kustomization itself.
#[derive(Debug)]
pub(crate) struct Patch {
    /// What it says.
    pub body: Result<Body, Fault>,
    /// The objects that it changes; those that it names itself where there is none.
    pub target: Result<Option<Selector>, Fault>,
    /// Where it is written.
    pub position: Position,
    /// It comes after names, namespaces and labels were changed.
    pub is_late: bool,
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
    /// What it holds.
    pub documents: Documents,
    /// Where it stands.
    pub block: Block,
}

/// Reads all patches of a kustomization, in the order in which they are carried out; what is no list of them is a fault.
pub(super) fn read_all(root: &Cursor<'_>, faults: &mut Vec<Fault>) -> Vec<Patch> {
    let mut all = Vec::new();
    for key in ["patchesStrategicMerge", "patches", "patchesJson6902"] {
        let list = super::list(root, key, faults);
        all.extend(list.iter().map(|item| Patch::read(item, key == "patchesJson6902")));
    }
    all
}

impl Patch {
    fn read(item: &Cursor<'_>, is_late: bool) -> Self {
        let target = match item.node.get("target").filter(|target| !target.is_null()) {
            None => Ok(None),
            Some(target) => Selector::read(target).map(Some),
        };
        Self { body: Body::read(item), target, position: item.position, is_late }
    }

    /// Why nobody knows what it does, where it is so.
    pub fn fault(&self) -> Option<&Fault> {
        self.target.as_ref().err().or(self.body.as_ref().err())
    }

    /// How much it holds, in values.
    pub fn weight(&self) -> usize {
        match &self.body {
            Ok(Body::Inline(inline)) => inline.documents.nodes,
            Ok(Body::File(_)) | Err(_) => 1,
        }
    }
}

impl Body {
    fn read(item: &Cursor<'_>) -> Result<Self, Fault> {
        let fault = |message: &str| Fault { position: item.position, message: message.to_owned() };
        if let Some(text) = item.text() {
            return match text.contains('\n') || text.starts_with('{') {
                true => Inline::read(item, text),
                false => Ok(Self::File(Reference { path: text.to_owned(), position: item.position })),
            };
        }
        if !item.node.is_mapping() {
            return Err(fault(&format!("a patch is {}, where a mapping is needed", item.node.kind())));
        }
        // An empty text is none to kustomize.
        let part = |key: &str| item.key(key).filter(|part| !part.node.is_null() && part.text() != Some(""));
        let text_of = |part: &Cursor<'_>, key: &str| {
            let text = plain_text(part.node).map(str::to_owned);
            text.ok_or_else(|| fault(&format!("`{key}` of a patch is {}, where a text is needed", part.node.kind())))
        };
        match (part("path"), part("patch")) {
            (Some(path), None) => Ok(Self::File(Reference { path: text_of(&path, "path")?, position: path.position })),
            (None, Some(patch)) => Inline::read(&patch, &text_of(&patch, "patch")?),
            (Some(_), Some(_)) => Err(fault("a patch has both `path` and `patch`: keep one")),
            (None, None) => Err(fault("a patch has neither `path` nor `patch`")),
        }
    }
}

impl Inline {
    /// Where the text stands.
    pub fn position(&self) -> Position {
        self.block.position()
    }

    fn read(cursor: &Cursor<'_>, text: &str) -> Result<Body, Fault> {
        Ok(Body::Inline(Arc::new(Self::of(cursor, text, "patch")?)))
    }

    /// A text that is YAML; `what` it is otherwise is told.
    pub fn of(cursor: &Cursor<'_>, text: &str, what: &str) -> Result<Self, Fault> {
        let documents = Documents::read(text);
        if documents.error.is_some() {
            let message = format!("this {what} is no YAML, so what it sets is not known");
            return Err(Fault { position: cursor.position, message });
        }
        Ok(Self { text: text.to_owned(), documents, block: Block::of(cursor) })
    }
}
