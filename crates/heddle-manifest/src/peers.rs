//! What people bring: set-ups of Flux 2, Flux 1, Argo CD Image Updater and Keel, in Heddle's words.
//!
//! What a peer's policy means is not decided here but in `heddle_core::policy`; here is found which images it is for.

mod flux;
mod image_updater;
mod objects;
mod patched;
mod renovate;
mod stages;
mod updates;
mod workloads;
mod write;

use std::collections::BTreeSet;

use heddle_core::{
    change::Mode,
    image::{CHART_INDEX, ImageRepository},
    policy::TagPolicy,
};
use serde::Serialize;

pub use self::renovate::{MAX_RENOVATE_FILES, RENOVATE_FILES, Renovate};
pub(crate) use self::{
    objects::word,
    patched::{closure, with_operation, with_spec},
    stages::plain_path,
};
pub use crate::finding::Difference;
use crate::{
    Files, Found,
    glob::Glob,
    occurrence::Occurrence,
    path::Path,
    yaml::{Documents, cursor::Cursor},
};

/// What stands in the files.
#[derive(Debug, Clone, Default)]
pub struct Brought {
    /// The images that are updated today, and how.
    pub wishes: Vec<Wish>,
    /// What Heddle does otherwise.
    pub differs: Vec<Difference>,
    /// What cannot be followed, so that nothing is wished for it.
    pub faults: Vec<Difference>,
    /// How changes come.
    updates: updates::Updates,
}

/// Where something stands that updates images today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// "ImagePolicy `flux-system/api`", "Keel's annotations".
    pub what: String,
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// Images that are to be updated by one policy.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The image, or the repository of the chart.
    pub image: ImageRepository,
    /// It is for a chart, and for no image of the same name.
    pub is_chart: bool,
    /// Where it stands.
    pub places: Places,
    /// How its tags are chosen.
    pub policy: TagPolicy,
    /// How it is written today.
    pub mode: Mode,
    /// Who wishes it.
    pub origin: Origin,
}

/// Where images stand.
#[derive(Debug, Clone)]
pub enum Places {
    /// At these places, by their index among all that were found.
    At(BTreeSet<usize>),
    /// In all files that one of the globs matches; anywhere when there is none.
    Below(Vec<Glob>),
}

/// What was read, in Heddle's words.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    /// The text of `.heddle.yaml`.
    pub config: String,
    /// How many rules it has.
    pub rules: usize,
    /// What is not the same, by place.
    pub differs: Vec<Difference>,
    /// A `Sync` for each of Flux's `Kustomization`s and Argo CD's `Application`s that it can stand for, as YAML.
    pub syncs: String,
}

/// Writes every set-up in the files as rules of `.heddle.yaml`.
pub fn import(files: &Files, found: &Found, renovate: Option<&Renovate>) -> Imported {
    let setup = Setup { files, occurrences: &found.occurrences };
    let mut brought = Brought::read(files, &found.occurrences);
    if let Some(renovate) = renovate {
        renovate::read(&setup, renovate, &mut brought);
    }
    let stages = stages::read(files, &mut brought);
    write::write(&found.occurrences, brought, &stages)
}

/// What is read from: the manifests, and where images stand in them.
struct Setup<'a> {
    files: &'a Files,
    occurrences: &'a [Occurrence],
}

impl Setup<'_> {
    /// Whether a part of an image stands at a way, which may count members of lists: `images[0].tag`, `images.0.tag`.
    fn leads_to(&self, way: &str, occurrence: &Occurrence) -> bool {
        if way.is_empty() || occurrence.has_part(way, None) {
            return !way.is_empty();
        }
        let text = self.files.get(&occurrence.place.file).filter(|_| way.contains(|c: char| c.is_ascii_digit()));
        let (Some(text), Ok(path)) = (text, Path::parse(way)) else { return false };
        let documents = Documents::read(text);
        let found = documents.roots.iter().flat_map(|root| path.all(&Cursor::root(root)));
        let mut spots = found.filter_map(|cursor| cursor.spot());
        spots.any(|spot| occurrence.has_part(&spot.field, Some(&spot.span)))
    }
}

impl Brought {
    /// Reads every set-up in the files.
    pub fn read(files: &Files, occurrences: &[Occurrence]) -> Self {
        let setup = Setup { files, occurrences };
        let mut brought = Self::default();
        flux::read(&setup, &mut brought);
        workloads::read(&setup, &mut brought);
        image_updater::read(&setup, &mut brought);
        brought
    }

    fn differs(&mut self, origin: &Origin, message: impl Into<String>) {
        self.differs.push(origin.said(message));
    }

    fn fault(&mut self, origin: &Origin, message: impl Into<String>) {
        self.faults.push(origin.said(message));
    }

    /// Takes a wish; what is equal but for its places is one.
    fn wish(&mut self, wish: Wish) {
        let same = self.wishes.iter_mut().find(|known| {
            known.image == wish.image
                && known.is_chart == wish.is_chart
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

impl Origin {
    /// A sentence about what stands here.
    pub fn said(&self, message: impl Into<String>) -> Difference {
        let message = format!("{}: {}", self.what, message.into());
        Difference { file: self.file.clone(), line: self.line, message }
    }
}

impl Wish {
    /// What a rule for it calls it.
    fn name(&self) -> String {
        match self.image.chart_index() {
            Some((file, chart)) if self.is_chart => {
                let folder = file.strip_suffix(CHART_INDEX).unwrap_or(file);
                format!("{}/{folder}{chart}", self.image.registry())
            }
            _ => self.image.to_string(),
        }
    }

    /// Whether it means an image at a place, which is at this index among all that were found.
    pub fn covers(&self, index: usize, occurrence: &Occurrence) -> bool {
        // What is said of images is said of no chart.
        occurrence.is_chart == self.is_chart
            && occurrence.image.repository == self.image
            && match &self.places {
                Places::At(places) => places.contains(&index),
                Places::Below(globs) => {
                    globs.is_empty() || globs.iter().any(|glob| glob.matches(&occurrence.place.file))
                }
            }
    }
}

#[cfg(test)]
mod tests;
