//! Objects as they are going to be applied.

use heddle_core::{git::Revision, image::ImageRef};
use heddle_kube::{ApplyRequest, Kinds, Served};
use heddle_reconcile::{Desired, DriftRules, GroupKind, hook_manifest, run_of};
use heddle_source::{RenderInputs, RenderedObject, Snapshot, TreePath};
use heddle_wire::agent::SyncError;
use serde_json::Value;

use super::{
    refusal,
    resolve::{Target, definitions, resolve, type_of},
};

/// What a revision wants.
pub(super) struct Wanted {
    pub revision: Revision,
    /// The files that were rendered.
    source: Snapshot,
    /// As rendered, as text: parsed objects take twenty times the room.
    rendered: Vec<Raw>,
    /// What rendering read.
    pub inputs: RenderInputs,
    /// What could not be rendered.
    pub render_errors: Vec<SyncError>,
    /// As they are applied; empty until [`Wanted::resolve`].
    pub objects: Vec<WantedObject>,
    /// What has no place in this cluster.
    pub resolve_errors: Vec<SyncError>,
    is_resolved: bool,
}

struct Raw {
    text: String,
    api_version: String,
    kind: GroupKind,
    file: Option<String>,
    line: Option<u32>,
}

/// An object that is to be applied.
pub(super) struct WantedObject {
    pub desired: Desired,
    pub served: Served,
    /// The manifest.
    pub text: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub images: Vec<ImageRef>,
    /// What of it others may change.
    pub rules: DriftRules,
}

impl WantedObject {
    /// An apply of it; `manifest` is its text, parsed.
    pub fn request<'a>(&'a self, manifest: &'a Value, dry_run: bool) -> ApplyRequest<'a> {
        ApplyRequest { key: &self.desired.key, served: &self.served, manifest, rules: &self.rules, dry_run }
    }

    pub fn error(&self, message: String) -> SyncError {
        let object = Some(self.desired.key.to_string().into());
        SyncError { file: self.file.as_deref().map(Into::into), line: self.line, object, message: message.into() }
    }
}

impl Wanted {
    pub fn new(
        source: Snapshot,
        rendered: Vec<RenderedObject>,
        inputs: RenderInputs,
        render_errors: Vec<SyncError>,
    ) -> Self {
        let raw = |object: RenderedObject| {
            let (api_version, kind) = type_of(&object.value);
            let (kind, api_version) = (GroupKind::new(api_version, kind), api_version.to_owned());
            Raw { text: object.value.to_string(), api_version, kind, file: object.file, line: object.line }
        };
        let rendered = rendered.into_iter().map(raw).collect();
        let (objects, resolve_errors) = (Vec::new(), Vec::new());
        let revision = source.revision.clone();
        Self { revision, source, rendered, inputs, render_errors, objects, resolve_errors, is_resolved: false }
    }

    /// The error at the line of the field that the API server speaks of, where its file says which that is.
    pub fn locate(&self, error: SyncError) -> SyncError {
        let place = error.file.as_deref().zip(error.line);
        let read = |file| String::from_utf8(self.source.read(&TreePath::parse(file).ok()?).ok()?).ok();
        let text = place.and_then(|(file, line)| Some((read(file)?, line)));
        let line = text.and_then(|(text, line)| refusal::line_in(&text, line, &error.message));
        SyncError { line: line.or(error.line), ..error }
    }

    /// The objects that are hooks.
    pub fn hooks(&self) -> impl Iterator<Item = &WantedObject> {
        self.objects.iter().filter(|object| object.desired.order.hook.is_some())
    }

    /// Whether the path holds no objects at all.
    pub fn is_empty(&self) -> bool {
        self.rendered.is_empty()
    }

    /// Whether an object is of a kind that was not served when this was resolved.
    pub fn has_unknown_kinds(&self, kinds: &Kinds) -> bool {
        self.rendered.iter().any(|raw| kinds.find(&raw.kind, &raw.api_version).is_none())
    }

    /// Has [`Wanted::resolve`] begin anew.
    pub fn unresolve(&mut self) {
        self.is_resolved = false;
    }

    /// Finds the place of each object in the cluster, and prepares its manifest.
    pub fn resolve(&mut self, target: &Target<'_>) {
        if self.is_resolved {
            return;
        }
        self.is_resolved = true;
        self.objects.clear();
        self.resolve_errors.clear();
        let values: Vec<Value> =
            self.rendered.iter().map(|raw| serde_json::from_str(&raw.text).unwrap_or_default()).collect();
        let defined = definitions(&values);
        for (raw, value) in self.rendered.iter().zip(values) {
            match resolve(value, target, &defined) {
                // Hooks of deletions and tests are never applied.
                Ok(object) if object.desired.order.is_left_out => {}
                Ok(object) => self.objects.push(WantedObject { file: raw.file.clone(), line: raw.line, ..object }),
                Err((object, message)) => self.resolve_errors.push(SyncError {
                    file: raw.file.as_deref().map(Into::into),
                    line: raw.line,
                    object: Some(object.into()),
                    message: message.into(),
                }),
            }
        }
        self.bind_hooks();
    }

    /// Hooks are for everything else that stands in the path, and run anew when any of it changed.
    fn bind_hooks(&mut self) {
        let run = run_of(self.objects.iter().map(|object| &object.desired));
        for object in self.objects.iter_mut().filter(|object| object.desired.order.hook.is_some()) {
            object.desired.manifest = hook_manifest(&object.desired.manifest, &run);
            if object.desired.key.name.is_empty() {
                object.take_name();
            }
        }
    }
}
