//! Turns edits into the bytes they replace.

mod remove;

use std::ops::Range;

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::{
    Action, Edit, EditError, New,
    proof::{Reading, Seen, mapping, sequence},
    write::{Layout, Written},
};
use crate::{
    style::{notation, written},
    yaml::{Position, is_null},
};

/// Bytes to replace, and the events that change with them.
#[derive(Debug)]
pub(super) struct Splice {
    pub bytes: Range<usize>,
    pub text: String,
    pub events: Range<usize>,
    pub shows: Vec<Event<'static>>,
    /// The comments within the bytes go with them.
    pub removes: bool,
}

const CANNOT_BE_WRITTEN: &str = "the new value holds characters that cannot be written on one line";

/// The splices of all edits, in the order of the file.
pub(super) fn plan(text: &str, reading: &Reading<'_>, edits: &[Edit]) -> Result<Vec<Splice>, EditError> {
    let unique = distinct(edits);
    let planner = Planner { text, reading };
    let mut splices = Vec::new();
    for (index, edit) in unique.iter().enumerate() {
        let grown = unique[..index].iter().filter(|other| other.at == edit.at).count();
        splices.push(planner.splice(edit, grown)?);
    }
    splices.sort_by_key(|splice| (splice.bytes.start, splice.events.start));
    // Two different values for one place: nothing says which was meant.
    let apart =
        |pair: &[Splice]| pair[0].bytes.end <= pair[1].bytes.start && pair[0].events.end <= pair[1].events.start;
    if splices.windows(2).all(apart) { Ok(splices) } else { Err(EditError::NotProved) }
}

/// The edits, each once. Those of one text that is YAML itself are one edit of that text.
fn distinct(edits: &[Edit]) -> Vec<Edit> {
    let mut all: Vec<Edit> = Vec::new();
    for edit in edits.iter() {
        if all.contains(edit) {
            continue;
        }
        let here = all.iter_mut().filter(|known| known.at == edit.at);
        let within = here.map(|known| &mut known.action).find(|action| matches!(action, Action::Within { .. }));
        match (&edit.action, within) {
            (Action::Within { edits: more }, Some(Action::Within { edits })) => edits.extend(more.iter().cloned()),
            _ => all.push(edit.clone()),
        }
    }
    all
}

/// The text with all splices made.
pub(super) fn apply(text: &str, splices: &[Splice]) -> String {
    let mut spliced = String::with_capacity(text.len() + 64);
    let mut next = 0;
    for splice in splices {
        spliced.push_str(&text[next..splice.bytes.start]);
        spliced.push_str(&splice.text);
        next = splice.bytes.end;
    }
    spliced.push_str(&text[next..]);
    spliced
}

struct Planner<'p> {
    text: &'p str,
    reading: &'p Reading<'p>,
}

impl Planner<'_> {
    fn splice(&self, edit: &Edit, grown: usize) -> Result<Splice, EditError> {
        match &edit.action {
            Action::Set { from, to } => self.set(edit.at, from, to, false),
            Action::SetShared { from, to } => self.set(edit.at, from, &New::Text(to.clone()), true),
            Action::Add { key, value } => self.add(edit.at, key, value, grown),
            Action::Append { value } => self.append(edit.at, value, grown),
            Action::RemoveItem { index } => self.remove_item(edit.at, *index),
            Action::RemoveKey { key } => self.remove_key(edit.at, key),
            Action::Within { edits } => self.within(edit.at, edits),
        }
    }

    fn set(&self, at: usize, from: &str, to: &New, is_shared: bool) -> Result<Splice, EditError> {
        let stands = |seen: &Seen<'_>| {
            let Event::Scalar(text, ..) = &seen.event else { return false };
            text == from || (from.is_empty() && is_nothing(&seen.event))
        };
        let gone = || EditError::Gone { from: from.to_owned() };
        let index = self.reading.find(at, stands).ok_or_else(gone)?;
        let seen = &self.reading.seen[index];
        let Event::Scalar(_, style, anchor, tag) = &seen.event else { return Err(gone()) };
        let refused = |reason| EditError::Refused { position: seen.position, reason };
        if self.reading.has_alias(*anchor) && !is_shared {
            return Err(refused("an alias takes the value over to another place: write it out there"));
        }
        if tag.is_some() {
            return Err(refused("the value has a YAML tag: write it without"));
        }
        let bytes = self.one_line(seen).map_err(refused)?;
        let (text, shown) = match to {
            New::Text(text) => {
                let style = notation(text, *style);
                // The spaces at the ends of a block's line are its indentation, or none of the text.
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                if is_block && (text.trim() != text || text.is_empty()) {
                    return Err(refused(CANNOT_BE_WRITTEN));
                }
                let shown = match (style, self.chomped(seen)) {
                    (ScalarStyle::Literal | ScalarStyle::Folded, Some(ending)) => format!("{text}{ending}"),
                    _ => text.clone(),
                };
                (written(text, style).ok_or_else(|| refused(CANNOT_BE_WRITTEN))?, (shown, style))
            }
            New::Literal(text) => (text.clone(), (text.clone(), ScalarStyle::Plain)),
            New::Mapping(_) | New::Sequence(_) => return Err(refused("a text is replaced by a text only")),
        };
        // An empty value starts right behind its colon or dash, or is told to start at it.
        let pad = if bytes.is_empty() { " " } else { "" };
        let is_at_sign = bytes.is_empty() && self.text[bytes.start..].starts_with([':', '-']);
        if bytes.is_empty() && !is_at_sign && !self.text[..bytes.start].ends_with([':', '-']) {
            return Err(refused("nothing stands there, not even a sign that a value follows: write one"));
        }
        let bytes = if is_at_sign { bytes.start + 1..bytes.start + 1 } else { bytes };
        let shows = vec![Event::Scalar(shown.0.into(), shown.1, *anchor, None)];
        Ok(Splice { bytes, text: format!("{pad}{text}"), events: index..index + 1, shows, removes: false })
    }

    /// The bytes of a value that stands on one line.
    fn one_line(&self, seen: &Seen<'_>) -> Result<Range<usize>, &'static str> {
        let written = &self.text[seen.bytes.clone()];
        let Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) = seen.event else {
            let whole = !written.contains('\n');
            return if whole {
                Ok(seen.bytes.clone())
            } else {
                Err("the value goes over several lines: write it on one")
            };
        };
        let line = written.trim_end();
        if line.contains('\n') || line.is_empty() {
            return Err("the value is written as a block of several lines: write it on one line");
        }
        Ok(seen.bytes.start..seen.bytes.start + line.len())
    }

    /// The line ends that a block's text has at its end.
    fn chomped<'s>(&self, seen: &'s Seen<'_>) -> Option<&'s str> {
        let Event::Scalar(text, ..) = &seen.event else { return None };
        Some(&text[text.trim_end_matches('\n').len()..])
    }

    fn add(&self, at: usize, key: &str, value: &New, grown: usize) -> Result<Splice, EditError> {
        let Some(start) = self.reading.find(at, |seen| matches!(seen.event, Event::MappingStart(..))) else {
            return self.fill(at, &New::Mapping(vec![(key.to_owned(), value.clone())]));
        };
        let Event::MappingStart(style, anchor, _) = &self.reading.seen[start].event else {
            return Err(EditError::Gone { from: key.to_owned() });
        };
        let refused = |reason| EditError::Refused { position: self.reading.seen[start].position, reason };
        if self.reading.has_alias(*anchor) {
            return Err(refused("an alias takes the mapping over to another place: write it out there"));
        }
        let mut new = self.nothing();
        let bytes = self.grow(start, *style, grown, &mut new, |new, layout| new.entry(key, value, layout));
        self.added(start, bytes.ok_or_else(|| refused(CANNOT_BE_WRITTEN))?, new)
    }

    fn append(&self, at: usize, value: &New, grown: usize) -> Result<Splice, EditError> {
        let Some(start) = self.reading.find(at, |seen| matches!(seen.event, Event::SequenceStart(..))) else {
            return self.fill(at, &New::Sequence(vec![value.clone()]));
        };
        let Event::SequenceStart(style, anchor, _) = &self.reading.seen[start].event else {
            return Err(EditError::Gone { from: String::new() });
        };
        let refused = |reason| EditError::Refused { position: self.reading.seen[start].position, reason };
        if self.reading.has_alias(*anchor) {
            return Err(refused("an alias takes the list over to another place: write it out there"));
        }
        let mut new = self.nothing();
        let bytes = self.grow(start, *style, grown, &mut new, |new, layout| match layout {
            Layout::Flow => new.inline(value),
            Layout::Block { column, line_end } => new.item(value, column, line_end),
        });
        self.added(start, bytes.ok_or_else(|| refused(CANNOT_BE_WRITTEN))?, new)
    }

    /// Writes a member behind the last one of the collection that starts at an event; gives where.
    fn grow(
        &self,
        start: usize,
        style: StructureStyle,
        grown: usize,
        new: &mut Written,
        member: impl Fn(&mut Written, Layout<'_>) -> Option<()>,
    ) -> Option<usize> {
        let content = self.content_end(start);
        if style == StructureStyle::Flow {
            let is_empty = self.reading.end_of(start) == start + 1;
            if !is_empty || grown > 0 {
                new.text.push_str(", ");
            }
            member(new, Layout::Flow)?;
            return Some(content);
        }
        let line_end = self.line_end();
        let column = self.reading.seen[start].position.column as usize - 1;
        new.new_line(column, line_end);
        member(new, Layout::Block { column, line_end })?;
        Some(self.end_of_line(content))
    }

    fn added(&self, start: usize, at: usize, new: Written) -> Result<Splice, EditError> {
        let end = self.reading.end_of(start);
        Ok(Splice { bytes: at..at, text: new.text, events: end..end, shows: new.shows, removes: false })
    }

    /// Writes a mapping or a list in the place of an empty value.
    fn fill(&self, at: usize, value: &New) -> Result<Splice, EditError> {
        let empty = |seen: &Seen<'_>| {
            is_nothing(&seen.event) && matches!(seen.event, Event::Scalar(_, ScalarStyle::Plain, 0, None))
        };
        let index = self.reading.find(at, empty).ok_or(EditError::Gone { from: String::new() })?;
        // The key that the value belongs to gives the column.
        let key = self.reading.seen[..index].iter().rev().find(|seen| matches!(seen.event, Event::Scalar(..)));
        let Some(Seen { position: Position { column, .. }, .. }) = key else {
            return Err(EditError::Gone { from: String::new() });
        };
        let (line_end, column) = (self.line_end(), *column as usize - 1);
        let mut new = self.nothing();
        let done = match value {
            New::Mapping(entries) => {
                new.shows.push(mapping(StructureStyle::Block));
                let inner = Layout::Block { column: column + 2, line_end };
                let done = entries.iter().try_for_each(|(key, value)| {
                    new.new_line(column + 2, line_end);
                    new.entry(key, value, inner)
                });
                new.shows.push(Event::MappingEnd);
                done
            }
            New::Sequence(items) => {
                new.shows.push(sequence(StructureStyle::Block));
                let done = items.iter().try_for_each(|item| {
                    new.new_line(column, line_end);
                    new.item(item, column, line_end)
                });
                new.shows.push(Event::SequenceEnd);
                done
            }
            New::Text(_) | New::Literal(_) => None,
        };
        let position = self.reading.seen[index].position;
        done.ok_or(EditError::Refused { position, reason: CANNOT_BE_WRITTEN })?;
        let end = self.end_of_line(at);
        // A `null` that is written out gives way; a comment behind it stays.
        let word = &self.reading.seen[index].bytes;
        let (start, kept) = match word.is_empty() {
            true => (end, ""),
            false => (self.text[..word.start].trim_end().len(), &self.text[word.end..end]),
        };
        Ok(Splice {
            bytes: start..end,
            text: format!("{kept}{}", new.text),
            events: index..index + 1,
            shows: new.shows,
            removes: false,
        })
    }

    /// Edits the text of a literal block, line by line.
    fn within(&self, at: usize, edits: &[Edit]) -> Result<Splice, EditError> {
        let literal = |seen: &Seen<'_>| matches!(seen.event, Event::Scalar(_, ScalarStyle::Literal, ..));
        let index = self.reading.find(at, literal).ok_or(EditError::Gone { from: String::new() })?;
        let seen = &self.reading.seen[index];
        let Event::Scalar(inner, style, anchor, tag) = &seen.event else {
            return Err(EditError::Gone { from: String::new() });
        };
        let refused = |reason| EditError::Refused { position: seen.position, reason };
        if self.reading.has_alias(*anchor) || tag.is_some() {
            return Err(refused("the text has a YAML tag, or an alias takes it over to another place"));
        }
        let lines_before = seen.position.line - 1;
        let edited = super::edit(inner, edits).map_err(|error| match error {
            EditError::Refused { position, reason } => {
                EditError::Refused { position: Position { line: position.line + lines_before, ..position }, reason }
            }
            other => other,
        })?;
        let indent = seen.position.column as usize - 1;
        let bytes = seen.bytes.start..seen.bytes.start + self.text[seen.bytes.clone()].trim_end().len();
        let text = indented(edited.trim_end_matches('\n'), indent, self.line_end());
        let shows = vec![Event::Scalar(edited.into(), *style, *anchor, None)];
        // Only lines with a new value may differ; the others must come out as they were.
        let unchanged = indented(inner.trim_end_matches('\n'), indent, self.line_end());
        if self.text[bytes.clone()] != unchanged {
            return Err(refused("the lines of the text are not indented alike: write the values as a mapping"));
        }
        Ok(Splice { bytes, text, events: index..index + 1, shows, removes: false })
    }

    /// Where the last member of a collection ends; behind the bracket, when there is none.
    fn content_end(&self, start: usize) -> usize {
        let members = &self.reading.seen[start..self.reading.end_of(start)];
        let ends =
            members.iter().rev().filter(|seen| !seen.bytes.is_empty() || matches!(seen.event, Event::Scalar(..)));
        let last = ends.into_iter().find(|seen| !matches!(seen.event, Event::Comment(..)));
        last.map_or(0, |seen| seen.bytes.start + self.text[seen.bytes.clone()].trim_end().len())
    }

    /// Where the line ends that a byte stands on, before its line end.
    fn end_of_line(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        let line = rest.split('\n').next().unwrap_or(rest);
        at + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// Nothing yet, in the notation of the text.
    fn nothing(&self) -> Written {
        // A first key in quotes, behind brackets alone.
        let brackets = |c: char| c.is_whitespace() || matches!(c, '{' | '[');
        let is_json = self.text.starts_with(['{', '[']) && self.text.trim_start_matches(brackets).starts_with('"');
        Written { is_json, ..Written::default() }
    }

    fn line_end(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

/// Whether a value is written as nothing: empty, `~` or `null`.
fn is_nothing(event: &Event<'_>) -> bool {
    matches!(event, Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(text))
}

/// Indents all lines but the first, and no empty ones.
fn indented(text: &str, columns: usize, line_end: &str) -> String {
    let indent = " ".repeat(columns);
    let mut lines = text.split('\n');
    let mut all = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        all.push_str(line_end);
        if !line.is_empty() {
            all.push_str(&indent);
            all.push_str(line);
        }
    }
    all
}
