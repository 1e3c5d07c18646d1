//! The rules by which a tag is passed over, each with a sentence.

use std::{borrow::Cow, cell::OnceCell};

use chrono::{DateTime, Utc};

use super::{
    CompiledPolicy, TagInfo, TagList, Within,
    age::say_age,
    compiled::{Allow, Variant},
    extract::Room,
    order::{Key, Order},
    platform::Platform,
    select::Chooser,
    sentence::Sentence,
    version::TagVersion,
};
use crate::image::Tag;

/// A rule that passed a tag over, and why.
pub(super) struct Refusal {
    pub rule: &'static str,
    pub reason: Sentence,
    /// When it no longer holds, where time alone keeps the tag back.
    pub until: Option<DateTime<Utc>>,
}

impl Refusal {
    pub(super) fn new(rule: &'static str, reason: impl Into<Sentence>) -> Self {
        Self { rule, reason: reason.into(), until: None }
    }
}

/// A tag in the order of a rule, with its variant apart where that is told apart.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub key: Key<'a>,
    pub variant: Option<String>,
}

/// Sentences that are the same for many tags of one choice.
#[derive(Default)]
pub(super) struct Said {
    outside: OnceCell<Sentence>,
    prerelease: OnceCell<Sentence>,
    too_far: OnceCell<Sentence>,
    below: OnceCell<Sentence>,
}

/// A refusal in a sentence that is made once.
fn refusal(rule: &'static str, said: &OnceCell<Sentence>, words: impl FnOnce() -> String) -> Refusal {
    Refusal::new(rule, said.get_or_init(|| words().into()).clone())
}

type Judgement = Result<(), Refusal>;

impl CompiledPolicy {
    /// The tag's place in the rule's order.
    pub(super) fn place<'a>(&self, info: &'a TagInfo, split: bool, room: &mut Room) -> Result<Place<'a>, Refusal> {
        let part = self.ordered_part(info.tag.as_str(), room);
        let part = part.ok_or_else(|| Refusal::new("match", "it does not match `match`"))?;
        let key = self.order.key(info, part).map_err(|reason| Refusal::new(self.order.rule(), reason))?;
        Ok(match key {
            Key::Version(version) if split => {
                let (version, variant) = version.split_variant();
                Place { key: Key::Version(version), variant }
            }
            key => Place { key, variant: None },
        })
    }

    /// The place of a tag that the registry does not list (any more).
    pub(super) fn place_of_text(&self, tag: &Tag, split: bool) -> Option<Place<'static>> {
        if !self.order.reads_text() {
            return None;
        }
        let info = TagInfo::named(tag.clone(), DateTime::UNIX_EPOCH);
        let place = self.place(&info, split, &mut Room::default()).ok()?;
        let key = match place.key {
            Key::Text(text) => Key::Text(Cow::Owned(text.into_owned())),
            Key::Version(version) => Key::Version(version),
            Key::Number(number) => Key::Number(number.into_owned()),
            Key::Time(time) => Key::Time(time),
            Key::Docker(version) => Key::Docker(version),
            Key::Alone => Key::Alone,
        };
        Some(Place { key, variant: place.variant })
    }
}

impl Chooser<'_> {
    /// Whether a tag with a place in the order qualifies.
    pub(super) fn judge(&self, info: &TagInfo, place: &Place<'_>) -> Judgement {
        self.judge_text(&info.tag)?;
        self.judge_followed(&info.tag)?;
        self.judge_variant(&info.tag, place)?;
        self.judge_range(place)?;
        self.judge_distance(place)?;
        let relative = self.policy.relative.judge(&place.key, &info.tag, self.situation.current);
        relative.map_err(|(rule, reason)| Refusal::new(rule, reason))?;
        self.judge_platforms(info)?;
        self.judge_signature(&info.tag)?;
        self.judge_lockstep(&info.tag)?;
        if self.situation.current == Some(&info.tag) {
            return Ok(());
        }
        self.judge_barred(&info.tag, place)?;
        self.judge_age(info)
    }

    /// The rules that look at the text alone.
    pub(super) fn judge_text(&self, tag: &Tag) -> Judgement {
        let text = tag.as_str();
        if self.policy.habits.images_only && !tag.can_stand() {
            return Err(Refusal::new(
                "tag",
                "no image can carry it: letters, digits, `_`, `.` and `-` alone make a tag",
            ));
        }
        if self.policy.habits.images_only && is_artifact(text) {
            return Err(Refusal::new("artifact", "it is a signature or an attestation, not an image"));
        }
        if let Some(pattern) = self.policy.ignore.iter().find(|pattern| pattern.matches(text)) {
            return Err(Refusal::new("ignore", format!("`ignore` names it: `{}`", pattern.as_str())));
        }
        match &self.policy.allow {
            Allow::All => Ok(()),
            Allow::Matching(patterns) if patterns.iter().any(|pattern| pattern.matches(text)) => Ok(()),
            Allow::Matching(_) => Err(Refusal::new("allow", "no pattern of `allow` names it")),
            Allow::Nothing(why) => Err(Refusal::new("allow", why.clone())),
        }
    }

    fn judge_followed(&self, tag: &Tag) -> Judgement {
        match &self.policy.order {
            Order::Follow(followed) if followed != tag.as_str() => {
                Err(Refusal::new("digest", format!("only `{followed}` is followed")))
            }
            _ => Ok(()),
        }
    }

    fn judge_variant(&self, tag: &Tag, place: &Place<'_>) -> Judgement {
        let Key::Version(version) = &place.key else { return self.judge_ending(tag) };
        let running = self.current.as_ref();
        let wanted = match (&self.policy.variant, running) {
            (Variant::Untold, _) | (Variant::OfRunning, None) => return Ok(()),
            (Variant::Named(name), _) => Some(name.as_str()).filter(|name| !name.is_empty()),
            (Variant::OfRunning, Some(running)) => running.variant.as_deref(),
        };
        if place.variant.as_deref() != wanted {
            let named =
                |variant: Option<&str>| variant.map_or("no variant".into(), |name| format!("the variant `{name}`"));
            let reason = format!("it has {}, and {} is kept", named(place.variant.as_deref()), named(wanted));
            return Err(Refusal::new("suffix", reason));
        }
        match running.map(|running| &running.key) {
            Some(Key::Version(running)) if version.precision < running.precision => Err(Refusal::new(
                "precision",
                "it has fewer numbers than the running tag: such a tag moves from image to image",
            )),
            _ => Ok(()),
        }
    }

    /// A variant that the policy names, of a tag that is ordered by something else than its version.
    fn judge_ending(&self, tag: &Tag) -> Judgement {
        let Variant::Named(name) = &self.policy.variant else { return Ok(()) };
        let variant = TagVersion::parse(tag.as_str()).and_then(|version| version.split_variant().1);
        let kept = match name.as_str() {
            "" => variant.is_none(),
            name => tag.as_str().strip_suffix(name).is_some_and(|rest| rest.ends_with('-')),
        };
        let wanted = || if name.is_empty() { "a variant".to_owned() } else { format!("not the variant `{name}`") };
        if kept { Ok(()) } else { Err(Refusal::new("suffix", format!("it has {}", wanted()))) }
    }

    fn judge_range(&self, place: &Place<'_>) -> Judgement {
        let (Order::Version { range: Some(range), .. }, Key::Version(version)) = (&self.policy.order, &place.key)
        else {
            return Ok(());
        };
        if range.contains(version, self.policy.prerelease) {
            return Ok(());
        }
        if !version.pre.is_empty() && range.contains(version, true) {
            let reason = || format!("it is a pre-release, and `{range}` names none (`prerelease: true` lets them in)");
            return Err(refusal("prerelease", &self.said.prerelease, reason));
        }
        Err(refusal("semver", &self.said.outside, || format!("it is outside `{range}`")))
    }

    fn judge_distance(&self, place: &Place<'_>) -> Judgement {
        let (Some(running), Some(tag)) = (&self.current, self.situation.current) else { return Ok(()) };
        let within = self.policy.within;
        if let (Key::Version(version), Key::Version(running)) = (&place.key, &running.key)
            && !within.admits(version, running)
        {
            let reason = || format!("it is no {within} step from `{tag}`, which runs now");
            return Err(refusal("within", &self.said.too_far, reason));
        }
        if !self.policy.downgrade && self.policy.order.compare(&place.key, &running.key).is_lt() {
            let below = match &self.policy.order {
                Order::Version { .. } | Order::Created => "older than",
                _ => "behind",
            };
            let reason = || format!("it is {below} `{tag}`, which runs now");
            return Err(refusal("downgrade", &self.said.below, reason));
        }
        Ok(())
    }

    fn judge_platforms(&self, info: &TagInfo) -> Judgement {
        let wanted = &self.policy.platforms;
        if wanted.is_empty() {
            return Ok(());
        }
        let Some(offered) = &info.platforms else {
            return Err(Refusal::new("platforms", "nobody knows which platforms it is for"));
        };
        let offered: Vec<Platform> = offered.iter().filter_map(|text| Platform::parse(text)).collect();
        let missing: Vec<&Platform> =
            wanted.iter().filter(|wanted| !offered.iter().any(|offered| wanted.admits(offered))).collect();
        let enough = if self.policy.any_platform { missing.len() < wanted.len() } else { missing.is_empty() };
        if enough {
            return Ok(());
        }
        let missing: Vec<String> = missing.iter().map(|platform| format!("`{platform}`")).collect();
        Err(Refusal::new("platforms", format!("it is not for {}", missing.join(", "))))
    }

    fn judge_signature(&self, tag: &Tag) -> Judgement {
        let keys = &self.policy.signed_by;
        let signed = self.signed.get(tag.as_str());
        if keys.is_empty() || signed.is_some_and(|signed| keys.iter().any(|key| signed.contains(&key.as_str()))) {
            return Ok(());
        }
        let checked = self.situation.signatures.iter().any(|check| check.tag == tag);
        let listed: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        let reason = match checked {
            true => format!("it is not signed by {}", listed.join(" or ")),
            false => format!("nobody checked yet whether it is signed by {}", listed.join(" or ")),
        };
        Err(Refusal::new("signed_by", reason))
    }

    fn judge_lockstep(&self, tag: &Tag) -> Judgement {
        for (image, tags) in &self.companions {
            match tags {
                Some(tags) if tags.contains(tag.as_str()) => {}
                Some(_) => return Err(Refusal::new("lockstep", format!("`{image}` has no tag `{tag}`"))),
                None => {
                    let reason = format!("nobody knows whether `{image}` has the tag `{tag}`");
                    return Err(Refusal::new("lockstep", reason));
                }
            }
        }
        Ok(())
    }

    fn judge_barred(&self, tag: &Tag, place: &Place<'_>) -> Judgement {
        for (barred, bar) in &self.barred {
            if barred.tag == tag {
                return Err(Refusal::new("barred", format!("it was taken back: {}", barred.reason)));
            }
            if bar.as_ref().is_some_and(|bar| !self.policy.order.compare(&place.key, bar).is_gt()) {
                let reason = format!("it is not above `{}`, which was taken back: {}", barred.tag, barred.reason);
                return Err(Refusal::new("barred", reason));
            }
        }
        Ok(())
    }

    fn judge_age(&self, info: &TagInfo) -> Judgement {
        let Some(min_age) = self.policy.min_age else { return Ok(()) };
        let until = info.counts_from(self.situation.tags).checked_add_signed(min_age);
        let until = until.unwrap_or(DateTime::<Utc>::MAX_UTC);
        if until <= self.situation.now {
            return Ok(());
        }
        let left = say_age(until - self.situation.now);
        let reason = format!("it is too young: `min_age` lets it in after {left} more").into();
        Err(Refusal { rule: "min_age", reason, until: Some(until) })
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
}

impl TagInfo {
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

/// Signatures, attestations and referrers that tools keep under tags.
fn is_artifact(tag: &str) -> bool {
    let referrer = tag
        .strip_prefix("sha256-")
        .is_some_and(|rest| rest.len() >= 64 && rest.as_bytes()[..64].iter().all(u8::is_ascii_hexdigit));
    referrer || [".sig", ".att", ".sbom"].iter().any(|ending| tag.ends_with(ending))
}
