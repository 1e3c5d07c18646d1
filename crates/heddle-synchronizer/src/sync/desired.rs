//! What is to be in the cluster: the rendered objects, each with its place there. Values in, a value out.

mod refusal;
mod resolve;

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};
use heddle_core::{git::Revision, image::ImageRef};
use heddle_kube::{
    ApplyRequest, Kinds, Served, Words,
    sync::{Ignore, Sync},
};
use heddle_reconcile::{DriftRules, ObjectKey, Origin, hook_manifest, run_of};
use heddle_wire::agent::SyncError;
use serde_json::Value;

use self::resolve::Made;
use super::source::{Content, Rendered};

/// Where objects go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    /// UID of the Sync.
    pub owner: String,
    /// The namespace of objects that name none.
    pub default_namespace: Option<String>,
    /// The agent's own namespace.
    pub own_namespace: String,
    /// What others may change.
    pub ignore: Vec<Ignore>,
}

impl Placement {
    /// Where the objects of a Sync go.
    pub fn of(sync: &Sync, own_namespace: &str) -> Self {
        let default_namespace = if let [namespace] = sync.spec.namespaces.as_slice() { Some(namespace) } else { None };
        Self {
            owner: sync.metadata.uid.clone().unwrap_or_default(),
            default_namespace: default_namespace.cloned(),
            own_namespace: own_namespace.to_owned(),
            ignore: sync.spec.ignore.clone(),
        }
    }
}

/// What a revision wants of a cluster. Cheap to clone.
#[derive(Clone)]
pub(super) struct Desired {
    pub rendered: Rendered,
    placed: Arc<Placed>,
}

/// The objects of a content, in a cluster that serves certain kinds.
struct Placed {
    objects: Vec<PlacedObject>,
    faults: Vec<SyncError>,
    keys: Arc<BTreeSet<ObjectKey>>,
    placement: Placement,
}

/// An object that is to be applied.
pub(super) struct PlacedObject {
    pub desired: heddle_reconcile::DesiredObject,
    pub served: Served,
    /// The manifest.
    pub text: String,
    pub file: Option<String>,
    pub line: Option<u32>,
    pub origin: Option<Origin>,
    pub images: Vec<ImageRef>,
    /// What of it others may change.
    pub rules: DriftRules,
    /// What stays as the cluster has it, as JSON pointers into the manifest.
    pub generated: Vec<String>,
}

impl PlacedObject {
    pub fn key(&self) -> &ObjectKey {
        &self.desired.key
    }

    /// An apply of it; `manifest` is its text, parsed.
    pub fn request<'a>(&'a self, manifest: &'a Value, rules: &'a DriftRules, dry_run: bool) -> ApplyRequest<'a> {
        let (key, served, generated) = (self.key(), &self.served, &self.generated);
        ApplyRequest { key, served, manifest, applied_as: None, rules, generated, dry_run }
    }

    pub fn error(&self, message: String) -> SyncError {
        let object = Some(self.key().to_string().into());
        SyncError { file: self.file.as_deref().map(Into::into), line: self.line, object, message: message.into() }
    }
}

impl Desired {
    /// Finds the place of each object in the cluster, and prepares its manifest.
    pub fn resolve(rendered: Rendered, kinds: &Kinds, placement: Placement) -> Self {
        let mut objects = Vec::new();
        let mut faults = Vec::new();
        let raws = &rendered.content.objects;
        let values: Vec<Value> = raws.iter().map(|raw| serde_json::from_str(&raw.text).unwrap_or_default()).collect();
        let defined = resolve::definitions(&values);
        for (raw, value) in raws.iter().zip(values) {
            let made = Made { namespace: raw.namespace.as_deref(), generated: &raw.generated.fields };
            match resolve::resolve(value, made, kinds, &placement, &defined) {
                // Hooks of deletions and tests are never applied.
                Ok(object) if object.desired.order.is_left_out => {}
                Ok(object) => {
                    let origin = raw.file.as_deref().map(|file| Origin::new(file, raw.unit.as_deref()));
                    objects.push(PlacedObject { file: raw.file.clone(), line: raw.line, origin, ..object });
                }
                Err((object, message)) => faults.push(SyncError {
                    file: raw.file.as_deref().map(Into::into),
                    line: raw.line,
                    object: Some(object.into()),
                    message: message.into(),
                }),
            }
        }
        bind_hooks(&mut objects);
        let keys = Arc::new(objects.iter().map(|object| object.key().clone()).collect());
        Self { rendered, placed: Arc::new(Placed { objects, faults, keys, placement }) }
    }

    /// The same for what is rendered now, where nothing but its revision has changed; `None` where it has to be resolved
    /// anew.
    pub fn renewed(&self, rendered: &Rendered, kinds: &Kinds, placement: &Placement) -> Option<Self> {
        let is_same = Arc::ptr_eq(&self.rendered.content, &rendered.content) && self.placed.placement == *placement;
        let may_stay = is_same && !has_unknown_kinds(&rendered.content, kinds);
        may_stay.then(|| Self { rendered: rendered.clone(), placed: Arc::clone(&self.placed) })
    }

    pub fn revision(&self) -> &Revision {
        &self.rendered.revision
    }

    /// Since when this is wanted of the cluster.
    pub fn since(&self) -> DateTime<Utc> {
        self.rendered.at
    }

    pub fn objects(&self) -> &[PlacedObject] {
        &self.placed.objects
    }

    /// The keys of all objects.
    pub fn keys(&self) -> &Arc<BTreeSet<ObjectKey>> {
        &self.placed.keys
    }

    /// What of the revision has no place among the objects: it could not be rendered, or the cluster has none for it.
    pub fn faults(&self) -> impl Iterator<Item = &SyncError> {
        self.rendered.content.errors.iter().chain(&self.placed.faults)
    }

    /// The objects that are hooks.
    pub fn hooks(&self) -> impl Iterator<Item = &PlacedObject> {
        self.objects().iter().filter(|object| object.desired.order.hook.is_some())
    }

    /// Whether the path holds no objects at all.
    pub fn is_empty(&self) -> bool {
        self.rendered.content.objects.is_empty()
    }

    /// An error of one of its objects, without what must not be told.
    pub fn error(&self, object: &PlacedObject, message: &str) -> SyncError {
        let manifest = serde_json::from_str(&object.text).unwrap_or_default();
        let own = Words::of_object(object.key(), &manifest);
        object.error(self.rendered.content.redactor.redact_about(message, &own))
    }

    /// Takes out of a text about an object what must not be told.
    pub fn redact_about(&self, text: &str, key: &ObjectKey) -> String {
        self.rendered.content.redactor.redact_about(text, &Words::of_key(key))
    }

    /// The error at the line of the field that the API server speaks of, where its file says which that is.
    pub fn locate(&self, error: SyncError) -> SyncError {
        let place = error.file.as_deref().zip(error.line);
        let text = place.and_then(|(file, line)| Some((self.rendered.content.text_of(file)?, line)));
        let line = text.and_then(|(text, line)| refusal::line_in(&text, line, &error.message));
        SyncError { line: line.or(error.line), ..error }
    }
}

/// Whether an object is of a kind that is not known to be served.
pub(super) fn has_unknown_kinds(content: &Content, kinds: &Kinds) -> bool {
    content.objects.iter().any(|raw| kinds.find(&raw.kind, &raw.api_version).is_none())
}

/// Hooks are for everything else that stands in the path, and run anew when any of it changed.
fn bind_hooks(objects: &mut [PlacedObject]) {
    let run = run_of(objects.iter().map(|object| &object.desired));
    for object in objects.iter_mut().filter(|object| object.desired.order.hook.is_some()) {
        object.desired.manifest = hook_manifest(&object.desired.manifest, &run);
        if object.desired.key.name.is_empty() {
            object.take_name();
        }
    }
}
