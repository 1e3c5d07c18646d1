//! What of a tag is ordered, and how.

use std::{borrow::Cow, cmp::Ordering};

use chrono::{DateTime, Utc};

use super::{
    SortOrder, TagInfo, docker::DockerVersion, layout::Layout, number::Number, range::Range, release::Release,
    version::TagVersion,
};

/// The order of a rule.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// Versions of any count of numbers, in Heddle's own words.
    Release {
        /// The versions that take part.
        range: Range,
        /// Whether three numbers without leading zeros are asked for.
        strict: bool,
    },
    /// Versions in a peer's words, in a range or any.
    Version {
        /// `None` takes every version, pre-releases too.
        range: Option<Range>,
        /// How much of a version a tag must spell.
        shape: Shape,
    },
    /// Decimal numbers.
    Number(SortOrder, Numbers),
    /// Text, byte by byte.
    Text(SortOrder),
    /// The image's own creation time.
    Created,
    /// When the tag was seen first.
    FirstSeen,
    /// One tag alone, whose digest is followed.
    Follow(String),
    /// Versions first, then all other tags as text.
    VersionOrText,
    /// Versions as Renovate reads Docker tags.
    Docker,
}

/// What counts as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Digits and one decimal point: `12e4567` is the id of a commit.
    Plain,
    /// Also signs and exponents, as Flux reads them.
    Signed,
}

/// How much of a version a tag must spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One to three numbers.
    Loose,
    /// A text with at least this many dots, which is how Flux (2) and Keel (1) tell versions from other tags.
    Dots(usize),
    /// Three numbers without leading zeros, by Semantic Versioning 2.0.0; a leading `v` is allowed.
    Strict,
}

/// A tag's place in the order of a rule. It is small, because a list has one for each of its tags.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key<'a> {
    Release(Box<Release>),
    Version(Box<TagVersion>),
    Number(Number<'a>),
    Text(Cow<'a, str>),
    Time(DateTime<Utc>),
    Docker(Box<DockerVersion>),
    Alone,
}

/// A tag in the order of a rule, and how it is written where the rule looks at that.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub key: Key<'a>,
    pub layout: Option<Layout<'a>>,
}

impl Place<'_> {
    /// The same, with text of its own.
    pub(super) fn into_owned<'b>(self) -> Place<'b> {
        let key = match self.key {
            Key::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
            Key::Release(release) => Key::Release(release),
            Key::Version(version) => Key::Version(version),
            Key::Number(number) => Key::Number(number.into_owned()),
            Key::Time(time) => Key::Time(time),
            Key::Docker(version) => Key::Docker(version),
            Key::Alone => Key::Alone,
        };
        Place { key, layout: self.layout.map(Layout::into_owned) }
    }
}

impl Order {
    /// The rule's name, as it is written in a policy.
    pub(super) fn rule(&self) -> &'static str {
        match self {
            Self::Release { .. } | Self::Version { .. } | Self::VersionOrText | Self::Docker => "semver",
            Self::Number(..) => "numerical",
            Self::Text(_) => "alphabetical",
            Self::Created | Self::FirstSeen => "newest",
            Self::Follow(_) => "digest",
        }
    }

    /// The tag's place, read from `part`, which is the tag or what `extract` made of it. Versions in Heddle's own words
    /// are read from the layout instead.
    ///
    /// # Errors
    /// A sentence that says why the rule cannot order it.
    pub(super) fn key<'a>(&self, info: &'a TagInfo, part: Cow<'a, str>) -> Result<Key<'a>, &'static str> {
        match self {
            Self::Release { .. } => Err("it is no version"),
            Self::Version { shape, .. } => shape.read(&part).map(|version| Key::Version(version.into())),
            Self::Number(_, Numbers::Plain) if !is_plain_number(&part) => Err("it is no number"),
            Self::Number(..) => match part {
                Cow::Borrowed(part) => Number::parse(part),
                Cow::Owned(part) => Number::parse(&part).map(Number::into_owned),
            }
            .map(Key::Number)
            .ok_or("it is no number"),
            Self::Text(_) => Ok(Key::Text(part)),
            Self::Created => info.created_at.map(Key::Time).ok_or("nobody knows when it was created"),
            Self::FirstSeen => Ok(Key::Time(info.first_seen_at)),
            Self::Follow(_) => Ok(Key::Alone),
            Self::VersionOrText => {
                Ok(TagVersion::parse(&part).map_or(Key::Text(part), |version| Key::Version(version.into())))
            }
            Self::Docker => {
                DockerVersion::parse(&part).map(|version| Key::Docker(version.into())).ok_or("it is no version")
            }
        }
    }

    /// Which of two places is better: the better one is the greater.
    pub(super) fn compare(&self, left: &Key<'_>, right: &Key<'_>) -> Ordering {
        let ascending = match (left, right) {
            (Key::Release(left), Key::Release(right)) => left.compare(right),
            (Key::Version(left), Key::Version(right)) => left.cmp_precedence(right),
            (Key::Number(left), Key::Number(right)) => left.cmp(right),
            (Key::Text(left), Key::Text(right)) => left.cmp(right),
            (Key::Time(left), Key::Time(right)) => left.cmp(right),
            (Key::Docker(left), Key::Docker(right)) => left.cmp(right),
            (Key::Version(_), Key::Text(_)) => Ordering::Greater,
            (Key::Text(_), Key::Version(_)) => Ordering::Less,
            _ => Ordering::Equal,
        };
        match self {
            Self::Number(SortOrder::Desc, _) | Self::Text(SortOrder::Desc) => ascending.reverse(),
            _ => ascending,
        }
    }

    /// A number that never contradicts [`Self::compare`]: where two differ, so do the places, in the same direction.
    pub(super) fn prefix(&self, key: &Key<'_>) -> u128 {
        let ascending = match key {
            Key::Release(release) => release.version.prefix().into(),
            Key::Version(version) => version.prefix().into(),
            Key::Number(number) => number.prefix().into(),
            Key::Text(text) => {
                let mut bytes = [0; 16];
                let length = text.len().min(16);
                bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
                u128::from_be_bytes(bytes)
            }
            // Bias to the unsigned range; seconds are enough to tell most apart.
            Key::Time(time) => u128::from(time.timestamp().cast_unsigned() ^ (1 << 63)),
            Key::Docker(_) | Key::Alone => 0,
        };
        match self {
            Self::Number(SortOrder::Desc, _) | Self::Text(SortOrder::Desc) => !ascending,
            // Versions are above all other text here, and their prefixes are not of the same kind.
            Self::VersionOrText => 0,
            _ => ascending,
        }
    }

    /// What the chosen tag is among those that qualify.
    pub(super) fn best(&self) -> String {
        match self {
            Self::Release { range, .. } | Self::Version { range: Some(range), .. } => {
                format!("the highest that `{range}` allows")
            }
            Self::Version { range: None, .. } | Self::VersionOrText | Self::Docker => "the highest version".to_owned(),
            Self::Number(SortOrder::Asc, _) => "the greatest number".to_owned(),
            Self::Number(SortOrder::Desc, _) => "the least number".to_owned(),
            Self::Text(SortOrder::Asc) => "the last in the order of the alphabet".to_owned(),
            Self::Text(SortOrder::Desc) => "the first in the order of the alphabet".to_owned(),
            Self::Created => "the one that was created last".to_owned(),
            Self::FirstSeen => "the one that was seen last".to_owned(),
            Self::Follow(_) => "the tag whose digest is followed".to_owned(),
        }
    }

    /// How a tag that is not above another stands to it: `it {this} TAG`.
    pub(super) fn below(&self) -> &'static str {
        match self {
            Self::Release { .. } | Self::Version { .. } | Self::VersionOrText | Self::Docker => {
                "is a lower version than"
            }
            Self::Number(SortOrder::Asc, _) => "is a lesser number than",
            Self::Number(SortOrder::Desc, _) => "is a greater number than",
            Self::Text(SortOrder::Asc) => "comes before",
            Self::Text(SortOrder::Desc) => "comes after",
            Self::Created => "is older than",
            Self::FirstSeen => "was seen before",
            Self::Follow(_) => "is not",
        }
    }

    /// Whether a place can be read from the tag alone, with nothing known of the image.
    pub(super) fn reads_text(&self) -> bool {
        !matches!(self, Self::Created | Self::FirstSeen)
    }

    /// Why no tag is chosen.
    pub(super) fn none(&self) -> String {
        match self {
            Self::Release { range, .. } | Self::Version { range: Some(range), .. } => {
                format!("no tag qualifies under `{range}`")
            }
            Self::Follow(tag) => format!("the tag `{tag}` is not there, or does not qualify"),
            _ => "no tag qualifies".to_owned(),
        }
    }
}

/// Digits, and perhaps a decimal point between them.
fn is_plain_number(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('.').map_or_else(|| digits(text), |(whole, fraction)| digits(whole) && digits(fraction))
}

impl Shape {
    fn read(self, part: &str) -> Result<TagVersion, &'static str> {
        let version = TagVersion::parse(part).ok_or("it is no version")?;
        match self {
            Self::Strict if !version.is_strict() => {
                Err("it is no version of three numbers without leading zeros, as strictness asks for")
            }
            Self::Dots(dots) if part.bytes().filter(|b| *b == b'.').count() < dots => {
                Err(if dots == 1 { "it has no dot, so it is no version here" } else { "it does not have three parts" })
            }
            _ => Ok(version),
        }
    }
}
