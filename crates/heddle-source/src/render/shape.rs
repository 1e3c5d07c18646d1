//! Fields that are mappings of texts in every object, and what else may stand there by mistake.
//!
//! The API server refuses them too, some with words that say little, and some only after parts of the object were read. No
//! message holds a value: it may be a secret.

use serde_json::Value;

/// The fields that hold texts by name: of every kind, of Secrets and of ConfigMaps.
fn maps(object: &Value) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("v1"), Some("Secret")) => &["data", "stringData"],
        (Some("v1"), Some("ConfigMap")) => &["data", "binaryData"],
        _ => &[],
    };
    ["metadata.labels", "metadata.annotations"].into_iter().chain(own.iter().copied())
}

/// What is wrong, each with the way to the field.
pub(super) fn faults(object: &Value) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    for field in maps(object) {
        match object.pointer(&format!("/{}", field.replace('.', "/"))) {
            None | Some(Value::Null) => {}
            Some(Value::Object(entries)) => {
                for (key, value) in entries.iter().filter(|(_, value)| !value.is_string() && !value.is_null()) {
                    let remedy = if value.is_number() || value.is_boolean() { ": put it in quotes" } else { "" };
                    let message = format!("`{field}` must hold texts, and `{key}` is {}{remedy}", kind(value));
                    faults.push((format!("{field}.{key}"), message));
                }
            }
            Some(other) => {
                faults.push((
                    field.to_owned(),
                    format!("`{field}` must be a mapping of texts, and it is {}", kind(other)),
                ));
            }
        }
    }
    faults
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
