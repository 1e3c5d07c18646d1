//! Finds where images stand in the files of one branch, and which environments each place belongs to.
//!
//! The closure of an environment follows from text alone: `resources`, `components` and bases of its kustomizations, else
//! every file of its tree. Nothing is rendered.

mod closure;
mod effective;
mod join;

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::{image::ImageRef, name::EnvironmentName, place::Place};

pub use self::join::find;
use crate::{Config, Finding, config::Environment};

/// The texts of a branch: those that can hold objects or kustomizations.
#[derive(Debug, Clone, Default)]
pub struct Files {
    texts: BTreeMap<String, String>,
}

impl Files {
    /// Whether the file can matter here, by its name.
    pub fn wants(path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.ends_with(".yaml") || name.ends_with(".yml") || crate::kustomize::FILE_NAMES.contains(&name)
    }

    /// Adds a file under its path from the root.
    pub fn insert(&mut self, path: String, text: String) {
        self.texts.insert(path, text);
    }

    /// The text of a file.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// The paths of all files below a folder; the empty path is the root.
    fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let start = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.texts
            .range(start.clone()..)
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(&start))
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
    /// The environments whose closure holds the place and does not hide it.
    pub environments: Vec<EnvironmentName>,
    /// The value as it is written; what [`crate::edit`] looks for.
    pub text: String,
    /// The value's first byte.
    pub at: usize,
    /// Why it cannot be written, where something keeps it from that.
    pub obstacle: Option<String>,
}

impl Occurrence {
    /// The text of the value with another tag.
    pub fn text_with(&self, tag: &heddle_core::image::Tag) -> String {
        // In a kustomization the tag stands alone; else it follows the last colon after the last slash.
        if self.place.field.ends_with(".newTag") {
            return tag.to_string();
        }
        let name_end = self.text.rfind('/').map_or(0, |slash| slash + 1);
        match self.text[name_end..].find(':') {
            Some(colon) => format!("{}:{tag}", &self.text[..name_end + colon]),
            None => format!("{}:{tag}", self.text),
        }
    }
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
