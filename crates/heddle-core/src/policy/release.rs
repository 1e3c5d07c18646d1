//! Versions in Heddle's own words: any count of numbers, builds of one version counted last.
//!
//! Ranges look at the first three numbers and the pre-release, as they do at the peers. The order is that of Semantic
//! Versioning 2.0.0, section 11, but for two things that it has no words for and people write: digits within a word
//! count as a number (`rc10` is above `rc9`), and ids of commits order nothing.

use std::cmp::Ordering;

use super::{
    layout::{Item, Layout, groups, is_commit, is_separator},
    version::{TagVersion, is_identifiers},
};

/// The most counters that one tag is read with: a date and a time have five behind the year.
const MAX_COUNTERS: usize = 6;

/// How what follows the numbers is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// All of it is a pre-release, as at the peers.
    Nothing,
    /// The variant and counters are apart.
    Variant,
    /// Likewise, and the numbers in the variant are ordered.
    NumberedVariant,
}

/// A tag as a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    /// The first three numbers and the pre-release.
    pub version: TagVersion,
    /// The numbers after the third.
    more: [u64; 3],
    /// How often it was released again; 0 where that is not written.
    post: u64,
    /// How many numbers are written.
    pub count: usize,
    /// The numbers in the variant, where they are ordered.
    variant: Vec<u64>,
    counters: [u64; MAX_COUNTERS],
    /// How many counters are written.
    pub counted: usize,
    /// Whether all of the pre-release is the id of a commit.
    pub is_of_commit: bool,
    /// Whether a counter may be the id of a commit that has no letter.
    may_be_of_commit: bool,
}

impl Release {
    /// Reads a version; `None` when the text is none.
    pub(super) fn read(layout: &Layout<'_>, split: Split) -> Option<Self> {
        let numbers = layout.numbers();
        if !layout.prefix().is_empty() || numbers.is_empty() || !layout.is_exact() {
            return None;
        }
        let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
        let version = TagVersion {
            major: number(0),
            minor: number(1),
            patch: number(2),
            pre: String::new(),
            build: String::new(),
            precision: u8::try_from(numbers.len().min(3)).unwrap_or(3),
            v_prefix: layout.has_v(),
            zero_led: layout.is_zero_led(),
        };
        let mut release = Self {
            version,
            more: [number(3), number(4), number(5)],
            post: 0,
            count: numbers.len(),
            variant: Vec::new(),
            counters: [0; MAX_COUNTERS],
            counted: 0,
            is_of_commit: false,
            may_be_of_commit: false,
        };
        let tail = layout.tail();
        let read = match split {
            _ if tail.is_empty() => Some(()),
            Split::Nothing if tail.starts_with(['-', '_']) => release.read_prerelease(&tail[1..]),
            Split::Nothing => None,
            // `0.35.X` and `1.2.latest` are all of a line.
            _ if !tail.starts_with(is_separator) || layout.is_of_line() => None,
            split => release.read_items(layout, split),
        };
        read.map(|()| release)
    }

    fn read_prerelease(&mut self, text: &str) -> Option<()> {
        is_identifiers(text).then(|| text.clone_into(&mut self.version.pre))
    }

    fn read_items(&mut self, layout: &Layout<'_>, split: Split) -> Option<()> {
        for item in layout.items() {
            match item {
                Item::Prerelease(_) => self.is_of_commit = false,
                Item::Commit(_) => self.is_of_commit |= self.version.pre.is_empty(),
                item => self.may_be_of_commit |= item.commit_digits().is_some(),
            }
            match item {
                Item::Prerelease(text) | Item::Commit(text) => {
                    let (separator, word) = text.split_at(1);
                    if !self.version.pre.is_empty() {
                        self.version.pre.push_str(separator);
                    }
                    // An id without a letter is one of a commit in the order too.
                    if matches!(item, Item::Commit(_)) && !is_commit(word) {
                        self.version.pre.push('g');
                    }
                    self.version.pre.push_str(word);
                }
                Item::PostRelease(digits) => self.post = digits.parse().ok()?,
                Item::Counter { digits, .. } => {
                    for group in groups(digits) {
                        *self.counters.get_mut(self.counted)? = group.parse().ok()?;
                        self.counted += 1;
                    }
                }
                Item::Word(word) if split == Split::NumberedVariant => {
                    self.variant.extend(groups(word).map(|group| group.parse().unwrap_or(u64::MAX)));
                }
                Item::Word(_) => {}
            }
        }
        Some(())
    }

    /// Whether three numbers are written, none with a zero before it.
    pub(super) fn is_strict(&self) -> bool {
        self.count == 3 && !self.version.zero_led
    }

    /// The order of two builds of one version where the id of the one's commit has no letter, so that it was read as a
    /// counter: that of the counters which both have. Ids of commits order nothing.
    pub(super) fn compare_builds(&self, other: &Self) -> Option<Ordering> {
        let beside = |one: &Self, other: &Self| one.is_of_commit && other.may_be_of_commit && !other.is_of_commit;
        let numbers = |release: &Self| (release.version.numbers(), release.more, release.post);
        let of_commits = numbers(self) == numbers(other) && (beside(self, other) || beside(other, self));
        let common = self.counted.min(other.counted);
        of_commits.then(|| self.counters[..common].cmp(&other.counters[..common]))
    }

    /// Number by number, then how often it was released again, the pre-release, the numbers of the variant, the counters.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let numbers = |release: &Self| (release.version.numbers(), release.more, release.post);
        let counters = |release: &Self| (release.counted, release.counters);
        numbers(self)
            .cmp(&numbers(other))
            .then_with(|| compare_prereleases(&self.version.pre, &other.version.pre))
            .then_with(|| self.variant.cmp(&other.variant))
            .then_with(|| match (counters(self), counters(other)) {
                ((0, _), (0, _)) => Ordering::Equal,
                // One that counts is above one that does not; else number by number.
                ((left, _), (right, _)) if left.min(right) == 0 => left.cmp(&right),
                ((_, left), (_, right)) => left.cmp(&right),
            })
    }
}

/// Compares pre-releases word by word; none is above any.
fn compare_prereleases(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (false, false) => {}
        (left, right) => return left.cmp(&right),
    }
    let words = |text| str::split(text, is_separator);
    let (mut left, mut right) = (words(left), words(right));
    loop {
        match (left.next(), right.next()) {
            (Some(left), Some(right)) => match compare_words(left, right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
            (left, right) => return left.is_some().cmp(&right.is_some()),
        }
    }
}

/// Numbers are below other words, and ids of commits, which order nothing, above both.
fn compare_words(left: &str, right: &str) -> Ordering {
    let rank = |word: &str| match word {
        word if is_commit(word) => 2,
        word if word.bytes().all(|b| b.is_ascii_digit()) => 0,
        _ => 1,
    };
    rank(left).cmp(&rank(right)).then_with(|| if rank(left) == 2 { Ordering::Equal } else { natural(left, right) })
}

/// Text with its groups of digits compared as numbers.
fn natural(mut left: &str, mut right: &str) -> Ordering {
    loop {
        let (a, b) = (run(left), run(right));
        (left, right) = (&left[a.len()..], &right[b.len()..]);
        let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let unequal = match (number(a), number(b)) {
            (true, true) => {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            }
            _ => a.cmp(b),
        };
        if unequal.is_ne() || a.is_empty() {
            return unequal;
        }
    }
}

/// The digits, or the text without digits, that a text starts with.
fn run(text: &str) -> &str {
    let digit = text.starts_with(|c: char| c.is_ascii_digit());
    &text[..text.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(text.len())]
}
