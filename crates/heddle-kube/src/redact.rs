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
            for (field, encoded) in [("data", true), ("stringData", false)] {
                for value in object[field].as_object().into_iter().flat_map(|fields| fields.values()) {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    if encoded && let Ok(bytes) = serde_json::from_value::<ByteString>(value.clone()) {
                        values.extend(String::from_utf8(bytes.0).ok());
                    }
                    values.push(text);
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

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.values.len())
    }
}

#[cfg(test)]
mod tests;
