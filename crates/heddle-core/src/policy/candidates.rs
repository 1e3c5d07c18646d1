//! The few tags of a long list on which a choice depends.
//!
//! A list may have thousands of tags of which a handful can be chosen. Whoever chooses elsewhere, or again and again, is
//! given these few; what is passed over is explained from the whole list when somebody asks.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{
    CompiledPolicy, Situation, Standing, TagInfo, TagList,
    chooser::Chooser,
    extract::Room,
    layout::Layout,
    limit::MAX_COMPARED_TAGS,
    order::Key,
    running::Running,
    tally::{Judged, Tally},
    why::Why,
};
use crate::image::Tag;

/// What of a list a choice depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// The tags that can be chosen, and those that say where what runs stands among them.
    pub tags: TagList,
    /// Whether what runs stays as it is: nothing is chosen in its place, and nothing keeps that from being known.
    pub settled: bool,
    /// When a tag becomes old enough, so that others are candidates; `None` where age keeps none back.
    pub until: Option<DateTime<Utc>>,
}

impl CompiledPolicy {
    /// The tags of a list on which the choice at a place depends, whatever people took back there.
    ///
    /// With the same place, companions and time, and before [`Candidates::until`], each question to this policy has the
    /// same answer for these tags as for the whole list, and for any list between the two: what is chosen, why, what waits,
    /// and whether a tag is still to be described. A question about tags that something else named, such as a promotion, has
    /// the same answer once these tags are among them. What was taken back must be among them too, where it is listed.
    pub fn candidates(&self, situation: &Situation<'_>) -> Candidates {
        let situation = Situation { barred: &[], ..*situation };
        let mut kept = Kept::default();
        if let Some(current) = situation.current {
            kept.names.extend(current.known(situation.tags).map(|info| &info.tag));
        }
        let own = Chooser::new(self, &situation, false);
        own.keep(&mut kept);
        if self.needs_descriptions(None) {
            Chooser::new(self, &situation, true).keep_undescribed(&mut kept);
        }
        // A list is empty or it is not, and that alone says something.
        let listed = &situation.tags.tags;
        if !listed.iter().any(|info| kept.names.contains(&info.tag)) {
            kept.names.extend(listed.first().map(|info| &info.tag));
        }
        let of = |tags: &[TagInfo]| tags.iter().filter(|info| kept.names.contains(&info.tag)).cloned().collect();
        let TagList { tags, dropped, .. } = situation.tags;
        let tags = TagList { tags: of(tags), dropped: of(dropped), ..*situation.tags };
        let settled = self.is_settled(&Situation { tags: &tags, ..situation });
        Candidates { settled, until: kept.until, tags }
    }

    /// Whether what runs stays as it is, and that is certain.
    pub fn is_settled(&self, situation: &Situation<'_>) -> bool {
        if !situation.tags.complete || situation.tags.tags.is_empty() {
            return false;
        }
        let decision = self.decide(situation);
        let standing = situation.current.unwrap_or_default();
        let stays = match &decision.chosen {
            None => true,
            Some(chosen) => standing.written() == Some(chosen) && self.keeps_digest(chosen, &standing, situation.tags),
        };
        stays
            && decision.waiting.is_none()
            && (decision.is_placed || self.takes_any())
            && self.undescribed(situation).is_empty()
    }

    /// Whether a tag that something named comes to nothing beside what runs: it is known to be below, by more than the
    /// commit that it names.
    pub fn is_named_in_vain(&self, named: &Tag, current: &Tag) -> bool {
        let is_of_commit = self.layout_of(named).is_none_or(|layout| layout.names_commit());
        let is_below = || !self.floats(current) && self.is_above(current, named);
        named == current || (!self.downgrade && !is_of_commit && is_below())
    }

    /// Whether the digest at a place stays beside its tag. One that stands there moves only where the rule follows it.
    fn keeps_digest(&self, tag: &Tag, standing: &Standing<'_>, tags: &TagList) -> bool {
        if !self.pins_digest() {
            return true;
        }
        let known = tags.find(tag).and_then(|info| info.digest.as_ref());
        known.is_some() && (standing.digest == known || (standing.digest.is_some() && self.followed_tag().is_none()))
    }
}

/// What is kept of a list, as it is gone through.
#[derive(Default)]
struct Kept<'a> {
    names: HashSet<&'a Tag>,
    /// When the first tag becomes old enough.
    until: Option<DateTime<Utc>>,
}

/// Of the tags that are still to be described, those that say that there is one.
#[derive(Default)]
struct Undescribed<'a> {
    /// The greatest of those that people may have taken back.
    greatest: Option<(Key<'a>, &'a TagInfo)>,
    /// Any other.
    other: Option<&'a TagInfo>,
}

impl<'a> Kept<'a> {
    fn note_age(&mut self, judged: &Judged<'a>) {
        if let Err(Why::Young(until)) = &judged.outcome {
            self.until = Some(self.until.map_or(*until, |known| known.min(*until)));
        }
    }
}

impl<'a> Chooser<'a> {
    /// Keeps what the choice depends on.
    fn keep(&self, kept: &mut Kept<'a>) {
        let (mut tally, mut room, mut undescribed) = (Tally::default(), Room::default(), Undescribed::default());
        let needs = self.policy.needs_descriptions(self.situation.current);
        let (mut own_above, mut moves) = (None, None);
        for info in &self.situation.tags.tags {
            let (judged, layout) = self.judged(info, &mut room);
            kept.note_age(&judged);
            let before = (tally.own_above, tally.moves);
            self.count(&mut tally, &judged, layout.as_ref());
            own_above = own_above.or((before.0 != tally.own_above).then_some(&info.tag));
            moves = moves.or((before.1 != tally.moves).then_some(&info.tag));
            if needs {
                self.count_undescribed(&mut undescribed, &judged);
            }
        }
        kept.names.extend(own_above.into_iter().chain(moves).chain(tally.tags()));
        undescribed.keep(kept);
        if let Running::Placed(anchor) = &self.running {
            kept.names.extend(anchor.content);
        }
        // Where a promotion leaves others out, this one may be the greatest that is known to run.
        if let (Some(current), Some(content)) = (self.situation.current, self.content()) {
            let dropped = self.policy.greatest_of_image(&current, content, self.situation.tags.dropped.iter());
            kept.names.extend(dropped.and_then(|anchor| anchor.content));
        }
        // The greatest says that there is one: what people took back may keep the lesser ones out.
        match self.that_compare().first() {
            Some(greatest) => kept.names.extend([&greatest.tag]),
            None => self.keep_more_numbers(kept),
        }
    }

    /// Those that would be compared if one of them were not described. A tag after them is not asked for, so none of them
    /// may be missing.
    fn keep_more_numbers(&self, kept: &mut Kept<'a>) {
        let Some(more) = self.compared_by_numbers() else { return };
        if more.len() > MAX_COMPARED_TAGS {
            kept.names.extend(more.into_iter().take(MAX_COMPARED_TAGS).map(|info| &info.tag));
        }
    }

    /// Keeps what says whether a tag is still to be described.
    fn keep_undescribed(&self, kept: &mut Kept<'a>) {
        let (mut room, mut undescribed) = (Room::default(), Undescribed::default());
        for info in &self.situation.tags.tags {
            let (judged, _): (Judged<'a>, Option<Layout<'a>>) = self.judged(info, &mut room);
            kept.note_age(&judged);
            self.count_undescribed(&mut undescribed, &judged);
        }
        undescribed.keep(kept);
    }

    fn count_undescribed(&self, undescribed: &mut Undescribed<'a>, judged: &Judged<'a>) {
        let info = judged.info;
        if info.platforms.is_some() || !self.needs(judged) {
            return;
        }
        match (&judged.outcome, &judged.key) {
            (Ok(_) | Err(Why::Young(_) | Why::Unsigned(_)), Some(key)) => {
                let less = |(held, _): &(Key<'a>, &TagInfo)| self.policy.order.compare(key, held).is_gt();
                if undescribed.greatest.as_ref().is_none_or(less) {
                    undescribed.greatest = Some((key.clone(), info));
                }
            }
            _ => undescribed.other = undescribed.other.or(Some(info)),
        }
    }
}

impl<'a> Undescribed<'a> {
    fn keep(self, kept: &mut Kept<'a>) {
        kept.names.extend(self.greatest.map(|(_, info)| &info.tag));
        kept.names.extend(self.other.map(|info| &info.tag));
    }
}
