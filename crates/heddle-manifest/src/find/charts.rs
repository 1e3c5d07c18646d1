//! Which files of a chart count: those that its render reads, as far as the text of the branch tells.

use std::collections::BTreeSet;

use super::{
    added::Added,
    closure::{join, resolve},
    covers,
};

/// The folders of a chart whose files count whatever values are taken. Source: https://helm.sh/docs/topics/charts/, "The
/// Chart File Structure".
const OF_EACH_RELEASE: [&str; 3] = ["templates", "crds", "charts"];

/// The charts among the files of a folder, by their directories.
#[derive(Debug, Default)]
pub(super) struct Charts(BTreeSet<String>);

impl Charts {
    /// The outermost charts: what lies in the `charts` of one is a part of it.
    pub fn among(files: &[String]) -> Self {
        let directory = |file: &String| match file.rsplit_once('/') {
            Some((directory, "Chart.yaml")) => Some(directory.to_owned()),
            None if file == "Chart.yaml" => Some(String::new()),
            _ => None,
        };
        let all: BTreeSet<String> = files.iter().filter_map(directory).collect();
        let is_inner = |chart: &&String| all.iter().any(|other| other != *chart && covers(other, chart));
        Self(all.iter().filter(|chart| !is_inner(chart)).cloned().collect())
    }

    /// Whether a file below a folder counts: no chart has it, or the chart's render reads it, or may do so.
    pub fn read(&self, file: &str, added: &Added) -> bool {
        let Some(chart) = self.0.iter().find(|chart| covers(chart, file)) else { return true };
        let inner = file[chart.len()..].trim_start_matches('/');
        let first = inner.split('/').next().unwrap_or_default();
        if matches!(inner, "values.yaml" | "Chart.yaml") || OF_EACH_RELEASE.contains(&first) {
            return true;
        }
        let named = added.values_of(chart);
        named.is_none_or(|named| named.iter().any(|(_, one)| resolve(chart, &one.path).as_deref() == Some(file)))
    }

    /// The files of values elsewhere that the Syncs of these charts name: the chart, the file that says so, what it says.
    pub fn values_elsewhere<'a>(
        &'a self,
        added: &'a Added,
    ) -> impl Iterator<Item = (&'a str, &'a str, &'a crate::kustomize::Reference)> {
        let named = self.0.iter().flat_map(|chart| {
            let named = added.values_of(chart).unwrap_or_default();
            named.iter().map(move |(file, one)| (chart.as_str(), file.as_str(), one))
        });
        named.filter(|(chart, _, one)| resolve(chart, &one.path).is_none_or(|path| !path.starts_with(&join(chart, ""))))
    }
}
