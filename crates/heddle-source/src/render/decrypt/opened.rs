//! What encrypted values are, put in for them where they came to stand.
//!
//! Kustomize sees nothing of it: for it an encrypted value is a text like any other, and goes where a patch or a prefix puts
//! it.

use std::collections::{BTreeSet, HashMap, HashSet};

use heddle_manifest::documents::read_documents;
use serde_json::{Value, json};

use super::super::cipher::{cipher_texts, has_metadata, holds_cipher_text, is_cipher_text, is_for_an_operator};
use crate::TreePath;

/// Fields by which messages say what an object is; where all of a file is encrypted, they are too.
const NAMES: [&str; 4] = [".apiVersion", ".kind", ".metadata.name", ".metadata.namespace"];

/// Values by their cipher text, each of which has a random part of its own.
#[derive(Debug, Default)]
pub(in super::super) struct Opened {
    values: HashMap<String, Value>,
    /// Those of them that must not be told.
    secret: Vec<Value>,
    /// The MACs of what was opened, each of which stands in all of its documents.
    seals: HashSet<String>,
    /// The values, and the MACs, of files that were not opened, which was told.
    closed: HashSet<String>,
    /// Files that were opened as a whole before they were read.
    files: BTreeSet<TreePath>,
}

/// What came of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Put {
    /// It has no value that is known.
    Nothing,
    /// It got values.
    Values,
    /// It holds a value of a file that was not opened.
    Closed,
}

impl Opened {
    /// Learns the values of a text from its two forms. False when these do not fit together.
    pub(in super::super) fn learn(&mut self, encrypted: &str, opened: &[u8]) -> bool {
        let Ok(opened) = std::str::from_utf8(opened) else { return false };
        let read = |text| -> Option<Vec<Value>> {
            let documents = read_documents(text).map(|document| document.value.ok()).collect::<Option<Vec<_>>>()?;
            Some(documents.into_iter().filter(|value| !value.is_null()).collect())
        };
        let (Some(encrypted), Some(opened)) = (read(encrypted), read(opened)) else { return false };
        let fits = encrypted.len() == opened.len()
            && encrypted.iter().zip(&opened).all(|(encrypted, opened)| self.learn_value(encrypted, opened, ""));
        if fits {
            self.seals.extend(encrypted.iter().filter_map(seal).map(str::to_owned));
        }
        fits
    }

    /// `way` is that to the value, with a dot before each field.
    fn learn_value(&mut self, encrypted: &Value, opened: &Value, way: &str) -> bool {
        match (encrypted, opened) {
            (Value::Object(encrypted), Value::Object(opened)) => {
                let fields = encrypted.iter().filter(|(field, _)| !(way.is_empty() && *field == "sops"));
                fields.into_iter().all(|(field, value)| {
                    opened.get(field).is_some_and(|opened| self.learn_value(value, opened, &format!("{way}.{field}")))
                })
            }
            (Value::Array(encrypted), Value::Array(opened)) => {
                encrypted.len() == opened.len()
                    && encrypted.iter().zip(opened).all(|(encrypted, opened)| self.learn_value(encrypted, opened, way))
            }
            (Value::String(text), opened) if is_cipher_text(text) => {
                if !NAMES.contains(&way) {
                    self.secret.push(opened.clone());
                }
                self.values.insert(text.clone(), opened.clone());
                true
            }
            // What stands in clear is read as it stands there.
            (encrypted, _) => !holds_cipher_text(encrypted),
        }
    }

    /// Notes that objects of a file hold what was encrypted, though nothing has to be put into them.
    pub(in super::super) fn note_file(&mut self, file: TreePath) {
        self.files.insert(file);
    }

    /// Whether objects of a file hold what was encrypted.
    pub(in super::super) fn has_file(&self, file: &TreePath) -> bool {
        self.files.contains(file)
    }

    /// Whether there is a text that was not opened.
    pub(in super::super) fn has_closed(&self) -> bool {
        !self.closed.is_empty()
    }

    /// Notes a text that was not opened, which was told.
    pub(in super::super) fn give_up(&mut self, encrypted: &str) {
        self.closed.extend(cipher_texts(encrypted).map(str::to_owned));
    }

    /// Puts the values into a document, and takes the metadata off one that was opened and holds no other encrypted value. What
    /// of it stands in clear was signed by the same MAC, so it counts as little as the rest where that does not fit.
    pub(in super::super) fn put_into(&self, document: &mut Value) -> Put {
        if (self.seals.is_empty() && self.closed.is_empty()) || is_for_an_operator(document) {
            return Put::Nothing;
        }
        let is_ours = seal(document).is_some_and(|seal| self.seals.contains(seal));
        // What is known wins: another file may be a copy that fits no more.
        if !is_ours && seal(document).is_some_and(|seal| self.closed.contains(seal)) {
            return Put::Closed;
        }
        let metadata = document.as_object_mut().and_then(|fields| fields.remove("sops"));
        let put = self.put(document);
        if let (Some(metadata), Some(fields)) = (metadata, document.as_object_mut())
            && (!is_ours || put == Put::Closed || fields.values().any(holds_cipher_text))
        {
            fields.insert("sops".to_owned(), metadata);
        }
        put
    }

    fn put(&self, value: &mut Value) -> Put {
        match value {
            Value::String(text) if is_cipher_text(text) => {
                let is_closed = |cipher: &str| self.closed.contains(cipher) && !self.values.contains_key(cipher);
                if cipher_texts(text).any(is_closed) {
                    return Put::Closed;
                }
                let before = text.clone();
                match self.values.get(text.as_str()) {
                    Some(opened) => *value = opened.clone(),
                    None => *text = self.within(text),
                }
                if *value == before { Put::Nothing } else { Put::Values }
            }
            Value::Array(items) => items.iter_mut().fold(Put::Nothing, |put, item| put.and(self.put(item))),
            Value::Object(fields) => fields.values_mut().fold(Put::Nothing, |put, field| put.and(self.put(field))),
            _ => Put::Nothing,
        }
    }

    /// A text with the values put in that are a part of it, as a prefix or a replacement makes it.
    fn within(&self, text: &str) -> String {
        let known = cipher_texts(text).filter_map(|cipher| Some((cipher, self.values.get(cipher)?.as_str()?)));
        known.fold(text.to_owned(), |text, (cipher, opened)| text.replace(cipher, opened))
    }

    /// The values that must not be told, as a Secret, so that one redactor knows them.
    pub(in super::super) fn as_secret(&self) -> Value {
        json!({"kind": "Secret", "stringData": self.secret})
    }
}

/// The MAC of a document that holds the metadata of sops.
fn seal(document: &Value) -> Option<&str> {
    document["sops"]["mac"].as_str().filter(|_| has_metadata(document))
}

impl Put {
    /// What came of both.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Closed, _) | (_, Self::Closed) => Self::Closed,
            (Self::Values, _) | (_, Self::Values) => Self::Values,
            (Self::Nothing, Self::Nothing) => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
