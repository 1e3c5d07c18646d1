//! Which tags must be described before a choice can be trusted.
//!
//! A list of tags holds names alone. When an image was created, for which platforms it is and which tags are the same
//! image stands in its manifest and configuration, which is a request or three for each tag; registries limit those. So a
//! policy says which it needs.

use super::{
    CompiledPolicy, Situation, Standing, TagInfo,
    chooser::Chooser,
    extract::Room,
    judge::Qualified,
    limit::MAX_COMPARED_TAGS,
    order::{Key, Order},
    release::Split,
    running::{ANY_IMAGE, Anchor, Running},
    tally::Judged,
    why::Why,
};
use crate::image::Tag;

/// A tag with more numbers than this names one image; with fewer it may be one that moves.
const NAMING_NUMBERS: usize = 3;

impl CompiledPolicy {
    /// Whether a choice beside what runs, or what is written of it, may depend on what images say of themselves.
    pub fn needs_descriptions(&self, current: Option<Standing<'_>>) -> bool {
        let by_description = matches!(self.order, Order::Created) || !self.platforms.is_empty();
        let by_digest = !self.signed_by.is_empty() || self.writes_digest();
        by_description || self.min_age.is_some() || by_digest || current.is_some_and(|it| self.compares(&it))
    }

    /// The tag at a place that may point to another image at any time, and on whose image the choice depends.
    pub fn moving<'a>(&'a self, current: Option<Standing<'a>>) -> Option<&'a str> {
        let floating = || {
            let current = current.filter(|current| current.digest.is_none() && self.compares(current))?;
            Some(current.written().map_or(ANY_IMAGE, Tag::as_str))
        };
        self.followed_tag().or_else(floating)
    }

    /// Whether a tag names no image in particular, as `latest` does.
    pub fn floats(&self, tag: &Tag) -> bool {
        self.keeps_place() && self.is_floating(tag)
    }

    /// Whether a tag is chosen although what runs has no place in the order.
    pub fn takes_any(&self) -> bool {
        self.from_any
    }

    /// Whether the text of what runs has a place in the order, or needs none. Where it has none, its image decides.
    pub fn places_text(&self, current: Standing<'_>) -> bool {
        !self.keeps_place() || current.written().is_some_and(|tag| !self.is_unplaced(tag))
    }

    /// Whether the choice depends on which tags are the image that runs.
    fn compares(&self, current: &Standing<'_>) -> bool {
        let Some(tag) = current.written() else { return self.keeps_place() };
        self.keeps_place() && (self.is_unplaced(tag) || self.may_move(tag))
    }

    /// Whether the text of a tag has no place in the order.
    fn is_unplaced(&self, tag: &Tag) -> bool {
        self.is_floating(tag) || (self.order.reads_text() && self.place_of_text(tag, self.split()).is_none())
    }

    /// Whether a tag has so few numbers that it may move on to tags with more.
    fn may_move(&self, tag: &Tag) -> bool {
        let layout = self.layout_of(tag).filter(|_| self.split() != Split::Nothing);
        layout.is_some_and(|layout| (1..NAMING_NUMBERS).contains(&layout.numbers().len()) && self.orders_versions())
    }

    fn orders_versions(&self) -> bool {
        matches!(self.order, Order::Release { .. } | Order::Text(_))
    }

    /// Whether the digest of the chosen tag is written beside it.
    fn writes_digest(&self) -> bool {
        self.pin_digest || matches!(self.order, Order::Follow(_))
    }

    /// The tags that nobody described yet and on whose description the choice depends; none means that it can be trusted.
    /// Of those that are compared with what runs, the greatest [`MAX_COMPARED_TAGS`].
    pub fn undescribed(&self, situation: &Situation<'_>) -> Vec<Tag> {
        self.undescribed_of(situation, false)
    }

    /// Likewise among tags that something else than the rule named, such as a promotion: what runs needs no place.
    pub fn undescribed_named(&self, situation: &Situation<'_>) -> Vec<Tag> {
        self.undescribed_of(situation, true)
    }

    fn undescribed_of(&self, situation: &Situation<'_>, named: bool) -> Vec<Tag> {
        if !self.needs_descriptions(situation.current.filter(|_| !named)) {
            return Vec::new();
        }
        let chooser = Chooser::new(self, situation, named);
        let mut room = Room::default();
        let unknown = situation.tags.tags.iter().filter(|info| info.platforms.is_none());
        let mut tags: Vec<Tag> = unknown
            .filter(|info| chooser.needs(&chooser.judged(info, &mut room).0))
            .map(|info| info.tag.clone())
            .collect();
        tags.extend(chooser.to_compare());
        tags.sort();
        tags.dedup();
        tags
    }
}

impl<'a> Chooser<'a> {
    /// Whether nothing else than the missing description keeps a tag out, or its digest would be written.
    pub(super) fn needs(&self, judged: &Judged<'a>) -> bool {
        let info = judged.info;
        let by_creation = matches!(self.policy.order, Order::Created);
        if by_creation && self.current() == Some(&info.tag) {
            return true;
        }
        let writes_digest = self.policy.writes_digest();
        let why = match &judged.outcome {
            Ok(Qualified::Fully | Qualified::WithMoreNumbers) => return writes_digest,
            Err(why) => why,
        };
        match why {
            Why::UnknownPlatforms => true,
            Why::Unordered(_) => by_creation,
            // Of what was there before us the creation tells the age.
            Why::Young(_) => writes_digest || info.was_there_before(self.situation.tags),
            // It may pass at any time.
            Why::Lockstep { .. } => writes_digest,
            // What is signed is a digest.
            Why::Unsigned(_) => info.digest.is_none(),
            _ => false,
        }
    }

    /// The tags whose image is to be compared with the one that runs, and the tag that runs where its image is not known.
    fn to_compare(&self) -> Vec<Tag> {
        let wanted = self.that_compare();
        let Some(current) = self.situation.current.filter(|_| !wanted.is_empty()) else { return Vec::new() };
        let unknown = self.content().is_none();
        let own = current.known(self.situation.tags).filter(|info| unknown && self.lists(&info.tag));
        own.into_iter().chain(wanted).map(|info| info.tag.clone()).collect()
    }

    /// The tags whose image is to be compared with the one that runs, the greatest first.
    pub(super) fn that_compare(&self) -> Vec<&'a TagInfo> {
        let Some(current) = self.situation.current.filter(|current| !self.named && self.policy.compares(current))
        else {
            return Vec::new();
        };
        match &self.running {
            Running::Placed(anchor) if anchor.content.is_none() => self.with_more_numbers(anchor),
            Running::Placed(_) | Running::Lost => self.that_may_be_running(&current),
            Running::Free => Vec::new(),
        }
    }

    fn lists(&self, tag: &Tag) -> bool {
        self.situation.tags.tags.iter().any(|info| info.tag == *tag)
    }

    /// The greatest tags up to the one that is known to be the image that runs, without those that are described.
    fn that_may_be_running(&self, current: &Standing<'a>) -> Vec<&'a TagInfo> {
        let (content, mut room) = (self.content(), Room::default());
        let tags = self.situation.tags.tags.iter();
        let placed = tags.filter_map(|info| Some((self.policy.place_named(info, current, &mut room)?.key, info)));
        let ranked = self.greatest_first(placed.collect());
        let above = ranked.into_iter().take_while(|info| content.is_none() || info.digest.as_ref() != content);
        above.filter(|info| info.digest.is_none()).take(MAX_COMPARED_TAGS).collect()
    }

    /// The greatest tags with more numbers than what runs, where one of them may be chosen.
    fn with_more_numbers(&self, anchor: &Anchor<'a>) -> Vec<&'a TagInfo> {
        let greatest = self.ranked_with_more_numbers(anchor).into_iter().take(MAX_COMPARED_TAGS);
        greatest.filter(|info| info.digest.is_none()).collect()
    }

    /// Those of which the greatest are compared with what runs; `None` where that is not placed by its own numbers.
    pub(super) fn compared_by_numbers(&self) -> Option<Vec<&'a TagInfo>> {
        let current = self.situation.current.filter(|current| !self.named && self.policy.compares(current));
        let anchor = self.anchor().filter(|anchor| current.is_some() && anchor.content.is_none());
        anchor.map(|anchor| self.ranked_with_more_numbers(anchor))
    }

    /// All of them, the greatest first; none where one of the running shape is above what runs.
    fn ranked_with_more_numbers(&self, anchor: &Anchor<'a>) -> Vec<&'a TagInfo> {
        let mut room = Room::default();
        let (mut more, mut own_above) = (Vec::new(), false);
        for info in &self.situation.tags.tags {
            let (judged, layout) = self.judged(info, &mut room);
            own_above |= self.is_own_above(anchor, &judged, layout.as_ref());
            if let (Ok(Qualified::WithMoreNumbers) | Err(Why::Young(_)), Some(key)) = (&judged.outcome, judged.key) {
                more.push((key, info));
            }
        }
        if own_above {
            return Vec::new();
        }
        self.greatest_first(more)
    }

    fn greatest_first(&self, mut ranked: Vec<(Key<'a>, &'a TagInfo)>) -> Vec<&'a TagInfo> {
        ranked.sort_by(|(left, one), (right, other)| {
            self.policy.order.compare(right, left).then_with(|| other.tag.cmp(&one.tag))
        });
        ranked.into_iter().map(|(_, info)| info).collect()
    }
}
