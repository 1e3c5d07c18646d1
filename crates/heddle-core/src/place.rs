//! Places: where an image stands in a config repository.

use serde::{Deserialize, Serialize};

/// A value in a file of a config repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    /// Path from the repository's root, with `/`.
    pub file: String,
    /// Line of the value, counted from 1.
    pub line: u32,
    /// The object that holds it, as `kind namespace/name` or `kind name`; for a kustomization `Kustomization`.
    pub object: String,
    /// The field's path in the object, list members by key: `spec.template.spec.containers[name=api].image`,
    /// `images[name=api].newTag`.
    pub field: String,
}

impl Place {
    /// What stays the same when the file is moved: the key of "what a person took back stays back".
    pub fn key(&self) -> PlaceKey {
        PlaceKey { object: self.object.clone(), field: self.field.clone() }
    }
}

/// A place without its file and line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaceKey {
    /// As [`Place::object`].
    pub object: String,
    /// As [`Place::field`].
    pub field: String,
}
