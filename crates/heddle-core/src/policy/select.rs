//! The choice itself.

use std::cmp::Ordering;

use super::{
    CompiledPolicy, Decision, Selection, Situation, TagInfo, TagList, TagPolicy, Verdict, VerdictKind, Waiting,
    chooser::Chooser,
    extract::Room,
    judge::Qualified,
    layout::Layout,
    order::{Key, Place},
    running::{Anchor, Running, content_of},
    sentence::Sentence,
    shape::Fit,
    version::TagVersion,
    why::Why,
};
use crate::image::Tag;

/// Picks the tag that a policy would deploy, with a verdict on every tag; a policy that cannot be followed chooses none.
///
/// See [`CompiledPolicy::select`].
pub fn select(policy: &TagPolicy, situation: &Situation<'_>) -> Selection {
    match CompiledPolicy::new(policy) {
        Ok(policy) => policy.select(situation),
        Err(faults) => {
            let reason = faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ");
            passed_over_all(situation.tags, "policy", &reason)
        }
    }
}

impl CompiledPolicy {
    /// Picks the tag to deploy, with a verdict on every tag, in no regard of the order of the list.
    ///
    /// Nothing is chosen from an incomplete or empty list. Beside what runs, only what is above it in the rule's order and
    /// has its shape is chosen; where it has no place, nothing is, unless the policy says `from_any`. Equal tags are told
    /// apart in a fixed way: the current tag itself, then its way to write versions (`v`, count of numbers), then the
    /// greater text.
    pub fn select(&self, situation: &Situation<'_>) -> Selection {
        match unusable(situation.tags) {
            Some(("", reason)) => Selection { decision: Decision::none(reason), verdicts: Vec::new() },
            Some((rule, reason)) => passed_over_all(situation.tags, rule, reason),
            None => Chooser::new(self, situation, false).select(),
        }
    }

    /// The tag to deploy, without a word about the others. See [`CompiledPolicy::select`].
    pub fn choose<'a>(&self, situation: &Situation<'a>) -> Option<&'a Tag> {
        let chosen = self.decide(situation).chosen?;
        situation.tags.tags.iter().map(|info| &info.tag).find(|tag| **tag == chosen)
    }

    /// What comes of it, without a verdict on every tag. See [`CompiledPolicy::select`].
    pub fn decide(&self, situation: &Situation<'_>) -> Decision {
        match unusable(situation.tags) {
            Some((_, reason)) => Decision::none(reason),
            None => Chooser::new(self, situation, false).decide(),
        }
    }

    /// Likewise among tags that something else than the rule named, such as a promotion: what runs needs no place, and a
    /// tag that is known to be below it waits.
    pub fn decide_named(&self, situation: &Situation<'_>) -> Decision {
        match unusable(situation.tags) {
            Some((_, reason)) => Decision::none(reason),
            None => Chooser::new(self, situation, true).decide(),
        }
    }

    /// Whether a tag is above another in this rule's order; false when the rule cannot order one of them by its text.
    pub fn is_above(&self, tag: &Tag, other: &Tag) -> bool {
        match (self.place_of_text(tag, self.split()), self.place_of_text(other, self.split())) {
            (Some(tag), Some(other)) => self.order.compare(&tag.key, &other.key) == Ordering::Greater,
            _ => false,
        }
    }
}

/// Why nothing is chosen from a list, whatever the rule.
fn unusable(list: &TagList) -> Option<(&'static str, &'static str)> {
    if list.tags.is_empty() {
        return Some(("", "the registry listed no tag, and an empty list never changes anything"));
    }
    let reason = "the last scan did not read the list of tags to its end, so nothing is chosen from it";
    (!list.complete).then_some(("incomplete", reason))
}

/// A tag that was judged.
pub(super) struct Judged<'a> {
    pub info: &'a TagInfo,
    pub key: Option<Key<'a>>,
    pub outcome: Result<Qualified, Why<'a>>,
}

/// A tag with its place among those that count for something.
pub(super) struct Ranked<'a> {
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
        let slots = [&self.best, &self.more, &self.young, &self.young_more, &self.below, &self.numbered];
        slots.into_iter().flatten().map(|ranked| &ranked.info.tag)
    }
}

impl<'a> Chooser<'a> {
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

    fn decide(&self) -> Decision {
        let (mut tally, mut room) = (Tally::default(), Room::default());
        for info in &self.situation.tags.tags {
            let (judged, layout) = self.judged(info, &mut room);
            self.count(&mut tally, &judged, layout.as_ref());
        }
        self.decision(&tally).0
    }

    fn select(&self) -> Selection {
        let (mut tally, mut room) = (Tally::default(), Room::default());
        let mut judged = Vec::with_capacity(self.situation.tags.tags.len());
        let mut verdicts = Vec::with_capacity(judged.capacity());
        // Sentences are made in the order of the list, because to go through it in another order is what takes long.
        for info in &self.situation.tags.tags {
            let (one, layout) = self.judged(info, &mut room);
            self.count(&mut tally, &one, layout.as_ref());
            verdicts.push(Some(self.verdict(&one)));
            judged.push(one);
        }
        let (decision, rule) = self.decision(&tally);
        if let Some(tag) = self.failing(&tally) {
            return passed_over_all(self.situation.tags, self.policy.order.rule(), &no_number(tag));
        }
        let more = self.verdict_on_more(&tally);
        for (one, verdict) in judged.iter_mut().zip(&mut verdicts) {
            match &one.outcome {
                Ok(Qualified::WithMoreNumbers) if more.is_some() => {
                    one.outcome = Err(more.clone().unwrap_or(Why::More))
                }
                Err(Why::Shape(Fit::NumberedVariant)) => {}
                _ => continue,
            }
            *verdict = Some(self.verdict(one));
            if let (Err(Why::Shape(_)), Some(verdict), Some(newest)) = (&one.outcome, verdict, &tally.numbered) {
                let ways = self.numbered_variant_in_words(&newest.info.tag);
                verdict.reason = format!("{}; {ways}", verdict.reason).into();
            }
        }
        let ranked = self.ranked(&judged);
        if let Some(best) = ranked.first().map(|index| &judged[*index]).filter(|best| best.outcome.is_ok()) {
            self.judge_beside(best, &judged, &mut verdicts, (rule, &decision.reason));
        }
        let mut verdicts: Vec<Verdict> = ranked.iter().filter_map(|index| verdicts[*index].take()).collect();
        if let (Some(_), Some(first)) = (&decision.chosen, verdicts.first_mut()) {
            first.verdict = VerdictKind::Chosen;
        }
        Selection { decision, verdicts }
    }

    /// Says of each tag that qualifies how it stands to the best, in the order of the list.
    fn judge_beside(
        &self,
        best: &Judged<'_>,
        judged: &[Judged<'_>],
        verdicts: &mut [Option<Verdict>],
        (rule, reason): (&'static str, &str),
    ) {
        let said = |words: &str| Sentence::from(format!("`{}` {words}", best.info.tag));
        let (above, preferred) = (said("is above it"), said("is its equal, and is preferred"));
        let reason = Sentence::from(reason.to_owned());
        for (one, verdict) in judged.iter().zip(verdicts) {
            let (Ok(_), Some(verdict)) = (&one.outcome, verdict) else { continue };
            let equal = matches!((&best.key, &one.key), (Some(best), Some(key)) if self.policy.order.compare(best, key).is_eq());
            verdict.rule = rule.into();
            verdict.reason = match equal {
                false => above.clone(),
                true if one.info.tag == best.info.tag => reason.clone(),
                true => preferred.clone(),
            };
        }
    }

    fn verdict(&self, judged: &Judged<'a>) -> Verdict {
        let tag = judged.info.tag.clone();
        let (rule, reason, until) = match &judged.outcome {
            Ok(_) => (self.policy.order.rule(), "".into(), None),
            Err(why) => (self.rule(why), self.words(why, &judged.info.tag), why.until()),
        };
        Verdict { tag, verdict: VerdictKind::PassedOver, rule: rule.into(), reason, until }
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
            Err(Why::Below) if self.named => &mut tally.below,
            Err(Why::Shape(Fit::NumberedVariant)) if self.is_above_running(judged) => &mut tally.numbered,
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
    fn verdict_on_more(&self, tally: &Tally<'a>) -> Option<Why<'a>> {
        match (tally.moves, tally.own_above) {
            (true, _) => Some(Why::Moves),
            (false, true) => Some(Why::More),
            (false, false) => None,
        }
    }

    /// Why nothing at all is chosen, where one tag that cannot be ordered is enough for that.
    fn failing(&self, tally: &Tally<'a>) -> Option<&'a Tag> {
        tally.unordered.filter(|_| self.policy.habits.fails_whole)
    }

    /// What is chosen, and the rule that says so.
    fn decision(&self, tally: &Tally<'a>) -> (Decision, &'static str) {
        let order = &self.policy.order;
        if let Some(tag) = self.failing(tally) {
            return (Decision::none(&no_number(tag)), order.rule());
        }
        let with_more = self.verdict_on_more(tally).is_none();
        let better = |one: Option<&'_ Ranked<'a>>, other: Option<&'_ Ranked<'a>>| match (one, other) {
            (Some(one), Some(other)) => {
                self.compare((one.info, Some(&one.key)), (other.info, Some(&other.key))).is_gt()
            }
            (one, _) => one.is_some(),
        };
        let pick = |own: &'_ Option<Ranked<'a>>, more: &'_ Option<Ranked<'a>>| {
            let use_more = with_more && better(more.as_ref(), own.as_ref());
            let picked = if use_more { more } else { own };
            picked.as_ref().map(|ranked| (ranked.info, ranked.key.clone(), ranked.why.clone()))
        };
        let best = pick(&tally.best, &tally.more);
        let moves = best.as_ref().is_some_and(|(info, ..)| self.current() != Some(&info.tag));
        let young = pick(&tally.young, &tally.young_more)
            .or_else(|| tally.below.as_ref().map(|below| (below.info, below.key.clone(), below.why.clone())));
        let waiting = young.filter(|_| !moves).and_then(|(info, _, why)| {
            let why = why?;
            let reason = self.words(&why, &info.tag).to_string();
            Some(Waiting { tag: info.tag.clone(), until: why.until(), reason })
        });
        let is_placed = !matches!(self.running, Running::Lost);
        let best = best.map(|(info, ..)| info);
        let (chosen, rule, reason) = match self.obstacle(best) {
            Some((rule, obstacle)) => (None, rule, obstacle),
            None => (best, order.rule(), self.reason(best.map(|info| &info.tag), tally)),
        };
        let chosen = chosen.map(|info| info.tag.clone());
        (Decision { chosen, reason, waiting, is_placed }, rule)
    }

    /// The tags from the best to the least, those that qualify first. Sorted by small keys, because the places are large.
    fn ranked(&self, judged: &[Judged<'_>]) -> Vec<usize> {
        let prefix = |judged: &Judged<'_>| judged.key.as_ref().map_or(0, |key| self.policy.order.prefix(key));
        let mut keys: Vec<(bool, u128, usize)> = (judged.iter().enumerate())
            .map(|(index, judged)| (judged.outcome.is_ok(), prefix(judged), index))
            .collect();
        keys.sort_unstable_by(|left, right| {
            let (one, other) = (&judged[right.2], &judged[left.2]);
            let by_prefix = (right.0, right.1).cmp(&(left.0, left.1));
            by_prefix.then_with(|| self.compare((one.info, one.key.as_ref()), (other.info, other.key.as_ref())))
        });
        keys.into_iter().map(|(_, _, index)| index).collect()
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
    fn compare(&self, left: (&TagInfo, Option<&Key<'_>>), right: (&TagInfo, Option<&Key<'_>>)) -> Ordering {
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

    fn reason(&self, chosen: Option<&Tag>, tally: &Tally<'_>) -> String {
        let order = &self.policy.order;
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
        if let Some(newest) = tally.numbered.as_ref().filter(|_| runs || chosen.is_none()) {
            reason.push_str("; ");
            reason.push_str(&self.numbered_variant_in_words(&newest.info.tag));
        }
        reason
    }

    /// The digest of what runs.
    pub(super) fn content(&self) -> Option<&'a crate::image::Digest> {
        content_of(&self.situation.current?, self.situation)
    }
}

impl Decision {
    fn none(reason: &str) -> Self {
        Self { chosen: None, reason: reason.to_owned(), waiting: None, is_placed: true }
    }
}

fn no_number(tag: &Tag) -> String {
    format!("`{tag}` is no number, and then nothing is chosen")
}

fn passed_over_all(list: &TagList, rule: &'static str, reason: &str) -> Selection {
    let mut tags: Vec<_> = list.tags.iter().map(|info| (TagVersion::parse(info.tag.as_str()), info)).collect();
    tags.sort_unstable_by(|(left, a), (right, b)| by_version(right, left).then_with(|| b.tag.cmp(&a.tag)));
    let reason_of_all = Sentence::from(reason.to_owned());
    let passed_over = |info: &TagInfo| Verdict {
        tag: info.tag.clone(),
        verdict: VerdictKind::PassedOver,
        rule: rule.into(),
        reason: reason_of_all.clone(),
        until: None,
    };
    let verdicts = tags.into_iter().map(|(_, info)| passed_over(info)).collect();
    Selection { decision: Decision::none(reason), verdicts }
}

fn by_version(left: &Option<TagVersion>, right: &Option<TagVersion>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp_precedence(right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}
