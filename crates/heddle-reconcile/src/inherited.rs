//! Fields that whoever applied an object before still has.
//!
//! The API server takes a field away only when its last owner gives it up. So what kubectl, Flux, Argo CD or Helm applied
//! once stays for ever, also when it leaves Git, as long as their entries stand in `managedFields`. Here their entries are
//! read, and written without what is taken over. Values in, values out. Source: client-go `util/csaupgrade`, which does it
//! for one manager and for all fields.

mod controller;
mod fields;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::fields::Fields;
use crate::drift::is_own;

pub use controller::{Controller, Tool};

/// What kubectl applied last, in its own words.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Under whose name that stands which is to go. It is neither of whoever applied it any more nor ever ours: an apply of ours
/// takes none of it along, and what cannot be let go of now stays as it is, whatever becomes of this process.
pub const LEAVING_MANAGER: &str = "heddle-leaving";

/// Fields that are named of one object.
const MAX_NAMED: usize = 10;

/// Whose an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A tool that applies whole objects.
    Tool,
    /// Single changes by hand. What nobody else has of them is nobody's business.
    Hand,
}

/// Managers that applied whole objects. Those of Helm 3, and of `kubectl create`, write what they apply as an `Update`.
const TOOLS: [&str; 14] = [
    "kubectl",
    "kubectl-client-side-apply",
    "kubectl-last-applied",
    "kubectl-create",
    "kubectl-replace",
    "before-first-apply",
    "kustomize-controller",
    "gotk-kustomize-controller",
    "helm-controller",
    "argocd-controller",
    "argocd-application-controller",
    "helm",
    // Our own patches of single fields.
    crate::FIELD_MANAGER,
    LEAVING_MANAGER,
];

fn origin(manager: &str) -> Option<Origin> {
    if TOOLS.contains(&manager) {
        return Some(Origin::Tool);
    }
    manager.starts_with("kubectl-").then_some(Origin::Hand)
}

/// Whether an entry is of a tool that applies whole objects; ours are.
pub(crate) fn is_of_tool(entry: &Value) -> bool {
    entry["manager"].as_str().and_then(origin) == Some(Origin::Tool)
}

/// The `managedFields` with our entry under another version; `None` where it is under this one, or there is none.
///
/// A field has the same name in both, or the next apply puts it right. Where the API server cannot convert an object to the
/// version of an entry, it refuses every apply (flux2#5715); where it does not serve that version any more, it forgets the
/// entry, and what leaves Git then would stay.
pub fn raised(managed_fields: &Value, api_version: &str) -> Option<Value> {
    let mut all = managed_fields.as_array()?.clone();
    let own = all.iter_mut().find(|entry| is_own(entry))?;
    if own["apiVersion"] == api_version {
        return None;
    }
    own["apiVersion"] = api_version.into();
    Some(all.into())
}

/// How much is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What we have applied too.
    Shared,
    /// Everything that was applied. What no file has is set apart under [`LEAVING_MANAGER`], to be let go.
    All,
}

/// What others have of an object that we apply, and that can be taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Inherited {
    managed_fields: Value,
    api_version: Value,
    entries: Vec<Entry>,
    /// The controllers that say on the object that it is theirs.
    pub controllers: Vec<Controller>,
}

/// An entry of somebody else, taken apart.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    index: usize,
    manager: String,
    /// What we have applied too.
    shared: Fields,
    /// What they applied and we did not.
    rest: Fields,
    /// What stays theirs.
    kept: Fields,
    /// All of it.
    whole: Fields,
}

impl Inherited {
    /// What there is to take over; `None` where there is nothing, or nothing of ours yet.
    pub fn find(
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
        managed_fields: &Value,
    ) -> Option<Self> {
        let all = managed_fields.as_array()?;
        let own = all.iter().find(|entry| is_own(entry))?;
        let own_fields = Fields::read(&own["fieldsV1"]);
        let last_applied =
            annotations.get(LAST_APPLIED).and_then(|text| serde_json::from_str(text).ok()).map(with_data);
        let read = |(index, entry): (usize, &Value)| {
            let manager = entry["manager"].as_str()?;
            let is_main = entry["subresource"].as_str().is_none_or(str::is_empty);
            let origin = origin(manager).filter(|_| is_main && !is_own(entry))?;
            // What was set apart has the same names in every version, as our own entry does.
            let is_same_version = entry["apiVersion"] == own["apiVersion"] || manager == LEAVING_MANAGER;
            let declared = match (origin, entry["operation"].as_str()) {
                (Origin::Hand, _) => Declared::Nothing,
                _ if !is_same_version => Declared::Nothing,
                (Origin::Tool, Some("Apply")) => Declared::Everything,
                (Origin::Tool, _) => last_applied.as_ref().map_or(Declared::Nothing, Declared::By),
            };
            Some(Entry::read(index, manager, entry, &own_fields, declared))
        };
        let entries: Vec<Entry> = all.iter().enumerate().filter_map(read).filter(Entry::is_worth_it).collect();
        let controllers = || {
            let managers: Vec<&str> = all.iter().filter_map(|entry| entry["manager"].as_str()).collect();
            Controller::of(labels, annotations, &managers)
        };
        (!entries.is_empty()).then(|| Self {
            managed_fields: managed_fields.clone(),
            api_version: own["apiVersion"].clone(),
            controllers: controllers(),
            entries,
        })
    }

    /// Whether anything that we have applied is somebody else's too.
    pub fn has_shared(&self) -> bool {
        self.entries.iter().any(|entry| !entry.shared.is_empty())
    }

    /// Whether anything was applied that we have not applied.
    pub fn has_rest(&self) -> bool {
        self.entries.iter().any(|entry| !entry.rest.is_empty())
    }

    /// Who it is that has something.
    pub fn managers(&self) -> Vec<&str> {
        let mut managers: Vec<&str> = self.entries.iter().map(|entry| entry.manager.as_str()).collect();
        managers.dedup();
        managers
    }

    /// What was applied and is in no file, for people, at most 10 fields; and how many more there are.
    pub fn rest(&self) -> (Vec<String>, usize) {
        let mut names: Vec<String> = self.entries.iter().flat_map(|entry| entry.rest.shown(&entry.whole)).collect();
        names.sort();
        names.dedup();
        let more = names.len().saturating_sub(MAX_NAMED);
        names.truncate(MAX_NAMED);
        (names, more)
    }

    /// The `managedFields` after it was taken over. What is ours does not change by it.
    pub fn taken(&self, extent: Extent) -> Value {
        let mut all = self.managed_fields.as_array().cloned().unwrap_or_default();
        let mut apart = Fields::default();
        for entry in &self.entries {
            let mut stays = entry.kept.clone();
            match extent {
                Extent::Shared => stays.extend(entry.rest.clone()),
                Extent::All => apart.extend(entry.rest.clone()),
            }
            if let Some(raw) = all.get_mut(entry.index) {
                raw["fieldsV1"] = stays.write();
            }
        }
        let is_left = |entry: &Value| is_own(entry) || entry["fieldsV1"] != json!({});
        all.retain(is_left);
        if !apart.is_empty() {
            all.push(json!({
                "manager": LEAVING_MANAGER,
                "operation": "Apply",
                "apiVersion": self.api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": apart.write(),
            }));
        }
        all.into()
    }
}

/// Whether a field is kubectl's own note, or a mapping of `metadata` that is there with whatever it holds.
fn is_bookkeeping(path: &fields::Path) -> bool {
    match path.as_slice() {
        [metadata, map] => metadata == "f:metadata" && matches!(map.as_str(), "f:annotations" | "f:labels"),
        [.., last] => last.strip_prefix("f:") == Some(LAST_APPLIED),
        [] => false,
    }
}

/// A Secret's `stringData` is its `data` to the API server.
fn with_data(mut object: Value) -> Value {
    let texts = object.get_mut("stringData").and_then(Value::as_object_mut).map(std::mem::take);
    if let (Some(texts), Some(object)) = (texts, object.as_object_mut()) {
        let data = object.entry("data").or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            data.extend(texts);
        }
    }
    object
}

/// What of an entry was applied by whoever has it. An `Update` has the defaults too that the API server put in.
enum Declared<'a> {
    Nothing,
    Everything,
    By(&'a Value),
}

impl Entry {
    fn read(index: usize, manager: &str, entry: &Value, own: &Fields, declared: Declared<'_>) -> Self {
        let whole = Fields::read(&entry["fieldsV1"]);
        // Status is the work of controllers, whoever wrote it.
        let (status, fields) = whole.clone().split(|path| path.first().is_some_and(|first| first == "f:status"));
        let (shared, others) = fields.split(|path| own.has(path));
        let (rest, kept) = match declared {
            Declared::Nothing => (Fields::default(), others),
            Declared::Everything => (others.split(|path| !is_bookkeeping(path)).0, Fields::default()),
            // What nobody declared is a default, and needs no owner.
            Declared::By(text) => {
                (others.split(|path| fields::has(text, path) && !is_bookkeeping(path)).0, Fields::default())
            }
        };
        let mut kept = kept;
        kept.extend(status);
        Self { index, manager: manager.to_owned(), shared, rest, kept, whole }
    }

    fn is_worth_it(&self) -> bool {
        !self.shared.is_empty() || !self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests;
