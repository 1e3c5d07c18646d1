//! Finds where images stand in the files of one branch, and which environments each place belongs to.
//!
//! The closure of an environment follows from text alone: `resources`, `components` and bases of its kustomizations, else
//! every file of its tree. Nothing is rendered.

mod closure;
mod effective;
mod join;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, OnceLock},
};

use heddle_core::{image::ImageRef, name::EnvironmentName, place::Place};

pub use self::join::find;
use crate::{
    Config, Finding,
    config::{Beside, Environment},
    edit::{Edit, EditError},
    flux::FluxImages,
    image::{ImageValue, Target},
    peers::Difference,
    policy::FoundPolicy,
    read::ReadFile,
    resource::ResourceRule,
    yaml::{Node, Position, Spot},
};

/// The texts of a branch: those that can hold objects, kustomizations or values. What was read of a file is kept with
/// it, so that a search after one file changed reads that file alone. A clone shares what was read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    texts: BTreeMap<String, Arc<File>>,
    resources: Arc<[ResourceRule]>,
}

#[derive(Debug)]
struct File {
    text: String,
    read: OnceLock<ReadFile>,
}

impl Files {
    /// Files in which custom resources are searched by these rules.
    pub fn with_resources(resources: Vec<ResourceRule>) -> Self {
        Self { texts: BTreeMap::new(), resources: resources.into() }
    }

    /// Whether the file can matter here, by its name.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".yaml") || name.ends_with(".yml") || crate::kustomize::FILE_NAMES.contains(&name)
    }

    /// Adds a file under its path from the root, or replaces it.
    pub fn insert(&mut self, path: String, text: String) {
        self.texts.insert(path, Arc::new(File { text, read: OnceLock::new() }));
    }

    /// The text of a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(|file| file.text.as_str())
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// The documents of the files that may hold what a peer says of images.
    pub(crate) fn of_peers(&self) -> impl Iterator<Item = (&str, &[Node])> {
        let all = self.texts.iter().map(|(path, file)| (path.as_str(), self.reading(path, file).peers.as_slice()));
        all.filter(|(_, roots)| !roots.is_empty())
    }

    /// What a file holds.
    fn read(&self, path: &str) -> Option<&ReadFile> {
        self.texts.get(path).map(|file| self.reading(path, file))
    }

    fn reading<'a>(&self, path: &str, file: &'a File) -> &'a ReadFile {
        file.read.get_or_init(|| ReadFile::read(path, &file.text, &self.resources))
    }

    /// What Flux's objects in all files say of images.
    fn flux(&self) -> FluxImages {
        let mut all = FluxImages::default();
        self.texts.iter().for_each(|(path, file)| all.extend(&self.reading(path, file).flux));
        all
    }

    /// The paths of all files below a folder; the empty path is the root.
    fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.starting_with(&start).collect::<Vec<_>>().into_iter()
    }

    /// The paths that start with a text.
    fn starting_with<'a>(&'a self, start: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let start = start.to_owned();
        let from = self.texts.range(start.clone()..).map(|(path, _)| path.as_str());
        from.take_while(move |path| path.starts_with(&start))
    }
}

/// What a search starts from.
#[derive(Debug, Clone, Copy)]
pub struct FindInput<'a> {
    /// The files of the branch.
    pub files: &'a Files,
    /// The environments on the branch.
    pub environments: &'a [FoundEnvironment],
}

/// An environment on the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEnvironment {
    /// Its name.
    pub name: EnvironmentName,
    /// Its path, without slashes at its ends.
    pub path: String,
    /// It stands in no `.heddle.yaml`: a Sync follows its path.
    pub implicit: bool,
}

/// What stands on a branch.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Where images stand.
    pub occurrences: Vec<Occurrence>,
    /// What is wrong in the manifests.
    pub findings: Vec<Finding>,
    /// What people bring and Heddle cannot follow.
    pub unfollowed: Vec<Difference>,
    /// The files that some environment holds.
    pub reached: BTreeSet<String>,
}

/// An image at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Where.
    pub place: Place,
    /// The container, where the place belongs to one.
    pub container: Option<String>,
    /// The effective image: after `newName`.
    pub image: ImageRef,
    /// The same as the files write it, without what short names stand for.
    pub written: String,
    /// The environments whose closure holds the place and does not hide it.
    pub environments: Vec<EnvironmentName>,
    /// The bytes of the value that says which build runs, quotes too.
    pub span: Range<usize>,
    /// What beside it says how tags are chosen.
    pub policy: Option<FoundPolicy>,
    /// What that comes to.
    pub beside: Option<Beside>,
    /// Why it cannot be written, where something keeps it from that.
    pub obstacle: Option<String>,
    value: Arc<ImageValue>,
}

impl Occurrence {
    /// The edits that make the place say what it should; none when it does already.
    ///
    /// # Errors
    /// When the place cannot say it: a digest stands beside a tag that alone is to change, or something around it keeps it
    /// from being changed.
    pub fn edits(&self, target: &Target) -> Result<Vec<Edit>, EditError> {
        let position = self.value.spot().map_or(Position { line: self.place.line, column: 1 }, |spot| spot.position);
        let refused = |reason| EditError::Refused { position, reason };
        if let Some(reason) = self.value.obstacle {
            return Err(refused(reason));
        }
        self.value.parts.edits(target).map_err(refused)
    }

    /// Whether the value at a path, with these bytes, is a part of the image: its name, its tag, its digest.
    pub fn has_part(&self, field: &str, span: Option<&Range<usize>>) -> bool {
        let is_here = |spot: &Spot| spot.field == field && span.is_none_or(|span| spot.span == *span);
        self.value.spot().into_iter().chain(self.value.parts.spots()).any(is_here)
    }
}

/// Whether kustomize takes a file for a kustomization, by its name.
pub fn is_kustomization(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| crate::kustomize::FILE_NAMES.contains(&name))
}

/// The environments on a branch: those of the configuration, then one for each path that a Sync follows and no
/// environment covers.
pub fn environments_on(
    config: &Config,
    branch: &heddle_core::git::BranchName,
    default_branch: &heddle_core::git::BranchName,
    sync_paths: &BTreeSet<String>,
) -> Vec<FoundEnvironment> {
    let on_branch = |environment: &&Environment| environment.branch.as_ref().unwrap_or(default_branch) == branch;
    let mut found: Vec<FoundEnvironment> = config
        .environments
        .iter()
        .filter(on_branch)
        .map(|environment| FoundEnvironment {
            name: environment.name.clone(),
            path: environment.path.clone(),
            implicit: false,
        })
        .collect();
    let taken: BTreeSet<_> = config.environments.iter().map(|environment| environment.name.clone()).collect();
    for path in sync_paths {
        if found.iter().any(|environment| !environment.implicit && covers(&environment.path, path)) {
            continue;
        }
        let name = EnvironmentName::implicit_for(path);
        if !taken.contains(&name) && !found.iter().any(|environment| environment.name == name) {
            found.push(FoundEnvironment { name, path: path.clone(), implicit: true });
        }
    }
    found
}

/// Whether `path` is `folder` or lies in it.
pub(crate) fn covers(folder: &str, path: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
