//! What a reader sees of a text, and whether two readings are the same.

use std::{borrow::Cow, ops::Range};

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::{EditError, splice::Splice};
use crate::yaml::{Position, bytes, bytes_to_dash, parser, position, stopped};

/// An event with its place.
#[derive(Debug, Clone)]
pub(super) struct Seen<'a> {
    pub event: Event<'a>,
    pub bytes: Range<usize>,
    pub position: Position,
}

/// A text as a reader sees it, comments too.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub seen: Vec<Seen<'a>>,
}

impl<'a> Reading<'a> {
    pub fn of(text: &'a str) -> Result<Self, EditError> {
        let mut seen: Vec<Seen<'a>> = Vec::new();
        let mut started = None;
        for next in parser(text) {
            let (event, span) = next.map_err(|error| {
                let error = stopped(&error);
                EditError::Unreadable { position: error.position, message: error.message }
            })?;
            let next = Seen { event, bytes: bytes(&span), position: position(&span) };
            if !matches!(next.event, Event::Comment(..)) {
                if let Some(list) = started.take() {
                    start_at_dash(&mut seen[list], text, next.bytes.start);
                }
                let is_list = matches!(next.event, Event::SequenceStart(StructureStyle::Block, ..));
                started = is_list.then_some(seen.len());
            }
            seen.push(next);
        }
        Ok(Self { seen })
    }

    /// The events that must be seen once the splices are made, comments not; the splices are in order and do not overlap.
    pub fn with<'s>(&'s self, splices: &'s [Splice]) -> Vec<&'s Event<'s>> {
        let mut events = Vec::with_capacity(self.seen.len());
        let mut next = 0;
        for splice in splices {
            events.extend(values(&self.seen[next..splice.events.start]));
            events.extend(&splice.shows);
            next = splice.events.end;
        }
        events.extend(values(&self.seen[next..]));
        events
    }

    /// Whether exactly these events are seen, and the comments that stood in the text before, but for those of entries that
    /// were taken out. To which value a comment belongs is the parser's guess, and follows from the bytes around it; these
    /// are as they were.
    pub fn shows(&self, expected: &[&Event<'_>], before: &Reading<'_>, splices: &[Splice]) -> bool {
        let removed: Vec<&Range<usize>> =
            splices.iter().filter(|splice| splice.removes).map(|splice| &splice.bytes).collect();
        let stays = |at: usize| !removed.iter().any(|bytes| bytes.contains(&at));
        values(&self.seen).eq(expected.iter().copied()) && self.comments(|_| true).eq(before.comments(stays))
    }

    /// The comments that start at a byte that is meant.
    fn comments(&self, is_meant: impl Fn(usize) -> bool) -> impl Iterator<Item = &str> {
        self.seen.iter().filter_map(move |seen| match &seen.event {
            Event::Comment(text, _) if is_meant(seen.bytes.start) => Some(text.as_ref()),
            _ => None,
        })
    }

    /// The index of the event that starts at a byte and is the one that is looked for.
    pub fn find(&self, at: usize, is: impl Fn(&Seen<'_>) -> bool) -> Option<usize> {
        // Comments may be told a little late, so the order is not relied on where it leads nowhere.
        let first = self.seen.partition_point(|seen| seen.bytes.start < at);
        let found = |(_, seen): &(usize, &Seen<'_>)| seen.bytes.start == at && is(seen);
        let near = self.seen.iter().enumerate().skip(first).take_while(|(_, seen)| seen.bytes.start == at).find(found);
        near.or_else(|| self.seen.iter().enumerate().find(found)).map(|(index, _)| index)
    }

    /// The index of the event that ends the collection that starts at an index.
    pub fn end_of(&self, start: usize) -> usize {
        let mut depth = 0_usize;
        for (index, seen) in self.seen.iter().enumerate().skip(start) {
            match seen.event {
                Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return index;
            }
        }
        self.seen.len()
    }

    /// Whether an alias stands for an anchor.
    pub fn has_alias(&self, anchor: usize) -> bool {
        anchor != 0 && self.seen.iter().any(|seen| seen.event == Event::Alias(anchor))
    }
}

fn start_at_dash(list: &mut Seen<'_>, text: &str, first_member: usize) {
    let back = bytes_to_dash(text, list.bytes.start, first_member);
    list.bytes = list.bytes.start - back..list.bytes.start - back;
    list.position.column -= u32::try_from(back).unwrap_or(0);
}

/// The events that are no comments.
fn values<'s>(seen: &'s [Seen<'s>]) -> impl Iterator<Item = &'s Event<'s>> {
    seen.iter().map(|seen| &seen.event).filter(|event| !matches!(event, Event::Comment(..)))
}

pub(super) fn scalar(text: &str, style: ScalarStyle) -> Event<'static> {
    Event::Scalar(Cow::Owned(text.to_owned()), style, 0, None)
}

pub(super) fn mapping(style: StructureStyle) -> Event<'static> {
    Event::MappingStart(style, 0, None)
}

pub(super) fn sequence(style: StructureStyle) -> Event<'static> {
    Event::SequenceStart(style, 0, None)
}
