//! A choice under way: the policy, and what follows from what runs and from what people took back.

use std::collections::HashSet;

use chrono::DateTime;

use super::{
    CompiledPolicy, Situation, TagInfo, TagList,
    compiled::Variant,
    extract::Room,
    layout::Layout,
    order::{Key, Order, Place},
    release::{Release, Split},
    running::{Anchor, Running},
    shape::{Sight, Words},
    situation::{BarredTag, Companion},
    why::{Said, Why},
};
use crate::image::{ImageRepository, Tag};

/// A choice under way.
pub(super) struct Chooser<'a> {
    pub policy: &'a CompiledPolicy,
    pub situation: &'a Situation<'a>,
    /// Whether the tags of the list were named by something else than the rule, so that only one that is known to be
    /// below what runs is kept out.
    pub named: bool,
    pub running: Running<'a>,
    pub barred: Vec<(&'a BarredTag<'a>, Option<Key<'a>>)>,
    /// The tags that each companion has; `None` for one whose list is not known to its end.
    pub companions: Vec<(&'a ImageRepository, Option<HashSet<&'a str>>)>,
    /// How the text after the numbers is told apart. Where nothing says which variant is meant, all of it is
    /// pre-release, as at the peers.
    pub split: Split,
    /// Whether anything depends on how a tag is written.
    pub reads_shapes: bool,
    pub said: Said,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(policy: &'a CompiledPolicy, situation: &'a Situation<'a>, named: bool) -> Self {
        let running = Running::find(policy, situation);
        let split = match policy.variant {
            Variant::OfRunning if !named && !matches!(running, Running::Placed(_)) => Split::Nothing,
            _ => policy.split(),
        };
        let barred = situation.barred.iter();
        let key = |tag| policy.place_known(tag, situation, split).map(|place| place.key);
        let barred = barred.map(|barred| (barred, key(barred.tag))).collect();
        let companions = policy.lockstep.iter().map(|image| (image, tags_of(situation.companions, image))).collect();
        let named_variant = matches!(policy.variant, Variant::Named(_) | Variant::Matching(_));
        let versions = matches!(policy.order, Order::Release { .. });
        let beside = !matches!(running, Running::Free);
        let reads_shapes = policy.habits.keeps_place && (versions || beside || named_variant);
        Self { policy, situation, named, running, barred, companions, split, reads_shapes, said: Said::default() }
    }

    /// The tag that stands at the place.
    pub(super) fn current(&self) -> Option<&'a Tag> {
        self.situation.current.and_then(|current| current.written())
    }

    /// The place of what runs.
    pub(super) fn anchor(&self) -> Option<&Anchor<'a>> {
        if let Running::Placed(anchor) = &self.running { Some(anchor) } else { None }
    }

    /// What of a tag's shape counts here.
    pub(super) fn sight(&self, anchor: &Anchor<'_>) -> Sight {
        let words = match &self.policy.variant {
            Variant::OfRunning => Words::Kept,
            Variant::Untold => Words::Any,
            variant @ (Variant::Named(_) | Variant::Matching(_)) => {
                let runs = anchor.place.layout.as_ref().is_some_and(|layout| variant.admits(layout));
                // Where another variant than the running one is asked for, its builds may be counted otherwise.
                if runs { Words::Named } else { Words::Any }
            }
        };
        Sight { orders_prereleases: matches!(self.policy.order, Order::Release { .. }), words }
    }
}

impl Variant {
    /// Whether a tag has the variant that the policy names.
    pub(super) fn admits(&self, layout: &Layout<'_>) -> bool {
        let written = || layout.tail().strip_prefix(['-', '_']).unwrap_or_default() == self.text();
        match self {
            Self::OfRunning | Self::Untold => true,
            Self::Named(name) => layout.variant() == *name || (!name.is_empty() && written()),
            Self::Matching(glob) => glob.matches(&layout.variant()),
        }
    }

    /// Whether a tag ends with the variant that the policy names.
    pub(super) fn ends(&self, tag: &str) -> bool {
        let rest = tag.strip_suffix(self.text()).filter(|_| !self.text().is_empty());
        rest.is_some_and(|rest| rest.ends_with('-'))
    }

    fn text(&self) -> &str {
        if let Self::Named(name) = self { name } else { "" }
    }
}

impl CompiledPolicy {
    /// The tag's place in the rule's order.
    pub(super) fn place<'a>(&self, info: &'a TagInfo, split: Split, room: &mut Room) -> Result<Place<'a>, Why<'a>> {
        self.place_as(info, split, self.habits.keeps_place, room)
    }

    /// Likewise, with or without how it is written.
    pub(super) fn place_as<'a>(
        &self,
        info: &'a TagInfo,
        split: Split,
        reads_shape: bool,
        room: &mut Room,
    ) -> Result<Place<'a>, Why<'a>> {
        let part = self.ordered_part(info.tag.as_str(), room).ok_or(Why::Unmatched)?;
        if !reads_shape {
            let key = self.order.key(info, part).map_err(Why::Unordered)?;
            return Ok(Place { key, layout: None });
        }
        let layout = Layout::read(part.clone());
        let key = match &self.order {
            Order::Release { strict, .. } => {
                let release = Release::read(&layout, split).ok_or(Why::Unordered("it is no version"))?;
                if *strict && !release.is_strict() {
                    return Err(Why::Unordered(
                        "it is no version of three numbers without leading zeros, as strictness asks for",
                    ));
                }
                Key::Release(release.into())
            }
            order => order.key(info, part).map_err(Why::Unordered)?,
        };
        Ok(Place { key, layout: Some(layout) })
    }

    /// How the part of a tag that is ordered is written.
    pub(super) fn layout_of<'a>(&self, tag: &'a Tag) -> Option<Layout<'a>> {
        self.ordered_part(tag.as_str(), &mut Room::default()).map(Layout::read)
    }

    /// The place of a tag of which nothing but its text is known.
    pub(super) fn place_of_text<'a>(&self, tag: &Tag, split: Split) -> Option<Place<'a>> {
        if !self.order.reads_text() {
            return None;
        }
        let info = TagInfo::named(tag.clone(), DateTime::UNIX_EPOCH);
        let place = self.place(&info, split, &mut Room::default()).ok()?;
        Some(place.into_owned())
    }
}

fn tags_of<'a>(companions: &[Companion<'a>], image: &ImageRepository) -> Option<HashSet<&'a str>> {
    let companion = companions.iter().find(|companion| companion.image == image)?;
    let tags: &'a TagList = companion.tags;
    tags.complete.then(|| tags.tags.iter().map(|info| info.tag.as_str()).collect())
}
