//! What of the input of a renderer must not be told, and what may be told when it failed.
//!
//! Kustomize's complaints quote what they complain about: a literal without its `=`, a patch with its values. Where a
//! Secret is in its reach, only the class of the fault and the file are told.

use heddle_manifest::documents::read_documents;
use serde_json::{Value, json};

use super::fields;
use crate::TreePath;

/// What of a unit's input may be secret.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// Secrets, and what becomes one; in the form of objects, so that one redactor knows them all.
    pub(super) objects: Vec<Value>,
    /// Whether there is any, or may be.
    pub(super) in_reach: bool,
}

impl Secrets {
    /// Takes in what a file of the unit holds.
    pub(super) fn take_file(&mut self, content: &[u8]) {
        let text = String::from_utf8_lossy(content);
        // Reading costs much more than looking; a Secret does not come without its name.
        if !text.contains("Secret") && !text.contains("secret") && !text.contains("op") {
            return;
        }
        for document in read_documents(&text) {
            match document.value {
                Ok(value) => self.take(value),
                // What cannot be read may be anything that its text speaks of.
                Err(_) => self.in_reach |= text.contains("Secret"),
            }
        }
    }

    /// Takes in one document: an object, a patch, or a kustomization.
    pub(super) fn take(&mut self, value: Value) {
        if let Value::Array(operations) = &value {
            // A patch by operations does not say what it is for.
            let values = operations.iter().filter(|operation| operation["op"].is_string());
            self.objects.extend(values.map(|operation| secret(&operation["value"])));
        }
        if value["kind"] == "Secret" || value["kind"] == "SecretList" || value["kind"] == "SecretGenerator" {
            self.in_reach = true;
            self.objects.push(secret(&value["data"]));
            self.objects.push(secret(&value["stringData"]));
            self.take_generator(&value);
        }
        for generator in value["secretGenerator"].as_array().into_iter().flatten() {
            self.in_reach = true;
            self.take_generator(generator);
        }
        for patch in ["patches", "patchesJson6902"].iter().flat_map(|field| value[*field].as_array()).flatten() {
            if let Some(text) = patch["patch"].as_str() {
                self.take_inline(text);
            }
        }
        let merges = value["patchesStrategicMerge"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let inline: Vec<String> =
            merges.chain(fields::plugins(&value)).filter(|text| fields::is_inline(text)).map(str::to_owned).collect();
        inline.iter().for_each(|text| self.take_inline(text));
        for item in value["items"].as_array().into_iter().flatten().filter(|item| item["kind"] == "Secret") {
            self.take(item.clone());
        }
    }

    fn take_inline(&mut self, text: &str) {
        for document in read_documents(text) {
            match document.value {
                Ok(value) => self.take(value),
                Err(_) => self.in_reach = true,
            }
        }
    }

    fn take_generator(&mut self, generator: &Value) {
        let literals = generator["literals"].as_array().into_iter().flatten().filter_map(Value::as_str);
        // Without its `=` the whole literal may be the value.
        let values = literals.map(|literal| literal.split_once('=').map_or(literal, |(_, value)| value));
        self.objects.extend(values.map(|value| secret(&json!({"literal": value.trim_matches(['"', '\''])}))));
    }

    /// Takes in a file that a generator of Secrets reads: as a whole, and line by line as `KEY=value`.
    pub(super) fn take_source(&mut self, content: &[u8]) {
        let text = String::from_utf8_lossy(content);
        self.objects.push(secret(&json!({"file": text})));
        let lines = text.lines().filter_map(|line| Some(line.split_once('=')?.1));
        self.objects.extend(lines.map(|value| secret(&json!({"line": value}))));
    }
}

/// The files that generators of Secrets in a kustomization read.
pub(super) fn sources(kustomization: &Value) -> Vec<String> {
    let generators = kustomization["secretGenerator"].as_array().into_iter().flatten();
    let listed = generators.flat_map(|generator| {
        let one = generator["env"].as_str();
        let many = ["files", "envs"].into_iter().flat_map(|field| generator[field].as_array()).flatten();
        many.filter_map(Value::as_str).chain(one)
    });
    listed.map(|file| fields::file_in("files", file).to_owned()).collect()
}

/// A value in the place where Secrets have theirs.
fn secret(value: &Value) -> Value {
    let value = if value.is_object() { value.clone() } else { json!({"value": value}) };
    json!({"kind": "Secret", "stringData": value})
}

/// What kustomize's complaint is about, in our words.
pub(super) fn class(complaint: &str) -> &'static str {
    const CLASSES: [(&str, &str); 14] = [
        ("literal source", "a generator has a literal that is not `key=value`"),
        ("env source", "a generator has a file of variables that cannot be read"),
        ("may not add resource with an already registered id", "an object stands there twice"),
        ("already registered id", "an object stands there twice"),
        ("no matches for Id", "a patch is for an object that is not there"),
        ("no resource matches", "a patch is for an object that is not there"),
        ("failed to find unique target", "a patch is for an object that is not there"),
        ("unable to find one of", "a directory has no kustomization"),
        ("no such file", "a file is missing"),
        ("doesn't exist", "a file is missing"),
        ("unknown field", "a field is unknown"),
        ("json patch", "a patch does not apply"),
        ("patch", "a patch cannot be read or does not apply"),
        ("yaml", "a file is no YAML"),
    ];
    let complaint = complaint.to_lowercase();
    let known = CLASSES.iter().find(|(words, _)| complaint.contains(&words.to_lowercase()));
    known.map_or("it cannot be built", |(_, class)| class)
}

/// The file that a complaint names, of those that were copied.
pub(super) fn named<'a>(complaint: &str, files: impl IntoIterator<Item = &'a TreePath>) -> Option<&'a TreePath> {
    files.into_iter().filter(|file| complaint.contains(file.as_str())).max_by_key(|file| file.len())
}

#[cfg(test)]
mod tests;
