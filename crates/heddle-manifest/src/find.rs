//! Finds where images stand in the files of one branch, and which environments each place belongs to.
//!
//! The closure of an environment follows from text alone: `resources`, `components` and bases of its kustomizations, else
//! every file of its tree. Nothing is rendered.

mod added;
mod charts;
mod closure;
mod effective;
mod follow;
mod join;
mod live;
mod marked;
mod operations;
mod patches;
mod remarks;
mod replacements;
mod variables;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use heddle_core::name::EnvironmentName;

pub use self::closure::MAX_WALKED;
pub(crate) use self::closure::resolve;
pub(crate) use self::join::find_places;
pub use crate::occurrence::Occurrence;
use crate::{
    Config, Finding, Version,
    config::Environment,
    finding::Difference,
    flux::FluxImages,
    intake::{Room, Shelf, TooMuch},
    kustomize::{FILE_NAMES, Kustomization},
    read::{ReadFile, Unread},
    resource::ResourceRule,
    yaml::Node,
};

/// The texts of a branch: those that can hold objects, kustomizations or values. What was read of a file is kept with
/// it, so that a search after one file changed reads that file alone. A clone shares what was read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    texts: BTreeMap<String, Arc<File>>,
    resources: Arc<[ResourceRule]>,
    /// Those that could not be read.
    unread: BTreeSet<String>,
    shelf: Shelf,
}

#[derive(Debug)]
struct File {
    text: String,
    /// Why the text is not the file's own, where it is not.
    unread: Option<Unread>,
    read: OnceLock<(ReadFile, Option<Room>)>,
}

impl Files {
    /// Files in which custom resources are searched by these rules.
    pub fn with_resources(resources: Vec<ResourceRule>) -> Self {
        Self { resources: resources.into(), ..Self::default() }
    }

    /// Whether the file can matter here, by its name.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        // Generators of kustomizations take values from `params.env`; a hidden `.env` is nobody's manifest.
        let endings = [".yaml", ".yml", ".json", ".env"];
        endings.iter().any(|ending| name.ends_with(ending) && !(*ending == ".env" && name.starts_with('.')))
            || FILE_NAMES.contains(&name)
            || name == "Chart.lock"
    }

    /// Adds a file under its path from the root, or replaces it.
    pub fn insert(&mut self, path: String, text: String) {
        self.put(path, text, None);
    }

    /// Adds a file as it stands on a disk or in git. One that is no UTF-8 is a finding of every search.
    pub fn insert_bytes(&mut self, path: String, bytes: Vec<u8>) {
        match String::from_utf8(bytes) {
            Ok(text) => self.put(path, text, None),
            // Values for generators may be encrypted; no image stands among them.
            Err(_) if path.ends_with(".env") => self.put(path, String::new(), None),
            // What can be read of it tells which images it names.
            Err(error) => self.put(path, String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(Unread::NoText)),
        }
    }

    /// Says that there is a file that cannot be read; a finding of every search.
    pub fn insert_unreadable(&mut self, path: String) {
        self.put(path, String::new(), Some(Unread::Failed));
    }

    /// Says that there is a file that is not read; a finding of every search.
    pub fn leave_out(&mut self, path: String, why: TooMuch) {
        self.put(path, String::new(), Some(Unread::TooMuch(why)));
    }

    fn put(&mut self, path: String, text: String, unread: Option<Unread>) {
        if unread.is_some() {
            self.unread.insert(path.clone());
        } else {
            self.unread.remove(&path);
        }
        self.texts.insert(path, Arc::new(File { text, unread, read: OnceLock::new() }));
    }

    /// The text of a file that can be read.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).filter(|file| file.unread.is_none()).map(|file| file.text.as_str())
    }

    /// Whether there is such a file, be it readable or not.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path)
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
        let (read, _) = file.read.get_or_init(|| {
            let read = match file.unread {
                Some(why) => ReadFile::unread(path, &file.text, why),
                None => ReadFile::read(path, &file.text, &self.resources),
            };
            match self.shelf.take(read.weight()) {
                Some(room) => (read, Some(room)),
                None => (ReadFile::too_much(path), None),
            }
        });
        read
    }

    /// What is wrong with the files that could not be read.
    fn unread(&self) -> impl Iterator<Item = &Finding> {
        self.unread.iter().filter_map(|path| self.read(path)).flat_map(|file| &file.findings)
    }

    /// The folders of the kustomizations to which no other leads: what a person would build.
    pub fn roots(&self) -> Vec<String> {
        let folder_of = |path: &str| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let led_to: BTreeSet<String> = self
            .kustomizations()
            .flat_map(|(path, kustomization)| {
                let references = kustomization.resources.iter().chain(&kustomization.components);
                let folder = folder_of(path);
                references.filter_map(move |reference| resolve(&folder, &reference.path)).collect::<Vec<_>>()
            })
            .collect();
        let mut roots: Vec<String> = self.kustomizations().map(|(path, _)| folder_of(path)).collect();
        roots.retain(|folder| !led_to.contains(folder));
        roots.dedup();
        roots
    }

    /// Every kustomization, with its file.
    pub(crate) fn kustomizations(&self) -> impl Iterator<Item = (&str, &Kustomization)> {
        let files = self.texts.iter().filter(|(path, _)| is_kustomization(path));
        files.filter_map(|(path, file)| Some((path.as_str(), self.reading(path, file).kustomization.as_ref()?)))
    }

    /// What the kustomization of a folder says.
    pub(crate) fn kustomization_of(&self, folder: &str) -> Option<&Kustomization> {
        let mut names = FILE_NAMES.iter().map(|name| closure::join(folder, name));
        self.read(&names.find(|path| self.has(path))?)?.kustomization.as_ref()
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
    /// Why it is one.
    pub origin: EnvironmentOrigin,
    /// The names of the Syncs that are known to follow its very path, wherever they stand.
    pub syncs: BTreeSet<String>,
}

impl FoundEnvironment {
    /// An environment of whose Syncs nothing is known.
    pub fn new(name: EnvironmentName, path: impl Into<String>, origin: EnvironmentOrigin) -> Self {
        Self { name, path: path.into(), origin, syncs: BTreeSet::new() }
    }
}

/// Why something is an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvironmentOrigin {
    /// `.heddle.yaml` names it.
    Named,
    /// It stands in no `.heddle.yaml`: a Sync follows its path, which may stand elsewhere.
    Synced,
    /// Nobody follows its path but who stands on the branch: a part of it that is looked at.
    Folder,
}

/// What stands on a branch.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Where images stand, and versions of charts that a registry holds.
    pub occurrences: Vec<Occurrence>,
    /// Where versions stand that are no image's.
    pub versions: Vec<Version>,
    /// What is wrong in the manifests.
    pub findings: Vec<Finding>,
    /// What people bring and Heddle cannot follow.
    pub unfollowed: Vec<Difference>,
    /// The files that some environment holds.
    pub reached: BTreeSet<String>,
}

/// Whether a file counts only where a kustomization refers to it: JSON is much else than manifests, and variables are none.
pub fn needs_reference(path: &str) -> bool {
    path.ends_with(".json") || path.ends_with(".env")
}

/// Whether kustomize takes a file for a kustomization, by its name.
pub fn is_kustomization(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| FILE_NAMES.contains(&name))
}

/// The environments on a branch: those of the configuration, then one for each path that a Sync follows and no
/// environment covers. `sync_paths` has the names of the Syncs that follow a path.
pub fn environments_on(
    config: &Config,
    branch: &heddle_core::git::BranchName,
    default_branch: &heddle_core::git::BranchName,
    sync_paths: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<FoundEnvironment> {
    let on_branch = |environment: &&Environment| environment.branch.as_ref().unwrap_or(default_branch) == branch;
    let mut found: Vec<FoundEnvironment> = config
        .environments
        .iter()
        .filter(on_branch)
        .map(|environment| FoundEnvironment {
            name: environment.name.clone(),
            path: environment.path.clone(),
            origin: EnvironmentOrigin::Named,
            syncs: sync_paths.get(&environment.path).cloned().unwrap_or_default(),
        })
        .collect();
    let taken: BTreeSet<_> = config.environments.iter().map(|environment| environment.name.clone()).collect();
    for (path, syncs) in sync_paths {
        if found
            .iter()
            .any(|environment| environment.origin == EnvironmentOrigin::Named && covers(&environment.path, path))
        {
            continue;
        }
        let name = EnvironmentName::implicit_for(path);
        if !taken.contains(&name) && !found.iter().any(|environment| environment.name == name) {
            found.push(FoundEnvironment {
                name,
                path: path.clone(),
                origin: EnvironmentOrigin::Synced,
                syncs: syncs.clone(),
            });
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
