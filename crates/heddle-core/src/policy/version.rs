//! Versions as tags spell them.
//!
//! Read as Masterminds/semver reads them (loose: one to three numbers, a leading `v`, leading zeros), because that is
//! the dialect of the ranges people bring along. Ordered by Semantic Versioning 2.0.0, section 11.

use std::{cmp::Ordering, sync::LazyLock};

use regex::Regex;

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
    /// Whether a number starts with a zero that Semantic Versioning does not allow, as in `2026.03.01`.
    pub zero_led: bool,
}

impl TagVersion {
    /// Reads a version loosely; `None` when `text` is none, or a number exceeds 64 bits.
    pub fn parse(text: &str) -> Option<Self> {
        let (v_prefix, rest) = text.strip_prefix('v').map_or((false, text), |rest| (true, rest));
        let (rest, build) = split_off(rest, '+');
        let (numbers, pre) = split_off(rest, '-');
        let build = build.map_or(Some(""), |build| is_identifiers(build).then_some(build))?;
        let pre = pre.map_or(Some(""), |pre| is_identifiers(pre).then_some(pre))?;
        if pre.split('.').any(|word| is_digits(word) && is_zero_led(word)) {
            return None;
        }
        let mut values = [0; 3];
        let (mut precision, mut zero_led) = (0, false);
        for part in numbers.split('.') {
            if !is_digits(part) {
                return None;
            }
            *values.get_mut(usize::from(precision))? = part.parse().ok()?;
            zero_led |= is_zero_led(part);
            precision += 1;
        }
        let [major, minor, patch] = values;
        let (pre, build) = (pre.to_owned(), build.to_owned());
        Some(Self { major, minor, patch, pre, build, precision, v_prefix, zero_led })
    }

    /// Whether it is a version by Semantic Versioning 2.0.0, a leading `v` aside.
    pub fn is_strict(&self) -> bool {
        self.precision == 3 && !self.zero_led
    }

    /// Splits the variant off: `1.2.3-rc.1-alpine3.20` is the version `1.2.3-rc.1` in the variant `alpine3.20`.
    ///
    /// The variant starts at the first part between dashes that is no word of a pre-release, no number and no commit
    /// id.
    pub fn split_variant(mut self) -> (Self, Option<String>) {
        if self.pre.is_empty() {
            return (self, None);
        }
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
        self.numbers().cmp(&other.numbers()).then_with(|| compare_prereleases(&self.pre, &other.pre))
    }

    /// The three numbers in one, as far as they fit: two that differ are in the order of the versions.
    pub(super) fn prefix(&self) -> u64 {
        const LARGEST: u64 = (1 << 21) - 1;
        let mut prefix = 0;
        for (place, number) in [self.major, self.minor, self.patch].into_iter().enumerate() {
            let shift = 42 - 21 * place;
            if number >= LARGEST {
                // What comes after a number that does not fit must not count.
                return prefix | ((1 << (shift + 21)) - 1);
            }
            prefix |= number << shift;
        }
        prefix
    }

    /// The three numbers.
    pub(super) fn numbers(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }
}

fn split_off(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

fn is_zero_led(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

/// Words of letters, digits and dashes, joined by dots.
pub(super) fn is_identifiers(text: &str) -> bool {
    text.split('.').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
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
    match (is_digits(left), is_digits(right)) {
        // No leading zeros, so the longer number is the greater one, whatever its size.
        (true, true) => left.len().cmp(&right.len()).then_with(|| left.cmp(right)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => left.cmp(right),
    }
}
