//! The rules by which a tag is passed over.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::{
    Signed, TagInfo, TagList, Within,
    chooser::Chooser,
    compiled::{Allow, CompiledPolicy, Variant},
    layout::Layout,
    order::{Key, Order, Place},
    platform::Platform,
    running::{Anchor, Running},
    shape::{Fit, are_one_but_for_numbers},
    version::TagVersion,
    why::{Unsigned, Why},
};
use crate::image::Tag;

/// How a tag that qualifies stands to what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qualified {
    /// It may be chosen.
    Fully,
    /// It has more numbers than what runs: it may be chosen where nothing else is above that, and that does not move.
    WithMoreNumbers,
}

type Judgement<'a> = Result<(), Why<'a>>;

impl<'a> Chooser<'a> {
    /// Whether a tag with a place in the order qualifies.
    pub(super) fn judge(&self, info: &'a TagInfo, place: &Place<'_>) -> Result<Qualified, Why<'a>> {
        let runs = self.current() == Some(&info.tag);
        self.judge_text(&info.tag)?;
        self.judge_followed(&info.tag)?;
        let qualified = if self.named { Qualified::Fully } else { self.judge_shape(info, place)? };
        self.judge_variant(info, place)?;
        self.judge_range(place)?;
        self.judge_distance(info, place)?;
        let relative = self.policy.relative.judge(&place.key, &info.tag, self.current());
        relative.map_err(|(rule, reason)| Why::Relative(rule, reason))?;
        self.judge_platforms(info)?;
        self.judge_lockstep(&info.tag)?;
        if !runs {
            self.judge_barred(&info.tag, place)?;
        }
        // After all that needs no look at the registry, and before what time alone settles.
        self.judge_signature(info)?;
        if !runs {
            self.judge_age(info)?;
        }
        Ok(qualified)
    }

    /// The rules that look at the text alone.
    pub(super) fn judge_text(&self, tag: &'a Tag) -> Judgement<'a> {
        let text = tag.as_str();
        if self.policy.habits.images_only && !tag.can_stand() {
            return Err(Why::NoTag);
        }
        if self.policy.habits.images_only && is_artifact(text) {
            return Err(Why::Artifact);
        }
        if let Some(pattern) = self.policy.ignore.iter().find(|pattern| pattern.matches(text)) {
            return Err(Why::Ignored(pattern));
        }
        match &self.policy.allow {
            Allow::All => Ok(()),
            Allow::Matching(patterns) if patterns.iter().any(|pattern| pattern.matches(text)) => Ok(()),
            Allow::Matching(_) => Err(Why::NotAllowed),
            Allow::Nothing(why) => Err(Why::NothingAllowed(why)),
        }
    }

    fn judge_followed(&self, tag: &Tag) -> Judgement<'a> {
        match &self.policy.order {
            Order::Follow(followed) if followed != tag.as_str() => Err(Why::NotFollowed(followed)),
            _ => Ok(()),
        }
    }

    /// Whether it has the shape of what runs.
    fn judge_shape(&self, info: &TagInfo, place: &Place<'_>) -> Result<Qualified, Why<'a>> {
        let Some(layout) = &place.layout else { return Ok(Qualified::Fully) };
        let runs = self.current() == Some(&info.tag);
        match &self.running {
            Running::Lost if !self.policy.from_any => Err(Why::Unplaced),
            Running::Free | Running::Lost => self.judge_lone(&info.tag, layout),
            Running::Placed(anchor) if runs && anchor.content.is_some() => Err(Why::Floats),
            Running::Placed(_) if runs => Ok(Qualified::Fully),
            Running::Placed(anchor) => match self.fit(anchor, info, layout) {
                Fit::Same => Ok(Qualified::Fully),
                Fit::More => Ok(Qualified::WithMoreNumbers),
                fit => Err(Why::Shape(fit)),
            },
        }
    }

    /// How a tag stands to what runs by its shape.
    pub(super) fn fit(&self, anchor: &Anchor<'_>, info: &TagInfo, layout: &Layout<'_>) -> Fit {
        let Some(running) = &anchor.place.layout else { return Fit::Same };
        match running.fit(layout, self.sight(anchor)) {
            Fit::Lone if self.policy.means(&info.tag, layout) => Fit::Same,
            // As a number it is greater, and as a version it is not.
            Fit::Same if !agrees(&self.policy.order, running, layout) => Fit::Separators,
            // Whoever reads the digits from the left takes it for lower: `2.0-debian-9` and `2.0.1-debian-9`.
            Fit::More if running.reads_above(layout) => Fit::Separators,
            // `match` says that this kind of tag is meant, and a word stands where others have a number.
            Fit::Prefix if anchor.meant && running.has_another_word(layout) => Fit::Same,
            fit => fit,
        }
    }

    /// Beside versions a lone number is something else. A `v` says that it is a version.
    fn judge_lone(&self, tag: &Tag, layout: &Layout<'_>) -> Result<Qualified, Why<'a>> {
        let versions = matches!(self.policy.order, Order::Release { .. });
        let is_lone = versions && layout.is_lone() && !layout.has_v();
        if is_lone && !self.policy.means(tag, layout) { Err(Why::Lone) } else { Ok(Qualified::Fully) }
    }

    /// A variant that the policy names.
    fn judge_variant(&self, info: &TagInfo, place: &Place<'_>) -> Judgement<'a> {
        let variant = &self.policy.variant;
        let Some(layout) =
            place.layout.as_ref().filter(|_| matches!(variant, Variant::Named(_) | Variant::Matching(_)))
        else {
            return Ok(());
        };
        // What is extracted may have lost it, and what is ordered by something else than versions may have no numbers.
        let whole = || Layout::read(info.tag.as_str().into());
        let ends = || !matches!(self.policy.order, Order::Release { .. }) && variant.ends(info.tag.as_str());
        // A glob lets numbers rise and no words come: `alpine3.20`, and not `alpine3.20-debug`.
        let anchor = self.anchor().and_then(|anchor| anchor.place.layout.as_ref());
        if let (Variant::Matching(_), Some(running)) = (variant, anchor.filter(|running| variant.admits(running)))
            && variant.admits(layout)
            && !are_one_but_for_numbers(&running.variant(), &layout.variant())
        {
            return Err(Why::Suffix { has: layout.variant() });
        }
        if variant.admits(layout) || ends() || (self.policy.extraction.is_some() && variant.admits(&whole())) {
            return Ok(());
        }
        Err(Why::Suffix { has: layout.variant() })
    }

    fn judge_range(&self, place: &Place<'_>) -> Judgement<'a> {
        let (range, version) = match (&self.policy.order, &place.key) {
            (Order::Release { range, .. }, Key::Release(release)) => (range, &release.version),
            (Order::Version { range: Some(range), .. }, Key::Version(version)) => (range, &**version),
            _ => return Ok(()),
        };
        if range.contains(version, self.policy.prerelease) {
            return Ok(());
        }
        // Where what runs is named by its commit, so is what follows, and the range looks at the numbers.
        if let Key::Release(release) = &place.key
            && release.is_of_commit
            && self.anchor().and_then(|anchor| anchor.place.layout.as_ref()).is_some_and(Layout::names_commit)
        {
            let numbers = TagVersion { pre: String::new(), ..version.clone() };
            return if range.contains(&numbers, false) { Ok(()) } else { Err(Why::Outside) };
        }
        let prerelease = !version.pre.is_empty() && range.contains(version, true);
        Err(if prerelease { Why::Prerelease } else { Why::Outside })
    }

    /// How far it is from what runs, and in which direction.
    fn judge_distance(&self, info: &TagInfo, place: &Place<'_>) -> Judgement<'a> {
        let Some(anchor) = self.anchor() else { return Ok(()) };
        let running = &anchor.place.key;
        if let (Key::Release(release), Key::Release(running)) = (&place.key, running)
            && !self.policy.within.admits(&release.version, &running.version)
        {
            return Err(Why::Within);
        }
        // The tag that names the image that runs is that image.
        let same = self.current() == Some(&info.tag) || anchor.content == Some(&info.tag);
        let lifted = self.policy.downgrade && anchor.content.is_none();
        let of_builds = match (&place.key, running) {
            (Key::Release(release), Key::Release(running)) => release.compare_builds(running),
            _ => None,
        };
        match of_builds.unwrap_or_else(|| self.policy.order.compare(&place.key, running)) {
            Ordering::Less if !lifted => Err(Why::Below),
            Ordering::Equal if !same && !self.named => Err(Why::Equal),
            _ => Ok(()),
        }
    }

    fn judge_platforms(&self, info: &TagInfo) -> Judgement<'a> {
        let wanted = &self.policy.platforms;
        if wanted.is_empty() {
            return Ok(());
        }
        let Some(offered) = &info.platforms else { return Err(Why::UnknownPlatforms) };
        let offered: Vec<Platform> = offered.iter().filter_map(|text| Platform::parse(text)).collect();
        let missing: Vec<&Platform> =
            wanted.iter().filter(|wanted| !offered.iter().any(|offered| wanted.admits(offered))).collect();
        let enough = if self.policy.any_platform { missing.len() < wanted.len() } else { missing.is_empty() };
        if enough {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(|platform| format!("`{platform}`")).collect();
        Err(Why::Platforms(missing.join(", ")))
    }

    /// Whether what the tag names is known to be signed.
    pub(super) fn judge_signature(&self, info: &'a TagInfo) -> Judgement<'a> {
        self.policy.judge_signers(info).map_err(Why::Unsigned)
    }

    fn judge_lockstep(&self, tag: &Tag) -> Judgement<'a> {
        for (image, tags) in &self.companions {
            if !tags.as_ref().is_some_and(|tags| tags.contains(tag.as_str())) {
                return Err(Why::Lockstep { image, is_known: tags.is_some() });
            }
        }
        Ok(())
    }

    fn judge_barred(&self, tag: &Tag, place: &Place<'_>) -> Judgement<'a> {
        for (barred, bar) in &self.barred {
            if barred.tag == tag {
                return Err(Why::Barred(barred));
            }
            if bar.as_ref().is_some_and(|bar| !self.policy.order.compare(&place.key, bar).is_gt()) {
                return Err(Why::NotAboveBarred(barred));
            }
        }
        Ok(())
    }

    fn judge_age(&self, info: &TagInfo) -> Judgement<'a> {
        let Some(min_age) = self.policy.min_age else { return Ok(()) };
        let until = info.counts_from(self.situation.tags).checked_add_signed(min_age);
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        if until <= self.situation.now { Ok(()) } else { Err(Why::Young(until)) }
    }
}

impl CompiledPolicy {
    /// Whether one of the signers is known to have signed what a tag points to. Who was not looked for may have.
    pub(super) fn judge_signers<'a>(&self, info: &'a TagInfo) -> Result<(), Unsigned<'a>> {
        let mut why = None;
        for signer in &self.signed_by {
            let Some(id) = &signer.id else { continue };
            let check = info.signatures.iter().find(|check| check.signer == *id);
            let of_this = match check.map(|check| &check.outcome) {
                Some(Signed::Yes) => return Ok(()),
                Some(Signed::No) => Unsigned::Refused,
                Some(Signed::Unknown { reason }) => Unsigned::Undecided(reason),
                None => Unsigned::Unchecked,
            };
            why = Some(why.map_or(of_this, |why: Unsigned<'a>| why.max(of_this)));
        }
        match why {
            Some(why) => Err(why),
            None if self.signed_by.is_empty() => Ok(()),
            None => Err(Unsigned::NoKey),
        }
    }
}

impl TagInfo {
    /// From when on its age counts: since it was first seen. What the first scan found was there before, so its creation
    /// counts, where that is known.
    fn counts_from(&self, list: &TagList) -> DateTime<Utc> {
        match self.created_at {
            Some(created_at) if self.was_there_before(list) => created_at.min(self.first_seen_at),
            _ => self.first_seen_at,
        }
    }

    /// Whether the first scan found it, so that it is older than we can say.
    pub(super) fn was_there_before(&self, list: &TagList) -> bool {
        list.watched_since.is_some_and(|since| self.first_seen_at <= since)
    }
}

impl Within {
    /// Whether a version is no further from the running one than this step.
    pub(super) fn admits(self, version: &TagVersion, running: &TagVersion) -> bool {
        match self {
            Self::Major => true,
            Self::Minor => version.major == running.major,
            Self::Patch => (version.major, version.minor) == (running.major, running.minor),
        }
    }
}

/// Whether two decimal numbers are in the same order as numbers and as groups of digits: `1.5` is above `1.25`, and `1.25`
/// comes after `1.5`.
fn agrees(order: &Order, running: &Layout<'_>, layout: &Layout<'_>) -> bool {
    match (order, running.numbers(), layout.numbers(), running.digits(), layout.digits()) {
        (Order::Number(..), [whole, _], [other, _], [_, digits], [_, others]) => whole != other || digits == others,
        _ => true,
    }
}

/// Signatures, attestations and referrers that tools keep under tags.
fn is_artifact(tag: &str) -> bool {
    let referrer = tag
        .strip_prefix("sha256-")
        .is_some_and(|rest| rest.len() >= 64 && rest.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
    referrer || [".sig", ".att", ".sbom"].iter().any(|ending| tag.ends_with(ending))
}
