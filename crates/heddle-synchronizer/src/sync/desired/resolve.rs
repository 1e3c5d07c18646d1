//! One rendered object, as it is going to be applied: its place in the cluster, its order, its manifest.

use std::collections::HashMap;

use heddle_kube::{Kinds, Served, sync::Ignore};
use heddle_reconcile::{
    DesiredObject, DriftRules, GroupKind, OWNER_LABEL, ObjectKey, Order, generated_rules, hash_text, images_of,
    without_generated,
};
use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use super::{
    super::{source::type_of, spec::closed_to_all},
    PlacedObject, Placement,
};

/// How much of a `generateName` is kept. Source: k8s.io/apiserver `pkg/storage/names/generate.go`.
const GENERATED_PREFIX: usize = 58;

/// How much is added to it.
const GENERATED_SUFFIX: usize = 5;

impl PlacedObject {
    /// A hook with `generateName` is named for its run, so that each run has a name of its own and is made once. The
    /// length is that of the API server's own names.
    pub fn take_name(&mut self) {
        let mut value: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let prefix =
            metadata.remove("generateName").and_then(|prefix| Some(prefix.as_str()?.to_owned())).unwrap_or_default();
        let prefix: String = prefix.chars().take(GENERATED_PREFIX).collect();
        let name: String = prefix.chars().chain(self.desired.manifest.chars().take(GENERATED_SUFFIX)).collect();
        metadata.insert("name".to_owned(), name.clone().into());
        self.text = value.to_string();
        self.desired.key.name = name;
    }
}

/// What is known of an object besides its text.
#[derive(Clone, Copy, Default)]
pub(super) struct Made<'a> {
    /// The namespace of its release.
    pub namespace: Option<&'a str>,
    /// What is not the same each time, as JSON pointers.
    pub generated: &'a [String],
}

pub(super) fn resolve(
    mut value: Value,
    made: Made<'_>,
    kinds: &Kinds,
    placement: &Placement,
    defined: &HashMap<(GroupKind, String), Served>,
) -> Result<PlacedObject, (String, String)> {
    let (api_version, kind) = type_of(&value);
    let (api_version, kind) = (api_version.to_owned(), GroupKind::new(api_version, kind));
    let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    // An empty text names none, as for kubectl.
    let namespace = value["metadata"]["namespace"].as_str().filter(|name| !name.is_empty()).map(str::to_owned);
    let shown = if name.is_empty() {
        value["metadata"]["generateName"].as_str().unwrap_or_default().to_owned()
    } else {
        name.clone()
    };
    let fail = |message: String| Err((format!("{} {shown}", kind.kind), message));
    let by_definition = || defined.get(&(kind.clone(), api_version.clone()));
    let Some(served) = kinds.find(&kind, &api_version).or_else(by_definition).cloned() else {
        return fail(unknown_kind(&kind, &api_version, kinds));
    };
    let namespace = match (served.namespaced, namespace) {
        (false, _) => None,
        (true, Some(namespace)) => Some(namespace),
        (true, None) => match made.namespace.or(placement.default_namespace.as_deref()) {
            Some(namespace) => Some(namespace.to_owned()),
            None => {
                let message =
                    "it has no `metadata.namespace`, and the Sync does not name exactly one in `spec.namespaces`";
                return fail(message.to_owned());
            }
        },
    };
    let lies_in = if kind.is_namespace() { Some(&name) } else { namespace.as_ref() };
    let closed = lies_in.and_then(|namespace| Some((namespace, closed_to_all(namespace, &placement.own_namespace)?)));
    if let Some((namespace, whose)) = closed {
        return fail(format!("the namespace `{namespace}` belongs to {whose}, and no Sync writes to it: take it out"));
    }
    let defines = kind.is_definition().then(|| defined_kind(&value)).flatten();
    let order = match Order::of(&value) {
        Ok(order) => order,
        Err(message) => return fail(message),
    };
    if name.is_empty() && order.hook.is_none() && !order.is_left_out {
        let message = "it has `metadata.generateName`, which only hooks may have: give it a `metadata.name`";
        return fail(message.to_owned());
    }
    let may_vanish = kind.group == "batch" && value["spec"]["ttlSecondsAfterFinished"].is_i64();
    let images = images_of(&value).into_iter().map(|(_, image)| image).collect();
    prepare(&mut value, namespace.as_deref(), &placement.owner);
    let generated = prepared_fields(&value, made.generated);
    let (text, key) = (value.to_string(), ObjectKey { kind, namespace, name });
    let manifest = match generated.is_empty() {
        true => hash_text(&text),
        false => hash_text(without_generated(&value, &generated).to_string()),
    };
    let desired = DesiredObject { key, api_version, manifest, defines, may_vanish, order };
    let ignored = ignored_for(&desired.key, &placement.ignore);
    let rules = DriftRules::of(&value, ignored).and_ignore(generated_rules(&value, &generated));
    Ok(PlacedObject { desired, served, text, file: None, line: None, origin: None, images, rules, generated })
}

/// Where generated fields stand in a manifest that was prepared: the texts of a Secret are in its `data` then.
fn prepared_fields(value: &Value, fields: &[String]) -> Vec<String> {
    let is_secret = value["kind"] == "Secret" && value["stringData"].is_null();
    let moved = |field: &String| match field.strip_prefix("/stringData/").filter(|_| is_secret) {
        Some(key) => format!("/data/{key}"),
        None => field.clone(),
    };
    fields.iter().map(moved).collect()
}

fn ignored_for(key: &ObjectKey, ignore: &[Ignore]) -> Vec<String> {
    let is_meant = |rule: &&Ignore| {
        rule.kind.as_ref().is_none_or(|kind| key.kind.is_named(kind))
            && rule.name.as_ref().is_none_or(|name| *name == key.name)
    };
    ignore.iter().filter(is_meant).flat_map(|rule| rule.paths.iter().cloned()).collect()
}

fn unknown_kind(kind: &GroupKind, api_version: &str, kinds: &Kinds) -> String {
    let others = kinds.versions_of(kind);
    if !others.is_empty() {
        return format!(
            "the cluster does not serve {} as `{api_version}`, but as `{}`",
            kind.kind,
            others.join("`, `")
        );
    }
    if kinds.unknown_groups.contains(&kind.group) {
        return format!("the server of the API group `{}` does not answer", kind.group);
    }
    format!("the cluster knows no kind {} in `{api_version}`, and no definition of it stands in the path", kind.kind)
}

/// The kinds that definitions among the objects themselves bring along.
pub(super) fn definitions(values: &[Value]) -> HashMap<(GroupKind, String), Served> {
    let mut served = HashMap::new();
    for value in values.iter().filter(|value| value["kind"] == "CustomResourceDefinition") {
        let Some(kind) = defined_kind(value) else { continue };
        let spec = &value["spec"];
        let Some(plural) = spec["names"]["plural"].as_str() else { continue };
        let versions = spec["versions"].as_array().into_iter().flatten();
        let versions = versions.filter(|version| version["served"] != false);
        for version in versions.filter_map(|version| version["name"].as_str()) {
            let place = Served {
                kind: kind.clone(),
                version: version.to_owned(),
                plural: plural.to_owned(),
                namespaced: spec["scope"] == "Namespaced",
                watchable: true,
            };
            served.insert((kind.clone(), place.api_version()), place);
        }
    }
    served
}

fn defined_kind(definition: &Value) -> Option<GroupKind> {
    let spec = &definition["spec"];
    Some(GroupKind { group: spec["group"].as_str()?.to_owned(), kind: spec["names"]["kind"].as_str()?.to_owned() })
}

/// Adds our label, and takes off what belongs to the cluster: a manifest that was copied out of one may hold it.
fn prepare(value: &mut Value, namespace: Option<&str>, owner: &str) {
    let Some(object) = value.as_object_mut() else { return };
    object.remove("status");
    if object.get("kind").is_some_and(|kind| kind == "Secret") {
        encode_text(object);
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
        metadata.remove(field);
    }
    if let Some(namespace) = namespace {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    let labels = metadata.entry("labels").or_insert_with(|| json!({}));
    if labels.is_null() {
        *labels = json!({});
    }
    // Labels that are no map are left for the API server to refuse.
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(OWNER_LABEL.to_owned(), owner.into());
    }
}

/// `stringData` is write-only: owned fields would never match it. It is put into `data`, as the API server does. What is
/// of the wrong type stays where it is: the API server refuses it and says why.
fn encode_text(secret: &mut Map<String, Value>) {
    if !secret.get("stringData").is_some_and(Value::is_object) {
        return;
    }
    let data = secret.entry("data").or_insert(Value::Null);
    if data.is_null() {
        *data = json!({});
    }
    if !data.is_object() {
        return;
    }
    let texts = secret.remove("stringData");
    let (Some(Value::Object(texts)), Some(Value::Object(data))) = (texts, secret.get_mut("data")) else { return };
    for (key, text) in texts {
        let encoded = match &text {
            Value::String(text) => serde_json::to_value(ByteString(text.clone().into_bytes())).unwrap_or_default(),
            _ => text,
        };
        data.insert(key, encoded);
    }
}

#[cfg(test)]
mod tests;
