//! Changes the values that are meant and no other byte, and proves it by reading the result again.
//!
//! An edit becomes a splice: bytes that are replaced, and the events that a reader must see in their stead. All splices
//! of a file are made at once; then the result is read again, and every event must be the expected one, comments, anchors
//! and notation too. Otherwise nothing is changed.

mod proof;
mod splice;
mod write;

use crate::yaml::Position;

/// One change to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first byte of what is changed, as [`crate::yaml::Node::span`] has it.
    pub at: usize,
    /// What is done there.
    pub action: Action,
}

/// What an edit does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Writes another value in the place of a text or a number.
    Set {
        /// The text that stands there.
        from: String,
        /// What to write; no list and no mapping.
        to: New,
    },
    /// Writes another text in the place of one that aliases take to other places too: all of them change with it.
    SetShared {
        /// The text that stands there.
        from: String,
        /// What to write.
        to: String,
    },
    /// Adds a key to the mapping that starts there; to an empty value, when none does.
    Add {
        /// The key.
        key: String,
        /// Its value.
        value: New,
    },
    /// Adds a member to the end of the list that starts there; to an empty value, when none does.
    Append {
        /// The member.
        value: New,
    },
    /// Takes a member out of the list that starts there, with its lines and the comments in them. Of a block list without
    /// members the empty value is left.
    RemoveItem {
        /// Which one, from 0.
        index: usize,
    },
    /// Takes a key and its value out of the mapping that starts there, likewise.
    RemoveKey {
        /// The key.
        key: String,
    },
    /// Edits YAML that stands in the file as one text, such as the values of a chart below `values: |`.
    Within {
        /// The edits of that text, with its own bytes.
        edits: Vec<Edit>,
    },
}

/// A value to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum New {
    /// A text; it gets quotes where it would be read as something else.
    Text(String),
    /// A number, a boolean or null, as it is written.
    Literal(String),
    /// A mapping.
    Mapping(Vec<(String, New)>),
    /// A list.
    Sequence(Vec<New>),
}

impl Edit {
    /// Writes another text at a place.
    pub fn set(at: usize, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self { at, action: Action::Set { from: from.into(), to: New::Text(to.into()) } }
    }

    /// Adds a key with a text to the mapping that starts at a place.
    pub fn add(at: usize, key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { at, action: Action::Add { key: key.into(), value: New::Text(value.into()) } }
    }
}

/// Why a file was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The file is no YAML as it stands.
    #[error("line {}: this is no YAML: {message}", position.line)]
    Unreadable {
        /// Where reading stopped.
        position: Position,
        /// Why.
        message: String,
    },
    /// The value is not where it was, or it is another.
    #[error("the value `{from}` does not stand there any more")]
    Gone {
        /// The value that was looked for.
        from: String,
    },
    /// The notation cannot be edited without touching other bytes.
    #[error("line {}: {reason}", position.line)]
    Refused {
        /// Where.
        position: Position,
        /// Why.
        reason: &'static str,
    },
    /// Reading the result again showed another difference than the one that was meant.
    #[error("reading the edited text again gave something else than the one new value, so the file was left alone")]
    NotProved,
}

impl EditError {
    /// The line it is about, where it is about one.
    pub fn line(&self) -> Option<u32> {
        match self {
            Self::Unreadable { position, .. } | Self::Refused { position, .. } => Some(position.line),
            Self::Gone { .. } | Self::NotProved => None,
        }
    }
}

/// Applies all edits of one file, or none.
///
/// # Errors
/// When a value is gone, is written in a notation that cannot be edited, or the proof fails.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let before = proof::Reading::of(text)?;
    let splices = splice::plan(text, &before, edits)?;
    let spliced = splice::apply(text, &splices);
    let expected = before.with(&splices);
    let after = proof::Reading::of(&spliced).map_err(|_| EditError::NotProved)?;
    if after.shows(&expected, &before, &splices) { Ok(spliced) } else { Err(EditError::NotProved) }
}

#[cfg(test)]
mod tests;
