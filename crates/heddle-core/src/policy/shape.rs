//! Whether a tag has the shape of another: what people read as the next of the same kind.

use std::cmp::Ordering;

use super::layout::{Item, Items, Layout, MIN_COMMIT_DIGITS, groups, is_commit, is_separator};

/// The first and the last year that a version may start with.
const YEARS: std::ops::RangeInclusive<u64> = 1970..=2199;

/// How many more digits make a number that came after another a date or a time, and not a greater count.
const JUMP_DIGITS: u8 = 4;

/// How a tag stands to another by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// The same kind.
    Same,
    /// The same kind with more numbers: `v2.0.1` beside `v2.0`.
    More,
    /// Fewer numbers, so that it moves.
    Fewer,
    /// Another text before the numbers.
    Prefix,
    /// Other text between the numbers.
    Separators,
    /// A lone number that cannot be the next: a date beside a counter.
    Lone,
    /// Another way to count: a year beside a plain number.
    Scheme,
    /// Counted builds beside plain versions, or counted otherwise.
    Counter,
    /// Other words after the numbers.
    Variant,
    /// The same words after the numbers with other numbers in them: `debian-12` beside `debian-9`.
    NumberedVariant,
}

/// What of the shape a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    /// Pre-releases and ids of commits are ordered, so they are no part of the shape.
    pub orders_prereleases: bool,
    /// Whether words after the numbers count.
    pub words: Words,
}

/// Which words after the numbers a tag must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Those of the other.
    Kept,
    /// What the policy says; it is asked elsewhere.
    Named,
    /// Any, and what follows the numbers is no part of the shape at all.
    Any,
}

impl Layout<'_> {
    /// How `other` stands to this one.
    pub(super) fn fit(&self, other: &Layout<'_>, sight: Sight) -> Fit {
        if !have_same_words(self.prefix(), other.prefix()) {
            let same = !sight.orders_prereleases && have_same_words_but_commits(self.text(), other.text());
            return if same { Fit::Same } else { Fit::Prefix };
        }
        let (count, others) = (self.numbers().len(), other.numbers().len());
        let common = count.min(others).saturating_sub(1);
        if self.separators()[..common] != other.separators()[..common] || self.is_utc() != other.is_utc() {
            return Fit::Separators;
        }
        if others < count {
            return Fit::Fewer;
        }
        if let Some(difference) = self.difference_after_numbers(other, sight) {
            return difference;
        }
        if let Some(jump) = self.jump(other) {
            return jump;
        }
        match others > count {
            false => Fit::Same,
            true if count > 0 && other.separators()[common..].iter().all(|b| *b == b'.') => Fit::More,
            true => Fit::Separators,
        }
    }

    /// Whether `other` has one other word in the place of one of these, as `main-b` has beside `main-a`. Where words with
    /// digits stand here, which may be ids, it is one of them.
    pub(super) fn has_another_word(&self, other: &Layout<'_>) -> bool {
        let is_id = |word: &str| word.contains(|c: char| c.is_ascii_digit());
        let has_id = self.text().split(is_separator).any(is_id);
        let mut others = 0;
        let alike = |left: &str, right: &str| {
            let may_differ = is_id(left) == has_id && is_id(right) == has_id;
            left == right || may_differ
        };
        let pairs = self.text().split(is_separator).zip(other.text().split(is_separator));
        pairs.for_each(|(left, right)| others += usize::from(left != right));
        others == 1 && same(self.text(), other.text(), alike)
    }

    /// Whether the numbers of `other` are of another scheme: no count grows like this.
    fn jump(&self, other: &Layout<'_>) -> Option<Fit> {
        let (ours, theirs) = (self.digits(), other.digits());
        let (first, others) = (*ours.first()?, *theirs.first()?);
        if self.is_lone() && first.abs_diff(others) > 1 {
            return Some(Fit::Lone);
        }
        if self.pads_otherwise(other) {
            return Some(Fit::Scheme);
        }
        let differs = |(left, right): &(&u64, &u64)| left != right;
        let at = self.numbers().iter().zip(other.numbers()).position(|pair| differs(&pair))?;
        let is_year = |number: u64| YEARS.contains(&number);
        let year = at == 0 && first < 4 && others == 4 && is_year(other.numbers()[0]);
        (year || theirs[at] >= ours[at].saturating_add(JUMP_DIGITS)).then_some(Fit::Scheme)
    }

    /// Whether zeros lead numbers here and not there, so that one is a date: `20.04.1` beside `5.2.3`.
    fn pads_otherwise(&self, other: &Layout<'_>) -> bool {
        let width = |number: u64| number.checked_ilog10().map_or(1, |log| log + 1);
        let pads = |layout: &Layout<'_>, at: usize| u32::from(layout.digits()[at]) > width(layout.numbers()[at]);
        let common = self.numbers().len().min(other.numbers().len());
        let narrower = |padded: &Layout<'_>, plain: &Layout<'_>, at: usize| {
            pads(padded, at) && plain.digits()[at] < padded.digits()[at]
        };
        let anew = !self.is_zero_led() && other.is_zero_led() && self.digits()[0] != other.digits()[0];
        anew || (0..common).any(|at| narrower(self, other, at) || narrower(other, self, at))
    }

    fn difference_after_numbers(&self, other: &Layout<'_>, sight: Sight) -> Option<Fit> {
        if sight.words == Words::Any || (self.tail().is_empty() && other.tail().is_empty()) {
            return None;
        }
        let kept = |item: &Item<'_>| match item {
            Item::Prerelease(_) | Item::Commit(_) => !sight.orders_prereleases,
            Item::Word(_) => sight.words == Words::Kept,
            Item::Counter { .. } => true,
            Item::PostRelease(_) => false,
        };
        // An id of a commit may happen to have no letter: it has as many digits as the other.
        let length = self.commit_length().or_else(|| other.commit_length());
        let named = |item: Item<'_>| length.is_some() && item.commit_digits() == length;
        let read = |item| if named(item) { Item::Commit("") } else { item };
        let mut ours = self.items().map(read).filter(kept);
        let mut theirs = other.items().map(read).filter(kept);
        let mut found = None;
        loop {
            let difference = match (ours.next(), theirs.next()) {
                (None, None) => return found,
                (Some(left), Some(right)) => differ(left, right),
                (Some(Item::Counter { .. }), None) | (None, Some(Item::Counter { .. })) => Some(Fit::Counter),
                (Some(_), None) | (None, Some(_)) => Some(Fit::Variant),
            };
            match difference {
                // What follows may differ by more than a number.
                Some(Fit::NumberedVariant) | None => found = found.or(difference),
                other => return other,
            }
        }
    }

    /// Whether it is the greater one for a reader who compares groups of digits from the left.
    pub(super) fn reads_above(&self, other: &Layout<'_>) -> bool {
        let pairs = groups(self.text()).zip(groups(other.text()));
        let mut orders = pairs.map(|(left, right)| {
            let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
            left.len().cmp(&right.len()).then_with(|| left.cmp(right))
        });
        orders.find(|order| order.is_ne()) == Some(Ordering::Greater)
    }

    /// Whether it is the more exact name, of two for one image: more numbers, no variant, more counters.
    pub(super) fn compare_exactness(&self, other: &Self) -> Ordering {
        let exactness = |layout: &Self| {
            let counters = |items: Items<'_>| items.filter(|item| matches!(item, Item::Counter { .. })).count();
            (layout.numbers().len(), layout.variant().is_empty(), counters(layout.items()))
        };
        exactness(self).cmp(&exactness(other))
    }
}

fn differ(left: Item<'_>, right: Item<'_>) -> Option<Fit> {
    match (left, right) {
        (Item::Counter { mark, digits }, Item::Counter { mark: other_mark, digits: others }) => {
            (mark != other_mark || !have_same_letters(digits, others)).then_some(Fit::Counter)
        }
        (Item::Counter { .. }, _) | (_, Item::Counter { .. }) => Some(Fit::Counter),
        (Item::Commit(_), Item::Commit(_)) => None,
        (Item::Prerelease(left), Item::Prerelease(right)) => (!have_same_letters(left, right)).then_some(Fit::Variant),
        (Item::Word(left), Item::Word(right)) if left == right => None,
        (Item::Word(left), Item::Word(right)) if have_same_letters(left, right) => Some(Fit::NumberedVariant),
        _ => Some(Fit::Variant),
    }
}

/// Whether two texts differ in their groups of digits alone.
fn have_same_letters(left: &str, right: &str) -> bool {
    fn letters(text: &str) -> impl Iterator<Item = char> {
        let mut in_digits = false;
        text.chars().filter_map(move |c| {
            let goes_on = in_digits && c.is_ascii_digit();
            in_digits = c.is_ascii_digit();
            (!goes_on).then_some(if in_digits { '0' } else { c })
        })
    }
    letters(left).eq(letters(right))
}

/// Whether two variants differ in numbers alone, also where only one has them: `alpine` and `alpine3.20`.
pub(super) fn are_one_but_for_numbers(left: &str, right: &str) -> bool {
    fn words(variant: &str) -> impl Iterator<Item = &str> {
        variant.split(|c: char| is_separator(c) || c.is_ascii_digit()).filter(|word| !word.is_empty())
    }
    words(left).eq(words(right))
}

/// Whether two texts have the same words, an id of a commit in the place of another.
fn have_same_words(left: &str, right: &str) -> bool {
    left == right || same(left, right, |left, right| left == right || (is_commit(left) && is_commit(right)))
}

/// Likewise, where an id of a commit may happen to have no letter: it has as many digits as the other, and a number beside
/// it, such as a date, as many as the number there.
fn have_same_words_but_commits(left: &str, right: &str) -> bool {
    let digits = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let is_id = |word: &str| is_commit(word) || (word.len() >= MIN_COMMIT_DIGITS && digits(word));
    let alike = |left: &str, right: &str| {
        let same_length = left.len() == right.len();
        let (numbers, ids) = (digits(left) && digits(right), is_id(left) && is_id(right));
        left == right || (is_commit(left) && is_commit(right)) || (same_length && (numbers || ids))
    };
    same(left, right, alike)
}

fn same(left: &str, right: &str, alike: impl Fn(&str, &str) -> bool) -> bool {
    fn separators(text: &str) -> impl Iterator<Item = char> {
        text.chars().filter(|c| is_separator(*c))
    }
    let (mut lefts, mut rights) = (left.split(is_separator), right.split(is_separator));
    separators(left).eq(separators(right))
        && loop {
            match (lefts.next(), rights.next()) {
                (None, None) => break true,
                (Some(left), Some(right)) if alike(left, right) => {}
                _ => break false,
            }
        }
}
