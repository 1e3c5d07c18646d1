//! A policy that can be followed.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::{
    NewestBy, TagPolicy, Within,
    age::parse_age,
    extract::{Extraction, Room},
    order::{Order, Shape},
    pattern::{Pattern, compile},
    platform::Platform,
    relative::Relative,
};
use crate::image::ImageRepository;

/// Why a policy cannot be followed: the field at fault and a sentence that says what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFault {
    /// The field of the policy, as it is written.
    pub field: &'static str,
    /// What is wrong, and the remedy.
    pub message: String,
}

/// A policy whose parts were read and understood, whichever language it was written in.
#[derive(Debug, Clone)]
pub struct CompiledPolicy {
    pub(super) order: Order,
    pub(super) extraction: Option<Extraction>,
    pub(super) ignore: Vec<Pattern>,
    pub(super) allow: Allow,
    pub(super) variant: Variant,
    pub(super) platforms: Vec<Platform>,
    /// Whether one of the platforms is enough.
    pub(super) any_platform: bool,
    pub(super) within: Within,
    pub(super) prerelease: bool,
    pub(super) downgrade: bool,
    pub(super) min_age: Option<TimeDelta>,
    pub(super) pin_digest: bool,
    /// Keys of which one must have signed; empty asks for no signature.
    pub(super) signed_by: Vec<String>,
    pub(super) lockstep: Vec<ImageRepository>,
    pub(super) relative: Relative,
    pub(super) habits: Habits,
}

/// Which tags take part.
#[derive(Debug, Clone)]
pub(super) enum Allow {
    All,
    Matching(Vec<Pattern>),
    /// Nothing, because the pattern cannot be read, and why.
    Nothing(String),
}

/// What is asked of the text after a version's numbers.
#[derive(Debug, Clone)]
pub(super) enum Variant {
    /// The variant of the running tag.
    OfRunning,
    /// This variant; empty asks for none.
    Named(String),
    /// Nothing: all of the text is a pre-release, as Semantic Versioning has it.
    Untold,
}

/// Small things in which languages of policies differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// What is no image is no candidate: signatures and attestations under tags, names that no tag can have.
    pub images_only: bool,
    /// Of equal tags the running one, then one spelt like it, is better.
    pub keeps_spelling: bool,
    /// Of equal tags the least text is better, not the greatest.
    pub least_text_wins: bool,
    /// One tag that cannot be ordered fails the whole choice.
    pub fails_whole: bool,
    /// Nothing is chosen over a running tag whose creation time is not known.
    pub needs_running_time: bool,
}

impl CompiledPolicy {
    /// Reads every part of a policy.
    ///
    /// # Errors
    /// All faults at once.
    pub fn new(policy: &TagPolicy) -> Result<Self, Vec<PolicyFault>> {
        let mut faults = Faults::default();
        let order = read_order(policy, &mut faults);
        faults.contradictions(policy);
        let matches = policy.matches.as_ref().and_then(|text| faults.kept("match", compile(text)));
        if let Some(extract) = &policy.extract {
            faults.extract(extract, policy.matches.is_some(), matches.as_ref());
        }
        let allow = faults.patterns("allow", &policy.allow, Pattern::parse);
        let conditions = Self {
            extraction: matches.map(|matches| Extraction::new(matches, policy.extract.as_deref())),
            ignore: faults.patterns("ignore", &policy.ignore, Pattern::parse),
            allow: if allow.is_empty() { Allow::All } else { Allow::Matching(allow) },
            variant: match policy.suffix.as_deref() {
                None => Variant::OfRunning,
                Some("*") => Variant::Untold,
                Some(suffix) => Variant::Named(suffix.to_owned()),
            },
            platforms: faults.platforms("platforms", &policy.platforms),
            within: policy.within.unwrap_or(Within::Major),
            prerelease: policy.prerelease,
            downgrade: policy.downgrade,
            min_age: policy.min_age.as_ref().and_then(|text| faults.age("min_age", text)),
            pin_digest: policy.pin_digest,
            signed_by: policy.signed_by.iter().map(|signer| signer.key.clone()).collect(),
            lockstep: policy.lockstep.iter().filter_map(|text| faults.kept("lockstep", text.parse())).collect(),
            habits: Habits { images_only: true, keeps_spelling: true, ..Habits::default() },
            ..Self::bare(Order::Docker)
        };
        faults.or(order.map(|order| Self { order, ..conditions }))
    }

    /// A policy with an order and no condition, as the peers' are before their own conditions.
    pub(super) fn bare(order: Order) -> Self {
        Self {
            order,
            extraction: None,
            ignore: Vec::new(),
            allow: Allow::All,
            variant: Variant::Untold,
            platforms: Vec::new(),
            any_platform: false,
            within: Within::Major,
            prerelease: false,
            downgrade: true,
            min_age: None,
            pin_digest: false,
            signed_by: Vec::new(),
            lockstep: Vec::new(),
            relative: Relative::No,
            habits: Habits::default(),
        }
    }

    /// Whether `tag@digest` is to be written.
    pub fn pins_digest(&self) -> bool {
        self.pin_digest
    }

    /// The tag whose digest is followed, where the policy follows one.
    pub fn followed_tag(&self) -> Option<&str> {
        match &self.order {
            Order::Follow(tag) => Some(tag),
            _ => None,
        }
    }

    /// The keys of which one must have signed an image; empty asks for no signature.
    pub fn signers(&self) -> &[String] {
        &self.signed_by
    }

    /// The repositories that must have the same tag.
    pub fn lockstep(&self) -> &[ImageRepository] {
        &self.lockstep
    }

    /// What of the tag is ordered; `None` when `match` does not find anything.
    pub(super) fn ordered_part<'a>(&self, tag: &'a str, room: &mut Room) -> Option<Cow<'a, str>> {
        self.extraction.as_ref().map_or_else(|| Some(tag.into()), |extraction| extraction.part(tag, room))
    }
}

fn read_order(policy: &TagPolicy, faults: &mut Faults) -> Option<Order> {
    let shape = if policy.strict { Shape::Strict } else { Shape::Loose };
    let range = |text: &String, faults: &mut Faults| {
        faults.kept("semver", text.parse()).map(|range| Order::Version { range: Some(range), shape })
    };
    let mut orders = [
        policy.semver.as_ref().map(|text| range(text, faults)),
        policy.numerical.map(|order| Some(Order::Number(order))),
        policy.alphabetical.map(|order| Some(Order::Text(order))),
        policy.newest.map(|by| Some(if by == NewestBy::Created { Order::Created } else { Order::FirstSeen })),
        policy.digest.as_ref().map(|tag| faults.tag("digest", tag).map(Order::Follow)),
    ]
    .into_iter()
    .flatten();
    let order = orders.next();
    match (&order, orders.next()) {
        (None, _) => faults.add("policy", "the policy has no kind: write for example `semver: \">=1.2 <2\"`"),
        (_, Some(_)) => faults.add(
            "policy",
            "the policy has more than one kind: keep one of `semver`, `numerical`, `alphabetical`, `newest`, `digest`",
        ),
        _ => {}
    }
    order.flatten()
}

/// Faults as they are found. All come at once.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<PolicyFault>);

impl Faults {
    pub(super) fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(PolicyFault { field, message: message.into() });
    }

    /// The value, or its error as a fault.
    pub(super) fn kept<T, E: std::fmt::Display>(&mut self, field: &'static str, outcome: Result<T, E>) -> Option<T> {
        outcome.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// The policy when there is no fault.
    pub(super) fn or(self, policy: Option<CompiledPolicy>) -> Result<CompiledPolicy, Vec<PolicyFault>> {
        policy.filter(|_| self.0.is_empty()).ok_or(self.0)
    }

    pub(super) fn patterns(
        &mut self,
        field: &'static str,
        texts: &[String],
        read: impl Fn(&str) -> Result<Pattern, super::PatternError>,
    ) -> Vec<Pattern> {
        texts.iter().filter_map(|text| self.kept(field, read(text))).collect()
    }

    pub(super) fn platforms(&mut self, field: &'static str, texts: &[String]) -> Vec<Platform> {
        let read = |text: &String| {
            let wrong = || format!("`{text}` is no platform: write for example `linux/amd64` or `linux/arm/v7`");
            self.kept(field, Platform::parse(text).ok_or_else(wrong))
        };
        texts.iter().filter_map(read).collect()
    }

    pub(super) fn age(&mut self, field: &'static str, text: &str) -> Option<TimeDelta> {
        let wrong = || format!("`{text}` is no length of time: write for example `2d`, `36h` or `1w`");
        self.kept(field, parse_age(text).ok_or_else(wrong))
    }

    pub(super) fn tag(&mut self, field: &'static str, text: &str) -> Option<String> {
        self.kept(field, text.parse::<crate::image::Tag>()).map(String::from)
    }

    /// What can never hold together.
    fn contradictions(&mut self, policy: &TagPolicy) {
        let versions = policy.semver.is_some();
        let of_versions =
            [("strict", policy.strict), ("within", policy.within.is_some()), ("prerelease", policy.prerelease)];
        for (field, _) in of_versions.into_iter().filter(|(_, given)| *given && !versions) {
            self.add(field, format!("`{field}` speaks of versions, and only `semver` orders versions: take it out"));
        }
        if policy.digest.is_some() && policy.extract.is_some() {
            self.add("extract", "`digest` follows one tag and orders none: take `extract` out");
        }
    }
}
