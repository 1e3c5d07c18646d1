//! Turns the files under a path into objects.
//!
//! A path with a `kustomization.yaml` is one unit. Otherwise its tree is walked: each file of manifests counts by itself,
//! and each directory with a `kustomization.yaml` is a unit of its own. A unit or a document that cannot be rendered is an
//! error, and the others go on.

mod chart;
mod cipher;
mod copy;
mod decrypt;
mod disguise;
mod encrypted;
mod fields;
mod files;
mod kustomize;
mod overlay;
mod plain;
mod process;
mod reach;
mod secrets;
mod shape;
mod units;
mod unread;
mod until;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use heddle_manifest::substitute::Variables;
use serde_json::{Value, json};

pub use self::{
    chart::{Capabilities, Charts, ClusterView, Generated, GivenValues, Release},
    decrypt::{Decryption, Identities, IdentityError, memory_dir},
    overlay::Overlay,
    unread::{Unread, WhyUnread},
    until::{Stop, StopOnDrop, Until},
};
pub(crate) use self::{
    fields::{files, references},
    unread::MAX_LOOKED_AT,
};
use self::{files::Files, process::Slots, unread::obstacle};
use crate::{
    Kind, ReadError, Snapshot, Tree, TreePath, Unnamed,
    limits::{MAX_RENDER_BYTES, MAX_RENDER_VALUES, RENDER_LIMIT},
};

/// The programs that render, and their bounds. Clones share the room in which few run at once.
#[derive(Debug, Clone)]
pub struct RenderTools {
    /// The official `kustomize`.
    pub kustomize: PathBuf,
    /// The official `helm`; needed where there is a chart.
    pub helm: PathBuf,
    /// What opens encrypted files; without it each is an error.
    pub decryption: Option<Decryption>,
    /// How long one unit may take.
    pub limit: Duration,
    slots: Slots,
}

impl RenderTools {
    /// With these programs, and [`RENDER_LIMIT`] for each unit. How long a whole path may take says [`Until`].
    pub fn new(kustomize: impl Into<PathBuf>, helm: impl Into<PathBuf>) -> Self {
        Self {
            kustomize: kustomize.into(),
            helm: helm.into(),
            decryption: None,
            limit: RENDER_LIMIT,
            slots: Slots::default(),
        }
    }

    /// The same, opening encrypted files.
    #[must_use]
    pub fn decrypting(self, decryption: Option<Decryption>) -> Self {
        Self { decryption, ..self }
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RenderedObject {
    /// The object.
    pub value: Value,
    /// The file that it comes from, where known.
    pub file: Option<String>,
    /// The line in that file, from 1, where the text is plain YAML.
    pub line: Option<u32>,
    /// The directory of the kustomization or the chart that built it, where one did.
    pub unit: Option<String>,
    /// The namespace that it goes into where it names none and its kind has one; none where nobody says.
    pub namespace: Option<String>,
    /// What of it is not the same each time.
    pub generated: Generated,
    /// Whether it holds what was encrypted, so that its values must not be told.
    pub is_opened: bool,
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
    /// What lies under the path, or is named by its kustomizations, and gives no objects.
    pub unread: Vec<Unread>,
    /// What else a person may want to know.
    pub notes: Vec<String>,
    /// Whether it ended before its end, because its time was over.
    pub is_cut_short: bool,
    /// Whether there are charts, so that the cluster is an input; while [`ClusterView::Unknown`] is given, none of them was
    /// rendered.
    pub needs_cluster: bool,
    /// What was read.
    pub inputs: RenderInputs,
    /// Which chart has made an object of a build that is not finished, by the places of both.
    made_by: BTreeMap<usize, usize>,
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
    /// Notes what was read of the revision itself. What was fetched for it is compared by [`crate::Bases`].
    fn note(&mut self, tree: &impl Tree, path: &TreePath) {
        if tree.border(path).is_root() {
            self.0.insert(path.clone(), tree.id(path));
        }
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

    /// Ends before the end. It is said once.
    fn cut_short(&mut self, until: &Until) {
        if !std::mem::replace(&mut self.is_cut_short, true) {
            let message = format!(
                "rendering the path takes longer than {} s, so not all of it was read: split the path",
                until.limit().as_secs()
            );
            self.errors.push(RenderError { file: None, line: None, message });
        }
    }

    /// Notes a place that was read and gives no objects.
    fn pass_over(&mut self, path: &TreePath, why: WhyUnread) {
        self.unread.push(Unread { path: path.clone(), why, is_likely: false });
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
        for mut object in objects {
            let faults: Vec<String> = match variables.substitute(&mut object.value) {
                // What was put in may be of another type.
                Ok(()) => shape::faults(&object.value).into_iter().map(|(_, message)| message).collect(),
                Err(faults) => faults.iter().map(ToString::to_string).collect(),
            };
            if faults.is_empty() {
                self.objects.push(object);
            } else {
                self.withhold(&object.value);
                let error = |message| RenderError { file: object.file.clone(), line: object.line, message };
                self.errors.extend(faults.into_iter().map(error));
            }
        }
    }
}

/// Renders `path` of a revision or of a folder, with what `overlay` adds to it; the empty path is the root.
///
/// It reads, waits for other programs and blocks its thread for as long as that takes: an async caller runs it on a thread
/// for blocking work.
pub fn render(tree: &impl Tree, path: &str, overlay: &Overlay, tools: &RenderTools, until: &Until) -> Rendered {
    let mut rendered = Rendered::default();
    let run = Run { overlay, tools: Some(tools), until };
    let failed = match TreePath::parse(path) {
        Ok(path) => render_into(&mut rendered, tree, &path, run).err().map(|error| chain(&error)),
        Err(error) => Some(format!("the path `{path}` is refused: {error}")),
    };
    rendered.errors.extend(failed.map(|message| RenderError { file: None, line: None, message }));
    if tools.decryption.is_some() {
        encrypted::mark(&mut rendered);
    }
    rendered
}

/// Looks through the kustomizations of `path` as [`render`] does, so that the tree is asked for each address in them; nothing
/// is built.
pub(crate) fn addresses(tree: &impl Tree, path: &str, overlay: &Overlay, until: &Until) {
    let Ok(path) = TreePath::parse(path) else { return };
    let run = Run { overlay, tools: None, until };
    // What is wrong is told when it is rendered.
    let _ = render_into(&mut Rendered::default(), tree, &path, run);
}

/// What holds for all units of a path.
#[derive(Clone, Copy)]
struct Run<'a> {
    overlay: &'a Overlay,
    /// `None` where no more is wanted than to look through the kustomizations.
    tools: Option<&'a RenderTools>,
    until: &'a Until,
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

fn render_into(rendered: &mut Rendered, tree: &impl Tree, path: &TreePath, run: Run<'_>) -> Result<(), ReadError> {
    rendered.inputs.note(tree, path);
    let mut files = Files::new(tree);
    let found = match obstacle(&files, path) {
        Some((at, why)) => Err(format!("`{at}` is {why}: name a directory of this repository")),
        None => tree.find(path)?.ok_or_else(|| missing(path)),
    };
    match found {
        Err(message) => rendered.errors.push(RenderError { file: None, line: None, message }),
        Ok(Kind::Directory | Kind::Submodule) => {
            files.load(path)?;
            render_directory(rendered, &mut files, path, run)?;
        }
        Ok(Kind::File(_)) if run.overlay.is_empty() => {
            let text = tree.read(path)?;
            let opened = encrypted::opened_of(path, &text, tree, run, rendered);
            plain::read(plain::Source::File(path), &text, &opened, rendered);
        }
        Ok(Kind::File(_)) => {
            let message = format!(
                "`{path}` is a file, and names, patches, images and components are for a directory: name the directory that \
                 it lies in"
            );
            rendered.errors.push(RenderError { file: None, line: None, message });
        }
    }
    Ok(())
}

/// A path that is gone may be a slip, so it is never taken for one that was emptied.
fn missing(path: &TreePath) -> String {
    format!(
        "the path `{path}` does not exist in the repository: correct it, or bring it back; where all that came from it is \
         to be deleted, keep the directory, with a README in it"
    )
}

fn render_directory(
    rendered: &mut Rendered,
    files: &mut Files<'_, impl Tree>,
    path: &TreePath,
    run: Run<'_>,
) -> Result<(), ReadError> {
    let (units, unread) = units::find(files, path);
    rendered.unread.extend(unread);
    let is_one = units == [units::Unit::Kustomization { directory: path.clone() }];
    let is_chart = matches!(units.as_slice(), [units::Unit::Chart { file }] if file.parent() == *path);
    if run.overlay.charts.release.is_some() && !is_chart {
        let message =
            format!("the Sync has `spec.helm`, which is for a chart, and there is no `Chart.yaml` in `{path}`");
        rendered.errors.push(RenderError { file: None, line: None, message });
    } else if is_one || run.overlay.is_empty() {
        render_each(rendered, files, path, &units, run)?;
    } else {
        render_together(rendered, files, path, &units, run)?;
    }
    for Unnamed { directory, fault } in &files.unnamed {
        let file = Some(directory).filter(|directory| !directory.is_root()).map(|directory| directory.clone().into());
        let message = format!("it holds what cannot be read: {fault}");
        rendered.errors.push(RenderError { file, line: None, message });
    }
    Ok(())
}

/// Renders each unit by itself.
fn render_each(
    rendered: &mut Rendered,
    files: &mut Files<'_, impl Tree>,
    path: &TreePath,
    units: &[units::Unit],
    run: Run<'_>,
) -> Result<(), ReadError> {
    for unit in units {
        if run.until.is_over() || rendered.is_cut_short {
            rendered.cut_short(run.until);
            break;
        }
        match unit {
            units::Unit::Plain { .. } if run.tools.is_none() => {}
            units::Unit::Plain { file } => match files.tree.read(file) {
                Ok(text) => {
                    rendered.admit_bytes(&text)?;
                    let opened = encrypted::opened_of(file, &text, files.tree, run, rendered);
                    plain::read(plain::Source::File(file), &text, &opened, rendered);
                }
                Err(error) => rendered.fail(file, None, error.to_string()),
            },
            units::Unit::Kustomization { directory } => {
                build(rendered, files, (directory, None), chart::Inflations::default(), run)?;
            }
            units::Unit::Chart { file } => {
                let unit = chart::Unit { file, is_of_path: file.parent() == *path };
                chart::render(files, unit, run, rendered)?;
            }
        }
    }
    Ok(())
}

/// Renders all units as one kustomization, so that what is added reaches all of them and they find each other's names. A
/// file with something wrong in it is told, and left out.
fn render_together(
    rendered: &mut Rendered,
    files: &mut Files<'_, impl Tree>,
    path: &TreePath,
    units: &[units::Unit],
    run: Run<'_>,
) -> Result<(), ReadError> {
    let mut resources = Vec::new();
    let mut inflations = chart::Inflations::default();
    for unit in units {
        let resource = match unit {
            units::Unit::Plain { file } => match files.tree.read(file) {
                Ok(text) => {
                    let before = rendered.errors.len();
                    let opened = encrypted::opened_of(file, &text, files.tree, run, rendered);
                    let has_objects = plain::has_objects(file, &text, &opened, rendered);
                    Some(file).filter(|_| has_objects && rendered.errors.len() == before)
                }
                Err(error) => {
                    rendered.fail(file, None, error.to_string());
                    None
                }
            },
            units::Unit::Kustomization { directory } => Some(directory),
            units::Unit::Chart { file } => {
                let unit = chart::Unit { file, is_of_path: file.parent() == *path };
                if let Some(chart) = chart::inflate(files, unit, run, rendered)? {
                    inflations.add(path, chart);
                }
                None
            }
        };
        let from_path = |resource: &TreePath| resource.names().skip(path.names().count()).collect::<Vec<_>>().join("/");
        // A name alone may look like an address.
        resources.extend(resource.map(|resource| format!("./{}", from_path(resource))));
    }
    if resources.is_empty() && inflations.is_empty() && run.overlay.kustomization["components"].is_null() {
        return Ok(());
    }
    build(rendered, files, (path, Some(json!({"resources": resources}))), inflations, run)
}

/// Has kustomize build a directory, with the charts that are among its resources: as often as helm was asked for them.
fn build(
    rendered: &mut Rendered,
    files: &mut Files<'_, impl Tree>,
    (directory, generated): (&TreePath, Option<Value>),
    mut inflations: chart::Inflations,
    run: Run<'_>,
) -> Result<(), ReadError> {
    let from = rendered.objects.len();
    let unit = kustomize::Unit { directory, generated: generated.clone(), inflations: &mut inflations };
    kustomize::render(files, unit, run, rendered)?;
    let mut others = Vec::new();
    while inflations.next_turn() {
        let mut other = Rendered::default();
        let unit = kustomize::Unit { directory, generated: generated.clone(), inflations: &mut inflations };
        kustomize::render(files, unit, run, &mut other)?;
        let new: Vec<RenderError> = other.errors.iter().filter(|new| !rendered.errors.contains(new)).cloned().collect();
        if other.is_cut_short || !new.is_empty() {
            // What differs is not known, so nothing of it may be applied.
            rendered.errors.extend(new);
            rendered.is_cut_short |= other.is_cut_short;
            rendered.objects.truncate(from);
            rendered.made_by.clear();
            return Ok(());
        }
        others.push(other);
    }
    chart::finish(inflations.charts(), files, from, &others, rendered);
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
