//! What is wrong in a file that a person wrote.

use serde::Serialize;

use crate::yaml::Position;

/// Something wrong, with its place and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the repository's root.
    pub file: String,
    /// Where in it.
    pub position: Position,
    /// A stable word: `unknown-key`, `wrong-value`, `broken-yaml`, `not-built`, ….
    pub code: &'static str,
    /// What is wrong, what follows from it, and what to write instead.
    pub message: String,
    /// Whether it keeps something from being written.
    pub blocks: bool,
}

/// Something that Heddle will do otherwise, or not at all, and where it stands today.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// A sentence.
    pub message: String,
}
