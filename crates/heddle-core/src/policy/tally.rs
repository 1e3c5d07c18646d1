//! What a list comes to, tag by tag, and the choice that follows from it.

use std::cmp::Ordering;

use super::{
    Decision, Sentence, TagInfo, Waiting,
    chooser::Chooser,
    extract::Room,
    judge::Qualified,
    layout::{Layout, groups},
    order::{Key, Place},
    running::{Anchor, Running, content_of},
    shape::Fit,
    why::Why,
};
use crate::image::Tag;

/// A tag that was judged.
pub(super) struct Judged<'a> {
    pub info: &'a TagInfo,
    pub key: Option<Key<'a>>,
    pub outcome: Result<Qualified, Why<'a>>,
}

/// A tag with its place among those that count for something.
struct Ranked<'a> {
    info: &'a TagInfo,
    key: Key<'a>,
    why: Option<Why<'a>>,
}

/// What a whole list comes to, as it is gone through.
#[derive(Default)]
pub(super) struct Tally<'a> {
    best: Option<Ranked<'a>>,
    /// The best with more numbers than what runs.
    more: Option<Ranked<'a>>,
    /// The best that nothing but its age keeps back.
    young: Option<Ranked<'a>>,
    young_more: Option<Ranked<'a>>,
    /// The best that is not signed, and the best of which nobody can say that yet.
    refused: Option<Ranked<'a>>,
    open: Option<Ranked<'a>>,
    /// The best that is named and below what runs.
    below: Option<Ranked<'a>>,
    /// The best of the running variant with other numbers.
    numbered: Option<Ranked<'a>>,
    /// A tag that cannot be ordered.
    unordered: Option<&'a Tag>,
    /// Whether a tag of the running shape is above what runs.
    pub own_above: bool,
    /// Whether a tag with more numbers is the running image.
    pub moves: bool,
}

impl<'a> Tally<'a> {
    /// The tags that count for something.
    pub(super) fn tags(&self) -> impl Iterator<Item = &'a Tag> {
        let of_signatures = [&self.refused, &self.open];
        let slots = [&self.best, &self.more, &self.young, &self.young_more, &self.below, &self.numbered];
        let slots = slots.into_iter().chain(of_signatures);
        slots.flatten().map(|ranked| &ranked.info.tag)
    }

    /// The best tags that a signature does not keep out.
    pub(super) fn signed(&self) -> impl Iterator<Item = &'a Tag> {
        let slots = [&self.best, &self.more, &self.young, &self.young_more];
        slots.into_iter().flatten().map(|ranked| &ranked.info.tag)
    }

    /// What would be chosen as far as signatures go, with its place.
    pub(super) fn chosen(&self) -> Option<(&'a TagInfo, &Key<'a>)> {
        self.best.as_ref().or(self.more.as_ref()).map(|ranked| (ranked.info, &ranked.key))
    }

    /// The best of the running variant with other numbers.
    pub(super) fn newest_numbered(&self) -> Option<&'a Tag> {
        self.numbered.as_ref().map(|ranked| &ranked.info.tag)
    }
}

impl<'a> Chooser<'a> {
    /// What becomes of a tag by itself, with its place and how it is written.
    pub(super) fn judged(&self, info: &'a TagInfo, room: &mut Room) -> (Judged<'a>, Option<Layout<'a>>) {
        match self.policy.place_as(info, self.split, self.reads_shapes, room) {
            Ok(place) => {
                let outcome = self.judge(info, &place);
                let Place { key, layout } = place;
                (Judged { info, key: Some(key), outcome }, layout)
            }
            Err(unordered) => {
                let why = self.judge_text(&info.tag).err().unwrap_or(unordered);
                (Judged { info, key: None, outcome: Err(why) }, None)
            }
        }
    }

    /// Takes a tag into account.
    pub(super) fn count(&self, tally: &mut Tally<'a>, judged: &Judged<'a>, layout: Option<&Layout<'a>>) {
        let ranked =
            |why: Option<&Why<'a>>| judged.key.clone().map(|key| Ranked { info: judged.info, key, why: why.cloned() });
        self.count_shape(tally, judged, layout);
        let slot = match &judged.outcome {
            Ok(Qualified::Fully) => &mut tally.best,
            Ok(Qualified::WithMoreNumbers) => &mut tally.more,
            Err(Why::Young(_)) if self.has_more_numbers(judged, layout) => &mut tally.young_more,
            Err(Why::Young(_)) => &mut tally.young,
            Err(Why::Unsigned(_)) if self.stays(judged.info) => return,
            Err(Why::Unsigned(why)) if why.is_open() => &mut tally.open,
            Err(Why::Unsigned(_)) => &mut tally.refused,
            Err(Why::Below) if self.named => &mut tally.below,
            Err(Why::Shape(Fit::NumberedVariant)) => {
                let place = |key, layout: Option<&Layout<'_>>| (key, layout.map(Layout::variant).unwrap_or_default());
                let Some(own) = judged.key.as_ref().map(|key| place(key, layout)) else { return };
                let Some(anchor) = self.anchor() else { return };
                let running = place(&anchor.place.key, anchor.place.layout.as_ref());
                let held = tally.numbered.as_ref();
                let held = held.map(|held| place(&held.key, self.policy.layout_of(&held.info.tag).as_ref()));
                if self.compare_numbered(&own, &running).is_gt()
                    && held.is_none_or(|held| self.compare_numbered(&own, &held).is_gt())
                {
                    tally.numbered = ranked(judged.outcome.as_ref().err());
                }
                return;
            }
            Err(Why::Unordered(_)) => {
                tally.unordered = tally.unordered.or(Some(&judged.info.tag));
                return;
            }
            Err(_) => return,
        };
        let better = |held: &Ranked<'a>| {
            judged
                .key
                .as_ref()
                .is_some_and(|key| self.compare((judged.info, Some(key)), (held.info, Some(&held.key))).is_gt())
        };
        if slot.as_ref().is_none_or(better) {
            *slot = ranked(judged.outcome.as_ref().err());
        }
    }

    /// Whether a tag is what stands, and stays as it is. Of a tag that is followed, that is the image which stands.
    fn stays(&self, info: &TagInfo) -> bool {
        let standing = || self.situation.current.and_then(|current| current.digest);
        let is_standing = || standing().is_some_and(|standing| info.digest.as_ref() == Some(standing));
        self.current() == Some(&info.tag) && (self.policy.followed_tag().is_none() || is_standing())
    }

    /// How one place in a numbered variant stands to another: first as the rule orders them, then by the numbers of the
    /// variant.
    fn compare_numbered(&self, one: &(&Key<'_>, String), other: &(&Key<'_>, String)) -> Ordering {
        let numbers =
            |variant: &str| -> Vec<u64> { groups(variant).map(|group| group.parse().unwrap_or(u64::MAX)).collect() };
        let by_rule = self.policy.order.compare(one.0, other.0);
        by_rule.then_with(|| numbers(&one.1).cmp(&numbers(&other.1)))
    }

    fn has_more_numbers(&self, judged: &Judged<'_>, layout: Option<&Layout<'_>>) -> bool {
        let fit = self.anchor().zip(layout).map(|(anchor, layout)| self.fit(anchor, judged.info, layout));
        fit == Some(Fit::More)
    }

    fn is_above_running(&self, judged: &Judged<'_>) -> bool {
        let keys = self.anchor().zip(judged.key.as_ref());
        keys.is_some_and(|(anchor, key)| self.policy.order.compare(key, &anchor.place.key).is_gt())
    }

    /// Whether others of the running shape are above what runs, and whether that moves.
    fn count_shape(&self, tally: &mut Tally<'a>, judged: &Judged<'a>, layout: Option<&Layout<'a>>) {
        let (Some(anchor @ Anchor { content: None, .. }), false) = (self.anchor(), self.named) else { return };
        tally.own_above = tally.own_above || self.is_own_above(anchor, judged, layout);
        let own = anchor.place.layout.as_ref().map_or(0, |own| own.numbers().len());
        if layout.is_some_and(|layout| layout.numbers().len() > own) && self.has_more_numbers(judged, layout) {
            tally.moves |= self.is_running_image(judged.info);
        }
    }

    /// Whether a tag has the shape of what runs, is above it, and is let in by the words of the rule, now or later.
    pub(super) fn is_own_above(&self, anchor: &Anchor<'a>, judged: &Judged<'_>, layout: Option<&Layout<'_>>) -> bool {
        self.is_above_running(judged)
            && !judged.outcome.as_ref().is_err_and(Why::is_of_the_rules_words)
            && layout.is_some_and(|layout| self.fit(anchor, judged.info, layout) == Fit::Same)
    }

    /// Whether a tag is known to be the image that runs.
    pub(super) fn is_running_image(&self, info: &TagInfo) -> bool {
        let Some(current) = self.situation.current else { return false };
        let known = current.known(self.situation.tags).and_then(|known| known.digest.as_ref());
        info.digest.is_some() && (info.digest.as_ref() == current.digest || info.digest.as_ref() == known)
    }

    /// Why a tag with more numbers than what runs is not chosen, where it is not.
    pub(super) fn verdict_on_more(&self, tally: &Tally<'a>) -> Option<Why<'a>> {
        match (tally.moves, tally.own_above) {
            (true, _) => Some(Why::Moves),
            (false, true) => Some(Why::More),
            (false, false) => None,
        }
    }

    /// Why nothing at all is chosen, where one tag that cannot be ordered is enough for that.
    pub(super) fn failing(&self, tally: &Tally<'a>) -> Option<&'a Tag> {
        tally.unordered.filter(|_| self.policy.habits.fails_whole)
    }

    /// What is chosen, and the rule that says so.
    pub(super) fn decision(&self, tally: &Tally<'a>) -> (Decision, &'static str) {
        let order = &self.policy.order;
        if let Some(tag) = self.failing(tally) {
            return (Decision::none(&no_number(tag)), order.rule());
        }
        let best = self.better_of(tally, &tally.best, &tally.more);
        let moves = best.is_some_and(|best| self.current() != Some(&best.info.tag));
        // What may be signed and is above waits to be known: the lesser one would be the wrong one.
        let open = tally.open.as_ref().filter(|open| moves && self.is_better(Some(open), best));
        let waiting = match moves {
            true => open,
            false => self
                .better_of(tally, &tally.young, &tally.young_more)
                .or_else(|| self.greater(tally.open.as_ref(), tally.refused.as_ref()))
                .or(tally.below.as_ref()),
        };
        let waiting = waiting.and_then(|ranked| {
            let why = ranked.why.as_ref()?;
            let reason = self.words(why, &ranked.info.tag).to_string();
            Some(Waiting { tag: ranked.info.tag.clone(), gate: why.gate(), until: why.until(), reason })
        });
        let is_placed = !matches!(self.running, Running::Lost);
        let held = || {
            let open = open?;
            let words = self.words(open.why.as_ref()?, &open.info.tag);
            Some(("signed_by", format!("`{}` is above it: {words}", open.info.tag)))
        };
        let best = best.map(|best| best.info);
        let (chosen, rule, reason) = match self.obstacle(best).or_else(held) {
            Some((rule, obstacle)) => (None, rule, obstacle),
            None => (best, order.rule(), self.reason(best, tally)),
        };
        let chosen = chosen.map(|info| info.tag.clone());
        (Decision { chosen, reason, waiting, is_placed }, rule)
    }

    /// The better one, of which the second has more numbers than what runs and may be out for that.
    fn better_of<'t>(
        &self,
        tally: &Tally<'a>,
        own: &'t Option<Ranked<'a>>,
        more: &'t Option<Ranked<'a>>,
    ) -> Option<&'t Ranked<'a>> {
        let more = more.as_ref().filter(|_| self.verdict_on_more(tally).is_none());
        self.greater(more, own.as_ref())
    }

    fn greater<'t>(&self, one: Option<&'t Ranked<'a>>, other: Option<&'t Ranked<'a>>) -> Option<&'t Ranked<'a>> {
        if self.is_better(one, other) { one } else { other }
    }

    fn is_better(&self, one: Option<&Ranked<'a>>, other: Option<&Ranked<'a>>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => {
                self.compare((one.info, Some(&one.key)), (other.info, Some(&other.key))).is_gt()
            }
            (one, _) => one.is_some(),
        }
    }

    /// Why the best tag is not chosen after all.
    fn obstacle(&self, best: Option<&TagInfo>) -> Option<(&'static str, String)> {
        let best = best?;
        if best.tag.as_str().is_empty() {
            return Some(("untagged", "the best image has no tag by which it could be named".to_owned()));
        }
        let current = self.current().filter(|current| **current != best.tag)?;
        let known = || self.situation.tags.all().any(|info| info.tag == *current && info.created_at.is_some());
        let unknown = self.policy.habits.needs_running_time && !known();
        let reason = || format!("nobody knows when `{current}`, which runs now, was created");
        unknown.then(|| (self.policy.order.rule(), reason()))
    }

    /// The total order of tags: never two are equal unless they are the same text.
    pub(super) fn compare(&self, left: (&TagInfo, Option<&Key<'_>>), right: (&TagInfo, Option<&Key<'_>>)) -> Ordering {
        let by_key = match (left.1, right.1) {
            (Some(left), Some(right)) => self.policy.order.compare(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        let text = || left.0.tag.cmp(&right.0.tag);
        by_key
            .then_with(|| self.spelling(left).cmp(&self.spelling(right)))
            .then_with(|| if self.policy.habits.least_text_wins { text().reverse() } else { text() })
    }

    /// How near a tag is to the running one in how it is written; the greater, the nearer.
    fn spelling(&self, (info, key): (&TagInfo, Option<&Key<'_>>)) -> (bool, bool, bool) {
        if !self.policy.habits.keeps_spelling {
            return Default::default();
        }
        let is_current = self.current() == Some(&info.tag);
        let Some(Key::Release(release)) = key else { return (is_current, true, true) };
        match self.anchor().map(|anchor| &anchor.place.key) {
            Some(Key::Release(running)) => {
                let same_v = running.version.v_prefix == release.version.v_prefix;
                (is_current, same_v, running.count == release.count)
            }
            _ => (is_current, true, release.count == 3),
        }
    }

    fn reason(&self, best: Option<&TagInfo>, tally: &Tally<'_>) -> String {
        let order = &self.policy.order;
        let chosen = best.map(|info| &info.tag);
        let runs = chosen.is_some() && self.current() == chosen;
        let mut reason = match (chosen, self.anchor()) {
            (None, _) if matches!(self.running, Running::Lost) && !self.named && !self.policy.from_any => {
                return self.unplaced_in_words();
            }
            (None, _) => order.none(),
            (Some(_), _) if runs => format!("it runs now, and is {}", order.best()),
            (Some(tag), Some(Anchor { content: Some(same), .. })) if tag == *same => {
                format!("it is {}, and the image that runs now", order.best())
            }
            (Some(_), _) => format!("it is {}", order.best()),
        };
        if let Some(signer) = best.and_then(|info| self.policy.signers_of(info).next()) {
            reason.push_str(&format!(", signed by `{signer}`"));
        }
        if let Some((refused, why)) = self.refused_above(best, tally).filter(|_| !runs) {
            reason.push_str(&format!("; `{refused}` is above it, and {why}"));
        }
        if let Some(newest) = tally.numbered.as_ref().filter(|_| runs || chosen.is_none()) {
            reason.push_str("; ");
            reason.push_str(&self.numbered_variant_in_words(&newest.info.tag));
        }
        reason
    }

    /// The greatest tag above the chosen one that nobody who counts signed, with that in words.
    fn refused_above(&self, best: Option<&TagInfo>, tally: &Tally<'a>) -> Option<(&'a Tag, Sentence)> {
        let chosen = self.better_of(tally, &tally.best, &tally.more);
        let refused =
            tally.refused.as_ref().filter(|refused| best.is_some() && self.is_better(Some(refused), chosen))?;
        Some((&refused.info.tag, self.words(refused.why.as_ref()?, &refused.info.tag)))
    }

    /// The digest of what runs.
    pub(super) fn content(&self) -> Option<&'a crate::image::Digest> {
        content_of(&self.situation.current?, self.situation)
    }
}

pub(super) fn no_number(tag: &Tag) -> String {
    format!("`{tag}` is no number, and then nothing is chosen")
}
