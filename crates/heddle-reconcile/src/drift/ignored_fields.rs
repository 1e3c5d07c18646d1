//! What an apply leaves to others.
//!
//! The API server names every field that an apply would take from somebody. Those that a rule or a known owner may have
//! are taken out of the manifest before it is applied again, so that an autoscaler keeps its replicas also when the image
//! beside them changes.

use serde_json::{Map, Value};

use super::DriftRules;
use crate::GroupKind;

/// A field that an apply would take from somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// The field, as the API server names it, with or without the first dot:
    /// `.spec.template.spec.containers[name="api"].image`.
    pub field: String,
    /// Whose it is.
    pub manager: String,
}

/// What becomes of the fields that an apply would take from somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Those that are taken.
    pub taken: Vec<Contested>,
    /// Those that are left to others, as people write them: `spec.containers[name=api].image`.
    pub left: Vec<String>,
}

impl DriftRules {
    /// Takes out of a manifest the fields that others may keep.
    pub fn take_out_ignored(&self, kind: &GroupKind, manifest: &mut Value, contested: Vec<Contested>) -> Settled {
        let may_keep = |one: &Contested| self.allow(kind, &plain(&one.field), &one.manager);
        let is_ignored = |one: &Contested| {
            let all = contested.iter().filter(|other| other.field == one.field);
            all.into_iter().all(may_keep)
        };
        let ignored: Vec<bool> = contested.iter().map(is_ignored).collect();
        let mut settled = Settled::default();
        for (one, ignored) in contested.into_iter().zip(ignored) {
            // Of two owners of one field it is gone already for the second. One that is not found is taken.
            let name = plain(&one.field);
            if ignored && (settled.left.contains(&name) || remove(manifest, &one.field)) {
                settled.left.push(name);
            } else {
                settled.taken.push(Contested { field: one.field.trim_start_matches('.').to_owned(), ..one });
            }
        }
        settled
    }
}

/// What a manifest has at a field as people write it: `spec.containers[name=api].image`.
pub fn find_field<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    let field = field.strip_prefix('.').unwrap_or(field);
    if field.is_empty() {
        return Some(value);
    }
    if let Value::Object(fields) = value {
        return names(fields, field).into_iter().find_map(|(name, rest)| find_field(fields.get(&name)?, rest));
    }
    let (selector, rest) = split_selector(field)?;
    find_field(value.as_array()?.iter().find(|item| selects(selector, item))?, rest)
}

/// `.a.b[name="x"]` as people write it: `a.b[name=x]`.
fn plain(field: &str) -> String {
    field.trim_start_matches('.').replace('"', "")
}

/// Removes a field, and the mappings that are empty without it. Says whether it was there.
fn remove(value: &mut Value, field: &str) -> bool {
    if let Some(rest) = field.strip_prefix('.') {
        let Value::Object(fields) = value else { return false };
        return names(fields, rest).into_iter().any(|(name, rest)| {
            let is_removed = match fields.get_mut(&name) {
                Some(_) if rest.is_empty() => fields.remove(&name).is_some(),
                Some(inner) => remove(inner, rest),
                None => false,
            };
            if is_removed && fields.get(&name).and_then(Value::as_object).is_some_and(Map::is_empty) {
                fields.remove(&name);
            }
            is_removed
        });
    }
    let Value::Array(items) = value else { return false };
    let Some((selector, rest)) = split_selector(field) else { return false };
    let Some(index) = items.iter().position(|item| selects(selector, item)) else { return false };
    if rest.is_empty() {
        items.remove(index);
        return true;
    }
    remove(&mut items[index], rest)
}

/// The ways to read the first name of a path: names of labels and annotations have dots in them that nothing marks.
fn names<'a>(fields: &Map<String, Value>, path: &'a str) -> Vec<(String, &'a str)> {
    let read = |name: &String| {
        let rest = path.strip_prefix(name.as_str())?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then(|| (name.clone(), rest))
    };
    fields.keys().filter_map(read).collect()
}

/// `[name="a"].image` as `name="a"` and `.image`. What stands in quotes may hold brackets.
fn split_selector(path: &str) -> Option<(&str, &str)> {
    let inner = path.strip_prefix('[')?;
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

/// Whether a member of a list is the one that `name="a",protocol="TCP"`, or `="a"`, means. A key that a manifest leaves
/// out has its default.
fn selects(selector: &str, item: &Value) -> bool {
    let is = |text: &str, value: &Value| match serde_json::from_str::<Value>(text) {
        Ok(parsed) => parsed == *value,
        // As people write it, without quotes.
        Err(_) => value.as_str() == Some(text),
    };
    if let Some(value) = selector.strip_prefix('=') {
        return is(value, item);
    }
    if !selector.contains('=') {
        return is(selector, item);
    }
    let mut keys = selector.split(',').map(|part| part.split_once('='));
    keys.all(|part| {
        let Some((key, value)) = part else { return false };
        item.get(key).is_none_or(|own| is(value, own))
    })
}

#[cfg(test)]
mod tests;
