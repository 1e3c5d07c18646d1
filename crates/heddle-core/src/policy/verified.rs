//! Of which tags it must be known whether they are signed.

use chrono::{DateTime, Utc};

use super::{
    CompiledPolicy, Signed, Signer, SignerId, Situation, TagInfo, TagList,
    chooser::Chooser,
    extract::Room,
    limit::{MAX_BARE_AGE, MAX_VERIFIED_TAGS},
    order::Key,
    tally::{Judged, Tally},
    why::{Unsigned, Why},
};
use crate::image::{Digest, Tag};

impl CompiledPolicy {
    /// The tags whose signatures are to be looked for, in the order in which they are: those of which nothing else than a
    /// signature is missing, the greatest [`MAX_VERIFIED_TAGS`].
    ///
    /// First come those of which nobody can say whether they are signed, because while there is one nothing below it is
    /// chosen. What was found unsigned is looked at again while it would be chosen, since images are signed after they were
    /// pushed: as much of it as there is room for, a quarter at least, and beside these whatever of it is `due`.
    pub fn unverified(&self, situation: &Situation<'_>, due: &[Tag]) -> Vec<Tag> {
        if self.signed_by.is_empty() {
            return Vec::new();
        }
        let chooser = Chooser::new(self, situation, false);
        let (mut tally, mut room, mut missing) = (Tally::default(), Room::default(), Vec::new());
        for info in &situation.tags.tags {
            let (judged, layout) = chooser.judged(info, &mut room);
            chooser.count(&mut tally, &judged, layout.as_ref());
            if let Some((why, key)) = chooser.missing(&judged) {
                missing.push((Rank::of(why), key, info));
            }
        }
        let chosen = tally.chosen();
        let is_wanted = |(rank, key, info): &(Rank, Key<'_>, &TagInfo)| {
            *rank != Rank::Refused
                || chosen.is_none_or(|(chosen, of)| chooser.compare((info, Some(key)), (chosen, Some(of))).is_gt())
        };
        missing.retain(is_wanted);
        missing.sort_by(|(rank, key, info), (other_rank, other_key, other)| {
            let greatest_first = || chooser.compare((other, Some(other_key)), (info, Some(key)));
            rank.cmp(other_rank).then_with(greatest_first)
        });
        let (open, refused): (Vec<_>, Vec<_>) = missing.into_iter().partition(|(rank, ..)| *rank != Rank::Refused);
        let of_open = open.len().min(MAX_VERIFIED_TAGS - refused.len().min(MAX_VERIFIED_TAGS / 4));
        let again = |(at, (.., info)): &(usize, &(Rank, Key<'_>, &TagInfo))| {
            *at < MAX_VERIFIED_TAGS - of_open || due.contains(&info.tag)
        };
        let refused = refused.iter().enumerate().filter(again).map(|(_, one)| one);
        let mut tags: Vec<Tag> = open.iter().take(of_open).chain(refused).map(|(.., info)| info.tag.clone()).collect();
        let mut named = self.unverified_named(situation, due);
        named.retain(|tag| !tags.contains(tag));
        tags.append(&mut named);
        tags
    }

    /// Of the tags that something else than the rule may name, those of which nothing else than a signature is missing.
    fn unverified_named(&self, situation: &Situation<'_>, due: &[Tag]) -> Vec<Tag> {
        let chooser = Chooser::new(self, situation, true);
        let mut room = Room::default();
        let listed = situation.tags.tags.iter().filter(|info| due.contains(&info.tag));
        let missing = listed.filter(|info| chooser.missing(&chooser.judged(info, &mut room).0).is_some());
        missing.map(|info| info.tag.clone()).collect()
    }

    /// The few tags that would be written now, or once they are old enough, without the digest that was verified. Each scan is
    /// to see what they name.
    pub fn taken_bare(&self, situation: &Situation<'_>) -> Vec<Tag> {
        if !self.takes_bare_tags() {
            return Vec::new();
        }
        let chooser = Chooser::new(self, situation, false);
        let (mut tally, mut room) = (Tally::default(), Room::default());
        for info in &situation.tags.tags {
            let (judged, layout) = chooser.judged(info, &mut room);
            chooser.count(&mut tally, &judged, layout.as_ref());
        }
        tally.signed().filter(|tag| chooser.current() != Some(*tag)).cloned().collect()
    }

    fn takes_bare_tags(&self) -> bool {
        !self.signed_by.is_empty() && self.signed_by.iter().all(|signer| signer.tag_only) && !self.pins_digest()
    }

    /// Why a tag is not written now whose digest is not: what was verified is an image, and the tag may name another by now.
    pub fn unseen(&self, info: &TagInfo, now: DateTime<Utc>) -> Option<String> {
        if !self.takes_bare_tags() || info.seen_at.is_some_and(|at| now - at <= MAX_BARE_AGE) {
            return None;
        }
        let listed = self.signers_in_words();
        let since = info.seen_at.map_or_else(String::new, |at| format!(" since {}", at.format("%Y-%m-%d %H:%M UTC")));
        Some(format!("it was signed by {listed}, and nobody saw{since} whether it still names that image"))
    }

    /// Why a tag, or what it pointed to, does not count as signed, where that is certain.
    pub fn refuses(&self, tag: &Tag, digest: Option<&Digest>, tags: Option<&TagList>) -> Option<String> {
        let is_same = |info: &&TagInfo| info.tag == *tag && (digest.is_none() || info.digest.as_ref() == digest);
        let known = tags.and_then(|list| list.tags.iter().find(is_same)).map(|info| self.judge_signers(info));
        let has_key = self.signed_by.is_empty() || self.signed_by.iter().any(|signer| signer.id.is_some());
        let why = if has_key { known?.err()? } else { Unsigned::NoKey };
        matches!(why, Unsigned::NoKey | Unsigned::Refused).then(|| self.unsigned_in_words(why))
    }

    pub(super) fn unsigned_in_words(&self, why: Unsigned<'_>) -> String {
        let listed = self.signers_in_words();
        match why {
            Unsigned::NoKey => format!("nothing counts as signed: {listed} could not be read from the default branch"),
            Unsigned::Refused => format!("it carries no signature by {listed}"),
            Unsigned::Undecided(reason) => format!("nobody can say whether it is signed by {listed}: {reason}"),
            Unsigned::Unchecked => format!("nobody looked yet whether it is signed by {listed}"),
        }
    }

    /// Who may have signed: "`keys/a.pub` or `keys/b.pub`".
    pub(super) fn signers_in_words(&self) -> String {
        let listed: Vec<String> = self.signed_by.iter().map(|signer| format!("`{}`", signer.name())).collect();
        listed.join(" or ")
    }

    /// The names of the signers who are known to have signed what a tag points to.
    pub fn signers_of<'a>(&'a self, info: &'a TagInfo) -> impl Iterator<Item = &'a str> {
        let signed =
            |id: &SignerId| info.signatures.iter().any(|check| check.signer == *id && check.outcome == Signed::Yes);
        self.signed_by.iter().filter(move |signer| signer.id.as_ref().is_some_and(signed)).map(Signer::name)
    }
}

/// What is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Unchecked,
    Undecided,
    Refused,
}

impl Rank {
    fn of(why: Unsigned<'_>) -> Self {
        match why {
            Unsigned::Unchecked => Self::Unchecked,
            Unsigned::Undecided(_) => Self::Undecided,
            Unsigned::Refused | Unsigned::NoKey => Self::Refused,
        }
    }
}

impl<'a> Chooser<'a> {
    /// Why a tag does not count as signed, where nothing else keeps it out for good.
    fn missing(&self, judged: &Judged<'a>) -> Option<(Unsigned<'a>, Key<'a>)> {
        let why = match &judged.outcome {
            Err(Why::Unsigned(why)) => *why,
            // The others may have the tag at any time.
            Err(Why::Lockstep { .. }) => match self.judge_signature(judged.info) {
                Err(Why::Unsigned(why)) => why,
                _ => return None,
            },
            _ => return None,
        };
        (why != Unsigned::NoKey).then(|| judged.key.clone()).flatten().map(|key| (why, key))
    }
}
