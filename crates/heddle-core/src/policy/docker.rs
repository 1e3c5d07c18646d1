//! Versions as Renovate reads Docker tags (`lib/modules/versioning/docker` of renovatebot/renovate).

use std::cmp::Ordering;

/// A tag split at its first dash into a version of any count of numbers and a suffix, which must stay equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DockerVersion {
    /// Digits without leading zeros, so that a longer one is greater.
    release: Vec<String>,
    prerelease: String,
    suffix: String,
}

impl DockerVersion {
    /// Reads `1.2`, `v3.7.0b1-alpine`; `None` for other tags and for what looks like a commit.
    pub(super) fn parse(tag: &str) -> Option<Self> {
        if is_commit(tag) {
            return None;
        }
        let plain = tag.strip_prefix('v').unwrap_or(tag);
        let (version, suffix) = plain.split_once('-').unwrap_or((plain, ""));
        let mut release = Vec::new();
        let mut rest = version;
        loop {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return None;
            }
            release.push(rest[..digits].trim_start_matches('0').to_owned());
            rest = &rest[digits..];
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None => break,
            }
        }
        let word = rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        word.then(|| Self { release, prerelease: rest.to_owned(), suffix: suffix.to_owned() })
    }

    /// Whether a tag may take the place of another: the same suffix and the same count of numbers.
    pub(super) fn is_compatible(&self, current: &Self) -> bool {
        self.suffix == current.suffix && self.release.len() == current.release.len()
    }

    /// Whether text follows its numbers directly, as in `3.7.0b1`.
    pub(super) fn is_stable(&self) -> bool {
        self.prerelease.is_empty()
    }

    /// Whether the first `count` numbers are the same, where a number that is missing equals one that is missing.
    pub(super) fn shares(&self, other: &Self, count: usize) -> bool {
        (0..count).all(|index| self.release.get(index) == other.release.get(index))
    }

    /// The text after the first dash.
    pub(super) fn suffix(&self) -> &str {
        &self.suffix
    }

    /// How many numbers it has.
    pub(super) fn precision(&self) -> usize {
        self.release.len()
    }
}

impl Ord for DockerVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_releases(&self.release, &other.release)
            .then_with(|| match (self.is_stable(), other.is_stable()) {
                (false, false) => compare_words(&self.prerelease, &other.prerelease),
                (left, right) => left.cmp(&right),
            })
            .then_with(|| compare_words(&other.suffix, &self.suffix))
    }
}

impl PartialOrd for DockerVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Number by number; where one ends, the shorter is the greater (`2.1` is above `2.1.1`).
fn compare_releases(left: &[String], right: &[String]) -> Ordering {
    let numbers = left.iter().zip(right).map(|(a, b)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    numbers.fold(Ordering::Equal, Ordering::then).then_with(|| right.len().cmp(&left.len()))
}

/// As a dictionary has them: letters regardless of case first, lower case before upper on a tie.
fn compare_words(left: &str, right: &str) -> Ordering {
    left.to_ascii_lowercase().cmp(&right.to_ascii_lowercase()).then_with(|| right.cmp(left))
}

fn is_commit(tag: &str) -> bool {
    let hexadecimal = tag.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (7..=40).contains(&tag.len()) && hexadecimal && !tag.bytes().all(|b| b.is_ascii_digit())
}
