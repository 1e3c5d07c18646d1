//! What is done to everything in a path, besides what its files say.
//!
//! It has the meaning that Flux's `Kustomization` has: names and namespace take the place of those in the path's own
//! kustomization, components and patches come after its own, and an image takes the place of its own of the same name. A path
//! without a kustomization gets one that names all that is in it. Source: `kustomize_generator.go` of `fluxcd/pkg`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Charts, Rendered};

/// What a Sync says of its path, besides what the files there say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// What is added to the kustomization of the path, in the form of one: `namespace`, `namePrefix`, `nameSuffix`,
    /// `components`, `patches`, `images`.
    pub kustomization: Value,
    /// How charts become objects.
    pub charts: Charts,
}

impl Default for Overlay {
    fn default() -> Self {
        Self::of(Value::Object(Map::new()))
    }
}

impl Overlay {
    /// One that adds this to the kustomization of the path, and says nothing of charts.
    pub fn of(kustomization: Value) -> Self {
        Self { kustomization, charts: Charts::default() }
    }

    /// Whether it adds nothing to the kustomization.
    pub(super) fn is_empty(&self) -> bool {
        self.kustomization.as_object().is_none_or(Map::is_empty)
    }

    /// Adds it to a kustomization.
    pub(super) fn put_on(&self, kustomization: &mut Value) {
        if kustomization.is_null() {
            *kustomization = Value::Object(Map::new());
        }
        let (Some(own), Some(fields)) = (kustomization.as_object_mut(), self.kustomization.as_object()) else { return };
        for (field, value) in fields {
            match (field.as_str(), value) {
                ("images", Value::Array(images)) => images.iter().for_each(|image| put_image(own, image)),
                (_, Value::Array(more)) => {
                    list(own, field).into_iter().for_each(|own| own.extend(more.iter().cloned()))
                }
                _ => drop(own.insert(field.clone(), value.clone())),
            }
        }
    }
}

/// The list under a field, which is made where there is none. What is no list is left for kustomize to complain about.
fn list<'a>(fields: &'a mut Map<String, Value>, field: &str) -> Option<&'a mut Vec<Value>> {
    let entry = fields.entry(field).or_insert(Value::Null);
    if entry.is_null() {
        *entry = json!([]);
    }
    entry.as_array_mut()
}

/// Puts an image in the place of the first of the same name, with nothing kept of that.
fn put_image(kustomization: &mut Map<String, Value>, image: &Value) {
    let Some(images) = list(kustomization, "images") else { return };
    match images.iter_mut().find(|own| own["name"] == image["name"]) {
        Some(own) => own.clone_from(image),
        None => images.push(image.clone()),
    }
}

impl Rendered {
    /// Gives every object labels and annotations, in the place of those that it has under the same keys.
    pub fn set_metadata(&mut self, labels: &BTreeMap<String, String>, annotations: &BTreeMap<String, String>) {
        for (field, entries) in [("labels", labels), ("annotations", annotations)] {
            for object in self.objects.iter_mut().filter(|_| !entries.is_empty()) {
                let metadata = &mut object.value["metadata"][field];
                if metadata.is_null() {
                    *metadata = Value::Object(Map::new());
                }
                let texts = entries.iter().map(|(key, text)| (key.clone(), Value::String(text.clone())));
                metadata.as_object_mut().into_iter().for_each(|own| own.extend(texts.clone()));
            }
        }
    }
}

#[cfg(test)]
mod tests;
