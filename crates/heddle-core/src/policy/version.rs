//! Versions as tags spell them.
//!
//! Read as Masterminds/semver reads them (loose: one to three numbers, a leading `v`, leading zeros), because that is
//! the dialect of the ranges people bring along. Ordered by Semantic Versioning 2.0.0, section 11.

use std::{cmp::Ordering, sync::LazyLock};

use regex::Regex;

static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(v?)([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$",
    )
    .expect("the expression is fixed and valid")
});

/// Words that make the text after the numbers a pre-release rather than a variant such as `alpine`.
static PRERELEASE_WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:(?:alpha|beta|rc|cr|pre|preview|prerelease|dev|snapshot|nightly|canary|next|milestone|ea|test|a|b|m)[0-9.]*|[0-9]+|g?[0-9a-f]{7,40})$",
    )
    .expect("the expression is fixed and valid")
});

/// A tag read as a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagVersion {
    /// First number.
    pub major: u64,
    /// Second number, 0 where none is written.
    pub minor: u64,
    /// Third number, 0 where none is written.
    pub patch: u64,
    /// Text after `-`, without it; empty for a release.
    pub pre: String,
    /// Text after `+`, without it. It does not take part in the order.
    pub build: String,
    /// How many numbers are written, 1 to 3.
    pub precision: u8,
    /// Whether it starts with `v`.
    pub v_prefix: bool,
}

impl TagVersion {
    /// Reads a version loosely; `None` when `text` is none, or a number exceeds 64 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let found = LOOSE.captures(text)?;
        let part = |index: usize| found.get(index).map(|part| part.as_str());
        let number = |index: usize| part(index).map_or(Some(0), |digits| digits.parse().ok());
        let pre = part(5).unwrap_or_default();
        let zero_led = |word: &str| word.len() > 1 && word.starts_with('0') && word.bytes().all(|b| b.is_ascii_digit());
        if pre.split('.').any(zero_led) {
            return None;
        }
        Some(Self {
            major: number(2)?,
            minor: number(3)?,
            patch: number(4)?,
            pre: pre.to_owned(),
            build: part(6).unwrap_or_default().to_owned(),
            precision: 1 + u8::from(part(3).is_some()) + u8::from(part(4).is_some()),
            v_prefix: part(1) == Some("v"),
        })
    }

    /// Splits the variant off: `1.2.3-rc.1-alpine3.20` is the version `1.2.3-rc.1` in the variant `alpine3.20`.
    ///
    /// The variant starts at the first part between dashes that is no word of a pre-release, no number and no commit
    /// id.
    pub fn split_variant(mut self) -> (Self, Option<String>) {
        let mut at = 0;
        let variant = self.pre.split('-').find_map(|part| {
            let start = at;
            at += part.len() + 1;
            let release_word = PRERELEASE_WORD.is_match(part)
                || part.split_once('.').is_some_and(|(word, _)| PRERELEASE_WORD.is_match(word));
            (!release_word).then(|| (start, self.pre[start..].to_owned()))
        });
        match variant {
            Some((start, variant)) if !variant.is_empty() => {
                self.pre.truncate(start.saturating_sub(1));
                (self, Some(variant))
            }
            _ => (self, None),
        }
    }

    /// The order of Semantic Versioning 2.0.0, section 11; build metadata plays no part.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.pre, &other.pre))
    }
}

/// Compares pre-release texts; none is higher than any.
pub(super) fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match compare_identifiers(a, b) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn compare_identifiers(left: &str, right: &str) -> Ordering {
    let digits = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    match (digits(left), digits(right)) {
        // No leading zeros, so the longer number is the greater one, whatever its size.
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}
