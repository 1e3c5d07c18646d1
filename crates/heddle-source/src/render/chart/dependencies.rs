//! The charts that a chart depends on and that do not lie in its `charts/`, as `helm dependency build` brings them there.

use heddle_core::policy::TagVersion;
use heddle_manifest::documents::{line_of, parse_document, read_documents};
use serde_json::Value;

use super::{
    files::{ChartFiles, MAX_DEPTH, is_packed_chart, unpack},
    lock::locked,
    word,
};
use crate::{
    Address, Kind, ReadError, RemoteChart, Tree, TreePath,
    render::{Files, Rendered},
};

/// A chart that depends on others.
struct Dependent {
    directory: TreePath,
    file: TreePath,
    text: String,
    about: Value,
    /// The versions that `helm dependency update` has chosen, where it has.
    lock: Option<Value>,
}

impl Dependent {
    fn read(files: &Files<'_, impl Tree>, directory: &TreePath) -> Self {
        let text_of = |name: &str| {
            let bytes = directory.resolve(name).ok().and_then(|file| files.tree.read(&file).ok())?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let text = text_of("Chart.yaml").unwrap_or_default();
        Self {
            directory: directory.clone(),
            file: directory.resolve("Chart.yaml").unwrap_or_default(),
            about: parse_document(&text).unwrap_or_default(),
            lock: text_of("Chart.lock").map(|text| parse_document(&text).unwrap_or_default()),
            text,
        }
    }

    fn fail(&self, index: usize, message: String, rendered: &mut Rendered) {
        let document = read_documents(&self.text).next().map(|document| document.line);
        let line = document.and_then(|line| line_of(&self.text, line, &format!("dependencies[{index}]")));
        rendered.fail(&self.file, line, message);
    }

    /// The chart elsewhere that a dependency means: the version that is locked, which has to be one of those that it wants.
    fn elsewhere(&self, index: usize) -> Result<RemoteChart, String> {
        let dependency = &self.dependencies()[index];
        let (name, repository) = (word(dependency, "name"), word(dependency, "repository"));
        let parse = |version: &str| {
            RemoteChart::parse(repository, name, version, false)
                .map_err(|why| format!("its dependency `{name}` cannot be fetched: {why}"))
        };
        let wanted = parse(word(dependency, "version"))?;
        let Some(lock) = &self.lock else { return Ok(wanted) };
        let locked = locked(lock, self.dependencies(), index);
        match locked.filter(|version| TagVersion::parse(version).is_some_and(|version| wanted.admits(&version))) {
            Some(version) => parse(version),
            None => {
                let has = locked.map_or_else(|| "nothing".to_owned(), |version| format!("`{version}`"));
                Err(format!(
                    "its dependency `{wanted}` is not what `Chart.lock` has for it, which is {has}: run `helm dependency \
                     update`, and commit `Chart.lock`"
                ))
            }
        }
    }

    fn dependencies(&self) -> &[Value] {
        self.about["dependencies"].as_array().map_or(&[], Vec::as_slice)
    }
}

impl ChartFiles {
    /// Takes in the charts that a chart names by `file://`, `https://` or `oci://` and that do not lie in its `charts/`. `way`
    /// are the charts that led here, the last one depends.
    pub(super) fn take_dependencies(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        way: &[TreePath],
        at: &TreePath,
        rendered: &mut Rendered,
    ) -> Result<(), ReadError> {
        let Some(directory) = way.last() else { return Ok(()) };
        let dependent = Dependent::read(files, directory);
        // One chart may be wanted in several versions.
        let mut taken: Vec<(&str, TreePath)> = Vec::new();
        for (index, dependency) in dependent.dependencies().iter().enumerate() {
            let name = word(dependency, "name");
            let Ok(mut place) = at.resolve(&format!("charts/{name}")) else { continue };
            let is_taken = taken.iter().any(|(other, _)| *other == name);
            let is_too_deep = place.names().count() > 2 * MAX_DEPTH;
            if name.is_empty() || is_too_deep || (!is_taken && self.has_dependency(files, &place, name)) {
                continue;
            }
            let found = match find(files, &dependent, index, way) {
                None => continue,
                Some(Ok(found)) if taken.contains(&(name, found.clone())) => continue,
                Some(Ok(found)) => found,
                Some(Err(message)) => {
                    dependent.fail(index, message, rendered);
                    continue;
                }
            };
            if is_taken {
                place = at.resolve(&format!("charts/{name}-{index}")).unwrap_or(place);
            }
            files.load(&found)?;
            rendered.inputs.note(files.tree, &found);
            self.take(files, &found, &place, rendered)?;
            taken.push((name, found.clone()));
            let way = [way, &[found]].concat();
            self.take_dependencies(files, &way, &place, rendered)?;
        }
        Ok(())
    }
}

impl ChartFiles {
    /// Whether a chart lies in `charts/`, at its place or under any other name, as a folder or as a package: Helm goes by what
    /// it says of itself.
    fn has_dependency(&self, files: &Files<'_, impl Tree>, place: &TreePath, name: &str) -> bool {
        let charts = place.parent();
        let is_named = |text: &[u8]| {
            parse_document(&String::from_utf8_lossy(text)).is_ok_and(|about| word(&about, "name") == name)
        };
        let is_it = |(at, file): &(TreePath, TreePath)| {
            let is_folder = at.names().last() == Some("Chart.yaml") && at.parent().parent() == charts;
            if is_folder {
                return at.parent() == *place || files.tree.read(file).is_ok_and(|text| is_named(&text));
            }
            if !is_packed_chart(at) || at.parent() != charts {
                return false;
            }
            // As `helm package` calls it. The chart `web-2fa` is another one than `web`.
            let rest = at.names().last().and_then(|file| file.strip_prefix(name)?.strip_prefix('-'));
            let version = rest.and_then(|rest| TagVersion::parse(rest.strip_suffix(".tgz")?));
            if version.is_some_and(|version| version.is_strict()) {
                return true;
            }
            let inner = files.tree.read(file).ok().and_then(|package| unpack(&package).ok()).unwrap_or_default();
            inner.iter().any(|(way, text)| way == "Chart.yaml" && is_named(text))
        };
        self.entries.iter().any(is_it)
    }
}

/// Where a chart lies that another depends on; nothing where that is Helm's to complain about.
fn find(
    files: &Files<'_, impl Tree>,
    dependent: &Dependent,
    index: usize,
    way: &[TreePath],
) -> Option<Result<TreePath, String>> {
    let dependency = &dependent.dependencies()[index];
    let (name, address) = (word(dependency, "name"), word(dependency, "repository"));
    let is_on_the_way = |found: &TreePath| way.iter().any(|chart| chart.is_in(found));
    if let Some(path) = address.strip_prefix("file://") {
        let found = files.resolve(&dependent.directory, path).ok().filter(|found| !is_on_the_way(found));
        let found = found.filter(|found| matches!(files.tree.find(found), Ok(Some(Kind::Directory))));
        return Some(found.ok_or_else(|| {
            format!(
                "its dependency `{name}` is `{address}`, which is no other directory of the repository, or leads in a ring"
            )
        }));
    }
    if address.starts_with('@') || address.starts_with("alias:") {
        return Some(Err(format!(
            "its dependency `{name}` names its repository `{address}` as one machine knows it: write the address"
        )));
    }
    if !address.contains("://") {
        return None;
    }
    let chart = match dependent.elsewhere(index) {
        Ok(chart) => chart,
        Err(message) => return Some(Err(message)),
    };
    Some(match files.tree.chart(&chart) {
        Address::At(found) if is_on_the_way(&found) => Err(format!("its dependency `{chart}` leads in a ring")),
        Address::At(found) => Ok(found),
        Address::Refused(why) => Err(format!("its dependency `{chart}` {why}")),
        Address::Unknown => Err(format!(
            "its dependency `{chart}` does not lie in `charts/`, and nothing is fetched while rendering: run `helm \
             dependency build` and commit `charts/`, or name its host in `spec.remote.hosts`"
        )),
    })
}
