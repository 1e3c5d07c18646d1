//! What a Sync says of the chart in its path, with the names that helm has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The release of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Helm {
    /// The name of the release; that of the Sync where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 53))]
    pub release_name: Option<String>,
    /// The namespace of the release; `targetNamespace`, or the only one of `namespaces`, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// Files of values within the repository, each by its way from `path`; a later one is stronger, and all are stronger than
    /// the chart's own `values.yaml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 1024)))]
    pub values_files: Vec<String>,
    /// Values that are stronger than those of all files.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "any_mapping")]
    pub values: Map<String, Value>,
    /// Whether the definitions in the chart's `crds/` are left out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_crds: bool,
}

fn any_mapping(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    schema.try_into().unwrap_or_default()
}
