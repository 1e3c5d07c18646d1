//! Set-ups of peers as rules of `.heddle.yaml`, and what differs.
//!
//! Texts in, text out. What updates images today is found by `heddle_manifest::peers`.

mod write;

use heddle_manifest::{
    Files, Found,
    peers::{Brought, Difference},
};
use serde::Serialize;

/// What was read, in Heddle's words.
#[derive(Debug, Serialize)]
pub(crate) struct Imported {
    /// The text of `.heddle.yaml`.
    pub(crate) config: String,
    /// How many rules it has.
    pub(crate) rules: usize,
    /// What is not the same, by place.
    pub(crate) differs: Vec<Difference>,
}

/// Reads every set-up below a root.
pub(crate) fn import(files: &Files, found: &Found) -> Imported {
    write::write(&found.occurrences, Brought::read(files, &found.occurrences))
}

#[cfg(test)]
mod tests;
