//! A policy that can be followed.

use std::borrow::Cow;

use chrono::TimeDelta;

use super::{
    NewestBy, PolicyFault, Signer, SignerId, TagPolicy, Within,
    extract::{Extraction, Room},
    fault::Faults,
    limit::{MAX_POLICY_BYTES, MAX_SIGNERS},
    order::{Numbers, Order},
    pattern::{Pattern, compile},
    platform::Platform,
    relative::Relative,
};
use crate::image::ImageRepository;

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
    /// Whether a tag is chosen although what runs has no place in the order.
    pub(super) from_any: bool,
    pub(super) min_age: Option<TimeDelta>,
    pub(super) pin_digest: bool,
    /// Who must have signed, one of them; empty asks for no signature.
    pub(super) signed_by: Vec<Signer>,
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
    /// A variant that the glob names; the numbers in it are ordered.
    Matching(Pattern),
    /// Nothing: all of the text is a pre-release, as Semantic Versioning has it.
    Untold,
}

/// Small things in which languages of policies differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Habits {
    /// Only what is above the running tag and has its shape is chosen.
    pub keeps_place: bool,
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
            faults.extract(extract, policy.matches.is_some(), matches.as_ref().map(|matches| &matches.regex));
        }
        let allow = faults.patterns("allow", &policy.allow, Pattern::parse);
        let conditions = Self {
            extraction: matches.map(|matches| Extraction::new(matches, policy.extract.as_deref())),
            ignore: faults.patterns("ignore", &policy.ignore, Pattern::parse),
            allow: if allow.is_empty() { Allow::All } else { Allow::Matching(allow) },
            variant: match policy.suffix.as_deref() {
                None => Variant::OfRunning,
                Some("*") => Variant::Untold,
                Some(glob) if glob.contains('*') => {
                    faults.kept("suffix", Pattern::star_glob(glob)).map_or(Variant::OfRunning, Variant::Matching)
                }
                Some(suffix) => Variant::Named(suffix.to_owned()),
            },
            platforms: faults.platforms("platforms", &policy.platforms),
            within: policy.within.unwrap_or(Within::Major),
            prerelease: policy.prerelease,
            downgrade: policy.downgrade,
            from_any: policy.from_any,
            min_age: policy.min_age.as_ref().and_then(|text| faults.age("min_age", text)),
            pin_digest: policy.pin_digest,
            signed_by: policy.signed_by.clone(),
            lockstep: policy.lockstep.iter().filter_map(|text| faults.kept("lockstep", text.parse())).collect(),
            habits: Habits { keeps_place: true, images_only: true, keeps_spelling: true, ..Habits::default() },
            ..Self::bare(Order::Docker)
        };
        faults.or(order.map(|order| Self { order, ..conditions }))?.within_limits()
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
            from_any: false,
            min_age: None,
            pin_digest: false,
            signed_by: Vec::new(),
            lockstep: Vec::new(),
            relative: Relative::No,
            habits: Habits::default(),
        }
    }

    /// The policy, where its expressions are together no larger than [`MAX_POLICY_BYTES`].
    pub(super) fn within_limits(self) -> Result<Self, Vec<PolicyFault>> {
        let size_bytes = self.size_bytes();
        if size_bytes <= MAX_POLICY_BYTES {
            return Ok(self);
        }
        let message = format!(
            "its expressions need about {size_bytes} bytes once compiled, and {MAX_POLICY_BYTES} are the most: write fewer or \
             simpler ones"
        );
        Err(vec![PolicyFault { field: "policy", message }])
    }

    /// About what its expressions take once compiled, in bytes; all policies of a repository share
    /// [`MAX_POLICIES_BYTES`](super::limit::MAX_POLICIES_BYTES).
    pub fn size_bytes(&self) -> usize {
        let allow: &[Pattern] = if let Allow::Matching(patterns) = &self.allow { patterns } else { &[] };
        let patterns: usize = self.ignore.iter().chain(allow).map(Pattern::size_bytes).sum();
        patterns + self.extraction.as_ref().map_or(0, |extraction| extraction.size_bytes)
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

    /// Who must have signed an image, one of them; empty asks for no signature.
    pub fn signers(&self) -> &[Signer] {
        &self.signed_by
    }

    /// The same, with each signer known by the path of its key: for whoever is told what is signed and reads no keys.
    pub fn with_signers_by_path(mut self) -> Self {
        for signer in &mut self.signed_by {
            signer.id = Some(SignerId::of_path(&signer.key));
        }
        self
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
    let range = |text: &String, faults: &mut Faults| {
        faults.kept("semver", text.parse()).map(|range| Order::Release { range, strict: policy.strict })
    };
    let mut orders = [
        policy.semver.as_ref().map(|text| range(text, faults)),
        policy.numerical.map(|order| Some(Order::Number(order, Numbers::Plain))),
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

impl Faults {
    /// What can never hold together.
    fn contradictions(&mut self, policy: &TagPolicy) {
        let versions = policy.semver.is_some();
        let of_versions =
            [("strict", policy.strict), ("within", policy.within.is_some()), ("prerelease", policy.prerelease)];
        for (field, _) in of_versions.into_iter().filter(|(_, given)| *given && !versions) {
            self.add(field, format!("`{field}` speaks of versions, and only `semver` orders versions: take it out"));
        }
        if policy.signed_by.len() > MAX_SIGNERS {
            self.add("signed_by", format!("{MAX_SIGNERS} signers are the most of one rule"));
        }
        if policy.digest.is_some() && policy.extract.is_some() {
            self.add("extract", "`digest` follows one tag and orders none: take `extract` out");
        }
    }
}
