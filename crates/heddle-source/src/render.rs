//! Turns the files under a path into objects.
//!
//! A path with a `kustomization.yaml` is one unit. Otherwise its tree is walked: each file of manifests counts by itself,
//! and each directory with a `kustomization.yaml` is a unit of its own. A unit or a document that cannot be rendered is an
//! error, and the others go on.

mod kustomize;
mod plain;
mod shape;
mod units;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use heddle_manifest::substitute::Variables;
use serde_json::Value;

pub(crate) use self::kustomize::references;
use crate::{FileMode, ReadError, Snapshot, Tree};

/// The programs that render, and their bounds.
#[derive(Debug, Clone)]
pub struct RenderTools {
    /// The official `kustomize`.
    pub kustomize: PathBuf,
    /// How long one unit may take.
    pub limit: Duration,
}

impl RenderTools {
    /// With this `kustomize` and a minute for each unit.
    pub fn new(kustomize: impl Into<PathBuf>) -> Self {
        Self { kustomize: kustomize.into(), limit: Duration::from_secs(60) }
    }

    /// The absolute path of a program: one with a folder is taken as it is, a bare name is looked for in the folders of a
    /// `PATH`. Renderers run in an empty environment, so they are found before.
    pub fn find(program: &Path, folders: &str) -> Option<PathBuf> {
        let found = if program.components().count() > 1 {
            Some(program.to_owned()).filter(|program| program.is_file())
        } else {
            let folders = folders.split(':').filter(|folder| !folder.is_empty());
            folders.map(|folder| Path::new(folder).join(program)).find(|candidate| candidate.is_file())
        };
        std::path::absolute(found?).ok()
    }
}

/// An object, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedObject {
    /// The object.
    pub value: Value,
    /// The file that it comes from, where known.
    pub file: Option<String>,
    /// The line in that file, from 1, where the text is plain YAML.
    pub line: Option<u32>,
}

/// Something that could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// The file, where known.
    pub file: Option<String>,
    /// The line, from 1, where known.
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// What a path holds.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// The objects.
    pub objects: Vec<RenderedObject>,
    /// All that is wrong, at once. While there is an error, the objects are not all that the path holds.
    pub errors: Vec<RenderError>,
    /// Files that were passed over because they hold no manifests.
    pub notes: Vec<String>,
    /// Whether the path exists in this revision.
    pub path_exists: bool,
    /// What was read.
    pub inputs: RenderInputs,
}

/// What a render read of a revision: the trees under its path, and those that its kustomizations refer to, which lie
/// anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderInputs(BTreeMap<String, Option<String>>);

impl RenderInputs {
    fn note(&mut self, tree: &impl Tree, path: &str) {
        self.0.insert(path.to_owned(), tree.id(path));
    }

    /// Whether rendering another revision would give the same. Renders with errors are not asked: a program that could
    /// not be run is no input.
    pub fn are_the_same_in(&self, snapshot: &Snapshot) -> bool {
        self.0.iter().all(|(path, id)| *id == snapshot.tree_id(path))
    }
}

impl Rendered {
    /// Puts variables into every object. One that cannot be substituted is an error, all of its values at once.
    pub fn substitute(&mut self, variables: &Variables) {
        let objects = std::mem::take(&mut self.objects);
        for RenderedObject { mut value, file, line } in objects {
            let mut faults: Vec<String> = match variables.substitute(&mut value) {
                Ok(()) => Vec::new(),
                Err(faults) => faults.iter().map(ToString::to_string).collect(),
            };
            let has = |field: &str| value.pointer(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            let is_named =
                has("/apiVersion") && has("/kind") && (has("/metadata/name") || has("/metadata/generateName"));
            if faults.is_empty() && !is_named {
                faults.push("once variables are put in, it has no `apiVersion`, `kind` or `metadata.name`".to_owned());
            }
            if faults.is_empty() {
                self.objects.push(RenderedObject { value, file, line });
            } else {
                let error = |message| RenderError { file: file.clone(), line, message };
                self.errors.extend(faults.into_iter().map(error));
            }
        }
    }
}

/// Renders `path` of a revision or of a folder; the empty path is the root.
pub async fn render(tree: &impl Tree, path: &str, tools: &RenderTools) -> Rendered {
    let mut rendered = Rendered::default();
    if let Err(error) = render_into(&mut rendered, tree, path.trim_matches('/'), tools).await {
        rendered.errors.push(RenderError { file: None, line: None, message: error.to_string() });
    }
    rendered
}

async fn render_into(
    rendered: &mut Rendered,
    tree: &impl Tree,
    path: &str,
    tools: &RenderTools,
) -> Result<(), ReadError> {
    let files = Files(tree.modes()?);
    rendered.path_exists = files.has_directory(path) || files.has_file(path);
    rendered.inputs.note(tree, path);
    if files.has_file(path) {
        plain::read_file(path, &tree.read(path)?, rendered);
        return Ok(());
    }
    for unit in units::find(&files, path) {
        match unit {
            units::Unit::Plain { file } => {
                let text = tree.read(&file)?;
                plain::read_file(&file, &text, rendered);
            }
            units::Unit::Kustomization { directory } => {
                kustomize::render(tree, &files, &directory, tools, rendered).await;
            }
        }
    }
    Ok(())
}

/// The names under which kustomize looks for a kustomization, in its order.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether kustomize takes a file of this name for a kustomization.
pub(crate) fn is_kustomization(name: &str) -> bool {
    KUSTOMIZATIONS.contains(&name)
}

/// The files of a tree by path.
struct Files(BTreeMap<String, FileMode>);

impl Files {
    fn has_file(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn has_directory(&self, path: &str) -> bool {
        path.is_empty() || self.under(path).next().is_some()
    }

    /// Every file in a directory and below.
    fn under<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = (&'a str, FileMode)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let start = prefix.clone();
        self.0
            .range(start..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, mode)| (path.as_str(), *mode))
    }

    /// The kustomization file of a directory, if it has one.
    fn kustomization(&self, directory: &str) -> Option<String> {
        KUSTOMIZATIONS.into_iter().map(|name| join(directory, name)).find(|path| self.has_file(path))
    }
}

/// `directory/name`, or `name` in the root.
fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The directory of a path; the root's is empty.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// Resolves `relative` as seen from a directory; `None` when it leaves the repository.
fn resolve(directory: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests;
