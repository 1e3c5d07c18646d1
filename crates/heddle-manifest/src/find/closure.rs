//! Reads each file once, and follows kustomizations.

use std::collections::{BTreeMap, BTreeSet};

use super::Files;
use crate::{
    Finding,
    kustomize::{FILE_NAMES, Kustomization, Reference},
    object::{DocumentKind, ImageValue, container_images, kind_of},
    yaml::{Documents, Position},
};

/// What one file holds.
#[derive(Debug, Default)]
pub(super) struct ReadFile {
    pub images: Vec<ImageValue>,
    pub kustomization: Option<Kustomization>,
}

/// The files of a branch, read on demand and once.
pub(super) struct Reader<'a> {
    files: &'a Files,
    read: BTreeMap<String, ReadFile>,
    pub findings: BTreeSet<Finding>,
}

impl<'a> Reader<'a> {
    pub fn new(files: &'a Files) -> Self {
        Self { files, read: BTreeMap::new(), findings: BTreeSet::new() }
    }

    /// What a file holds; `None` when it is not there or cannot be read, which is a finding.
    pub fn load(&mut self, path: &str) -> Option<&ReadFile> {
        if !self.read.contains_key(path) {
            let text = self.files.get(path)?;
            let is_kustomization = path.rsplit('/').next().is_some_and(|name| FILE_NAMES.contains(&name));
            let file = self.read_text(path, text, is_kustomization)?;
            self.read.insert(path.to_owned(), file);
        }
        self.read.get(path)
    }

    /// Whether the file is there.
    pub fn has(&self, path: &str) -> bool {
        self.files.get(path).is_some()
    }

    /// The images of a file that was loaded.
    pub fn images(&self, path: &str) -> &[ImageValue] {
        self.read.get(path).map_or(&[], |file| &file.images)
    }

    /// The kustomization of a file that was loaded.
    pub fn kustomization(&self, path: &str) -> Option<&Kustomization> {
        self.read.get(path).and_then(|file| file.kustomization.as_ref())
    }

    /// The kustomization file of a folder.
    pub fn kustomization_file(&self, folder: &str) -> Option<String> {
        FILE_NAMES.iter().map(|name| join(folder, name)).find(|path| self.files.get(path).is_some())
    }

    /// The files of a folder's tree, and the folders in it that are kustomized as units of their own.
    pub fn tree(&self, folder: &str) -> (Vec<String>, Vec<String>) {
        let (mut plain, mut units): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        for path in self.files.below(folder) {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
            if FILE_NAMES.contains(&name) && !units.iter().any(|unit| unit == parent) {
                units.push(parent.to_owned());
            }
        }
        // A unit within a unit is reached by reference or not at all.
        let outer: Vec<String> = units
            .iter()
            .filter(|unit| !units.iter().any(|other| other != *unit && super::covers(other, unit)))
            .cloned()
            .collect();
        for path in self.files.below(folder) {
            let hidden = path.split('/').any(|part| part.starts_with('.'));
            if !hidden && !outer.iter().any(|unit| super::covers(unit, path)) {
                plain.push(path.to_owned());
            }
        }
        (plain, outer)
    }

    /// Says that a reference leads nowhere.
    pub fn report(&mut self, file: &str, reference: &Reference, code: &'static str, message: String) {
        self.findings.insert(Finding {
            file: file.to_owned(),
            position: reference.position,
            code,
            message,
            blocks: false,
        });
    }

    fn read_text(&mut self, path: &str, text: &str, is_kustomization: bool) -> Option<ReadFile> {
        // Nothing in a file without this word can be an image.
        if !is_kustomization && !text.contains("image") {
            return Some(ReadFile::default());
        }
        let documents = Documents::read(text);
        if let Some(error) = &documents.error {
            let template = text.contains("{{");
            let (code, message) = if template {
                ("template", "this looks like a template, which is not read: its images are not updated".to_owned())
            } else {
                ("broken-yaml", format!("this is no YAML, so its images are not updated: {}", error.message))
            };
            self.add(path, error.position, code, message);
            return None;
        }
        let mut file = ReadFile::default();
        for root in &documents.roots {
            match kind_of(root) {
                _ if is_kustomization => file.kustomization = Some(Kustomization::read(root, path)),
                DocumentKind::Object => file.images.extend(container_images(root, path)),
                DocumentKind::Kustomization | DocumentKind::Other => {}
            }
        }
        Some(file)
    }

    fn add(&mut self, file: &str, position: Position, code: &'static str, message: String) {
        self.findings.insert(Finding { file: file.to_owned(), position, code, message, blocks: true });
    }
}

/// `folder/name`, without a slash at the root.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Resolves a relative path; `None` when it leaves the repository or is an address.
pub(super) fn resolve(folder: &str, path: &str) -> Option<String> {
    if path.contains("://") || path.starts_with('/') || path.contains("?ref=") || path.starts_with("git@") {
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
