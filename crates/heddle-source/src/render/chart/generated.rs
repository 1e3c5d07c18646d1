//! What a chart does not make the same each time, found by rendering it again.
//!
//! Such a field is *generated*: it is written where the object does not have it, and never again. Here it is only found.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::RenderedObject;

/// A field that other renders of the same have otherwise, or that a chart keeps by looking into the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Generated {
    /// The fields, as JSON pointers (RFC 6901) into the object.
    pub fields: Vec<String>,
    /// Values of the chart that make them fixed, as far as the templates tell: `auth.password`.
    pub values: Vec<String>,
}

/// Marks what is otherwise in another render of the same, and gives what is wrong: objects whose name is another one each
/// time, each by its place.
///
/// Lists that are the same but for their order are put into one: that is what `keys` and `values` of a template give. A hook
/// whose name is random gets a `generateName` instead.
pub(super) fn mark(objects: &mut [RenderedObject], again: &[RenderedObject]) -> Vec<(usize, String)> {
    let mut others: BTreeMap<String, Vec<&RenderedObject>> = BTreeMap::new();
    again.iter().rev().for_each(|object| others.entry(identity(&object.value)).or_default().push(object));
    let mut nameless = Vec::new();
    for (index, object) in objects.iter_mut().enumerate() {
        match others.get_mut(&identity(&object.value)).and_then(Vec::pop) {
            Some(other) => compare(&mut object.value, &other.value, "", &mut object.generated.fields),
            // A hook that is named for its run was compared before.
            None if name(&object.value).is_empty() => {}
            None => nameless.push(index),
        }
    }
    let mut left: Vec<&RenderedObject> = others.into_values().flatten().collect();
    let mut wrong = Vec::new();
    for index in nameless {
        let object = &mut objects[index];
        let common = |other: &RenderedObject| common_start(name(&object.value), name(&other.value)).len();
        let is_same = |other: &RenderedObject| other.file == object.file && kind(&other.value) == kind(&object.value);
        let same = (0..left.len()).filter(|at| is_same(left[*at])).max_by_key(|at| common(left[*at]));
        let prefix = same.map(|at| common(left.remove(at))).map(|len| name(&object.value)[..len].to_owned());
        match prefix.filter(|prefix| !prefix.is_empty() && is_hook(&object.value)) {
            Some(prefix) => take_generate_name(&mut object.value, &prefix),
            None => wrong.push((
                index,
                format!(
                    "the {} `{}` has another name, or is not there, each time the chart is rendered: give it a fixed name by \
                     the chart's values",
                    kind(&object.value),
                    name(&object.value)
                ),
            )),
        }
    }
    wrong
}

/// Marks all that a Secret holds.
pub(super) fn mark_secret(object: &mut RenderedObject) {
    for field in ["data", "stringData"] {
        let keys = object.value[field].as_object().into_iter().flatten().map(|(key, _)| key);
        let pointers: Vec<String> = keys.map(|key| format!("/{field}/{}", escape(key))).collect();
        object.generated.fields.extend(pointers);
    }
    object.generated.fields.sort();
    object.generated.fields.dedup();
}

fn identity(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata.get("name").or_else(|| metadata.get("generateName"));
    json!([object["apiVersion"], object["kind"], metadata["namespace"], name]).to_string()
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn is_hook(object: &Value) -> bool {
    object["metadata"]["annotations"]["helm.sh/hook"].is_string()
}

fn common_start<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.char_indices().zip(other.chars()).take_while(|((_, a), b)| a == b);
    &one[..same.map(|((at, c), _)| at + c.len_utf8()).last().unwrap_or_default()]
}

fn take_generate_name(object: &mut Value, prefix: &str) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), prefix.into());
    }
}

/// Notes each field of `value` that `other` has otherwise, or not at all.
fn compare(value: &mut Value, other: &Value, at: &str, found: &mut Vec<String>) {
    if value == other {
        return;
    }
    match (value, other) {
        (Value::Object(fields), Value::Object(others)) => compare_fields(fields, others, at, found),
        (Value::Array(items), Value::Array(others)) if is_same_set(items, others) => {
            items.sort_by_cached_key(Value::to_string);
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            for (index, (item, other)) in items.iter_mut().zip(others).enumerate() {
                compare(item, other, &format!("{at}/{index}"), found);
            }
        }
        _ => note(at, found),
    }
}

fn compare_fields(fields: &mut Map<String, Value>, others: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    for (name, value) in fields {
        let at = format!("{at}/{}", escape(name));
        match others.get(name) {
            Some(other) => compare(value, other, &at, found),
            None => note(&at, found),
        }
    }
}

fn note(at: &str, found: &mut Vec<String>) {
    if !found.iter().any(|known| known == at) {
        found.push(at.to_owned());
    }
}

fn is_same_set(items: &[Value], others: &[Value]) -> bool {
    let sorted = |items: &[Value]| {
        let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    items.len() == others.len() && sorted(items) == sorted(others)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
