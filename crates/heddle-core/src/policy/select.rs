//! The choice itself.

use std::cmp::{Ordering, Reverse};

use super::{
    CompiledPolicy, Decision, Selection, Situation, TagInfo, TagList, TagPolicy, Verdict, VerdictKind,
    chooser::Chooser,
    extract::Room,
    judge::Qualified,
    order::Key,
    sentence::Sentence,
    shape::Fit,
    tally::{Tally, no_number},
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

/// A tag of the list, and what became of it.
struct Listed<'a> {
    info: &'a TagInfo,
    /// See [`super::order::Order::prefix`]; 0 for a tag without a place.
    prefix: u128,
    outcome: Result<Qualified, Why<'a>>,
}

/// Where a tag stands among the others, as far as a number tells.
#[derive(Clone, Copy)]
struct Rank {
    qualifies: bool,
    prefix: u128,
    /// Its place in the list; a list of more tags than fit in 32 bits is not read.
    index: u32,
}

impl Rank {
    fn coarse(&self) -> (bool, u128) {
        (self.qualifies, self.prefix)
    }

    fn index(&self) -> usize {
        self.index as usize
    }
}

impl<'a> Chooser<'a> {
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
        let mut listed = Vec::with_capacity(self.situation.tags.tags.len());
        for info in &self.situation.tags.tags {
            let (judged, layout) = self.judged(info, &mut room);
            self.count(&mut tally, &judged, layout.as_ref());
            let prefix = judged.key.as_ref().map_or(0, |key| self.policy.order.prefix(key));
            listed.push(Listed { info, prefix, outcome: judged.outcome });
        }
        let (decision, rule) = self.decision(&tally);
        if let Some(tag) = self.failing(&tally) {
            return passed_over_all(self.situation.tags, self.policy.order.rule(), &no_number(tag));
        }
        if let Some(more) = self.verdict_on_more(&tally) {
            let waits = |one: &&mut Listed<'_>| matches!(one.outcome, Ok(Qualified::WithMoreNumbers));
            listed.iter_mut().filter(waits).for_each(|one| one.outcome = Err(more.clone()));
        }
        let ranks = self.ranked(&listed, &mut room);
        let mut verdicts = self.verdicts(&ranks, &listed, &tally, (rule, &decision.reason));
        if let (Some(_), Some(first)) = (&decision.chosen, verdicts.first_mut()) {
            first.verdict = VerdictKind::Chosen;
        }
        Selection { decision, verdicts }
    }

    /// What is said of each tag, from the best to the least; of the best, the rule and the reason of the decision.
    fn verdicts(
        &self,
        ranks: &[Rank],
        listed: &[Listed<'a>],
        tally: &Tally<'a>,
        (rule, reason): (&'static str, &str),
    ) -> Vec<Verdict> {
        let best = ranks.first().map_or("", |rank| listed[rank.index()].info.tag.as_str());
        let said = |words: &str| Sentence::from(format!("`{best}` {words}"));
        let (above, preferred) = (said("is above it"), said("is its equal, and is preferred"));
        let equals = self.count_equals(ranks, listed);
        let verdict = |(place, rank): (usize, &Rank)| {
            let one = &listed[rank.index()];
            let (rule, reason, until) = match &one.outcome {
                Ok(_) if one.info.tag.as_str() == best => (rule, reason.to_owned().into(), None),
                Ok(_) if place < equals => (rule, preferred.clone(), None),
                Ok(_) => (rule, above.clone(), None),
                Err(why) => (self.rule(why), self.words_beside(why, one.info, tally), why.until()),
            };
            Verdict { tag: one.info.tag.clone(), verdict: VerdictKind::PassedOver, rule: rule.into(), reason, until }
        };
        ranks.iter().enumerate().map(verdict).collect()
    }

    /// How many tags, the best among them, the order does not tell apart from the best.
    fn count_equals(&self, ranks: &[Rank], listed: &[Listed<'a>]) -> usize {
        let Some(best) = ranks.first() else { return 0 };
        let mut room = Room::default();
        let mut key = |rank: &Rank| self.key(listed[rank.index()].info, &mut room);
        let best_key = key(best);
        let is_equal = |rank: &&Rank| {
            rank.coarse() == best.coarse()
                && matches!((&best_key, key(rank)), (Some(best), Some(key)) if self.policy.order.compare(best, &key).is_eq())
        };
        ranks.iter().take_while(is_equal).count()
    }

    /// Why a tag was passed over, with what the other tags of the list add to it.
    fn words_beside(&self, why: &Why<'a>, info: &TagInfo, tally: &Tally<'a>) -> Sentence {
        let words = self.words(why, &info.tag);
        match (why, tally.newest_numbered()) {
            (Why::Shape(Fit::NumberedVariant), Some(newest)) => {
                format!("{words}; {}", self.numbered_variant_in_words(newest)).into()
            }
            _ => words,
        }
    }

    /// The tags from the best to the least, those that qualify first.
    ///
    /// Sorted by small numbers: places are large, and few tags need more to be told apart. Theirs are read a second time.
    fn ranked(&self, listed: &[Listed<'a>], room: &mut Room) -> Vec<Rank> {
        let rank =
            |(index, one): (u32, &Listed<'_>)| Rank { qualifies: one.outcome.is_ok(), prefix: one.prefix, index };
        let mut ranks: Vec<Rank> = (0..).zip(listed).map(rank).collect();
        ranks.sort_unstable_by_key(|rank| Reverse(rank.coarse()));
        for equals in ranks.chunk_by_mut(|left, right| left.coarse() == right.coarse()) {
            if equals.len() == 1 {
                continue;
            }
            let mut place = |rank: &Rank| (listed[rank.index()].info, self.key(listed[rank.index()].info, room), *rank);
            let mut places: Vec<_> = equals.iter().map(&mut place).collect();
            places.sort_unstable_by(|(left, left_key, _), (right, right_key, _)| {
                self.compare((right, right_key.as_ref()), (left, left_key.as_ref()))
            });
            places.into_iter().zip(equals).for_each(|((.., rank), slot)| *slot = rank);
        }
        ranks
    }

    /// A tag's place alone.
    fn key(&self, info: &'a TagInfo, room: &mut Room) -> Option<Key<'a>> {
        self.policy.place_as(info, self.split, self.reads_shapes, room).ok().map(|place| place.key)
    }
}

impl Decision {
    pub(super) fn none(reason: &str) -> Self {
        Self { chosen: None, reason: reason.to_owned(), waiting: None, is_placed: true }
    }
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
