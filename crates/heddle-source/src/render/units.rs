//! What of a path is rendered together, and what is not rendered at all.

use super::{
    Files,
    unread::{Looker, Unread, WhyUnread},
};
use crate::{FileMode, Tree, TreePath, tree::is_manifest};

/// Something that is rendered by itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// A file of manifests.
    Plain { file: TreePath },
    /// A directory with a kustomization.
    Kustomization { directory: TreePath },
    /// A directory with a chart of Helm, by the file that says so.
    Chart { file: TreePath },
}

/// The units of a path whose files are loaded, ordered by path, and what lies beside them.
pub(super) fn find(files: &Files<'_, impl Tree>, path: &TreePath) -> (Vec<Unit>, Vec<Unread>) {
    if files.kustomization(path).is_some() {
        return (vec![Unit::Kustomization { directory: path.clone() }], Vec::new());
    }
    let charts = charts(files, path);
    let mut units: Vec<Unit> = charts.iter().map(|file| Unit::Chart { file: file.clone() }).collect();
    let in_chart = |file: &TreePath| charts.iter().any(|chart| file.is_in(&chart.parent()));
    let mut looker = Looker::new(files.tree);
    let mut unread = Vec::new();
    for (file, mode) in files.under(path).filter(|(file, _)| !in_chart(file)) {
        let kustomization = outermost_kustomization(files, path, file);
        match kustomization {
            _ if is_hidden(path, file) => unread.extend(looker.file(file, WhyUnread::Hidden)),
            Some(directory) => {
                let unit = Unit::Kustomization { directory };
                // Files of one directory follow each other.
                if units.last() != Some(&unit) && !units.contains(&unit) {
                    units.push(unit);
                }
            }
            None if mode == FileMode::Symlink => unread.push(looker.link(file)),
            None if is_manifest(file.as_bytes()) => units.push(Unit::Plain { file: file.clone() }),
            None => unread.extend(looker.file(file, WhyUnread::Extension)),
        }
    }
    let stands_alone =
        |at: &&TreePath| at.is_in(path) && !in_chart(at) && outermost_kustomization(files, path, at).is_none();
    for file in files.hidden.iter().filter(stands_alone) {
        unread.extend(looker.file(file, WhyUnread::Hidden));
    }
    let submodule = |path: &TreePath| Unread { path: path.clone(), why: WhyUnread::Submodule, is_likely: true };
    unread.extend(files.submodules.iter().filter(stands_alone).map(submodule));
    (units, unread)
}

/// Whether a name between `path` and the file is hidden.
fn is_hidden(path: &TreePath, file: &TreePath) -> bool {
    file.names().skip(path.names().count()).any(|name| name.starts_with('.'))
}

/// The outermost charts: directories with a `Chart.yaml`. Source: https://helm.sh/docs/topics/charts/, "The Chart File
/// Structure".
fn charts(files: &Files<'_, impl Tree>, path: &TreePath) -> Vec<TreePath> {
    let is_chart = |file: &TreePath| {
        file.names().last() == Some("Chart.yaml")
            && !is_hidden(path, file)
            && outermost_kustomization(files, path, file).is_none()
    };
    let mut charts: Vec<TreePath> =
        files.under(path).map(|(file, _)| file).filter(|file| is_chart(file)).cloned().collect();
    let all = charts.clone();
    charts.retain(|chart| !all.iter().any(|other| other != chart && chart.is_in(&other.parent())));
    charts
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
