//! What an object says itself about being deleted.
//!
//! Repositories that come from other tools hold their words for it, and whoever wrote them meant every tool that applies
//! the path.

use std::collections::BTreeMap;

use crate::PRUNE_ANNOTATION;

/// What an object says itself about being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PruneGuard {
    /// Nothing.
    #[default]
    None,
    /// A person is asked first. Names the annotation.
    Ask(&'static str),
    /// It is never deleted. Names the label or annotation.
    Keep(&'static str),
}

/// Where the words stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Annotation,
    LabelOrAnnotation,
}

/// How the words are read.
#[derive(Clone, Copy)]
enum Reading {
    /// The value is this one, whatever the case of its letters.
    Value(&'static str),
    /// One of several options, parted by commas, is this one.
    Option(&'static str),
}

struct Word {
    name: &'static str,
    place: Place,
    reading: Reading,
    guard: fn(&'static str) -> PruneGuard,
}

const ARGO_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// Words of Heddle, Flux, Argo CD, Helm, kapp and cli-utils, the stronger ones first. What Argo CD calls `Delete` is about
/// the deletion of the whole Application; to a path that loses a folder it comes to the same. Sources: the pages on
/// `Kustomization`, on sync options, on chart tips, on resource deletion and on lifecycle directives of these tools.
const WORDS: [Word; 9] = [
    annotation(PRUNE_ANNOTATION, Reading::Value("keep"), PruneGuard::Keep),
    Word {
        name: "kustomize.toolkit.fluxcd.io/prune",
        place: Place::LabelOrAnnotation,
        reading: Reading::Value("disabled"),
        guard: PruneGuard::Keep,
    },
    annotation(ARGO_OPTIONS, Reading::Option("Prune=false"), PruneGuard::Keep),
    annotation(ARGO_OPTIONS, Reading::Option("Delete=false"), PruneGuard::Keep),
    annotation("helm.sh/resource-policy", Reading::Value("keep"), PruneGuard::Keep),
    annotation("kapp.k14s.io/delete-strategy", Reading::Value("orphan"), PruneGuard::Keep),
    annotation("client.lifecycle.config.k8s.io/deletion", Reading::Value("detach"), PruneGuard::Keep),
    annotation(ARGO_OPTIONS, Reading::Option("Prune=confirm"), PruneGuard::Ask),
    annotation(ARGO_OPTIONS, Reading::Option("Delete=confirm"), PruneGuard::Ask),
];

const fn annotation(name: &'static str, reading: Reading, guard: fn(&'static str) -> PruneGuard) -> Word {
    Word { name, place: Place::Annotation, reading, guard }
}

impl PruneGuard {
    /// Reads the labels and annotations of a live object.
    pub fn of(labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) -> Self {
        let says = |word: &&Word| {
            let label = || labels.get(word.name).filter(|_| word.place == Place::LabelOrAnnotation);
            annotations.get(word.name).into_iter().chain(label()).any(|text| word.reading.holds(text))
        };
        WORDS.iter().find(says).map_or(Self::None, |word| (word.guard)(word.name))
    }

    /// Why the object stays, where it says so.
    pub fn reason_to_keep(self) -> Option<String> {
        if let Self::Keep(name) = self { Some(format!("its `{name}` says so")) } else { None }
    }
}

impl Reading {
    fn holds(self, text: &str) -> bool {
        match self {
            Self::Value(value) => text.trim().eq_ignore_ascii_case(value),
            Self::Option(option) => text.split(',').any(|one| one.trim() == option),
        }
    }
}

#[cfg(test)]
mod tests;
