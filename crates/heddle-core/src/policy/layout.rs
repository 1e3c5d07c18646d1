//! How a tag is written: what stands before its numbers, the numbers, and what follows them.
//!
//! People tell tags apart by this: `3.4.6-debian-9-r24` is the version 3.4.6 in the variant `debian-9`, built for the 24th
//! time. It is read from the text of one tag alone, so no other tag of the list can change how it is read.

use std::borrow::Cow;

/// The most numbers that one tag is read with; Collabora writes five.
pub(super) const MAX_NUMBERS: usize = 6;

/// Words that make what follows the numbers a pre-release. A lone `dev` is a variant: Chainguard names images so that have
/// a shell.
const PRERELEASE_WORDS: &[&str] = &[
    "alpha",
    "beta",
    "rc",
    "cr",
    "pre",
    "preview",
    "prerelease",
    "dev",
    "snapshot",
    "nightly",
    "canary",
    "next",
    "milestone",
    "ea",
    "test",
    "a",
    "b",
    "m",
];

/// Words that count how often one version was built, as Bitnami and Alpine (`-r1`), linuxserver (`-ls301`), k3s (`-k3s1`),
/// RKE2 (`-rke2r1`) and Rancher's hardened images (`-build20240117`) write them.
const COUNTER_WORDS: &[&str] = &["r", "ls", "k3s", "rke2r", "build"];

/// The fewest digits by which people name a commit.
pub(super) const MIN_COMMIT_DIGITS: usize = 7;

/// As Amazon EKS counts: `-eksbuild.1`.
const DOTTED_COUNTER: &str = "eksbuild";

/// As Python packages count what was released again (PEP 440): `v0.6.3.post1`.
const POST_RELEASE: &str = "post";

/// Words in the place of a number that name whatever is newest of a line.
const LINE_WORDS: &[&str] = &["x", "latest", "stable", "edge", "head", "main", "master", "nightly"];

/// Words behind which people write the id of a commit: `1.2.3-sha-4b825dc`.
const COMMIT_WORDS: &[&str] = &["sha", "git", "commit", "rev"];

/// A tag taken apart.
#[derive(Debug, Clone)]
pub(super) struct Layout<'a> {
    text: Cow<'a, str>,
    /// Where the numbers start; the `v` of a version stands between the prefix and this.
    start: usize,
    has_v: bool,
    /// Where the numbers end.
    tail: usize,
    /// Where build metadata starts, or the end.
    end: usize,
    numbers: [u64; MAX_NUMBERS],
    digits: [u8; MAX_NUMBERS],
    /// What stands before each number but the first.
    separators: [u8; MAX_NUMBERS],
    count: usize,
    zero_led: bool,
    /// Whether a `Z` behind a time says that it is in UTC.
    is_utc: bool,
    /// Whether all numbers were read: not too many, and each fits in 64 bits.
    exact: bool,
}

/// A part of what follows the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'t> {
    /// A number that counts on while the version stays.
    Counter {
        /// What stands before it.
        mark: &'t str,
        /// Its digits; a time of the day may stand here too (`01T00`).
        digits: &'t str,
    },
    /// How often it was released again, in digits. Not all releases are, so it is no part of the shape.
    PostRelease(&'t str),
    /// A part of a pre-release, with what separates it from the part before.
    Prerelease(&'t str),
    /// The id of a commit, with what separates it from the part before.
    Commit(&'t str),
    /// A word of the variant, with what separates it from the word before.
    Word(&'t str),
}

impl Item<'_> {
    /// How many digits the id of a commit has that this is or may be; one in 27 ids of seven digits has no letter.
    pub(super) fn commit_digits(&self) -> Option<usize> {
        match self {
            Self::Commit(word) => Some(word.trim_start_matches(|c: char| is_separator(c) || c == 'g').len()),
            Self::Counter { mark: "-" | "_" | ".", digits } if digits.len() >= MIN_COMMIT_DIGITS => Some(digits.len()),
            _ => None,
        }
    }
}

impl<'a> Layout<'a> {
    /// Takes a text apart; every text can be.
    pub(super) fn read(text: Cow<'a, str>) -> Self {
        let end = text.find('+').unwrap_or(text.len());
        let mut layout = Self {
            start: end,
            has_v: false,
            tail: end,
            end,
            numbers: [0; MAX_NUMBERS],
            digits: [0; MAX_NUMBERS],
            separators: [0; MAX_NUMBERS],
            count: 0,
            zero_led: false,
            is_utc: false,
            exact: true,
            text: Cow::Borrowed(""),
        };
        if let Some((start, has_v)) = start_of_numbers(&text[..end]) {
            (layout.start, layout.has_v) = (start, has_v);
            layout.read_numbers(&text[..end]);
        }
        layout.text = text;
        layout
    }

    /// The same, with text of its own.
    pub(super) fn into_owned<'b>(self) -> Layout<'b> {
        Layout { text: Cow::Owned(self.text.into_owned()), ..self }
    }

    fn read_numbers(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = self.start;
        loop {
            let length = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
            self.push(&text[at..at + length]);
            at += length;
            let separator = bytes.get(at).copied().unwrap_or_default();
            let after = text.get(at + 1..).unwrap_or_default();
            let goes_on = match separator {
                b'.' => is_numeric(word_at(after, 0)),
                // Java's updates (`8u372`), and the time of a day.
                b'u' | b'T' => after.starts_with(|c: char| c.is_ascii_digit()),
                _ => false,
            };
            if !goes_on {
                break;
            }
            if let Some(place) = self.separators.get_mut(self.count) {
                *place = separator;
            }
            at += 1;
        }
        self.is_utc = self.separators().contains(&b'T') && bytes.get(at) == Some(&b'Z');
        self.tail = at + usize::from(self.is_utc);
    }

    fn push(&mut self, digits: &str) {
        self.zero_led |= digits.len() > 1 && digits.starts_with('0');
        let number = digits.parse();
        self.exact &= number.is_ok() && self.count < MAX_NUMBERS;
        if let Some(place) = self.numbers.get_mut(self.count) {
            *place = number.unwrap_or(u64::MAX);
            self.digits[self.count] = u8::try_from(digits.len()).unwrap_or(u8::MAX);
            self.count += 1;
        }
    }

    /// What stands before the numbers, without the `v` of a version; all of a text without numbers.
    pub(super) fn prefix(&self) -> &str {
        &self.text[..self.start - usize::from(self.has_v)]
    }

    /// The numbers.
    pub(super) fn numbers(&self) -> &[u64] {
        &self.numbers[..self.count]
    }

    /// How many digits each number is written with.
    pub(super) fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }

    /// What stands between the numbers.
    pub(super) fn separators(&self) -> &[u8] {
        &self.separators[self.count.min(1)..self.count]
    }

    /// What follows the numbers, as it is written.
    pub(super) fn tail(&self) -> &str {
        &self.text[self.tail..self.end]
    }

    /// What follows the numbers, part by part.
    pub(super) fn items(&self) -> Items<'_> {
        let is_java = self.separators().contains(&b'u');
        Items { text: self.tail(), state: State::Numbers, is_java, announces_commit: false }
    }

    /// All of it but build metadata.
    pub(super) fn text(&self) -> &str {
        &self.text[..self.end]
    }

    /// Where the numbers stand in it.
    pub(super) fn span(&self) -> std::ops::Range<usize> {
        self.start..self.tail
    }

    pub(super) fn has_v(&self) -> bool {
        self.has_v
    }

    pub(super) fn is_zero_led(&self) -> bool {
        self.zero_led
    }

    pub(super) fn is_utc(&self) -> bool {
        self.is_utc
    }

    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether one number alone stands in it: a counter, a date, a time, a commit id of digits.
    pub(super) fn is_lone(&self) -> bool {
        self.count == 1
    }

    /// The variant: the words after the numbers that are neither pre-release nor counter; empty where there are none.
    pub(super) fn variant(&self) -> String {
        let words = self.items().filter_map(|item| if let Item::Word(word) = item { Some(word) } else { None });
        let mut variant: String = words.collect();
        if variant.starts_with(is_separator) {
            variant.remove(0);
        }
        variant
    }

    /// Whether it names all versions of a line, as `0.35.X` and `1.2.latest` do.
    pub(super) fn is_of_line(&self) -> bool {
        let is_line = |word: &str| LINE_WORDS.iter().any(|line| line.eq_ignore_ascii_case(word));
        self.tail().strip_prefix('.').is_some_and(|rest| is_line(word_at(rest, 0)))
    }

    /// Whether it names a commit: by an id, or by digits alone that may be one.
    pub(super) fn names_commit(&self) -> bool {
        self.items().any(|item| item.commit_digits().is_some())
    }

    /// How many digits the id of a commit has that stands after the numbers and has a letter, so that it can be nothing else.
    pub(super) fn commit_length(&self) -> Option<usize> {
        self.items().find_map(|item| item.commit_digits().filter(|_| matches!(item, Item::Commit(_))))
    }

    /// Whether it names no image in particular, as `latest` and `stable-slim` do: words without digits.
    pub(super) fn floats(&self) -> bool {
        let mut words = self.text.split(is_separator);
        !self.text.contains(|c: char| c.is_ascii_digit()) && !words.any(is_commit)
    }
}

/// The parts of what follows the numbers.
#[derive(Debug, Clone)]
pub(super) struct Items<'t> {
    text: &'t str,
    state: State,
    is_java: bool,
    /// Whether the part before says that the id of a commit follows.
    announces_commit: bool,
}

/// What came before a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Numbers,
    PostRelease,
    Counter,
    Prerelease,
    Variant,
}

impl<'t> Iterator for Items<'t> {
    type Item = Item<'t>;

    fn next(&mut self) -> Option<Self::Item> {
        let separator = self.text.chars().next()?;
        let skipped = if is_separator(separator) { 1 } else { 0 };
        let word = word_at(self.text, skipped);
        let (item, length) = self.classify(separator, word, skipped);
        self.state = match item {
            Item::Counter { .. } if matches!(self.state, State::Numbers | State::PostRelease) => State::Counter,
            Item::Counter { .. } => self.state,
            Item::PostRelease(_) => State::PostRelease,
            Item::Prerelease(_) | Item::Commit(_) if self.state != State::Variant => State::Prerelease,
            _ => State::Variant,
        };
        self.announces_commit = matches!(item, Item::Word(_)) && COMMIT_WORDS.contains(&word);
        self.text = &self.text[length..];
        Some(item)
    }
}

impl<'t> Items<'t> {
    fn classify(&self, separator: char, word: &'t str, skipped: usize) -> (Item<'t>, usize) {
        let length = skipped + word.len();
        let whole = &self.text[..length];
        let dashed = separator == '-' || separator == '_';
        let counts_on = match self.state {
            State::Numbers | State::PostRelease => dashed,
            State::Counter => dashed || separator == '.',
            State::Prerelease | State::Variant => false,
        };
        if counts_on && is_clock(word) {
            return (Item::Counter { mark: &self.text[..skipped], digits: word }, length);
        }
        if dashed && let Some(mark) = self.counter_mark(word) {
            return (Item::Counter { mark: &whole[..skipped + mark], digits: &word[mark..] }, length);
        }
        if dashed && word == DOTTED_COUNTER {
            let digits = self.text[length..].strip_prefix('.').map_or("", |rest| word_at(rest, 0));
            if is_digits(digits) {
                return (Item::Counter { mark: &self.text[..=length], digits }, length + 1 + digits.len());
            }
        }
        if is_commit(word) || (self.announces_commit && is_hexadecimal(word)) {
            return (Item::Commit(whole), length);
        }
        // Behind a pre-release or a counter it counts that, and not the version.
        if self.state == State::Numbers
            && separator == '.'
            && let Some(digits) = word.strip_prefix(POST_RELEASE).filter(|digits| is_digits(digits))
        {
            return (Item::PostRelease(digits), length);
        }
        let before_variant = self.state != State::Variant && skipped > 0;
        let goes_on = self.state == State::Prerelease && (separator == '.' || is_digits(word));
        let starts = || is_prerelease_word(word, &self.text[length..]);
        if before_variant && (goes_on || starts()) {
            return (Item::Prerelease(whole), length);
        }
        (Item::Word(whole), length)
    }

    /// Where in a word the digits of a known counter start.
    fn counter_mark(&self, word: &str) -> Option<usize> {
        let mut marks = COUNTER_WORDS.iter().copied().chain(self.is_java.then_some("b"));
        let known = |mark: &&str| word.strip_prefix(*mark).is_some_and(is_digits);
        marks.find(known).map(str::len)
    }
}

fn is_prerelease_word(word: &str, after: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let known = PRERELEASE_WORDS.iter().any(|known| known.eq_ignore_ascii_case(letters));
    let counts =
        letters.len() < word.len() || after.strip_prefix(['.', '-']).is_some_and(|rest| is_digits(word_at(rest, 0)));
    known && (counts || !letters.eq_ignore_ascii_case("dev"))
}

/// Where the numbers start, and whether the `v` of a version stands before them: at the first word of digits, else at the
/// digits that end a word (`b5123`, `jdk17.0.1`).
fn start_of_numbers(text: &str) -> Option<(usize, bool)> {
    let words = || {
        text.split(is_separator).scan(0, |at, word| {
            let start = *at;
            *at += word.len() + 1;
            Some((start, word)).filter(|(_, word)| !is_commit(word)).or(Some((start, "")))
        })
    };
    let of_digits = words().find_map(|(at, word)| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        is_numeric(digits).then_some((at + word.len() - digits.len(), digits.len() < word.len()))
    });
    of_digits.or_else(|| {
        words().find_map(|(at, word)| {
            let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let ends = letters.len() < word.len() && letters.bytes().all(|b| b.is_ascii_alphabetic());
            ends.then_some((at + letters.len(), false))
        })
    })
}

/// The word that starts at a place.
fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    &rest[..rest.find(is_separator).unwrap_or(rest.len())]
}

pub(super) fn is_separator(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

/// The groups of digits in a text.
pub(super) fn groups(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty())
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// Digits, perhaps with more behind a `u` or a `T`, and a `Z` at the end.
fn is_numeric(word: &str) -> bool {
    let mut parts = word.strip_suffix('Z').unwrap_or(word).split(['u', 'T']);
    parts.all(is_digits)
}

/// Digits, perhaps with a time of the day.
fn is_clock(word: &str) -> bool {
    is_digits(word) || (word.contains(['T', 'Z']) && is_numeric(word))
}

/// Whether a word is the id of a commit: 7 to 40 hexadecimal digits with a letter among them, perhaps behind the `g` of
/// `git describe`.
pub(super) fn is_commit(word: &str) -> bool {
    word.strip_prefix('g').is_some_and(is_hexadecimal) || (is_hexadecimal(word) && !is_digits(word))
}

/// Whether a word has as many hexadecimal digits as the id of a commit, and nothing else.
fn is_hexadecimal(word: &str) -> bool {
    (MIN_COMMIT_DIGITS..=40).contains(&word.len()) && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
