//! What a look tells of one object, in the same shape whichever tool looked.

use heddle_core::drift::Deviation;
use heddle_reconcile::diff::{Difference, as_text};
use serde::Serialize;
use similar::TextDiff;

use crate::{exit::Failure, screen::Screen, words::plain};

/// What is to be told of one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Told {
    /// The object, by the name that its tool gives it.
    pub(crate) object: String,
    pub(crate) state: Deviation,
    /// Why, in the tool's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    pub(crate) differences: Vec<Difference>,
}

impl Told {
    pub(crate) fn missing(object: String) -> Self {
        Self { object, state: Deviation::Missing, reason: None, differences: Vec::new() }
    }

    /// `None` when nothing differs.
    pub(crate) fn changed(object: String, differences: Vec<Difference>) -> Option<Self> {
        (!differences.is_empty()).then_some(Self { object, state: Deviation::Changed, reason: None, differences })
    }

    /// Prints it for people, with what its tool says of its state.
    pub(crate) fn show(&self, words: &str, screen: &Screen) -> Result<(), Failure> {
        let reason = self.reason.as_ref().map(|reason| format!(" ({})", plain(reason))).unwrap_or_default();
        screen.line(&format!("{} {words}{reason}", plain(&self.object)))?;
        self.differences.iter().try_for_each(|difference| screen.text(&text_of(difference)))
    }
}

/// `-` is what is there, `+` what is wanted; of texts of several lines only those that differ, with what stands around them.
fn text_of(difference: &Difference) -> String {
    let line_texts = (text_lines(difference.live.as_ref()), text_lines(difference.desired.as_ref()));
    let (Some(live), Some(desired)) = line_texts else { return as_text(std::slice::from_ref(difference)) };
    if [live, desired].iter().all(|text| !text.trim_end().contains('\n')) {
        return as_text(std::slice::from_ref(difference));
    }
    let mut text = format!("  {}\n", plain(&difference.path));
    for hunk in TextDiff::from_lines(live, desired).unified_diff().context_radius(2).iter_hunks() {
        for change in hunk.iter_changes() {
            text.push_str(&format!("    {} {}\n", change.tag(), one_line(change.value())));
        }
    }
    text
}

/// A line of somebody else, with its indentation, made harmless for a terminal.
fn one_line(line: &str) -> String {
    line.trim_end_matches(['\n', '\r'])
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control())
        .collect()
}

/// A text, or nothing where nothing is.
fn text_lines(value: Option<&serde_json::Value>) -> Option<&str> {
    value.map_or(Some(""), serde_json::Value::as_str)
}

#[cfg(test)]
mod tests;
