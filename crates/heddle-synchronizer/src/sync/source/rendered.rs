//! What a revision says, rendered.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use heddle_core::git::Revision;
use heddle_kube::Redactor;
use heddle_reconcile::GroupKind;
use heddle_source::{
    Bases, Charts, ClusterView, Decryption, Generated, Overlay, RenderError, RenderInputs, RenderTools,
    Rendered as Rendering, RenderedObject, Resolved, Snapshot, TreePath, Unread, Until, WithBases, render,
};
use heddle_wire::agent::SyncError;
use serde_json::{Value, json};

use super::{super::spec::Spec, variables::Given};

/// A revision, and what it says. Cheap to clone.
#[derive(Clone)]
pub(in crate::sync) struct Rendered {
    pub revision: Revision,
    pub content: Arc<Content>,
    /// When it was rendered.
    pub at: DateTime<Utc>,
    /// What addresses stood for, as of the last look.
    pub resolved: Arc<[Resolved]>,
}

/// What is rendered. Cheap to clone.
#[derive(Clone)]
pub(super) struct Inputs {
    pub files: Snapshot,
    pub bases: Bases,
    pub with: With,
}

/// What files are rendered with, besides what a Sync says itself.
#[derive(Clone, PartialEq)]
pub(super) struct With {
    /// Values for variables.
    pub given: Option<Given>,
    /// What opens encrypted files.
    pub keys: Option<Decryption>,
    /// What charts learn of the cluster.
    pub cluster: ClusterView,
}

/// What a path holds.
pub(in crate::sync) struct Content {
    /// Where it comes from.
    pub origin: Spec,
    /// The objects as rendered, as text: parsed objects take twenty times the room.
    pub objects: Vec<Raw>,
    /// What could not be rendered. Then `objects` are not all that the path holds.
    pub errors: Vec<SyncError>,
    /// What lies under the path and gives no objects.
    pub unread: Vec<Unread>,
    /// Whether it is not whole, because its time was over.
    pub(super) is_cut_short: bool,
    /// What must not be told.
    pub redactor: Redactor,
    /// Whether charts are among it, so that the cluster is an input.
    pub(super) needs_cluster: bool,
    pub(super) with: With,
    pub(super) bases: Bases,
    files: Snapshot,
    inputs: RenderInputs,
}

/// A rendered object.
pub(in crate::sync) struct Raw {
    pub text: String,
    pub api_version: String,
    pub kind: GroupKind,
    pub file: Option<String>,
    pub line: Option<u32>,
    /// The directory of the kustomization or the chart that built it, where one did.
    pub unit: Option<String>,
    /// The namespace of its release, where it is of a chart.
    pub namespace: Option<String>,
    /// What of it is not the same each time.
    pub generated: Generated,
}

impl Content {
    /// Renders the path of `spec`, puts in what is `given`, and learns what must not be told. It takes as long as it takes,
    /// on a thread that may be blocked.
    pub(super) fn render(inputs: Inputs, spec: &Spec, tools: &RenderTools, until: &Until) -> Self {
        let Inputs { files, bases, with } = inputs;
        let With { given, keys, cluster } = &with;
        let charts = Charts { cluster: cluster.clone(), ..spec.overlay.charts.clone() };
        let overlay = Overlay { charts, kustomization: spec.overlay.kustomization.clone() };
        let tools = tools.clone().decrypting(keys.clone());
        let mut rendered = render(&WithBases::new(&files, &bases), &spec.path, &overlay, &tools, until);
        let written = if given.is_some() { as_written(&rendered.objects) } else { Vec::new() };
        if let Some(given) = given {
            rendered.substitute(&given.variables);
        }
        rendered.set_metadata(&spec.metadata.labels, &spec.metadata.annotations);
        let secrets = given.iter().map(|given| &given.secrets).chain(&written).chain(&rendered.withheld);
        let redactor = Redactor::of(rendered.objects.iter().map(|object| &object.value).chain(secrets));
        let error = |error: RenderError| SyncError {
            file: error.file.map(Into::into),
            line: error.line,
            object: None,
            message: redactor.redact(&error.message).into(),
        };
        let errors = std::mem::take(&mut rendered.errors).into_iter().map(error).collect();
        let objects = std::mem::take(&mut rendered.objects).into_iter().map(Raw::new).collect();
        let Rendering { unread, is_cut_short, needs_cluster, inputs, .. } = rendered;
        Self {
            origin: spec.clone(),
            objects,
            errors,
            unread,
            is_cut_short,
            redactor,
            needs_cluster,
            with,
            bases,
            files,
            inputs,
        }
    }

    /// Whether rendering another revision would give the same.
    pub(super) fn is_the_same_in(&self, snapshot: &Snapshot) -> bool {
        self.errors.is_empty() && self.inputs.are_the_same_in(snapshot)
    }

    /// Files and directories below the path that are there, give no objects, and stand where objects may have stood. Of a
    /// path that gives nothing as a whole a person is asked.
    pub fn barren(&self) -> impl Iterator<Item = &Unread> {
        let is_path = |unread: &&Unread| *unread.path == *self.origin.path;
        self.unread.iter().filter(move |unread| unread.why.stands_in_the_place_of_manifests() && !is_path(unread))
    }

    /// The text of one of its files, where it is one.
    pub fn text_of(&self, file: &str) -> Option<String> {
        String::from_utf8(self.files.read(&TreePath::parse(file).ok()?).ok()?).ok()
    }
}

impl Raw {
    fn new(object: RenderedObject) -> Self {
        let (api_version, kind) = type_of(&object.value);
        let (kind, api_version) = (GroupKind::new(api_version, kind), api_version.to_owned());
        let RenderedObject { value, file, line, unit, namespace, generated, .. } = object;
        Self { text: value.to_string(), api_version, kind, file, line, unit, namespace, generated }
    }
}

/// The Secrets among objects into which nothing was put yet, and the expressions in them and in what was encrypted. One that cannot be substituted is
/// no object afterwards, the fault names the expression, and neither must be told.
fn as_written(objects: &[RenderedObject]) -> Vec<Value> {
    let secrets: Vec<Value> =
        objects.iter().map(|object| &object.value).filter(|value| value["kind"] == "Secret").cloned().collect();
    let mut expressions = Vec::new();
    let hidden = objects.iter().filter(|object| object.is_opened || object.value["kind"] == "Secret");
    hidden.for_each(|object| note_expressions(&object.value, &mut expressions));
    let expressions = json!({"kind": "Secret", "stringData": expressions});
    secrets.into_iter().chain([expressions]).collect()
}

/// Each expression that is more than the name of a variable, without its `${`.
fn note_expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let expressions = text.split("${").skip(1).flat_map(|rest| [rest, rest.split('}').next().unwrap_or(rest)]);
            found.extend(expressions.filter(|text| !is_name(text)).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| note_expressions(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| note_expressions(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The `apiVersion` and the `kind` of an object.
pub(in crate::sync) fn type_of(value: &Value) -> (&str, &str) {
    (value["apiVersion"].as_str().unwrap_or_default(), value["kind"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests;
