//! What of a path is rendered together.

use super::{Files, parent};
use crate::FileMode;

/// Something that is rendered by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A file of manifests.
    Plain { file: String },
    /// A directory with a kustomization.
    Kustomization { directory: String },
}

/// The units of a path, ordered by path.
pub(super) fn find(files: &Files, path: &str) -> Vec<Unit> {
    if files.kustomization(path).is_some() {
        return vec![Unit::Kustomization { directory: path.to_owned() }];
    }
    let mut units: Vec<Unit> = Vec::new();
    for (file, mode) in files.under(path) {
        let below = file.strip_prefix(path).unwrap_or(file);
        if below.split('/').any(|part| part.starts_with('.')) || mode == FileMode::Symlink {
            continue;
        }
        match outermost_kustomization(files, path, file) {
            Some(directory) => {
                let unit = Unit::Kustomization { directory };
                if !units.contains(&unit) {
                    units.push(unit);
                }
            }
            None if is_manifest(file) => units.push(Unit::Plain { file: file.to_owned() }),
            None => {}
        }
    }
    units
}

/// The topmost directory between `path` and `file` that has a kustomization.
fn outermost_kustomization(files: &Files, path: &str, file: &str) -> Option<String> {
    let mut found = None;
    let mut directory = parent(file);
    while directory.len() > path.len() {
        if files.kustomization(directory).is_some() {
            found = Some(directory.to_owned());
        }
        directory = parent(directory);
    }
    found
}

fn is_manifest(file: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| file.ends_with(extension))
}
