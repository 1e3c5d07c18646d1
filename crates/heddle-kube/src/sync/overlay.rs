//! What a Sync does to everything in its path, with the names and the meaning of Flux's `Kustomization`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::SyncSpec;

/// Labels and annotations of every object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommonMetadata {
    /// Labels by their keys; they take the place of those that an object has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = label_value()))]
    pub labels: BTreeMap<String, String>,
    /// Annotations by their keys; they take the place of those that an object has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = json!({"type": "string", "maxLength": 65536})))]
    pub annotations: BTreeMap<String, String>,
}

/// Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
fn label_value() -> Value {
    json!({"type": "string", "maxLength": 63, "pattern": "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"})
}

/// A change of objects, as in `patches` of a kustomization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Patch {
    /// The text of a strategic merge patch, or of a list of JSON 6902 operations.
    #[schemars(length(min = 1, max = 65536))]
    pub patch: String,
    /// The objects; without it the one that a strategic merge patch names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<PatchTarget>,
}

/// The objects that a patch is for: those that all of its fields fit, which are regular expressions but for the selectors.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PatchTarget {
    /// The API group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The API version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels, such as `app=web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// Annotations, such as `owner=shop`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
}

/// What stands in the place of an image, as in `images` of a kustomization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The image as manifests write it, without tag and digest.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// The image in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_name: Option<String>,
    /// The tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_tag: Option<String>,
    /// The digest; where it is there, the tag is not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl SyncSpec {
    /// What it adds to the kustomization of its path, in the form of one; an empty mapping where it adds nothing.
    pub fn kustomization(&self) -> Value {
        let mut fields = Map::new();
        let texts = [
            ("namespace", &self.target_namespace),
            ("namePrefix", &self.name_prefix),
            ("nameSuffix", &self.name_suffix),
        ];
        for (field, text) in texts {
            if let Some(text) = text.as_ref().filter(|text| !text.is_empty()) {
                fields.insert(field.to_owned(), text.as_str().into());
            }
        }
        let lists =
            [("components", json!(self.components)), ("patches", json!(self.patches)), ("images", json!(self.images))];
        fields.extend(
            lists.into_iter().filter(|(_, list)| *list != json!([])).map(|(field, list)| (field.to_owned(), list)),
        );
        Value::Object(fields)
    }
}
