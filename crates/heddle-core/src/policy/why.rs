//! Why a tag was passed over: the rule, and a sentence that a person understands. Sentences are made for who asks.

use std::cell::OnceCell;

use chrono::{DateTime, Utc};

use super::{
    Pattern, Sentence, age::say_age, chooser::Chooser, compiled::Variant, order::Order, running::Running, shape::Fit,
    situation::BarredTag,
};
use crate::{
    change::GateKind,
    image::{ImageRepository, Tag},
};

/// Why a tag was passed over.
#[derive(Debug, Clone)]
pub(super) enum Why<'a> {
    NoTag,
    Artifact,
    Ignored(&'a Pattern),
    NotAllowed,
    NothingAllowed(&'a str),
    Unmatched,
    Unordered(&'static str),
    NotFollowed(&'a str),
    /// What runs has no place in the order.
    Unplaced,
    /// It runs, and names no image in particular.
    Floats,
    /// A lone number where nothing says that one is meant.
    Lone,
    Shape(Fit),
    /// It has more numbers than what runs, and others with as many as that qualify and are above it.
    More,
    /// It has more numbers than what runs, which is known to move.
    Moves,
    Suffix {
        has: String,
    },
    Outside,
    Prerelease,
    Within,
    Below,
    Equal,
    Relative(&'static str, Sentence),
    UnknownPlatforms,
    Platforms(String),
    Unsigned(Unsigned<'a>),
    Lockstep {
        image: &'a ImageRepository,
        is_known: bool,
    },
    Barred(&'a BarredTag<'a>),
    NotAboveBarred(&'a BarredTag<'a>),
    Young(DateTime<Utc>),
}

/// Why a tag does not count as signed. The greater says more of what may still be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unsigned<'a> {
    /// None of the keys can be read.
    NoKey,
    /// Nobody who counts signed it.
    Refused,
    /// It was looked at, and nothing can be said.
    Undecided(&'a str),
    /// Nobody looked yet.
    Unchecked,
}

impl Unsigned<'_> {
    /// Whether it may turn out to be signed as it is.
    pub(super) fn is_open(self) -> bool {
        matches!(self, Self::Undecided(_) | Self::Unchecked)
    }
}

impl Why<'_> {
    /// Whether the words of the rule keep the tag out, whatever becomes known of it and however long it stands.
    pub(super) fn is_of_the_rules_words(&self) -> bool {
        matches!(
            self,
            Self::NoTag
                | Self::Artifact
                | Self::Ignored(_)
                | Self::NotAllowed
                | Self::NothingAllowed(_)
                | Self::NotFollowed(_)
                | Self::Suffix { .. }
                | Self::Outside
                | Self::Prerelease
                | Self::Within
                | Self::Relative(..)
        )
    }

    /// What keeps a tag back that waits for this reason.
    pub(super) fn gate(&self) -> GateKind {
        match self {
            Self::Young(_) => GateKind::Age,
            Self::Unsigned(_) => GateKind::Signature,
            _ => GateKind::Promotion,
        }
    }

    /// When it no longer holds, where time alone keeps the tag back.
    pub(super) fn until(&self) -> Option<DateTime<Utc>> {
        if let Self::Young(until) = self { Some(*until) } else { None }
    }
}

/// Sentences that are the same for many tags of one choice.
#[derive(Default)]
pub(super) struct Said {
    outside: OnceCell<Sentence>,
    prerelease: OnceCell<Sentence>,
    within: OnceCell<Sentence>,
    below: OnceCell<Sentence>,
    unplaced: OnceCell<Sentence>,
}

fn once(said: &OnceCell<Sentence>, words: impl FnOnce() -> String) -> Sentence {
    said.get_or_init(|| words().into()).clone()
}

impl Chooser<'_> {
    /// The rule that passed a tag over.
    pub(super) fn rule(&self, why: &Why<'_>) -> &'static str {
        match why {
            Why::NoTag => "tag",
            Why::Artifact => "artifact",
            Why::Ignored(_) => "ignore",
            Why::NotAllowed | Why::NothingAllowed(_) => "allow",
            Why::Unmatched => "match",
            Why::Unordered(_) => self.policy.order.rule(),
            Why::NotFollowed(_) => "digest",
            Why::Unplaced | Why::Floats => "current",
            Why::Shape(Fit::Fewer) | Why::More | Why::Moves => "precision",
            Why::Shape(Fit::Variant | Fit::NumberedVariant | Fit::Counter) | Why::Suffix { .. } => "suffix",
            Why::Shape(_) | Why::Lone => "shape",
            Why::Outside => "semver",
            Why::Prerelease => "prerelease",
            Why::Within => "within",
            Why::Below | Why::Equal => "downgrade",
            Why::Relative(rule, _) => rule,
            Why::UnknownPlatforms | Why::Platforms(_) => "platforms",
            Why::Unsigned(_) => "signed_by",
            Why::Lockstep { .. } => "lockstep",
            Why::Barred(_) | Why::NotAboveBarred(_) => "barred",
            Why::Young(_) => "min_age",
        }
    }

    /// The sentence about a tag that was passed over.
    pub(super) fn words(&self, why: &Why<'_>, tag: &Tag) -> Sentence {
        let runs = || self.running_in_words();
        match why {
            Why::NoTag => "no image can carry it: letters, digits, `_`, `.` and `-` alone make a tag".into(),
            Why::Artifact => "it is a signature or an attestation, not an image".into(),
            Why::Ignored(pattern) => format!("`ignore` names it: `{}`", pattern.as_str()).into(),
            Why::NotAllowed => "no pattern of `allow` names it".into(),
            Why::NothingAllowed(why) => (*why).to_owned().into(),
            Why::Unmatched => "it does not match `match`".into(),
            Why::Unordered(reason) => (*reason).into(),
            Why::NotFollowed(followed) => format!("only `{followed}` is followed").into(),
            Why::Unplaced => once(&self.said.unplaced, || self.unplaced_in_words()),
            Why::Floats => "it runs now, and moves from image to image: the tags that name its image count".into(),
            Why::Lone => {
                "a lone number may be a date, a counter or the id of a commit: let `match` say that it is a version \
                          (`^[0-9]+$`)"
                    .into()
            }
            Why::Shape(fit) => self.shape_in_words(*fit, tag).into(),
            Why::More => {
                format!("it has more numbers than {}, and others with as many as that are above it", runs()).into()
            }
            Why::Moves => {
                format!("it has more numbers than {}, which moves to each newer one by itself", runs()).into()
            }
            Why::Suffix { has } => self.suffix_in_words(has).into(),
            Why::Outside => once(&self.said.outside, || format!("it is outside `{}`", self.range_in_words())),
            Why::Prerelease => once(&self.said.prerelease, || {
                let range = self.range_in_words();
                format!("it is a pre-release, and `{range}` names none (`prerelease: true` lets them in)")
            }),
            Why::Within => once(&self.said.within, || format!("it is no {} step from {}", self.policy.within, runs())),
            Why::Below => once(&self.said.below, || format!("it {} {}", self.policy.order.below(), runs())),
            Why::Equal => format!("it is not above {}", runs()).into(),
            Why::Relative(_, sentence) => sentence.clone(),
            Why::UnknownPlatforms => "nobody knows which platforms it is for".into(),
            Why::Platforms(missing) => format!("it is not for {missing}").into(),
            Why::Unsigned(why) => self.policy.unsigned_in_words(*why).into(),
            Why::Lockstep { image, is_known: true } => format!("`{image}` has no tag `{tag}`").into(),
            Why::Lockstep { image, is_known: false } => {
                format!("nobody knows whether `{image}` has the tag `{tag}`").into()
            }
            Why::Barred(barred) => format!("it was taken back: {}", barred.reason).into(),
            Why::NotAboveBarred(barred) => {
                format!("it is not above `{}`, which was taken back: {}", barred.tag, barred.reason).into()
            }
            Why::Young(until) => {
                let left = say_age(*until - self.situation.now);
                format!("it is too young: `min_age` lets it in after {left} more").into()
            }
        }
    }

    /// "`1.4.1`, which runs now", or the tag whose image that is.
    pub(super) fn running_in_words(&self) -> String {
        let written = self.current_in_words();
        match &self.running {
            Running::Placed(anchor) if anchor.content.is_some() => {
                let same = anchor.content.map(Tag::as_str).unwrap_or_default();
                format!("`{same}`, whose image {written} is")
            }
            _ => format!("{written}, which runs now"),
        }
    }

    /// What stands at the place.
    fn current_in_words(&self) -> String {
        let current = self.situation.current.unwrap_or_default();
        match (current.written(), current.digest) {
            (Some(tag), _) => format!("`{tag}`"),
            (None, Some(digest)) => format!("`@{}`", digest.short()),
            (None, None) => "an image without a tag".to_owned(),
        }
    }

    /// Why nothing can be said to be above what runs, and the ways out.
    pub(super) fn unplaced_in_words(&self) -> String {
        let written = self.current_in_words();
        let floats =
            self.situation.current.and_then(|current| current.written()).is_none_or(|tag| self.policy.is_floating(tag));
        let why = match floats {
            true => "which moves from image to image, and no tag that the rule can order is known to be its image",
            false => "which the rule cannot order, and no tag that it can order is known to be its image",
        };
        format!(
            "nothing says which tag is above {written}, {why}: write a `match` with `extract` that reads it, a `suffix` or \
             another policy, let the rule choose `from_any: true`, or release a tag by hand"
        )
    }

    fn range_in_words(&self) -> String {
        match &self.policy.order {
            Order::Release { range, .. } | Order::Version { range: Some(range), .. } => range.to_string(),
            _ => String::new(),
        }
    }

    fn shape_in_words(&self, fit: Fit, tag: &Tag) -> String {
        let runs = self.running_in_words();
        match fit {
            Fit::Fewer => format!("it has fewer numbers than {runs}: such a tag moves from image to image"),
            Fit::Prefix => format!("it does not begin as {runs}"),
            Fit::Separators => format!("its numbers are not written as those of {runs}"),
            Fit::Lone => format!(
                "a number of so many digits cannot be the next of {runs}: it is a date, a time or the id of a commit"
            ),
            Fit::Scheme => format!("its numbers count otherwise than those of {runs}, as a date does"),
            Fit::Counter => format!("its builds are not counted as those of {runs}"),
            Fit::Variant | Fit::NumberedVariant => {
                let has = self.policy.layout_of(tag).map(|layout| layout.variant()).unwrap_or_default();
                if has == self.kept_variant() {
                    return format!("what follows its numbers is not that of {runs}");
                }
                self.suffix_in_words(&has)
            }
            Fit::Same | Fit::More => String::new(),
        }
    }

    fn suffix_in_words(&self, has: &str) -> String {
        let named = |variant: &str| match variant {
            "" => "no variant".to_owned(),
            variant => format!("the variant `{variant}`"),
        };
        format!("it has {}, and {} is kept", named(has), named(&self.kept_variant()))
    }

    /// The variant that a tag must have.
    fn kept_variant(&self) -> String {
        match (&self.policy.variant, &self.running) {
            (Variant::Named(name), _) => name.clone(),
            (Variant::Matching(glob), _) => glob.as_str().to_owned(),
            (_, Running::Placed(anchor)) => {
                anchor.place.layout.as_ref().map(|layout| layout.variant()).unwrap_or_default()
            }
            _ => String::new(),
        }
    }

    /// What says that a numbered variant may change: `debian-*` for `debian-9`.
    pub(super) fn numbered_variant_in_words(&self, tag: &Tag) -> String {
        let variant = self.policy.layout_of(tag).map(|layout| layout.variant()).unwrap_or_default();
        let glob = starred(&variant);
        format!("the newest of another such variant is `{tag}`, and `suffix: '{glob}'` lets it in")
    }
}

/// A variant with a `*` for its numbers.
fn starred(variant: &str) -> String {
    let mut glob = String::new();
    for c in variant.chars() {
        match c {
            c if c.is_ascii_digit() => glob.push('*'),
            c => glob.push(c),
        }
    }
    while let Some(shorter) = ["**", "*.*", "*-*", "*_*"].iter().find(|run| glob.contains(**run)) {
        glob = glob.replacen(shorter, "*", 1);
    }
    glob
}
