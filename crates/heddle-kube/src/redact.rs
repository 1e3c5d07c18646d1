//! Takes the values of Secrets out of texts that leave the cluster.

use k8s_openapi::ByteString;
use serde_json::Value;

/// Shorter values are words that occur everywhere; hiding them would say more than it hides.
const SHORTEST: usize = 4;

/// Knows the values that must not leave.
#[derive(Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

impl Redactor {
    /// Collects the values of all Secrets among `objects`: as they are written, and decoded.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut values = Vec::new();
        for object in objects.into_iter().filter(|object| object["kind"] == "Secret") {
            for field in ["data", "stringData"] {
                match &object[field] {
                    Value::Object(fields) => {
                        fields.values().for_each(|value| collect(value, &mut values));
                        values.extend(fields.keys().filter(|key| !is_key(key)).cloned());
                    }
                    other => collect(other, &mut values),
                }
            }
        }
        let lines: Vec<String> =
            values.iter().flat_map(|value| value.lines()).map(|line| line.trim().to_owned()).collect();
        values.extend(lines);
        values.retain(|value| value.len() >= SHORTEST);
        // The longest first, so that a value within another leaves no rest.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        values.dedup();
        Self { values }
    }

    /// The text without any of the values.
    pub fn redact(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| text.replace(value, "[redacted]"))
    }
}

/// Whether the API server takes it for a key of a Secret. What it does not take is a value that a person put in the wrong
/// place, and stands in the refusal.
fn is_key(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

/// Every form in which a value could stand in a message, also where it is of the wrong type.
fn collect(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => values.push(number.to_string()),
        Value::String(text) => {
            if let Ok(bytes) = serde_json::from_value::<ByteString>(value.clone()) {
                values.extend(String::from_utf8(bytes.0).ok());
            }
            values.push(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, values)),
        Value::Object(fields) => {
            values.extend(fields.keys().cloned());
            fields.values().for_each(|field| collect(field, values));
        }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests;
