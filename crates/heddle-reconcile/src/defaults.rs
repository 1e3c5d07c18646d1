//! Defaults that stand in the way of what is wanted.
//!
//! The API server fills in what a manifest leaves out, such as `rollingUpdate` of a Deployment's strategy, and nobody owns
//! it. Where the manifest then chooses another member of the same mapping, such as `type: Recreate`, the default stays: a
//! server-side apply takes away only what it has set itself, and the API server refuses the two together
//! (kubernetes#24198). A patch that names the default with `null` takes it away. Values in, values out.

use serde_json::{Map, Value, json};

use crate::inherited::is_of_tool;

/// A patch that takes defaults away.
#[derive(Debug, Clone, PartialEq)]
pub struct DefaultsPatch {
    /// The mapping that is refused, as the manifest has it, and `null` for each default that it does not have.
    pub patch: Value,
    /// Whether it goes into lists, which only a strategic merge patch can do, and only for Kubernetes' own kinds.
    pub has_lists: bool,
}

/// A field for which the API server refused an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedField {
    /// Which, as it names it: `spec.template.spec.volumes[0].persistentVolumeClaim`.
    pub field: String,
    /// Whether it is refused because another member of the same mapping is there, of which it does not say the name.
    pub beside_another: bool,
}

/// A step to a field.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    /// An element of a list that is known by its `name`.
    Named(String),
}

/// What takes the defaults away for which the API server refused a manifest; `None` where it is no default that stands in
/// the way. `live` is the object with its `managedFields`. What anybody but a tool that applied the object before has set is no
/// default.
pub fn without_defaults(refused: &[RefusedField], manifest: &Value, live: &Value) -> Option<DefaultsPatch> {
    let mut patch = json!({});
    let mut has_lists = false;
    let mut is_empty = true;
    for RefusedField { field, beside_another } in refused {
        let Some((steps, last)) = place_of(field, live) else { continue };
        let (Some(wanted), Some(is)) = (find(manifest, &steps), find(live, &steps)) else { continue };
        let (Some(wanted), Some(is)) = (wanted.as_object(), is.as_object()) else { continue };
        let is_left_out = |name: &&String| wanted.get(*name).is_none_or(Value::is_null);
        let is_default = |name: &&String| {
            let mut path: Vec<String> = steps.iter().map(Step::owned).collect();
            path.push(format!("f:{name}"));
            !is_owned(&live["metadata"]["managedFields"], &path)
        };
        let is_meant = |name: &&String| *beside_another || name.as_str() == last;
        let defaults: Vec<&String> = is.keys().filter(is_meant).filter(is_left_out).filter(is_default).collect();
        if defaults.is_empty() {
            continue;
        }
        let mut inner = wanted.clone();
        inner.extend(defaults.into_iter().map(|name| (name.clone(), Value::Null)));
        has_lists |= steps.iter().any(|step| matches!(step, Step::Named(_)));
        is_empty = false;
        put(&mut patch, &steps, inner);
    }
    (!is_empty).then_some(DefaultsPatch { patch, has_lists })
}

/// The steps to the mapping in which a field stands, and its name there.
fn place_of<'a>(field: &'a str, live: &Value) -> Option<(Vec<Step>, &'a str)> {
    let (parent, last) = field.rsplit_once('.')?;
    let mut steps = Vec::new();
    let mut at = live;
    for part in parent.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(']')?.parse::<usize>().ok()?)),
            None => (part, None),
        };
        at = at.get(name)?;
        steps.push(Step::Member(name.to_owned()));
        if let Some(index) = index {
            at = at.get(index)?;
            steps.push(Step::Named(at["name"].as_str()?.to_owned()));
        }
    }
    Some((steps, last))
}

fn find<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |at, step| match step {
        Step::Member(name) => at.get(name),
        Step::Named(name) => at.as_array()?.iter().find(|element| element["name"] == name.as_str()),
    })
}

/// Puts a mapping at its place in a patch.
fn put(patch: &mut Value, steps: &[Step], inner: Map<String, Value>) {
    let Some((step, rest)) = steps.split_first() else {
        if let Some(object) = patch.as_object_mut() {
            object.extend(inner);
        }
        return;
    };
    match step {
        Step::Member(name) => {
            let is_list = matches!(rest.first(), Some(Step::Named(_)));
            let empty = if is_list { json!([]) } else { json!({}) };
            if let Some(object) = patch.as_object_mut() {
                put(object.entry(name.clone()).or_insert(empty), rest, inner);
            }
        }
        Step::Named(name) => {
            let Some(list) = patch.as_array_mut() else { return };
            let at = list.iter().position(|element| element["name"] == name.as_str()).unwrap_or_else(|| {
                list.push(json!({"name": name}));
                list.len() - 1
            });
            put(&mut list[at], rest, inner);
        }
    }
}

impl Step {
    /// As `managedFields` write it.
    fn owned(&self) -> String {
        match self {
            Self::Member(name) => format!("f:{name}"),
            Self::Named(name) => format!("k:{}", json!({"name": name})),
        }
    }
}

fn is_owned(managed_fields: &Value, path: &[String]) -> bool {
    let others = managed_fields.as_array().into_iter().flatten().filter(|entry| !is_of_tool(entry));
    let mut others = others.map(|entry| &entry["fieldsV1"]);
    others.any(|fields| path.iter().try_fold(fields, |at, key| at.get(key)).is_some())
}

#[cfg(test)]
mod tests;
