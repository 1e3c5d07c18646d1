//! Charts of one name that lie beside each other in a chart's `charts/`, each meant by a dependency of its own.
//!
//! Helm loads them in random order and gives each dependency the first of its name whose version fits, so `^1` may be given
//! 1.2.0 where `Chart.lock` says 1.0.0 for it. What Helm is handed leaves it no choice.

use std::collections::{BTreeMap, BTreeSet};

use heddle_core::policy::TagVersion;
use heddle_manifest::documents::{parse_document, write_document};
use serde_json::Value;

use super::{lock::locked, word};
use crate::{TreePath, bases::admits};

/// What charts say of themselves: each `Chart.yaml` and `Chart.lock`, by its place.
pub(super) type Said = BTreeMap<TreePath, Vec<u8>>;

/// Whether a file of a chart says what the chart is, or which versions it has chosen.
pub(super) fn is_said(place: &TreePath) -> bool {
    matches!(place.names().last(), Some("Chart.yaml" | "Chart.lock"))
}

fn is_chart(place: &TreePath) -> bool {
    place.names().last() == Some("Chart.yaml")
}

/// A chart in the `charts/` of another.
struct Lying {
    directory: TreePath,
    name: String,
    version: String,
    order: TagVersion,
}

/// Has each dependency name the one version that is meant, where charts of its name lie beside each other: the locked one,
/// else the greatest that fits. Gives the directories of those that nothing means, which Helm might take in a place of the
/// others.
pub(super) fn settle(said: &mut Said) -> Vec<TreePath> {
    let directories: Vec<TreePath> = said.keys().filter(|place| is_chart(place)).map(|place| place.parent()).collect();
    let unmeant: Vec<TreePath> = directories.iter().flat_map(|directory| settle_one(said, directory)).collect();
    let is_outermost = |chart: &&TreePath| !unmeant.iter().any(|other| other != *chart && chart.is_in(other));
    unmeant.iter().filter(is_outermost).cloned().collect()
}

fn settle_one(said: &mut Said, directory: &TreePath) -> Vec<TreePath> {
    let lying = lying(said, directory);
    let is_alone = |chart: &Lying| lying.iter().filter(|other| other.name == chart.name).count() < 2;
    let namesakes: Vec<&Lying> = lying.iter().filter(|chart| !is_alone(chart)).collect();
    let Ok(file) = directory.resolve("Chart.yaml") else { return Vec::new() };
    let mut about = read(said, &file);
    let lock = directory.resolve("Chart.lock").map(|lock| read(said, &lock)).unwrap_or_default();
    let (mut meant, mut fitting) = (BTreeSet::new(), BTreeSet::new());
    let dependencies = about["dependencies"].as_array().cloned().unwrap_or_default();
    for (index, dependency) in dependencies.iter().enumerate() {
        let (name, wanted) = (word(dependency, "name"), word(dependency, "version"));
        let fits = |chart: &&&Lying| chart.name == name && admits(wanted, false, &chart.order);
        let of_it: Vec<&Lying> = namesakes.iter().filter(fits).copied().collect();
        fitting.extend(of_it.iter().map(|chart| &chart.directory));
        let locked = locked(&lock, &dependencies, index);
        let locked = of_it.iter().find(|chart| Some(chart.version.as_str()) == locked);
        let greatest = of_it.iter().max_by(|one, other| one.order.cmp_precedence(&other.order));
        if let Some(chart) = locked.or(greatest) {
            meant.insert(&chart.directory);
            about["dependencies"][index]["version"] = chart.version.clone().into();
        }
    }
    if !meant.is_empty() {
        said.insert(file, write_document(&about).into_bytes());
    }
    fitting.difference(&meant).map(|directory| (*directory).clone()).collect()
}

/// The charts that lie in the `charts/` of a chart.
fn lying(said: &Said, directory: &TreePath) -> Vec<Lying> {
    let Ok(charts) = directory.resolve("charts") else { return Vec::new() };
    let is_in_it = |place: &&TreePath| is_chart(place) && place.parent().parent() == charts;
    let read = |place: &TreePath| {
        let about = read(said, place);
        let (name, version) = (word(&about, "name").to_owned(), word(&about, "version").to_owned());
        Some(Lying { directory: place.parent(), order: TagVersion::parse(&version)?, name, version })
    };
    said.keys().filter(is_in_it).filter_map(read).collect()
}

fn read(said: &Said, place: &TreePath) -> Value {
    let text = said.get(place).map(|bytes| String::from_utf8_lossy(bytes));
    text.and_then(|text| parse_document(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
