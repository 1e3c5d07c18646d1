//! The files that a chart is made of.

use std::{
    collections::BTreeSet,
    io::{self, Read},
};

use flate2::read::GzDecoder;
use heddle_manifest::documents::parse_document;

use super::{
    Part, Unit,
    namesakes::{self, Said, is_said},
    templates::{Calls, at_another_time, values_at_another_time, values_beside_calls, with_sorted_keys},
    word,
};
use crate::{
    FileMode, ReadError, Tree, TreePath,
    limits::MAX_RENDER_BYTES,
    render::{Files, Rendered, copy::PrivateCopy, unread::WhyUnread},
};

/// How deep charts may depend on each other.
pub(super) const MAX_DEPTH: usize = 8;

/// How helm says from which template documents come.
const SOURCE: &str = "\n---\n# Source: ";

/// A chart in a directory, with those that it depends on.
pub(super) struct ChartFiles {
    /// Its `Chart.yaml`.
    pub(super) file: TreePath,
    /// Its name.
    pub(super) name: String,
    /// Each file: where it lies in the chart, and in the tree.
    pub(super) entries: Vec<(TreePath, TreePath)>,
}

/// When a chart is rendered, as far as its templates can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Now.
    Now,
    /// At another time: `now` of its templates is one that has been.
    Another,
}

impl ChartFiles {
    /// Looks for the files of a chart in a directory that is loaded; nothing where its `Chart.yaml`, or a chart that it depends
    /// on, cannot be read, which is told.
    ///
    /// # Errors
    /// When the tree cannot be read.
    pub(super) fn find(
        files: &mut Files<'_, impl Tree>,
        Unit { file, is_of_path }: Unit<'_>,
        rendered: &mut Rendered,
    ) -> Result<Option<Self>, ReadError> {
        let about = match files.tree.read(file).map(|bytes| parse_document(&String::from_utf8_lossy(&bytes))) {
            Ok(Ok(about)) => about,
            Ok(Err(error)) => {
                rendered.fail(file, Some(error.line), error.message);
                return Ok(None);
            }
            Err(error) => {
                rendered.fail(file, None, error.to_string());
                return Ok(None);
            }
        };
        if about["type"] == "library" && !is_of_path {
            rendered.pass_over(&file.parent(), WhyUnread::Library);
            return Ok(None);
        }
        let mut chart = Self { file: file.clone(), name: word(&about, "name").to_owned(), entries: Vec::new() };
        chart.take(files, &file.parent(), &TreePath::root(), rendered)?;
        let before = rendered.errors.len();
        chart.take_dependencies(files, &[file.parent()], &TreePath::root(), rendered)?;
        // Without one of them helm would complain of the same in other words.
        Ok(Some(chart).filter(|_| rendered.errors.len() == before))
    }

    pub(super) fn directory(&self) -> TreePath {
        self.file.parent()
    }

    /// What its release is called where nobody says it.
    pub(super) fn default_release_name(&self) -> &str {
        let names: Vec<&str> = self.file.names().collect();
        names.iter().rev().nth(1).copied().unwrap_or(&self.name)
    }

    /// Takes a directory in, at a place in the chart. What of it is not read is an error: helm would read it.
    ///
    /// # Errors
    /// When there are too many files.
    pub(super) fn take(
        &mut self,
        files: &mut Files<'_, impl Tree>,
        directory: &TreePath,
        at: &TreePath,
        rendered: &mut Rendered,
    ) -> Result<(), ReadError> {
        let before = self.entries.len();
        for (file, mode) in files.under(directory) {
            if mode == FileMode::Symlink {
                let message = "it is a symbolic link in a chart, and links are not followed: replace it by the file";
                rendered.fail(file, None, message.to_owned());
                continue;
            }
            let way = file.names().skip(directory.names().count()).collect::<Vec<_>>().join("/");
            if let Ok(place) = at.resolve(&way) {
                self.entries.push((place, file.clone()));
            }
        }
        (before..self.entries.len()).try_for_each(|_| files.count())
    }

    /// Copies it into a private directory, and says what its texts call.
    ///
    /// # Errors
    /// When it is too large, or cannot be read or written.
    pub(super) fn copy(
        &self,
        files: &Files<'_, impl Tree>,
        moment: Moment,
        rendered: &mut Rendered,
    ) -> io::Result<(PrivateCopy, Calls)> {
        let copy = PrivateCopy::new(None)?;
        let (mut calls, mut said) = (Calls::default(), Said::new());
        let mut write = |place: &TreePath, content: Vec<u8>| {
            if is_said(place) {
                said.insert(place.clone(), content);
                return Ok(());
            }
            copy.write(place, &content)
        };
        for (place, file) in &self.entries {
            let content = match files.tree.read(file) {
                Err(error @ ReadError::FileTooLarge { .. }) => {
                    rendered.fail(file, None, error.to_string());
                    continue;
                }
                content => content.map_err(io::Error::other)?,
            };
            let Some(folder) = place.strip_suffix(".tgz").filter(|_| is_packed_chart(place)) else {
                write(place, prepared(place, content, moment, &mut calls))?;
                continue;
            };
            match unpack(&content) {
                // Whatever is in it may call anything.
                Err(_) => {
                    calls = Calls::ANY;
                    write(place, content)?;
                }
                Ok(inner) => {
                    for (way, content) in inner {
                        let place = TreePath::parse(&format!("{folder}/{way}")).map_err(io::Error::other)?;
                        write(&place, prepared(&place, content, moment, &mut calls))?;
                    }
                }
            }
        }
        let unmeant = namesakes::settle(&mut said);
        said.iter().try_for_each(|(place, content)| copy.write(place, content))?;
        unmeant.iter().try_for_each(|chart| copy.remove(chart))?;
        Ok((copy, calls))
    }

    /// What helm wrote, by the template that it is from.
    pub(super) fn parts(&self, output: &str) -> Vec<Part> {
        let output = format!("\n{output}");
        let mut split = output.split(SOURCE);
        let before = split.next().map(|text| Part { file: self.file.clone(), text: text.to_owned() });
        let named = split.map(|rest| {
            let (source, text) = rest.split_once('\n').unwrap_or((rest, ""));
            Part { file: self.origin(source.trim()), text: text.to_owned() }
        });
        before.into_iter().filter(|part| !part.text.trim().is_empty()).chain(named).collect()
    }

    /// The file of the repository that helm names from the chart's name on: `web/charts/db/templates/a.yaml`. Of a packed
    /// chart it is the package.
    pub(super) fn origin(&self, source: &str) -> TreePath {
        let names: Vec<&str> = source.split('/').skip(1).collect();
        let way = names.join("/");
        if let Some((_, file)) = self.entries.iter().find(|(place, _)| **place == *way) {
            return file.clone();
        }
        // The nearest package or chart around it: a dependency may have another name than its folder.
        let charts = names.iter().zip(names.iter().skip(1)).rev().filter(|(folder, _)| **folder == "charts");
        let package = charts.map(|(_, name)| *name).find_map(|name| {
            let is_of_name = |(place, _): &&(TreePath, TreePath)| {
                is_packed_chart(place) && place.names().last().is_some_and(|file| file.starts_with(&format!("{name}-")))
            };
            self.entries.iter().find(is_of_name).map(|(_, file)| file.clone())
        });
        package.unwrap_or_else(|| self.file.clone())
    }

    /// The texts of templates that speak of Secrets.
    pub(super) fn texts_with_secrets(&self, files: &Files<'_, impl Tree>) -> Vec<String> {
        let templates = self.entries.iter().filter(|(place, _)| place.names().any(|name| name == "templates"));
        let texts = templates.filter_map(|(_, file)| String::from_utf8(files.tree.read(file).ok()?).ok());
        texts.filter(|text| text.contains("kind: Secret")).collect()
    }

    /// The own values of charts that lie in it as packages.
    pub(super) fn packed_values(&self, files: &Files<'_, impl Tree>) -> Vec<String> {
        let packages = self.entries.iter().filter(|(place, _)| is_packed_chart(place));
        let inner = packages.filter_map(|(_, file)| unpack(&files.tree.read(file).ok()?).ok()).flatten();
        let values = inner.filter(|(way, _)| way.split('/').next_back() == Some("values.yaml"));
        values.filter_map(|(_, content)| String::from_utf8(content).ok()).collect()
    }

    /// The values beside calls which do not give the same each time: those of a template, else those of all.
    pub(super) fn values_beside_calls(&self, files: &Files<'_, impl Tree>, template: Option<&str>) -> Vec<String> {
        let of = |file: &TreePath| {
            let text = files.tree.read(file).unwrap_or_default();
            values_beside_calls(&String::from_utf8_lossy(&text))
        };
        let own = self.entries.iter().filter(|(_, file)| Some(file.as_str()) == template);
        let own: BTreeSet<String> = own.flat_map(|(_, file)| of(file)).collect();
        let templates = || self.entries.iter().filter(|(place, _)| place.names().any(|name| name == "templates"));
        let all = if own.is_empty() { templates().flat_map(|(_, file)| of(file)).collect() } else { own };
        all.into_iter().take(super::templates::MAX_NAMED).collect()
    }
}

/// Whether helm takes a file for a chart that others depend on.
pub(super) fn is_packed_chart(place: &TreePath) -> bool {
    place.ends_with(".tgz") && place.parent().names().last() == Some("charts")
}

/// A file of a chart as helm is given it. What it calls is noted.
fn prepared(place: &TreePath, content: Vec<u8>, moment: Moment, calls: &mut Calls) -> Vec<u8> {
    if is_packed_chart(place) {
        // A package in a package: whatever is in it may call anything.
        *calls = Calls::ANY;
        return content;
    }
    let text = match String::from_utf8(content) {
        Ok(text) => text,
        // What is no text calls nothing.
        Err(error) => return error.into_bytes(),
    };
    let is_template = place.names().any(|name| name == "templates");
    let is_values = place.names().last() == Some("values.yaml");
    let text = Some(text.as_str()).filter(|_| is_template).and_then(with_sorted_keys).unwrap_or(text);
    match is_values {
        true => calls.take_values(&text),
        false => calls.take(&text),
    }
    let later = match (moment, is_values) {
        (Moment::Now, _) => None,
        (Moment::Another, true) => values_at_another_time(&text),
        (Moment::Another, false) => at_another_time(&text),
    };
    later.unwrap_or(text).into_bytes()
}

/// The files of a packed chart, without the folder that is around all of them.
pub(super) fn unpack(package: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut archive = tar::Archive::new(GzDecoder::new(package).take(MAX_RENDER_BYTES));
    let mut found = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.to_str().ok_or_else(|| io::Error::other("a name is no text"))?.to_owned();
        let Some((_, way)) = path.split_once('/') else { continue };
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        found.push((way.to_owned(), content));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
