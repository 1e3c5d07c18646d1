//! What would go with a namespace or a definition, was let go of, and stays.

use serde::{Deserialize, Serialize};

use crate::ObjectKey;

/// Objects that a namespace or a definition is known to hold by name, each of up to about 600 bytes. Of one that holds more
/// it is not known when it is empty, so it stays.
pub const MAX_HOLDS: usize = 200;

/// Objects that would go with a namespace or a definition, were let go of, and stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holds {
    /// Which, at most [`MAX_HOLDS`].
    #[serde(default, rename = "holds", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ObjectKey>,
    /// Whether there are more of them than are noted, so that it is not known when all are gone.
    #[serde(default, rename = "holds_more", skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

impl Holds {
    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.more
    }

    /// Notes an object.
    pub fn note(&mut self, key: &ObjectKey) {
        if self.keys.contains(key) {
            return;
        }
        match self.keys.len() < MAX_HOLDS {
            true => self.keys.push(key.clone()),
            false => self.more = true,
        }
    }

    /// Notes all that another one has noted.
    pub fn merge(&mut self, other: &Self) {
        other.keys.iter().for_each(|key| self.note(key));
        self.more |= other.more;
    }

    /// Whether all that another one has noted is noted here: by name, or as something that is not known.
    pub fn covers(&self, other: &Self) -> bool {
        self.more || (!other.more && other.keys.iter().all(|key| self.keys.contains(key)))
    }
}
