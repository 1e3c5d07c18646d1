//! Values of Secrets: compared, and never shown.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Difference;

/// Hides the values of Secrets behind a fingerprint: equal values have equal ones under the same salt, and without the salt
/// nothing can be tried against them.
#[derive(Debug, Clone)]
pub struct Mask {
    salt: String,
}

impl Mask {
    /// With a salt that only its owner knows. The same salt gives the same fingerprints again.
    pub fn new(salt: impl Into<String>) -> Self {
        Self { salt: salt.into() }
    }

    /// Replaces the values of a difference in a Secret.
    pub(super) fn hide(&self, difference: &mut Difference) {
        let in_values = ["data", "stringData"].iter().any(|top| {
            difference.path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        });
        let in_annotations = difference.path == "metadata.annotations";
        if in_values || in_annotations {
            for value in [&mut difference.live, &mut difference.desired].into_iter().flatten() {
                *value = self.fingerprint(value);
            }
        }
    }

    /// The value with a fingerprint in the place of each text, number and truth value.
    pub fn fingerprint(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                members.iter().map(|(key, value)| (key.clone(), self.fingerprint(value))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.fingerprint(item)).collect(),
            Value::Null => Value::Null,
            value => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let digest = Sha256::digest(format!("{}\u{0}{text}", self.salt));
                let print: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
                json!(format!("<secret {print}>"))
            }
        }
    }
}

/// A Secret with its `stringData` in `data`, as the API server keeps it; any other object as it is.
pub(super) fn readable(object: &Value) -> Cow<'_, Value> {
    let takes_texts = object["kind"] == "Secret" && (object["data"].is_null() || object["data"].is_object());
    let Some(texts) = object["stringData"].as_object().filter(|_| takes_texts) else {
        return Cow::Borrowed(object);
    };
    let mut object = object.clone();
    for (key, text) in texts {
        object["data"][key] = text.as_str().map_or(Value::Null, |text| STANDARD.encode(text).into());
    }
    if let Some(members) = object.as_object_mut() {
        members.remove("stringData");
    }
    Cow::Owned(object)
}
