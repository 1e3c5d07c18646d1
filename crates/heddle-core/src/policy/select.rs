//! The choice itself.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
};

use chrono::{DateTime, Utc};

use super::{
    CompiledPolicy, Selection, TagInfo, TagList, TagPolicy, Verdict, VerdictKind, Waiting,
    compiled::Variant,
    extract::Room,
    judge::{Place, Refusal, Said},
    order::{Key, Order},
    sentence::Sentence,
    version::TagVersion,
};
use crate::image::{ImageRepository, Tag};

/// All that a choice under a policy as a person wrote it depends on.
#[derive(Debug, Clone, Copy)]
pub struct SelectInput<'a> {
    /// What a person wrote.
    pub policy: &'a TagPolicy,
    /// The tag that stands at the place now.
    pub current: Option<&'a Tag>,
    /// What the registry has.
    pub tags: &'a TagList,
    /// What people took back at the place.
    pub barred: &'a [BarredTag<'a>],
    /// The tags of the repositories that the policy keeps in lockstep. One without an entry was not scanned.
    pub companions: &'a [Companion<'a>],
    /// The time at which the choice is made.
    pub now: DateTime<Utc>,
}

/// All that a choice depends on, the policy aside.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The tag that stands at the place now.
    pub current: Option<&'a Tag>,
    /// What the registry has.
    pub tags: &'a TagList,
    /// What people took back at the place.
    pub barred: &'a [BarredTag<'a>],
    /// What is known of signatures. A tag without an entry was not checked, and does not pass where one is asked for.
    pub signatures: &'a [SignatureCheck<'a>],
    /// The tags of the repositories that the policy keeps in lockstep. One without an entry was not scanned.
    pub companions: &'a [Companion<'a>],
    /// The time at which the choice is made.
    pub now: DateTime<Utc>,
}

/// A tag that a person took back, and how.
#[derive(Debug, Clone, Copy)]
pub struct BarredTag<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// "reverted in 4b825dc", "declined by ada (#41)".
    pub reason: &'a str,
}

/// What came of checking an image's signature against one key.
#[derive(Debug, Clone, Copy)]
pub struct SignatureCheck<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The key's path, as the policy names it.
    pub key: &'a str,
    /// Whether the image is signed by it.
    pub valid: bool,
}

/// A repository that is kept in lockstep, and its tags.
#[derive(Debug, Clone, Copy)]
pub struct Companion<'a> {
    /// The repository.
    pub image: &'a ImageRepository,
    /// Its tags.
    pub tags: &'a TagList,
}

/// Picks the tag that a policy would deploy, with a verdict on every tag; a policy that cannot be followed chooses none.
///
/// See [`CompiledPolicy::select`].
pub fn select(input: &SelectInput<'_>) -> Selection {
    let SelectInput { policy, current, tags, barred, companions, now } = *input;
    match CompiledPolicy::new(policy) {
        Ok(policy) => policy.select(&Situation { current, tags, barred, signatures: &[], companions, now }),
        Err(faults) => {
            let reason = faults.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; ");
            passed_over_all(tags, "policy", &reason)
        }
    }
}

impl CompiledPolicy {
    /// Picks the tag to deploy, with a verdict on every tag, in no regard of the order of the list.
    ///
    /// Nothing is chosen from an incomplete or empty list. Nothing older than the current tag is chosen unless the policy
    /// says `downgrade`. Equal tags are told apart in a fixed way: the current tag itself, then its way to write versions
    /// (`v`, count of numbers), then the greater text.
    pub fn select(&self, situation: &Situation<'_>) -> Selection {
        if situation.tags.tags.is_empty() {
            return none("the registry listed no tag, and an empty list never changes anything");
        }
        if !situation.tags.complete {
            let reason = "the last scan did not read the list of tags to its end, so nothing is chosen from it";
            return passed_over_all(situation.tags, "incomplete", reason);
        }
        Chooser::new(self, situation).choose()
    }

    /// Whether a tag is above another in this rule's order; false when the rule cannot order one of them by its text.
    pub fn is_above(&self, tag: &Tag, other: &Tag) -> bool {
        let place = |tag: &Tag| self.place_of_text(tag, !matches!(self.variant, Variant::Untold));
        match (place(tag), place(other)) {
            (Some(tag), Some(other)) => self.order.compare(&tag.key, &other.key) == Ordering::Greater,
            _ => false,
        }
    }
}

/// A choice under way: the policy and what follows from the current and the barred tags.
pub(super) struct Chooser<'a> {
    pub policy: &'a CompiledPolicy,
    pub situation: &'a Situation<'a>,
    pub current: Option<Place<'a>>,
    pub barred: Vec<(&'a BarredTag<'a>, Option<Key<'a>>)>,
    /// The tags that each companion has; `None` for one whose list is not known to its end.
    pub companions: Vec<(&'a ImageRepository, Option<HashSet<&'a str>>)>,
    /// The keys that signed each tag.
    pub signed: HashMap<&'a str, Vec<&'a str>>,
    /// Whether the text after the numbers is told apart into pre-release and variant. Without a current version and
    /// without `suffix` nothing says which variant is meant, and all of it is pre-release, as at the peers.
    pub split: bool,
    pub said: Said,
}

/// A tag that was judged.
pub(super) struct Judged<'a> {
    info: &'a TagInfo,
    key: Option<Key<'a>>,
    pub qualifies: bool,
    /// What is said of it, until it is said; where it qualifies, the reason is known after all are judged. It is made in
    /// the order of the list, because to go through the list in another order is what takes long.
    pub verdict: Option<Verdict>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(policy: &'a CompiledPolicy, situation: &'a Situation<'a>) -> Self {
        let known = |tag: &Tag| situation.tags.tags.iter().find(|info| info.tag == *tag);
        let place = |tag: &'a Tag, split| match known(tag) {
            Some(info) => policy.place(info, split, &mut Room::default()).ok(),
            None => policy.place_of_text(tag, split),
        };
        let current = situation.current.and_then(|tag| place(tag, !matches!(policy.variant, Variant::Untold)));
        let split = match policy.variant {
            Variant::OfRunning => current.is_some(),
            Variant::Named(_) => true,
            Variant::Untold => false,
        };
        let barred = situation.barred.iter();
        let barred = barred.map(|barred| (barred, place(barred.tag, split).map(|place| place.key))).collect();
        let mut signed: HashMap<&str, Vec<&str>> = HashMap::new();
        for check in situation.signatures.iter().filter(|check| check.valid) {
            signed.entry(check.tag.as_str()).or_default().push(check.key);
        }
        let companions = policy.lockstep.iter().map(|image| (image, tags_of(situation.companions, image))).collect();
        Self { policy, situation, current, barred, companions, signed, split, said: Said::default() }
    }

    fn choose(&self) -> Selection {
        let mut room = Room::default();
        let mut judged: Vec<_> = self.situation.tags.tags.iter().map(|info| self.judged(info, &mut room)).collect();
        let ranked = self.ranked(&judged);
        let (candidates, refused) = ranked.split_at(ranked.partition_point(|index| judged[*index].qualifies));
        if let Some(reason) = self.whole_failure(refused.iter().map(|index| &judged[*index])) {
            return passed_over_all(self.situation.tags, self.policy.order.rule(), &reason);
        }
        let first = candidates.first().map(|index| &judged[*index]);
        let best = first.map(|best| &best.info.tag);
        let moves = best.is_some_and(|best| self.situation.current != Some(best));
        let waiting = waiting(refused.iter().map(|index| &judged[*index]), moves);
        let (chosen, rule, reason) = match self.obstacle(first) {
            Some((rule, obstacle)) => (None, rule, obstacle),
            None => (best, self.policy.order.rule(), self.reason(best)),
        };
        let chosen = chosen.cloned();
        let below = Sentence::from(best.map_or_else(String::new, |best| format!("`{best}` is above it")));
        let mut verdicts = Vec::with_capacity(ranked.len());
        verdicts.extend(ranked.iter().filter_map(|index| judged[*index].verdict.take()));
        for (rank, verdict) in verdicts[..candidates.len()].iter_mut().enumerate() {
            verdict.rule = rule.into();
            verdict.reason = if rank == 0 { reason.clone().into() } else { below.clone() };
        }
        if let (Some(_), Some(first)) = (&chosen, verdicts.first_mut()) {
            first.verdict = VerdictKind::Chosen;
        }
        Selection { chosen, reason, waiting, verdicts }
    }

    /// The tags from the best to the least, those that qualify first. Sorted by small keys, because the places are large.
    fn ranked(&self, judged: &[Judged<'_>]) -> Vec<usize> {
        let prefix = |judged: &Judged<'_>| judged.key.as_ref().map_or(0, |key| self.policy.order.prefix(key));
        let mut keys: Vec<(bool, u128, usize)> =
            judged.iter().enumerate().map(|(index, judged)| (judged.qualifies, prefix(judged), index)).collect();
        keys.sort_unstable_by(|left, right| {
            let by_prefix = (right.0, right.1).cmp(&(left.0, left.1));
            by_prefix.then_with(|| self.compare(&judged[right.2], &judged[left.2]))
        });
        keys.into_iter().map(|(_, _, index)| index).collect()
    }

    pub(super) fn judged(&self, info: &'a TagInfo, room: &mut Room) -> Judged<'a> {
        let (key, refusal) = match self.policy.place(info, self.split, room) {
            Ok(place) => {
                let refusal = self.judge(info, &place).err();
                (Some(place.key), refusal)
            }
            Err(unordered) => (None, Some(self.judge_text(&info.tag).err().unwrap_or(unordered))),
        };
        let qualifies = refusal.is_none();
        let refusal = refusal.unwrap_or_else(|| Refusal::new(self.policy.order.rule(), ""));
        Judged { info, key, qualifies, verdict: Some(passed_over(info, refusal)) }
    }

    /// Why nothing at all is chosen, where one tag that cannot be ordered is enough for that.
    fn whole_failure<'j>(&self, mut refused: impl Iterator<Item = &'j Judged<'j>>) -> Option<String> {
        let order = self.policy.order.rule();
        let unordered = |judged: &&Judged<'_>| {
            judged.key.is_none() && judged.verdict.as_ref().is_some_and(|verdict| verdict.rule == order)
        };
        let tag = self.policy.habits.fails_whole.then(|| refused.find(unordered))??;
        Some(format!("`{}` is no number, and then nothing is chosen", tag.info.tag))
    }

    /// Why the best tag is not chosen after all.
    fn obstacle(&self, best: Option<&Judged<'_>>) -> Option<(&'static str, String)> {
        let best = best?;
        if best.info.tag.as_str().is_empty() {
            return Some(("untagged", "the best image has no tag by which it could be named".to_owned()));
        }
        let current = self.situation.current.filter(|current| **current != best.info.tag)?;
        let known = || self.situation.tags.tags.iter().any(|info| info.tag == *current && info.created_at.is_some());
        let unknown = self.policy.habits.needs_running_time && !known();
        let reason = || format!("nobody knows when `{current}`, which runs now, was created");
        unknown.then(|| (self.policy.order.rule(), reason()))
    }

    /// The total order of tags: never two are equal unless they are the same text.
    fn compare(&self, left: &Judged<'_>, right: &Judged<'_>) -> Ordering {
        let by_key = match (&left.key, &right.key) {
            (Some(left), Some(right)) => self.policy.order.compare(left, right),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        let text = || left.info.tag.cmp(&right.info.tag);
        by_key
            .then_with(|| self.spelling(left).cmp(&self.spelling(right)))
            .then_with(|| if self.policy.habits.least_text_wins { text().reverse() } else { text() })
    }

    /// How near a tag is to the running one in how it is written; the greater, the nearer.
    fn spelling(&self, judged: &Judged<'_>) -> (bool, bool, bool) {
        if !self.policy.habits.keeps_spelling {
            return Default::default();
        }
        let is_current = self.situation.current == Some(&judged.info.tag);
        let Some(Key::Version(version)) = &judged.key else { return (is_current, true, true) };
        match &self.current {
            Some(Place { key: Key::Version(running), .. }) => {
                (is_current, running.v_prefix == version.v_prefix, running.precision == version.precision)
            }
            _ => (is_current, true, version.precision == 3),
        }
    }

    fn reason(&self, chosen: Option<&Tag>) -> String {
        let order = &self.policy.order;
        match chosen {
            Some(tag) if self.situation.current == Some(tag) => format!("it runs now, and is {}", order.best()),
            Some(_) => format!("it is {}", order.best()),
            None => order.none(),
        }
    }
}

/// The best tag that nothing but its age keeps back, where it is above what is chosen.
fn waiting<'j>(refused: impl Iterator<Item = &'j Judged<'j>>, moves: bool) -> Option<Waiting> {
    let first = refused.filter_map(|judged| judged.verdict.as_ref()).find(|verdict| verdict.until.is_some())?;
    let until = first.until.filter(|_| !moves)?;
    Some(Waiting { tag: first.tag.clone(), until, reason: first.reason.to_string() })
}

fn tags_of<'a>(companions: &[Companion<'a>], image: &ImageRepository) -> Option<HashSet<&'a str>> {
    let companion = companions.iter().find(|companion| companion.image == image)?;
    let tags: &'a TagList = companion.tags;
    tags.complete.then(|| tags.tags.iter().map(|info| info.tag.as_str()).collect())
}

fn passed_over(info: &TagInfo, refusal: Refusal) -> Verdict {
    Verdict {
        tag: info.tag.clone(),
        verdict: VerdictKind::PassedOver,
        rule: refusal.rule.into(),
        reason: refusal.reason,
        until: refusal.until,
    }
}

fn passed_over_all(list: &TagList, rule: &'static str, reason: &str) -> Selection {
    let mut tags: Vec<_> = list.tags.iter().map(|info| (TagVersion::parse(info.tag.as_str()), info)).collect();
    tags.sort_unstable_by(|(left, a), (right, b)| by_version(right, left).then_with(|| b.tag.cmp(&a.tag)));
    let reason_of_all = Sentence::from(reason.to_owned());
    let refusal = || Refusal::new(rule, reason_of_all.clone());
    let verdicts = tags.into_iter().map(|(_, info)| passed_over(info, refusal())).collect();
    Selection { chosen: None, reason: reason.to_owned(), waiting: None, verdicts }
}

fn by_version(left: &Option<TagVersion>, right: &Option<TagVersion>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.cmp_precedence(right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

fn none(reason: &str) -> Selection {
    Selection { chosen: None, reason: reason.to_owned(), waiting: None, verdicts: Vec::new() }
}

impl Order {
    /// Whether a place can be read from the tag alone, with nothing known of the image.
    pub(super) fn reads_text(&self) -> bool {
        !matches!(self, Self::Created | Self::FirstSeen)
    }
}
