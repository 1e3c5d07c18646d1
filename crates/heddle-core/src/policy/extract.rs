//! What of a tag `match` and `extract` leave to be ordered.

use std::borrow::Cow;

use regex::bytes::{CaptureLocations, Regex};

use super::{fault::Faults, pattern::Expression};

/// `match`, and what `extract` takes of it.
#[derive(Debug, Clone)]
pub(super) struct Extraction {
    matches: Regex,
    extract: Extract,
    pub(super) size_bytes: usize,
}

#[derive(Debug, Clone)]
enum Extract {
    /// All of the tag.
    Tag,
    /// One group alone.
    Group(usize),
    /// A template of several groups, or of groups and text.
    Template(String),
}

/// Room for the groups of one match. It is used for one tag after the other.
pub(super) type Room = Option<CaptureLocations>;

impl Extraction {
    pub(super) fn new(matches: Expression, extract: Option<&str>) -> Self {
        let Expression { regex: matches, size_bytes } = matches;
        let group = |name: &str| match name.parse() {
            Ok(index) => Some(index),
            Err(_) => matches.capture_names().position(|group| group == Some(name)),
        };
        let extract = match extract {
            None => Extract::Tag,
            Some(template) => lone_group(template)
                .and_then(group)
                .map_or_else(|| Extract::Template(template.to_owned()), Extract::Group),
        };
        Self { matches, extract, size_bytes }
    }

    /// Whether `match` finds anything in a text.
    pub(super) fn finds(&self, text: &str) -> bool {
        self.matches.is_match(text.as_bytes())
    }

    /// What of the tag is ordered; `None` when `match` does not find anything.
    pub(super) fn part<'a>(&self, tag: &'a str, room: &mut Room) -> Option<Cow<'a, str>> {
        match &self.extract {
            Extract::Tag => self.matches.is_match(tag.as_bytes()).then(|| tag.into()),
            Extract::Group(index) => {
                let room = room.get_or_insert_with(|| self.matches.capture_locations());
                self.matches.captures_read(room, tag.as_bytes())?;
                Some(room.get(*index).and_then(|(start, end)| tag.get(start..end)).unwrap_or_default().into())
            }
            Extract::Template(template) => {
                let mut part = Vec::new();
                self.matches.captures(tag.as_bytes())?.expand(template.as_bytes(), &mut part);
                Some(String::from_utf8_lossy(&part).into_owned().into())
            }
        }
    }
}

impl Faults {
    pub(super) fn extract(&mut self, extract: &str, has_match: bool, matches: Option<&Regex>) {
        if !has_match {
            return self.add("extract", "`extract` takes its groups from `match`, which is missing");
        }
        let Some(matches) = matches else { return };
        // What is no group expands to nothing, and then no tag can be ordered: say so before that.
        for name in group_names(extract) {
            let known = match name.parse::<usize>() {
                Ok(index) => index < matches.captures_len(),
                Err(_) => matches.capture_names().flatten().any(|group| group == name),
            };
            if !known {
                return self.add("extract", format!("`match` has no group `{name}`"));
            }
        }
    }
}

/// The group that is all of a template: `$version`, `${version}`, `$1`.
fn lone_group(template: &str) -> Option<&str> {
    let rest = template.strip_prefix('$')?;
    let name = rest.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(rest);
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(name)
}

/// The groups that a template names: `$version`, `${version}`, `$1`; `$$` is a dollar sign.
fn group_names(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let name: String = match rest.strip_prefix('{') {
            Some(inner) => inner.chars().take_while(|c| *c != '}').collect(),
            None => rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect(),
        };
        // A dollar sign before anything else stands for itself.
        names.extend(Some(name).filter(|name| !name.is_empty()));
    }
    names
}
