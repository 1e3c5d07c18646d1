//! Follows kustomizations from file to file.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use heddle_core::image::ImageRepository;

use super::Files;
use crate::{
    Finding,
    flux::FluxImages,
    image::ImageValue,
    kustomize::{FILE_NAMES, Kustomization, Reference},
    object::object_name,
    policy::FoundPolicy,
    read::ReadFile,
    resource::ResourceRule,
    yaml::{Documents, Node, Position, cursor::Cursor},
};

/// How many values of a file are looked at again for the price of one that is walked.
const NODES_AT_ONCE: usize = 64;

/// How much a search walks: files, references and images, each as often as an environment or an overlay leads to it.
pub const MAX_WALKED: usize = 1_000_000;

/// The files of a branch, with what was found wrong in those that were read.
pub(super) struct Reader<'a> {
    files: &'a Files,
    pub findings: BTreeSet<Finding>,
    /// The files that some environment holds.
    pub reached: BTreeSet<String>,
    /// Read when the first marker asks for it.
    flux: OnceCell<FluxImages>,
    /// The file that was last looked into once more.
    last: Option<(String, Arc<Documents>)>,
    /// The files that the environment at hand holds and that cannot be read.
    pub unread: BTreeSet<String>,
    /// The addresses of other repositories that the environment at hand names, with where they stand.
    pub remotes: BTreeSet<(String, Position, String)>,
    /// A patch of the environment at hand may change where charts come from.
    pub are_sources_patched: bool,
    /// How much may still be walked.
    left: usize,
    /// That no more is walked, once it is so.
    spent: Option<Finding>,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a Files) -> Self {
        Self {
            files,
            findings: BTreeSet::new(),
            reached: BTreeSet::new(),
            flux: OnceCell::new(),
            last: None,
            unread: BTreeSet::new(),
            remotes: BTreeSet::new(),
            are_sources_patched: false,
            left: MAX_WALKED,
            spent: None,
        }
    }

    /// The files of the branch.
    pub fn files(&self) -> &'a Files {
        self.files
    }

    /// Whether the search has walked all that it may.
    pub fn is_spent(&self) -> bool {
        self.spent.is_some()
    }

    /// What is wrong in the files that were read.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings.into_iter().chain(self.spent).collect()
    }

    /// Counts what is walked. `false` when the search has walked all that it may: then nothing more is known for sure.
    pub fn walk(&mut self, amount: usize, file: &str) -> bool {
        let left = self.left.checked_sub(amount);
        self.left = left.unwrap_or_default();
        if left.is_none() {
            self.spent.get_or_insert_with(|| Finding {
                file: file.to_owned(),
                position: Position { line: 1, column: 1 },
                code: "too-large",
                message:
                    "the kustomizations lead to more files and images than are followed, so what comes from here on \
                          is not updated: let fewer of them lead to the same bases"
                        .to_owned(),
                blocks: true,
            });
        }
        left.is_some()
    }

    /// What a file holds; `None` when it is not there or cannot be read, which is a finding.
    fn load(&mut self, path: &str) -> Option<&'a ReadFile> {
        self.open(path).filter(|file| !file.is_broken)
    }

    /// What can be read of a file.
    fn open(&mut self, path: &str) -> Option<&'a ReadFile> {
        let file = self.files.read(path)?;
        if !self.reached.contains(path) {
            self.reached.insert(path.to_owned());
        }
        self.findings.extend(file.findings.iter().cloned());
        if file.is_broken || !file.mentions.is_empty() {
            self.unread.insert(path.to_owned());
        }
        Some(file)
    }

    /// Whether the file is there.
    pub fn has(&self, path: &str) -> bool {
        self.files.has(path)
    }

    /// The rules that say where custom resources hold images.
    pub fn rules(&self) -> &'a [ResourceRule] {
        &self.files.resources
    }

    /// The documents of a file, for what is not kept of it; `None` when it cannot be read, which is a finding.
    pub fn documents(&mut self, path: &str) -> Option<Arc<Documents>> {
        self.load(path)?;
        let text = self.files.get(path)?;
        // Files that are looked into again and again follow each other.
        if self.last.as_ref().is_none_or(|(last, _)| last != path) {
            self.last = Some((path.to_owned(), Arc::new(Documents::read(text))));
        }
        let documents = self.last.as_ref().map(|(_, documents)| Arc::clone(documents))?;
        self.walk(documents.nodes / NODES_AT_ONCE, path).then_some(documents)
    }

    /// What is said of an object in a file; `None` when it is not there.
    pub fn with_object<T>(&mut self, path: &str, name: &str, say: impl FnOnce(&Cursor<'_>) -> T) -> Option<T> {
        let documents = self.documents(path)?;
        let listed = documents.roots.iter().filter_map(|root| root.get("items")).flat_map(Node::items);
        let mut objects = documents.roots.iter().chain(listed);
        objects.find(|object| object_name(object) == name).map(|object| say(&Cursor::root(object)))
    }

    /// The images of a file.
    pub fn images(&mut self, path: &str) -> &'a [Arc<ImageValue>] {
        self.open(path).map_or(&[], |file| &file.images)
    }

    /// The image whose tag stands behind a marker, with the file of its policy; none is a finding.
    pub fn marked_image(&mut self, path: &str, value: &ImageValue) -> Option<(String, Arc<str>)> {
        let Some(FoundPolicy::FluxMarker { namespace, name }) = &value.policy else { return None };
        let flux = self.flux.get_or_init(|| self.files.flux());
        let image = flux.image_of(&(namespace.clone(), name.clone()), path);
        let image = image.map(|(image, home)| (image.to_owned(), Arc::from(home)));
        if image.is_none() {
            self.findings.insert(Finding {
                file: path.to_owned(),
                position: value.spot().map_or(Position { line: 1, column: 1 }, |spot| spot.position),
                code: "unknown-policy",
                message: format!(
                    "this tag is not updated: the repository holds no ImagePolicy `{namespace}/{name}` with its \
                     ImageRepository, so nothing says whose tag it is"
                ),
                blocks: true,
            });
        }
        image
    }

    /// The address of the `HelmRepository` that is meant in a file.
    pub fn charts_of(&self, namespace: &str, name: &str, path: &str) -> Option<&str> {
        let flux = self.flux.get_or_init(|| self.files.flux());
        flux.charts_of(&(namespace.to_owned(), name.to_owned()), path)
    }

    /// The images that the unreadable files of the environment at hand name, each with a file that does.
    pub fn take_mentions(&mut self) -> HashMap<ImageRepository, String> {
        let mut found = HashMap::new();
        for path in std::mem::take(&mut self.unread) {
            let mentions = self.files.read(&path).into_iter().flat_map(|file| &file.mentions);
            mentions.for_each(|image| {
                found.entry(image.clone()).or_insert_with(|| path.clone());
            });
        }
        found
    }

    /// What a kustomization file says.
    pub fn kustomization(&mut self, path: &str) -> Option<&'a Kustomization> {
        self.load(path)?.kustomization.as_ref()
    }

    /// What Argo CD keeps beside the files of a folder.
    pub fn source_files(&self, folder: &str) -> Vec<String> {
        let prefix = join(folder, ".argocd-source");
        self.files
            .starting_with(&prefix)
            .filter(|path| !path[prefix.len()..].contains('/'))
            .map(str::to_owned)
            .collect()
    }

    /// The kustomization file of a folder.
    pub fn kustomization_file(&self, folder: &str) -> Option<String> {
        FILE_NAMES.iter().map(|name| join(folder, name)).find(|path| self.files.has(path))
    }

    /// The files of a folder's tree, and the folders in it that are kustomized as units of their own.
    pub fn tree(&self, folder: &str) -> (Vec<String>, Vec<String>) {
        let named = |path: &'a str| path.rsplit_once('/').unwrap_or(("", path));
        let kustomized = self.files.below(folder).map(named).filter(|(_, name)| FILE_NAMES.contains(name));
        let units: BTreeSet<&str> = kustomized.map(|(parent, _)| parent).collect();
        // A unit within a unit is reached by reference or not at all.
        let outer = units.iter().filter(|unit| !folders_around(unit).any(|folder| units.contains(folder)));
        let hidden =
            |path: &&str| path.split('/').any(|part| part.starts_with('.') && !part.starts_with(".argocd-source"));
        let apart = |path: &&str| !folders_around(path).any(|folder| units.contains(folder));
        let plain =
            self.files.below(folder).filter(|path| !super::needs_reference(path) && !hidden(path)).filter(apart);
        (plain.map(str::to_owned).collect(), outer.map(|unit| (*unit).to_owned()).collect())
    }

    /// Says that a reference leads nowhere.
    pub fn report(&mut self, file: &str, reference: &Reference, code: &'static str, message: String) {
        self.report_at(file, reference.position, code, message);
    }

    /// Says what is wrong at a place.
    pub fn report_at(&mut self, file: &str, position: Position, code: &'static str, message: String) {
        self.findings.insert(Finding { file: file.to_owned(), position, code, message, blocks: false });
    }

    /// Says what is wrong at a place, and keeps images from being written.
    pub fn refuse(&mut self, file: &str, position: Position, code: &'static str, message: String) {
        self.findings.insert(Finding { file: file.to_owned(), position, code, message, blocks: true });
    }
}

/// The folders that a path lies in, the root last.
pub(super) fn folders_around(path: &str) -> impl Iterator<Item = &str> {
    let first = path.rsplit_once('/').map(|(folder, _)| folder).or((!path.is_empty()).then_some(""));
    std::iter::successors(first, |folder| {
        folder.rsplit_once('/').map(|(outer, _)| outer).or((!folder.is_empty()).then_some(""))
    })
}

/// `folder/name`, without a slash at the root.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Whether a reference is the address of another repository.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://") || path.contains("?ref=") || path.starts_with("git@") || path.starts_with("github.com/")
}

/// Resolves a relative path; `None` when it leaves the repository or is an address.
pub(crate) fn resolve(folder: &str, path: &str) -> Option<String> {
    if is_remote(path) || path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
