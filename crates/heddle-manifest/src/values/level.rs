//! The keys of one mapping, or of texts that are named as if they stood in one.

use std::collections::{BTreeMap, HashMap};

use heddle_core::image::Digest;

use super::plain;
use crate::yaml::cursor::Cursor;

/// The ways that charts call a digest, lower case and without separators.
const DIGESTS: [&str; 5] = ["digest", "imagedigest", "sha", "sha256", "genericdigest"];

/// Keys with their values.
pub(crate) struct Level<'a> {
    entries: Vec<(String, Cursor<'a>)>,
    /// The first value of each key, by the key in plain letters.
    by_name: HashMap<String, usize>,
    /// Where the digests stand, whatever they are called, and whether they name their algorithm.
    digests: BTreeMap<String, (usize, bool)>,
}

/// What a mapping is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsFor {
    /// An image, as its key says.
    Image,
    /// What has a repository, and perhaps more.
    Repository,
    /// Anything.
    Anything,
}

/// What stands under a key.
pub(super) enum Part<'a> {
    /// Nothing: there is no such key.
    Missing,
    /// A text.
    Text(Cursor<'a>),
    /// A list or a mapping.
    Other,
}

impl<'a> Part<'a> {
    pub fn text(self) -> Option<Cursor<'a>> {
        match self {
            Self::Text(cursor) => Some(cursor),
            Self::Missing | Self::Other => None,
        }
    }
}

impl<'a> Level<'a> {
    /// The keys of a mapping.
    pub fn of_mapping(cursor: &Cursor<'a>) -> Self {
        Self::of_texts(cursor.entries().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Texts under these keys.
    pub fn of_texts(entries: Vec<(String, Cursor<'a>)>) -> Self {
        let named = entries.iter().enumerate().rev();
        let by_name: HashMap<String, usize> = named.map(|(index, (key, _))| (plain(key), index)).collect();
        let digests = by_name.iter().filter(|(_, index)| {
            let value = &entries[**index].1;
            value.text().is_some_and(|text| !text.is_empty()) && is_digest(value)
        });
        let named = |value: &Cursor<'a>| value.text().is_some_and(|text| text.contains(':'));
        let digests = digests.map(|(key, index)| {
            let value = &entries[*index].1;
            (key.clone(), (value.node.span.start, named(value)))
        });
        let digests = digests.collect();
        Self { entries, by_name, digests }
    }

    /// All keys, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Cursor<'a>)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// What stands under the first of these keys that is there.
    pub(super) fn part(&self, names: &[&str]) -> Part<'a> {
        match names.iter().find_map(|name| Some(self.entries[*self.by_name.get(*name)?].1.clone())) {
            None => Part::Missing,
            Some(value) if value.node.is_scalar() => Part::Text(value),
            Some(_) => Part::Other,
        }
    }

    /// The text under the first of these keys.
    pub(super) fn text(&self, names: &[&str]) -> Option<Cursor<'a>> {
        self.part(names).text()
    }

    /// The digest of the image whose keys start with a stem. What is called `sha` and is no digest is none.
    pub(super) fn digest(&self, stem: &str) -> Part<'a> {
        for name in DIGESTS {
            match self.part(&[format!("{stem}{name}").as_str()]) {
                Part::Text(value) if name.contains("sha") && !is_digest(&value) => {}
                Part::Missing => {}
                part => return part,
            }
        }
        Part::Missing
    }

    /// The key, in plain letters, of the digest that [`Level::digest`] gives for the keys without a stem, where one stands
    /// there.
    pub fn own_digest(&self) -> Option<&str> {
        let known = self.digest("").text()?.node.span.start;
        self.digests.iter().find(|(_, (at, _))| *at == known).map(|(key, _)| key.as_str())
    }

    /// The keys of other digests than the one that [`Level::digest`] gives, which may be the image's: those that are called
    /// so or begin with its stem, and whatever is surely a digest in a mapping that is for one image.
    pub fn other_digests(&self, stem: &str, is_for: IsFor) -> impl Iterator<Item = &str> {
        let known = self.digest(stem).text().map(|value| value.node.span.start);
        let (stem, image) = (stem.to_owned(), format!("{stem}image"));
        let others = self.digests.iter().filter(move |(_, (at, _))| Some(*at) != known);
        let meant = others.filter(move |(key, (_, is_named))| {
            let is_called = key.starts_with(&stem) && (key.ends_with("digest") || key.starts_with(&image));
            let is_own = key.starts_with(&stem) && !stem.is_empty();
            is_called || is_for == IsFor::Image || (*is_named && (is_own || is_for == IsFor::Repository))
        });
        meant.map(|(key, _)| key.as_str())
    }

    /// Whether a digest stands beside a mapping that is named after it: `imageDigest` beside `image`.
    pub(super) fn has_digest_of(&self, key: &str) -> bool {
        let key = plain(key);
        let named = ["digest", "sha", "sha256"].map(|end| format!("{key}{end}"));
        let found = named.iter().filter_map(|name| self.by_name.get(name.as_str()));
        found.into_iter().any(|index| {
            let value = &self.entries[*index].1;
            is_digest(value) && value.text().is_some_and(|text| !text.is_empty())
        })
    }

    /// Whether a tag stands beside the name of an image with this stem.
    pub(super) fn names_tag(&self, stem: &str) -> bool {
        [format!("{stem}imagetag"), format!("{stem}tag")].iter().any(|name| self.by_name.contains_key(name))
    }
}

/// Whether a digest lacks its algorithm, or would where it is empty.
pub(super) fn is_bare(value: &Cursor<'_>) -> bool {
    let key = value.field.rsplit('.').next().unwrap_or_default();
    let text = value.text().unwrap_or_default();
    !text.contains(':') && (is_hex(text) || plain(key).contains("sha"))
}

fn is_digest(value: &Cursor<'_>) -> bool {
    let text = value.text().unwrap_or_default();
    value.node.is_null() || text.is_empty() || is_hex(text) || text.parse::<Digest>().is_ok()
}

/// Whether a text is the 64 digits of a SHA-256 digest.
fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
