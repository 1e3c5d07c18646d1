//! How long a fault that looks as if it passed is believed. Values in, an answer out.

use std::collections::HashMap;

use heddle_reconcile::ObjectKey;

/// Tries of an object after which a fault that may pass counts as one that does not.
pub(crate) const MAX_TRIES: u32 = 5;

/// How often each object has failed in a way that may pass.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<ObjectKey, Tries>);

#[derive(Debug, Default)]
struct Tries {
    manifest: String,
    count: u32,
}

impl Patience {
    /// Notes that an object with this manifest has failed in a way that may pass. Says whether it is still believed to.
    pub fn note(&mut self, key: &ObjectKey, manifest: &str) -> bool {
        let tries = self.0.entry(key.clone()).or_default();
        if tries.manifest != manifest {
            *tries = Tries { manifest: manifest.to_owned(), count: 0 };
        }
        tries.count = tries.count.saturating_add(1);
        tries.count < MAX_TRIES
    }

    /// An object was applied, or failed in another way.
    pub fn end(&mut self, key: &ObjectKey) {
        self.0.remove(key);
    }
}

#[cfg(test)]
mod tests;
