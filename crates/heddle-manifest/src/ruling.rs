//! What is said of an image, and who says it.

use chrono::TimeDelta;
use heddle_core::{change::Mode, policy::TagPolicy};

/// What is said of an image: how its tags are chosen, and how they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The file that says it.
    pub file: String,
    /// Its line in the file.
    pub line: u32,
    /// How tags are chosen; `None` when that cannot be read or followed.
    pub policy: Option<TagPolicy>,
    /// How changes are written.
    pub mode: Mode,
    /// How often the registry is asked; `None` where Heddle decides.
    pub interval: Option<TimeDelta>,
}

/// Who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// A comment `# heddle: {"policy": {…}}`.
    Comment(Ruling),
    /// A peer's marker, object or annotation.
    Peer(Ruling),
}

impl Beside {
    /// What it says.
    pub fn ruling(&self) -> &Ruling {
        match self {
            Self::Comment(ruling) | Self::Peer(ruling) => ruling,
        }
    }

    /// The same, to be completed by what the repository holds.
    pub fn ruling_mut(&mut self) -> &mut Ruling {
        match self {
            Self::Comment(ruling) | Self::Peer(ruling) => ruling,
        }
    }
}
