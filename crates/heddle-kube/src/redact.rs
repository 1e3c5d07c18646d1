//! Takes the values of Secrets out of texts that leave the cluster.

use std::{collections::BTreeSet, ops::Range};

use heddle_reconcile::ObjectKey;
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
        self.redact_about(text, &Words::default())
    }

    /// The text without any of the values, about an object whose own words stay: a value that is one of them tells nothing.
    pub fn redact_about(&self, text: &str, own: &Words) -> String {
        let kept = own.places_in(text);
        let is_kept = |place: &Range<usize>| kept.iter().any(|kept| kept.start <= place.start && place.end <= kept.end);
        let places = |value: &'_ String| -> Vec<Range<usize>> {
            text.match_indices(value.as_str()).map(|(at, found)| at..at + found.len()).collect()
        };
        let mut hidden: Vec<Range<usize>> =
            self.values.iter().flat_map(places).filter(|place| !is_kept(place)).collect();
        hidden.sort_by_key(|place| place.start);
        let mut told = String::with_capacity(text.len());
        let mut at = 0;
        for place in hidden {
            // What lies within one that is hidden already is hidden with it.
            if place.start >= at {
                told.push_str(&text[at..place.start]);
                told.push_str("[redacted]");
            }
            at = at.max(place.end);
        }
        told.push_str(&text[at..]);
        told
    }
}

/// The words of an object by which a message says what it is about: its kind and names, and its fields.
#[derive(Debug, Clone, Default)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// The words of an object of which only the place in the cluster is known.
    pub fn of_key(key: &ObjectKey) -> Self {
        let ObjectKey { kind, namespace, name } = key;
        let words = [&kind.kind, &kind.group, name].into_iter().chain(namespace);
        Self(words.filter(|word| !word.is_empty()).cloned().collect())
    }

    /// The words of a whole object. What a Secret holds is none of them.
    pub fn of_object(key: &ObjectKey, object: &Value) -> Self {
        let Self(mut words) = Self::of_key(key);
        words.extend(object["apiVersion"].as_str().map(str::to_owned));
        let is_secret = key.kind.kind == "Secret";
        for (field, value) in object.as_object().into_iter().flatten() {
            words.insert(field.clone());
            if !(is_secret && matches!(field.as_str(), "data" | "stringData")) {
                note_words(value, &mut words);
            }
        }
        Self(words)
    }

    /// Where they stand in a text, each by itself.
    fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        let is_letter =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || "-_".contains(letter));
        let mut places = Vec::new();
        for word in &self.0 {
            let found = text.match_indices(word.as_str()).map(|(at, _)| at..at + word.len());
            places.extend(found.filter(|place| {
                !is_letter(text[..place.start].chars().next_back()) && !is_letter(text[place.end..].chars().next())
            }));
        }
        places
    }
}

/// The fields of a value, and the names by which messages tell the members of a list.
fn note_words(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                words.insert(field.clone());
                if field == "name" {
                    words.extend(value.as_str().filter(|name| !name.is_empty()).map(str::to_owned));
                }
                note_words(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| note_words(item, words)),
        _ => {}
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
