//! What every object has, and what else may stand there by mistake.
//!
//! The API server refuses it too, some of it with words that say little, some only after parts of the object were read as if
//! they were not there. No message holds a value: it may be a secret.

use serde_json::Value;

use super::cipher::{Encrypted, encrypted};

/// What is wrong with an object, each with the way to the field.
pub(super) fn faults(object: &Value) -> Vec<(String, String)> {
    let mut faults = Faults::default();
    for field in ["apiVersion", "kind"] {
        match &object[field] {
            Value::String(text) if !text.is_empty() => {}
            Value::Null | Value::String(_) => faults.add(field, format!("it has no `{field}`")),
            other => faults.wrong(field, "a text", other),
        }
    }
    faults.metadata(object);
    for field in maps_of_kind(object) {
        faults.texts_by_name(field, &object[*field]);
    }
    if let Some(encrypted) = encrypted(object) {
        let (field, what) = match encrypted {
            Encrypted::Object => ("sops", "it is encrypted with SOPS"),
            Encrypted::Value => ("", "it holds a value that is encrypted with SOPS"),
        };
        let remedy = "name a Secret with the key by `spec.decrypt` of the Sync (`--age-key-file` on the command line), or have \
                      an operator in the cluster open it (SopsSecret); values of charts, remote bases and what `generators` read are never \
                      opened: name such a file in `secretGenerator`";
        faults.add(field, format!("{what}, and was not opened: {remedy}"));
    }
    faults.0
}

/// Whether a value has a text or anything else in a field that says what it is.
pub(super) fn is_meant_as_object(value: &Value) -> bool {
    ["apiVersion", "kind"].iter().any(|field| !matches!(&value[*field], Value::Null) && value[*field] != "")
}

/// The fields of Secrets and of ConfigMaps that hold texts by name.
fn maps_of_kind(object: &Value) -> &'static [&'static str] {
    match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("v1"), Some("Secret")) => &["data", "stringData"],
        (Some("v1"), Some("ConfigMap")) => &["data", "binaryData"],
        _ => &[],
    }
}

#[derive(Default)]
struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, field: &str, message: String) {
        self.0.push((field.to_owned(), message));
    }

    fn wrong(&mut self, field: &str, wanted: &str, found: &Value) {
        let message = format!("`{field}` must be {wanted}, and it is {}{}", kind(found), remedy(wanted, found));
        self.add(field, message);
    }

    /// Source: `ObjectMeta` of `k8s.io/apimachinery/pkg/apis/meta/v1/types.go`. What the API server sets is taken off anyway.
    fn metadata(&mut self, object: &Value) {
        let metadata = &object["metadata"];
        match metadata {
            Value::Object(_) => {}
            Value::Null => return self.add("metadata", "it has no `metadata.name`".to_owned()),
            other => return self.wrong("metadata", "a mapping", other),
        }
        let before = self.0.len();
        self.texts("metadata", metadata, &["name", "generateName", "namespace"]);
        let is_given = |field: &str| metadata[field].as_str().is_some_and(|text| !text.is_empty());
        if self.0.len() == before && !is_given("name") && !is_given("generateName") {
            self.add("metadata", "it has no `metadata.name`".to_owned());
        }
        for field in ["labels", "annotations"] {
            self.texts_by_name(&format!("metadata.{field}"), &metadata[field]);
        }
        self.list("metadata.finalizers", &metadata["finalizers"], |faults, field, item| {
            if !item.is_string() {
                faults.wrong(field, "a text", item);
            }
        });
        self.list("metadata.ownerReferences", &metadata["ownerReferences"], |faults, field, item| {
            if !item.is_object() {
                return faults.wrong(field, "a mapping", item);
            }
            faults.texts(field, item, &["apiVersion", "kind", "name", "uid"]);
            for flag in ["controller", "blockOwnerDeletion"] {
                if !item[flag].is_boolean() && !item[flag].is_null() {
                    faults.wrong(&format!("{field}.{flag}"), "a boolean", &item[flag]);
                }
            }
        });
    }

    fn texts(&mut self, at: &str, mapping: &Value, fields: &[&str]) {
        for field in fields {
            if !mapping[*field].is_string() && !mapping[*field].is_null() {
                self.wrong(&format!("{at}.{field}"), "a text", &mapping[*field]);
            }
        }
    }

    fn list(&mut self, field: &str, list: &Value, check: impl Fn(&mut Self, &str, &Value)) {
        match list {
            Value::Null => {}
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| check(self, &format!("{field}[{index}]"), item));
            }
            other => self.wrong(field, "a list", other),
        }
    }

    fn texts_by_name(&mut self, field: &str, map: &Value) {
        match map {
            Value::Null => {}
            Value::Object(entries) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_string() && !value.is_null()) {
                    let remedy = remedy("a text", value);
                    let message = format!("`{field}` must hold texts, and `{key}` is {}{remedy}", kind(value));
                    self.0.push((format!("{field}.{key}"), message));
                }
            }
            other => self.add(field, format!("`{field}` must be a mapping of texts, and it is {}", kind(other))),
        }
    }
}

/// What a person can do. YAML takes `yes`, `on` and `n` for booleans, and `1234` and `1e3` for numbers.
fn remedy(wanted: &str, found: &Value) -> &'static str {
    match found {
        Value::Number(_) | Value::Bool(_) if wanted == "a text" => ": put it in quotes",
        _ => "",
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
