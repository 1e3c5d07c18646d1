//! New values as text, and as the events that a reader must see for them.

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::{
    New,
    proof::{mapping, scalar, sequence},
};
use crate::style::{notation, written};

/// Text with the events that stand for it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub text: String,
    pub shows: Vec<Event<'static>>,
    /// Every text gets double quotes, as JSON has them.
    pub is_json: bool,
}

/// How the lines of a new value are laid out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout<'a> {
    /// On one line, in brackets.
    Flow,
    /// A line for each entry, from this column on.
    Block {
        /// Spaces before an entry.
        column: usize,
        /// What ends a line in this file.
        line_end: &'a str,
    },
}

impl Written {
    /// Adds `key: value`. `None` when a text cannot be written.
    pub fn entry(&mut self, key: &str, value: &New, layout: Layout<'_>) -> Option<()> {
        self.text(key)?;
        self.text.push(':');
        match (value, layout) {
            (New::Mapping(entries), Layout::Block { column, line_end }) if !entries.is_empty() => {
                let inner = Layout::Block { column: column + 2, line_end };
                self.shows.push(mapping(StructureStyle::Block));
                for (key, value) in entries {
                    self.new_line(column + 2, line_end);
                    self.entry(key, value, inner)?;
                }
                self.shows.push(Event::MappingEnd);
            }
            (New::Sequence(items), Layout::Block { column, line_end }) if !items.is_empty() => {
                self.shows.push(sequence(StructureStyle::Block));
                for item in items {
                    self.new_line(column, line_end);
                    self.item(item, column, line_end)?;
                }
                self.shows.push(Event::SequenceEnd);
            }
            _ => {
                self.text.push(' ');
                self.inline(value)?;
            }
        }
        Some(())
    }

    /// Adds `- value` of a list whose dashes stand in a column.
    pub fn item(&mut self, value: &New, column: usize, line_end: &str) -> Option<()> {
        self.text.push_str("- ");
        let (column, inner) = (column + 2, Layout::Block { column: column + 2, line_end });
        match value {
            New::Mapping(entries) if !entries.is_empty() => {
                self.shows.push(mapping(StructureStyle::Block));
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        self.new_line(column, line_end);
                    }
                    self.entry(key, value, inner)?;
                }
                self.shows.push(Event::MappingEnd);
            }
            New::Sequence(items) if !items.is_empty() => {
                self.shows.push(sequence(StructureStyle::Block));
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.new_line(column, line_end);
                    }
                    self.item(item, column, line_end)?;
                }
                self.shows.push(Event::SequenceEnd);
            }
            _ => self.inline(value)?,
        }
        Some(())
    }

    /// Adds a value on the same line.
    pub fn inline(&mut self, value: &New) -> Option<()> {
        match value {
            New::Text(text) => self.text(text)?,
            New::Literal(text) => {
                self.text.push_str(text);
                self.shows.push(scalar(text, ScalarStyle::Plain));
            }
            New::Mapping(entries) => {
                self.text.push('{');
                self.shows.push(mapping(StructureStyle::Flow));
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.comma(index);
                    self.entry(key, value, Layout::Flow)?;
                }
                self.text.push('}');
                self.shows.push(Event::MappingEnd);
            }
            New::Sequence(items) => {
                self.text.push('[');
                self.shows.push(sequence(StructureStyle::Flow));
                for (index, item) in items.iter().enumerate() {
                    self.comma(index);
                    self.inline(item)?;
                }
                self.text.push(']');
                self.shows.push(Event::SequenceEnd);
            }
        }
        Some(())
    }

    /// Ends the line and indents the next.
    pub fn new_line(&mut self, column: usize, line_end: &str) {
        self.text.push_str(line_end);
        self.text.extend(std::iter::repeat_n(' ', column));
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.text.push_str(", ");
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        let style = if self.is_json { ScalarStyle::DoubleQuoted } else { notation(text, ScalarStyle::Plain) };
        self.text.push_str(&written(text, style)?);
        self.shows.push(scalar(text, style));
        Some(())
    }
}
