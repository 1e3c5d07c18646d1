//! What of a path is rendered together.

use super::Files;
use crate::{FileMode, Tree, TreePath};

/// Something that is rendered by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A file of manifests.
    Plain { file: TreePath },
    /// A directory with a kustomization.
    Kustomization { directory: TreePath },
}

/// The units of a path whose files are loaded, ordered by path.
pub(super) fn find(files: &Files<'_, impl Tree>, path: &TreePath) -> Vec<Unit> {
    if files.kustomization(path).is_some() {
        return vec![Unit::Kustomization { directory: path.clone() }];
    }
    let mut units: Vec<Unit> = Vec::new();
    for (file, mode) in files.under(path) {
        let below = file.names().skip(path.names().count());
        if mode == FileMode::Symlink || below.into_iter().any(|part| part.starts_with('.')) {
            continue;
        }
        match outermost_kustomization(files, path, file) {
            Some(directory) => {
                let unit = Unit::Kustomization { directory };
                // Files of one directory follow each other.
                if units.last() != Some(&unit) && !units.contains(&unit) {
                    units.push(unit);
                }
            }
            None if is_manifest(file) => units.push(Unit::Plain { file: file.clone() }),
            None => {}
        }
    }
    units
}

/// The topmost directory between `path` and `file` that has a kustomization.
fn outermost_kustomization(files: &Files<'_, impl Tree>, path: &TreePath, file: &TreePath) -> Option<TreePath> {
    let mut found = None;
    let mut directory = file.parent();
    while directory.len() > path.len() {
        if files.kustomization(&directory).is_some() {
            found = Some(directory.clone());
        }
        directory = directory.parent();
    }
    found
}

fn is_manifest(file: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| file.ends_with(extension))
}
