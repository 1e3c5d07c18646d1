//! Sets of fields as `managedFields` write them.

use std::{collections::BTreeSet, ops::Bound};

use serde_json::{Map, Value};

use crate::drift::{collect, shown, step};

/// A field: the steps to it as `fieldsV1` has them, such as `f:spec`, `k:{"name":"api"}`, `v:"x"`.
pub(super) type Path = Vec<String>;

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeSet<Path>);

impl Fields {
    /// Reads a `fieldsV1`. A leaf is a member of the set, and so is what holds a `.`.
    pub fn read(fields: &Value) -> Self {
        let mut paths = BTreeSet::new();
        collect(fields, &str::to_owned, &mut Vec::new(), &mut paths);
        Self(paths)
    }

    /// Writes a `fieldsV1`.
    pub fn write(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            insert(&mut root, path);
        }
        Value::Object(root)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a field is in the set, or holds one that is: a mapping is there as long as something in it is.
    pub fn has(&self, path: &Path) -> bool {
        self.0.contains(path) || self.has_inside(path)
    }

    /// Whether a field holds one of the set. What a path begins comes right after it.
    fn has_inside(&self, path: &Path) -> bool {
        self.0
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded))
            .next()
            .is_some_and(|next| next.starts_with(path))
    }

    /// The members that are as said, and the others.
    pub fn split(self, is_meant: impl Fn(&Path) -> bool) -> (Self, Self) {
        let (meant, others) = self.0.into_iter().partition(is_meant);
        (Self(meant), Self(others))
    }

    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What stands there for people: the members that hold no others, and an element of a list in place of its own members.
    /// A mapping of which `whole` has more than itself is no field of its own.
    pub fn shown(&self, whole: &Self) -> Vec<String> {
        let leaves = self.0.iter().filter(|path| is_element(path) || !whole.has_inside(path));
        let is_within_element =
            |path: &Path| (1..path.len()).any(|end| is_element(&path[..end]) && self.0.contains(&path[..end]));
        let leaves = leaves.filter(|path| !is_within_element(path));
        leaves.map(|path| shown(&path.iter().map(|key| step(key)).collect::<Vec<_>>())).collect()
    }
}

fn is_element(path: &[String]) -> bool {
    path.last().is_some_and(|key| key.starts_with("k:"))
}

fn insert(node: &mut Map<String, Value>, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        // A member that holds others says so by a dot; the shorter path comes first, so it may be a leaf until then.
        return;
    };
    let is_leaf = node.get(first).and_then(Value::as_object).is_some_and(Map::is_empty);
    let inner = node.entry(first.clone()).or_insert_with(|| Value::Object(Map::new()));
    let Some(inner) = inner.as_object_mut() else { return };
    if is_leaf && !rest.is_empty() {
        inner.insert(".".to_owned(), Value::Object(Map::new()));
    }
    insert(inner, rest);
}

/// Whether an object has something at a path.
pub(super) fn has(object: &Value, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let Some((kind, name)) = first.split_once(':') else { return false };
    let found = match kind {
        "f" => object.get(name),
        "k" => {
            let Ok(Value::Object(keys)) = serde_json::from_str(name) else { return false };
            // A key that a manifest leaves out has its default.
            let fits = |item: &&Value| keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value));
            object.as_array().and_then(|items| items.iter().find(fits))
        }
        "v" => {
            let value = serde_json::from_str::<Value>(name).ok();
            object.as_array().and_then(|items| items.iter().find(|item| Some(*item) == value.as_ref()))
        }
        _ => None,
    };
    found.is_some_and(|inner| has(inner, rest))
}
