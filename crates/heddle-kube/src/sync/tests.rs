use kube::CustomResourceExt;
use serde_json::Value;

use super::Sync;

const MANIFEST: &str = include_str!("../../../../deploy/agent/install.yaml");

/// Line breaks in descriptions carry no meaning, and YAML folds them.
fn with_plain_text(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\n', " ")),
        Value::Array(items) => items.into_iter().map(with_plain_text).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, with_plain_text(value))).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        other => other,
    }
}

#[test]
fn the_definition_in_the_install_manifest_is_that_of_the_types() {
    let text = MANIFEST.split("\n---\n").find(|part| part.contains("kind: CustomResourceDefinition")).unwrap();
    let written: Value = serde_saphyr::from_str(text).unwrap();
    let generated = serde_json::to_value(Sync::crd()).unwrap();
    assert_eq!(
        with_plain_text(written),
        with_plain_text(generated.clone()),
        "put this into deploy/agent/install.yaml:\n{}",
        serde_saphyr::to_string(&generated).unwrap()
    );
}
