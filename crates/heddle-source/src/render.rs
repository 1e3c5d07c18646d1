//! Turns the files under a path into objects.
//!
//! A path with a `kustomization.yaml` is one unit. Otherwise its tree is walked: each file of manifests counts by itself,
//! and each directory with a `kustomization.yaml` is a unit of its own. A unit or a document that cannot be rendered is an
//! error, and the others go on.

mod copy;
mod fields;
mod files;
mod kustomize;
mod plain;
mod process;
mod secrets;
mod shape;
mod units;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use heddle_manifest::substitute::Variables;
use serde_json::Value;

pub(crate) use self::fields::references;
use self::{files::Files, process::Slots};
use crate::{
    Kind, ReadError, Snapshot, Tree, TreePath,
    limits::{MAX_RENDER_BYTES, MAX_RENDER_VALUES, RENDER_LIMIT},
};

/// The programs that render, and their bounds. Clones share the room in which few run at once.
#[derive(Debug, Clone)]
pub struct RenderTools {
    /// The official `kustomize`.
    pub kustomize: PathBuf,
    /// How long one unit may take.
    pub limit: Duration,
    slots: Slots,
}

impl RenderTools {
    /// With this `kustomize`, and [`RENDER_LIMIT`] for each unit.
    pub fn new(kustomize: impl Into<PathBuf>) -> Self {
        Self { kustomize: kustomize.into(), limit: RENDER_LIMIT, slots: Slots::default() }
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
    /// Secrets, and what was to become one, that are in none of the objects because something is wrong with them: their
    /// values must not be told either.
    pub withheld: Vec<Value>,
    /// Files that were passed over because they hold no manifests.
    pub notes: Vec<String>,
    /// Whether the path exists in this revision.
    pub path_exists: bool,
    /// What was read.
    pub inputs: RenderInputs,
    /// How many values all documents so far hold.
    values: usize,
    /// How many bytes all plain files and the output of all renderers so far have.
    bytes: u64,
}

/// What a render read of a revision: the trees under its path, and those that its kustomizations refer to, which lie
/// anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderInputs(BTreeMap<TreePath, Option<String>>);

impl RenderInputs {
    fn note(&mut self, tree: &impl Tree, path: &TreePath) {
        self.0.insert(path.clone(), tree.id(path));
    }

    /// Whether rendering another revision would give the same. Renders with errors are not asked: a program that could
    /// not be run is no input.
    pub fn are_the_same_in(&self, snapshot: &Snapshot) -> bool {
        self.0.iter().all(|(path, id)| *id == snapshot.tree_id(path))
    }
}

impl Rendered {
    fn fail(&mut self, file: &TreePath, line: Option<u32>, message: String) {
        self.errors.push(RenderError { file: Some(file.clone().into()), line, message });
    }

    /// Counts the values of a document. False when there are too many with it; then nothing more is read.
    fn admit(&mut self, document: &Value) -> bool {
        self.values = self.values.saturating_add(count_values(document));
        !self.is_full()
    }

    /// Counts what is read of a file, or what a renderer wrote, before anything is made of it.
    ///
    /// # Errors
    /// When the path holds too much with it.
    fn admit_bytes(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > MAX_RENDER_BYTES {
            return Err(ReadError::TooManyBytes { limit_mib: MAX_RENDER_BYTES >> 20 });
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.values > MAX_RENDER_VALUES
    }

    /// Keeps the values of a Secret that becomes no object.
    fn withhold(&mut self, value: &Value) {
        if value["kind"] == "Secret" {
            self.withheld.push(value.clone());
        }
    }

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
                self.withhold(&value);
                let error = |message| RenderError { file: file.clone(), line, message };
                self.errors.extend(faults.into_iter().map(error));
            }
        }
    }
}

/// Renders `path` of a revision or of a folder; the empty path is the root.
///
/// It reads, waits for other programs and blocks its thread for as long as that takes: an async caller runs it on a thread
/// for blocking work.
pub fn render(tree: &impl Tree, path: &str, tools: &RenderTools) -> Rendered {
    let mut rendered = Rendered::default();
    let failed = match TreePath::parse(path) {
        Ok(path) => render_into(&mut rendered, tree, &path, tools).err().map(|error| chain(&error)),
        Err(error) => Some(format!("the path `{path}` is refused: {error}")),
    };
    rendered.errors.extend(failed.map(|message| RenderError { file: None, line: None, message }));
    rendered
}

/// How many values a value is: itself, and those in it.
fn count_values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count_values).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(count_values).sum::<usize>(),
        _ => 1,
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |error| error.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn render_into(
    rendered: &mut Rendered,
    tree: &impl Tree,
    path: &TreePath,
    tools: &RenderTools,
) -> Result<(), ReadError> {
    let found = tree.find(path)?;
    rendered.path_exists = found.is_some();
    rendered.inputs.note(tree, path);
    match found {
        None => return Ok(()),
        Some(Kind::File(_)) => {
            plain::read_file(path, &tree.read(path)?, rendered);
            return Ok(());
        }
        Some(Kind::Directory) => {}
    }
    let mut files = Files::new(tree);
    files.load(path)?;
    for unit in units::find(&files, path) {
        match unit {
            units::Unit::Plain { file } => match tree.read(&file) {
                Ok(text) => {
                    rendered.admit_bytes(&text)?;
                    plain::read_file(&file, &text, rendered);
                }
                Err(error) => rendered.fail(&file, None, error.to_string()),
            },
            units::Unit::Kustomization { directory } => {
                kustomize::render(&mut files, &directory, tools, rendered)?;
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

#[cfg(test)]
mod tests;
