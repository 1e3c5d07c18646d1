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
    /// Where the digests stand, whatever they are called.
    digests: BTreeMap<String, usize>,
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
        let digests = digests.map(|(key, index)| (key.clone(), entries[*index].1.node.span.start)).collect();
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

    /// Whether another digest stands here than the one that [`Level::digest`] gives: one that is called so, or with the
    /// image's own stem, or anything in a mapping that is for one image alone.
    pub(super) fn has_other_digest(&self, stem: &str, is_of_one_image: bool) -> bool {
        let known = self.digest(stem).text().map(|value| value.node.span.start);
        let image = format!("{stem}image");
        let named = self.digests.range(stem.to_owned()..).take_while(|(key, _)| key.starts_with(stem));
        let is_meant = |key: &str| is_of_one_image || key.ends_with("digest") || key.starts_with(&image);
        named.filter(|(key, _)| is_meant(key)).any(|(_, at)| Some(*at) != known)
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
