//! Drift by metadata alone.
//!
//! The API server takes each field that another writer changes out of our entry in `managedFields`. So while that entry
//! is as it was after our last apply, nobody has changed a field that we own; and when it shrank, the missing paths are
//! what changed, and the entries that hold them now say who did it and when. Source: structured-merge-diff
//! `merge/update.go`, tried on a real API server (see the architecture page).

mod fight;
mod ignored_fields;
mod others;
mod verdict;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{FIELD_MANAGER, hash_text};

pub use fight::{Contest, FIGHT_WINDOW, FightBreaker, LONGEST_PAUSE, MAX_HEALS};
pub use ignored_fields::{Contested, Settled, find_field};
pub use others::DriftRules;
pub use verdict::{DriftVerdict, LookReason, judge_drift};

/// Our entry in an object's `managedFields`, told apart by hash and time. The time catches a writer who applies under
/// our name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnEntry {
    /// Hash of the fields that we own.
    pub fields: String,
    /// When we applied them last, as the API server wrote it.
    pub time: String,
}

/// A change that somebody made to fields of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// Who.
    pub manager: String,
    /// When, as the API server wrote it.
    pub time: String,
}

impl OwnEntry {
    /// Finds our entry among an object's `managedFields`.
    pub fn find(managed_fields: &Value) -> Option<Self> {
        let fields = own_fields(managed_fields);
        let time = own_entries(managed_fields).filter_map(|entry| entry["time"].as_str()).max()?;
        Some(Self { fields: hash_text(join(&fields)), time: time.to_owned() })
    }
}

/// The fields that we owned after an apply and that were not ours in the metadata seen `before` it, as dotted paths.
pub fn changed_fields(before: &Value, after: &Value) -> Vec<String> {
    let was = own_fields(before);
    let own = own_fields(after);
    let missing = own.difference(&was).filter(|path| !own.iter().any(|other| is_inside(other, path)));
    missing.map(|path| shown(path)).collect()
}

/// The fields that we have, as dotted paths, without those that only hold others.
pub fn own_leaves(managed_fields: &Value) -> BTreeSet<String> {
    let own = own_fields(managed_fields);
    own.iter().filter(|path| !own.iter().any(|other| is_inside(other, path))).map(|path| shown(path)).collect()
}

/// Those of `fields` that we do not have any more.
pub fn lost_fields(fields: &BTreeSet<String>, managed_fields: &Value) -> Vec<String> {
    let own: BTreeSet<String> = own_fields(managed_fields).iter().map(|path| shown(path)).collect();
    fields.difference(&own).cloned().collect()
}

/// Who holds any of `fields` in `managed_fields`, latest first. Where nobody does, because the fields were removed, it is
/// whoever wrote last.
pub fn managers_of(managed_fields: &Value, fields: &[String]) -> Option<Takeover> {
    let others = entries(managed_fields).filter(|entry| !is_own(entry));
    let takeover = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        Takeover { manager: text("manager"), time: text("time") }
    };
    let latest = |found: Vec<&Value>| found.into_iter().map(takeover).max_by(|a, b| a.time.cmp(&b.time));
    let all: Vec<&Value> = others.collect();
    latest(all.iter().copied().filter(|entry| holds_any(entry, fields)).collect()).or_else(|| latest(all))
}

/// Hash of our entry and of those that hold any of `fields` now; of all where no field is named. While it is the same, nobody
/// has written these fields, but for a writer who did it twice within a second. What controllers write of a status or of
/// anything else makes no difference.
pub fn hash_holders(managed_fields: &Value, fields: &[String]) -> String {
    let is_meant = |entry: &&Value| {
        entry["subresource"] != "status" && (is_own(entry) || fields.is_empty() || holds_any(entry, fields))
    };
    let meant = entries(managed_fields).filter(is_meant).map(ToString::to_string);
    hash_text(meant.collect::<Vec<_>>().join("\n"))
}

fn holds_any(entry: &Value, fields: &[String]) -> bool {
    let mut paths = BTreeSet::new();
    collect(&entry["fieldsV1"], &step, &mut Vec::new(), &mut paths);
    paths.iter().any(|path| fields.contains(&shown(path)))
}

fn entries(managed_fields: &Value) -> impl Iterator<Item = &Value> {
    managed_fields.as_array().into_iter().flatten()
}

pub(crate) fn is_own(entry: &Value) -> bool {
    entry["manager"] == FIELD_MANAGER
        && entry["operation"] == "Apply"
        && entry["subresource"].as_str().is_none_or(str::is_empty)
}

fn own_entries(managed_fields: &Value) -> impl Iterator<Item = &Value> {
    entries(managed_fields).filter(|entry| is_own(entry))
}

fn own_fields(managed_fields: &Value) -> BTreeSet<Vec<String>> {
    let mut paths = BTreeSet::new();
    for entry in own_entries(managed_fields) {
        collect(&entry["fieldsV1"], &step, &mut Vec::new(), &mut paths);
    }
    paths
}

/// Turns `{"f:spec": {"f:replicas": {}}}` into paths, each key as `named` has it; `.` stands for the parent itself.
pub(crate) fn collect(
    fields: &Value,
    named: &impl Fn(&str) -> String,
    path: &mut Vec<String>,
    paths: &mut BTreeSet<Vec<String>>,
) {
    let Some(fields) = fields.as_object() else { return };
    if fields.is_empty() && !path.is_empty() {
        paths.insert(path.clone());
    }
    for (key, inner) in fields {
        if key == "." {
            paths.insert(path.clone());
            continue;
        }
        path.push(named(key));
        collect(inner, named, path, paths);
        path.pop();
    }
}

/// A key of `fieldsV1` for people: `k:{"name":"api"}` becomes `[name=api]`, `v:"x"` becomes `["x"]`.
pub(crate) fn step(key: &str) -> String {
    match key.split_once(':') {
        Some(("f", name)) => name.to_owned(),
        Some(("k", keys)) => {
            let keys: Value = serde_json::from_str(keys).unwrap_or_default();
            let parts = keys.as_object().into_iter().flatten().map(|(name, value)| match value {
                Value::String(text) => format!("{name}={text}"),
                other => format!("{name}={other}"),
            });
            format!("[{}]", parts.collect::<Vec<_>>().join(","))
        }
        Some((_, value)) => format!("[{value}]"),
        None => key.to_owned(),
    }
}

/// `spec.containers[name=api].image`.
pub(crate) fn shown(path: &[String]) -> String {
    path.join(".").replace(".[", "[")
}

fn is_inside(path: &[String], parent: &[String]) -> bool {
    path.len() > parent.len() && path.starts_with(parent)
}

fn join(paths: &BTreeSet<Vec<String>>) -> String {
    paths.iter().map(|path| path.join("\u{1f}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
