//! Set-ups of peers in Heddle's words: what updates images today, as rules of `.heddle.yaml`, and what differs.
//!
//! Texts in, text out. What a peer's policy means is not decided here but in `heddle_core::policy`.

mod flux;
mod image_updater;
mod objects;
mod workloads;
mod write;

use std::collections::BTreeSet;

use heddle_core::{change::Mode, image::ImageRepository, policy::TagPolicy};
use heddle_manifest::{Files, Found, find::Occurrence, glob::Glob};
use serde::Serialize;

/// What was read, in Heddle's words.
#[derive(Debug, Serialize)]
pub(crate) struct Imported {
    /// The text of `.heddle.yaml`.
    pub(crate) config: String,
    /// How many rules it has.
    pub(crate) rules: usize,
    /// What is not the same, by place.
    pub(crate) differs: Vec<Difference>,
}

/// Something that Heddle will do otherwise, and where it stands today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Difference {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) message: String,
}

/// Where something stands that updates images today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    /// "ImagePolicy `flux-system/api`", "Keel's annotations".
    what: String,
    file: String,
    line: u32,
}

/// Images that are to be updated by one policy.
#[derive(Debug, Clone)]
struct Wish {
    image: ImageRepository,
    places: Places,
    policy: TagPolicy,
    mode: Mode,
    origin: Origin,
}

/// Where the images stand.
#[derive(Debug, Clone)]
enum Places {
    /// At these places, by their index among all that were found.
    At(BTreeSet<usize>),
    /// In all files that one of the globs matches; anywhere when there is none.
    Below(Vec<String>),
}

/// What is read from: the manifests, and where images stand in them.
struct Setup<'a> {
    files: &'a Files,
    occurrences: &'a [Occurrence],
}

/// Collects what the readers of each peer find.
#[derive(Debug, Default)]
struct Notes {
    wishes: Vec<Wish>,
    differs: Vec<Difference>,
}

impl Notes {
    fn differs(&mut self, origin: &Origin, message: impl Into<String>) {
        let message = format!("{}: {}", origin.what, message.into());
        self.differs.push(Difference { file: origin.file.clone(), line: origin.line, message });
    }

    /// Takes a wish; what is equal but for its places is one.
    fn wish(&mut self, wish: Wish) {
        let same = self.wishes.iter_mut().find(|known| {
            known.image == wish.image
                && known.policy == wish.policy
                && known.mode == wish.mode
                && matches!(
                    (&known.places, &wish.places),
                    (Places::At(_), Places::At(_)) | (Places::Below(_), Places::Below(_))
                )
        });
        match (same.map(|known| &mut known.places), wish.places.clone()) {
            (Some(Places::At(known)), Places::At(more)) => known.extend(more),
            (Some(Places::Below(known)), Places::Below(more)) if !known.is_empty() && !more.is_empty() => {
                known.extend(more.into_iter().filter(|glob| !known.contains(glob)).collect::<Vec<_>>());
            }
            (Some(Places::Below(known)), Places::Below(_)) => known.clear(),
            _ => self.wishes.push(wish),
        }
    }
}

/// Reads every set-up below a root.
pub(crate) fn import(files: &Files, found: &Found) -> Imported {
    let setup = Setup { files, occurrences: &found.occurrences };
    let mut notes = Notes::default();
    flux::read(&setup, &mut notes);
    workloads::read(&setup, &mut notes);
    image_updater::read(&setup, &mut notes);
    write::write(&setup, notes)
}

impl Wish {
    /// Whether it means an image at a place.
    fn covers(&self, index: usize, occurrence: &Occurrence) -> bool {
        occurrence.image.repository == self.image
            && match &self.places {
                Places::At(places) => places.contains(&index),
                Places::Below(globs) => {
                    let matches =
                        |glob: &String| Glob::parse(glob).is_some_and(|glob| glob.matches(&occurrence.place.file));
                    globs.is_empty() || globs.iter().any(matches)
                }
            }
    }
}

#[cfg(test)]
mod tests;
