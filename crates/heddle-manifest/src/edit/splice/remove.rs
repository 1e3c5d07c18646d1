//! Takes entries out of lists and mappings, with their lines.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::{Planner, Splice};
use crate::edit::{EditError, proof::Seen};

/// A member of a collection: its events, and where it is written, without dash and comma.
#[derive(Debug, Clone)]
struct Member {
    events: Range<usize>,
    bytes: Range<usize>,
}

const SAME_LINE: &str = "the entry shares its line with something else: write it on lines of its own";
const SHARED: &str = "an alias takes it, or something in it, over to another place: write it out there";

impl Planner<'_> {
    /// Takes the member with this index out of the list that starts at a byte.
    pub(super) fn remove_item(&self, at: usize, index: usize) -> Result<Splice, EditError> {
        let (start, style) = self.unshared(at, |event| matches!(event, Event::SequenceStart(..)))?;
        let members = self.members(start, 1);
        let member = members.get(index).ok_or(EditError::Gone { from: String::new() })?;
        let bytes = match style {
            StructureStyle::Flow => self.flow_bytes(start, &members, index),
            StructureStyle::Block => self.item_lines(member),
        };
        self.removed(start, bytes, member, members.len() == 1 && style == StructureStyle::Block)
    }

    /// Takes a key and its value out of the mapping that starts at a byte.
    pub(super) fn remove_key(&self, at: usize, key: &str) -> Result<Splice, EditError> {
        let (start, style) = self.unshared(at, |event| matches!(event, Event::MappingStart(..)))?;
        let members = self.members(start, 2);
        let named = |member: &Member| {
            let event = &self.reading.seen[member.events.start].event;
            matches!(event, Event::Scalar(text, ..) if text == key)
        };
        let index = members.iter().position(named).ok_or_else(|| EditError::Gone { from: key.to_owned() })?;
        let bytes = match style {
            StructureStyle::Flow => self.flow_bytes(start, &members, index),
            StructureStyle::Block => self.key_lines(&members, index),
        };
        self.removed(start, bytes, &members[index], members.len() == 1 && style == StructureStyle::Block)
    }

    fn removed(
        &self,
        start: usize,
        bytes: Option<Range<usize>>,
        member: &Member,
        is_last: bool,
    ) -> Result<Splice, EditError> {
        let position = self.reading.seen[member.events.start].position;
        if self.holds_an_anchor(member) {
            return Err(EditError::Refused { position, reason: SHARED });
        }
        let bytes = bytes.ok_or(EditError::Refused { position, reason: SAME_LINE })?;
        // Of a block without entries nothing is left but the key that it belongs to.
        let (events, shows) = match is_last {
            false => (member.events.clone(), Vec::new()),
            true => {
                (start..self.reading.end_of(start) + 1, vec![Event::Scalar("~".into(), ScalarStyle::Plain, 0, None)])
            }
        };
        Ok(Splice { bytes, text: String::new(), events, shows, removes: true })
    }

    /// The collection that starts at a byte and is meant, where no alias takes it to another place.
    fn unshared(&self, at: usize, is: impl Fn(&Event<'_>) -> bool) -> Result<(usize, StructureStyle), EditError> {
        let start = self.reading.find(at, |seen| is(&seen.event)).ok_or(EditError::Gone { from: String::new() })?;
        let seen = &self.reading.seen[start];
        let (Event::SequenceStart(style, anchor, _) | Event::MappingStart(style, anchor, _)) = &seen.event else {
            return Err(EditError::Gone { from: String::new() });
        };
        if self.reading.has_alias(*anchor) {
            return Err(EditError::Refused { position: seen.position, reason: SHARED });
        }
        Ok((start, *style))
    }

    /// Whether an alias stands for something in a member.
    fn holds_an_anchor(&self, member: &Member) -> bool {
        self.reading.seen[member.events.clone()].iter().any(|seen| match &seen.event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) | Event::Scalar(_, _, anchor, _) => {
                self.reading.has_alias(*anchor)
            }
            _ => false,
        })
    }

    /// The members of a collection, each of so many values.
    fn members(&self, start: usize, values: usize) -> Vec<Member> {
        let (mut members, mut next) = (Vec::new(), start + 1);
        let end = self.reading.end_of(start);
        while let Some(first) = self.value_from(next, end) {
            let mut last = first;
            for _ in 1..values {
                last = self.value_from(self.reading.end_of(last) + 1, end).unwrap_or(last);
            }
            let last = self.reading.end_of(last);
            let bytes = self.reading.seen[first].bytes.start..self.content_end_of(first..last + 1);
            members.push(Member { events: first..last + 1, bytes });
            next = last + 1;
        }
        members
    }

    /// The index of the first event from one on that is no comment.
    fn value_from(&self, from: usize, end: usize) -> Option<usize> {
        (from..end).find(|index| !matches!(self.reading.seen[*index].event, Event::Comment(..)))
    }

    /// The bytes of a member in brackets, with the comma that becomes too many; its lines where a comment stands between it
    /// and another. `None` when these hold something else too.
    fn flow_bytes(&self, start: usize, members: &[Member], index: usize) -> Option<Range<usize>> {
        let bytes = self.flow_bytes_to_comma(start, members, index);
        let member = &members[index].bytes;
        let takes = |seen: &Seen<'_>| {
            let at = seen.bytes.start;
            matches!(seen.event, Event::Comment(..)) && bytes.contains(&at) && !member.contains(&at)
        };
        if !self.reading.seen.iter().any(takes) {
            return Some(bytes);
        }
        let rest = self.text[member.end..].lines().next().unwrap_or_default().trim_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        let is_alone = rest.is_empty() || rest.starts_with('#');
        self.lines(member.start, member.end).filter(|_| is_alone)
    }

    fn flow_bytes_to_comma(&self, start: usize, members: &[Member], index: usize) -> Range<usize> {
        let member = &members[index].bytes;
        match (index.checked_sub(1), members.get(index + 1)) {
            (Some(before), _) => members[before].bytes.end..member.end,
            (None, Some(next)) => member.start..next.bytes.start,
            (None, None) => {
                let closing = self.reading.seen[self.reading.end_of(start)].bytes.start;
                let rest = self.text.get(member.end..closing).unwrap_or_default();
                let blank = rest.len() - rest.trim_start().len();
                let comma = rest[blank..].starts_with(',');
                member.start..if comma { member.end + blank + 1 } else { member.end }
            }
        }
    }

    /// The lines of a member of a block list, from its dash on. `None` when they hold something else too.
    fn item_lines(&self, member: &Member) -> Option<Range<usize>> {
        let before = self.text[..member.bytes.start].trim_end();
        let dash = before.ends_with('-').then(|| before.len() - 1)?;
        self.lines(dash, member.bytes.end)
    }

    /// The lines of a key in a block. One behind a dash gives its place to the next.
    fn key_lines(&self, members: &[Member], index: usize) -> Option<Range<usize>> {
        let member = &members[index].bytes;
        self.lines(member.start, member.end).or_else(|| {
            let next = members.get(index + 1)?.bytes.start;
            let is_first = index == 0 && self.text[..member.start].trim_end().ends_with('-');
            // A comment on lines of its own is about what follows.
            let own_line = member.end + self.text[member.end..].find('\n').unwrap_or_default();
            let is_next = |seen: &&Seen<'_>| {
                matches!(seen.event, Event::Comment(..)) && (own_line..next).contains(&seen.bytes.start)
            };
            let comment = self.reading.seen.iter().find(is_next).map(|seen| seen.bytes.start);
            is_first.then_some(member.start..comment.unwrap_or(next))
        })
    }

    /// The whole lines from a byte to the end of another's line. `None` when something stands before it.
    fn lines(&self, start: usize, end: usize) -> Option<Range<usize>> {
        let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        if !self.text[line..start].trim().is_empty() {
            return None;
        }
        let next = self.text[end..].find('\n').map(|at| end + at + 1);
        match next {
            Some(next) => Some(line..next),
            // A file without a line end at its end keeps none.
            None => {
                let before = &self.text[..line];
                let before = before.strip_suffix('\n').map_or(before, |text| text.strip_suffix('\r').unwrap_or(text));
                Some(before.len()..self.text.len())
            }
        }
    }

    /// Where the last of these events ends that stands for something.
    fn content_end_of(&self, events: Range<usize>) -> usize {
        let stands = |seen: &&Seen<'_>| !seen.bytes.is_empty() && !matches!(seen.event, Event::Comment(..));
        let last = self.reading.seen[events.clone()].iter().rev().find(stands);
        let end = |seen: &Seen<'_>| seen.bytes.start + self.text[seen.bytes.clone()].trim_end().len();
        last.map_or(self.reading.seen[events.start].bytes.end, end)
    }
}
