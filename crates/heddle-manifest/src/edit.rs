//! Changes one value of a file and no other byte, and proves it by reading the result again.

use granit_parser::{Event, ScalarStyle};

use crate::{
    style::written,
    yaml::{Position, parser, position},
};

/// One value to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first byte of the value, as [`crate::yaml::Node::span`] has it.
    pub at: usize,
    /// The text that stands there.
    pub from: String,
    /// The text to write.
    pub to: String,
}

/// Why a file was left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
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

/// Applies all edits of one file, or none.
///
/// # Errors
/// When a value is gone, is written in a notation that cannot be edited, or the proof fails.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let before = events(text).ok_or(EditError::NotProved)?;
    let mut spliced = text.to_owned();
    let mut expected = before.clone();
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| std::cmp::Reverse(edit.at));
    ordered.dedup();
    for edit in ordered {
        let index = find(&before, edit)?;
        let seen = &before[index];
        let style = editable(seen, text)?;
        let new = written(&edit.to, style).ok_or(EditError::Refused {
            position: seen.position,
            reason: "the value is written as a block: write it on one line",
        })?;
        spliced.replace_range(seen.bytes.clone(), &new);
        expected[index].shape = Shape::Scalar(edit.to.clone());
    }
    let after = events(&spliced).ok_or(EditError::NotProved)?;
    let same = expected.len() == after.len() && expected.iter().zip(&after).all(|(a, b)| a.shape == b.shape);
    if same { Ok(spliced) } else { Err(EditError::NotProved) }
}

/// An event as far as two readings of a file must agree on it.
#[derive(Debug, Clone)]
struct Seen {
    shape: Shape,
    style: Option<ScalarStyle>,
    anchored: bool,
    tagged: bool,
    position: Position,
    bytes: std::ops::Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    Scalar(String),
    /// Everything else, comments and anchors too, as the parser tells it.
    Other(String),
}

fn events(text: &str) -> Option<Vec<Seen>> {
    let mut seen = Vec::new();
    for next in parser(text) {
        let (event, span) = next.ok()?;
        let position = position(&span);
        let bytes = span.byte_range().unwrap_or(0..0);
        seen.push(match event {
            Event::Scalar(value, style, anchor, tag) => Seen {
                shape: Shape::Scalar(value.into_owned()),
                style: Some(style),
                anchored: anchor != 0,
                tagged: tag.is_some(),
                position,
                bytes,
            },
            other => Seen {
                shape: Shape::Other(format!("{other:?}")),
                style: None,
                anchored: false,
                tagged: false,
                position,
                bytes,
            },
        });
    }
    Some(seen)
}

fn find(events: &[Seen], edit: &Edit) -> Result<usize, EditError> {
    let stands = |seen: &Seen| {
        seen.style.is_some() && seen.bytes.start == edit.at && seen.shape == Shape::Scalar(edit.from.clone())
    };
    events.iter().position(stands).ok_or_else(|| EditError::Gone { from: edit.from.clone() })
}

fn editable(seen: &Seen, text: &str) -> Result<ScalarStyle, EditError> {
    let refused = |reason| EditError::Refused { position: seen.position, reason };
    if seen.anchored {
        return Err(refused("the value has an anchor, so other places may take it over: write it out at each place"));
    }
    if seen.tagged {
        return Err(refused("the value has a YAML tag: write it without"));
    }
    if text[seen.bytes.clone()].contains('\n') {
        return Err(refused("the value goes over several lines: write it on one"));
    }
    seen.style.ok_or_else(|| refused("the value is no text"))
}

#[cfg(test)]
mod tests;
