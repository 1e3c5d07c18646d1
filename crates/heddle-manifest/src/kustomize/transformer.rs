//! The transformers that a kustomization names: files of their own, or texts in it. Only those of images are carried out.
//!
//! Source: kustomize's built-in transformers, <https://kubectl.docs.kubernetes.io/references/kustomize/builtins/>.

use std::sync::Arc;

use super::{Fault, ImageEntry, Inline, Reference, read_entry, reference};
use crate::{
    image::ImageValue,
    object::text,
    values::texts::placed,
    yaml::{Documents, Node, Position, cursor::Cursor},
};

/// The kinds that change no image but by their own `imageTag`; whatever another one does is not known.
const HARMLESS: [&str; 11] = [
    "ImageTagTransformer",
    "AnnotationsTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PrefixTransformer",
    "SuffixTransformer",
    "PrefixSuffixTransformer",
    "ReplicaCountTransformer",
    "HashTransformer",
    "SortOrderTransformer",
    "LegacyOrderTransformer",
];

/// A transformer, and where it is named.
#[derive(Debug)]
pub(crate) enum Transformer {
    /// In a file.
    File(Reference),
    /// In the kustomization.
    Inline(Inline, Position),
}

/// What the documents of a transformer do.
#[derive(Debug, Default)]
pub(crate) struct Transforms {
    /// The entries by which it changes images.
    pub entries: Vec<ImageEntry>,
    /// The kind of one that may change images and is not followed.
    pub unknown: Option<String>,
}

impl Transformer {
    /// How much it holds, in values.
    pub fn weight(&self) -> usize {
        match self {
            Self::File(_) => 1,
            Self::Inline(inline, _) => inline.documents.nodes,
        }
    }
}

/// Reads the members of `transformers`.
pub(super) fn read_all(items: &[Cursor<'_>], faults: &mut Vec<Fault>) -> Vec<Transformer> {
    let mut found = Vec::new();
    for item in items {
        match item.text().filter(|text| text.contains('\n') || text.starts_with('{')) {
            None => found.extend(reference(item, faults).map(Transformer::File)),
            Some(text) => match Inline::of(item, text, "transformer") {
                Ok(inline) => found.push(Transformer::Inline(inline, item.position)),
                Err(fault) => faults.push(fault),
            },
        }
    }
    found
}

impl Transforms {
    /// Reads the documents of a transformer's file.
    pub fn of_documents(documents: &Documents) -> Self {
        let mut all = Self::default();
        documents.roots.iter().for_each(|root| all.add(root));
        all
    }

    /// Reads those of a text in the kustomization, with their places there.
    pub fn of_text(inline: &Inline) -> Self {
        let mut all = Self::of_documents(&inline.documents);
        for entry in &mut all.entries {
            let image: ImageValue = (*entry.value).clone();
            entry.value = Arc::new(placed(image, &inline.block, &inline.text));
        }
        all
    }

    fn add(&mut self, root: &Node) {
        let kind = text(root, "kind");
        if !HARMLESS.contains(&kind) && !root.is_null() {
            self.unknown.get_or_insert_with(|| kind.to_owned());
        }
        if kind == "ImageTagTransformer" {
            let entry = Cursor::root(root).key("imageTag");
            self.entries.extend(entry.and_then(|entry| read_entry(&entry, "ImageTagTransformer")));
        }
    }
}
