//! Fields that are written where an object does not have them, and never again: what a chart makes anew each time.
//!
//! They are part of each apply, with the value that the cluster has: so nobody loses them, and nothing changes them. They are no
//! part of what is compared.

use serde_json::Value;

/// Fields by which a member of a list is known, the surest first. Source: the merge keys of Kubernetes' own types,
/// `x-kubernetes-list-map-keys` of its OpenAPI document.
const KEYS: [&str; 10] =
    ["name", "mountPath", "devicePath", "containerPort", "port", "key", "ip", "topologyKey", "uid", "type"];

/// A manifest without what these fields hold, to be compared with others.
pub fn without_generated(manifest: &Value, fields: &[String]) -> Value {
    let mut manifest = manifest.clone();
    for field in fields {
        if let Some(value) = manifest.pointer_mut(field) {
            *value = Value::Null;
        }
    }
    manifest
}

/// Puts into the fields of a manifest what the object in the cluster has there. One that it does not have stays as it is.
/// The fields are JSON pointers (RFC 6901) into the manifest.
pub fn keep_generated(manifest: &mut Value, live: &Value, fields: &[String]) {
    for field in fields {
        let kept = find(manifest, live, field).cloned();
        if let (Some(kept), Some(value)) = (kept, manifest.pointer_mut(field)) {
            *value = kept;
        }
    }
}

/// The ways to fields of a manifest as people write them: `data.password`, `spec.containers[*].env[*].value`.
pub fn generated_paths(manifest: &Value, fields: &[String]) -> Vec<String> {
    let shown = |field: &String| {
        let mut at = manifest;
        let mut way = String::new();
        for name in names(field) {
            let is_item = at.is_array();
            at = step(at, &name).unwrap_or(&Value::Null);
            way.push_str(match (is_item, way.is_empty()) {
                (true, _) => "[*]",
                (false, true) => "",
                (false, false) => ".",
            });
            way.push_str(if is_item { "" } else { &name });
        }
        way
    };
    let mut all: Vec<String> = fields.iter().map(shown).collect();
    all.sort();
    all.dedup();
    all
}

/// Rules that leave fields of a manifest to others and none beside them: `spec.containers[name=api].env[name=TOKEN].value`. By
/// which key the API server knows a member of a list depends on the kind, so each that the member has makes rules; a list
/// without such keys is one field as a whole.
pub fn generated_rules(manifest: &Value, fields: &[String]) -> Vec<String> {
    let mut all: Vec<String> = fields.iter().flat_map(|field| rules_of(manifest, field)).collect();
    all.sort();
    all.dedup();
    all
}

fn rules_of(manifest: &Value, field: &str) -> Vec<String> {
    let mut at = manifest;
    let mut ways = vec![String::new()];
    for name in names(field) {
        let is_item = at.is_array();
        at = step(at, &name).unwrap_or(&Value::Null);
        let steps: Vec<String> = match is_item {
            true => selectors(at),
            false => vec![name],
        };
        if steps.is_empty() {
            break;
        }
        let dot = |way: &str| if is_item || way.is_empty() { "" } else { "." };
        let longer =
            |way: String| steps.iter().map(move |step| format!("{way}{}{step}", dot(&way))).collect::<Vec<_>>();
        ways = ways.into_iter().flat_map(longer).collect();
    }
    ways
}

/// How the API server may name a member of a list, alone or with further keys behind.
fn selectors(item: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let known = KEYS.iter().filter_map(|key| Some((key, text(item.get(key)?)?)));
    known.flat_map(|(key, value)| [format!("[{key}={value}]"), format!("[{key}={value},*]")]).collect()
}

/// What the live object has at a field of the manifest.
fn find<'l>(manifest: &Value, live: &'l Value, field: &str) -> Option<&'l Value> {
    let (mut wanted, mut found) = (manifest, live);
    for name in names(field) {
        let next = step(wanted, &name)?;
        found = match (wanted, found) {
            (Value::Array(items), Value::Array(others)) => same_member(next, items, others)?,
            (_, found) => found.get(&name)?,
        };
        wanted = next;
    }
    Some(found).filter(|found| !found.is_null())
}

/// The member of another list that is the same one: by the first key that it has, else by its place where both lists have
/// as many.
fn same_member<'l>(item: &Value, items: &[Value], others: &'l [Value]) -> Option<&'l Value> {
    let key = KEYS.iter().find_map(|key| Some((key, item.get(key).filter(|value| !value.is_object())?)));
    let Some((key, value)) = key else {
        let place = items.iter().position(|own| std::ptr::eq(own, item))?;
        return others.get(place).filter(|_| items.len() == others.len());
    };
    let mut same = others.iter().filter(|other| other.get(key) == Some(value));
    same.next().filter(|_| same.next().is_none())
}

fn step<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => value.get(name),
    }
}

fn names(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests;
