//! Of which tags it must be known whether they are signed.

use super::{
    CompiledPolicy, Signed, SignerId, Situation, TagInfo,
    chooser::Chooser,
    extract::Room,
    limit::MAX_VERIFIED_TAGS,
    order::Key,
    tally::{Judged, Tally},
    why::{Unsigned, Why},
};
use crate::image::Tag;

impl CompiledPolicy {
    /// The tags whose signatures are to be looked for: those of which nothing else than a signature is missing, the greatest
    /// [`MAX_VERIFIED_TAGS`]. What was found unsigned is looked at again while it would be chosen: images are signed after
    /// they were pushed.
    pub fn unverified(&self, situation: &Situation<'_>) -> Vec<Tag> {
        if self.signed_by.is_empty() {
            return Vec::new();
        }
        let chooser = Chooser::new(self, situation, false);
        let (mut tally, mut room, mut missing) = (Tally::default(), Room::default(), Vec::new());
        for info in &situation.tags.tags {
            let (judged, layout) = chooser.judged(info, &mut room);
            chooser.count(&mut tally, &judged, layout.as_ref());
            if let Some((why, key)) = chooser.missing(&judged) {
                missing.push((why.is_open(), key, info));
            }
        }
        let chosen = tally.chosen();
        let is_wanted = |(is_open, key, info): &(bool, Key<'_>, &TagInfo)| {
            *is_open || chosen.is_none_or(|(chosen, of)| chooser.compare((info, Some(key)), (chosen, Some(of))).is_gt())
        };
        missing.retain(is_wanted);
        missing.sort_by(|(_, key, info), (_, other_key, other)| {
            chooser.compare((other, Some(other_key)), (info, Some(key)))
        });
        missing.into_iter().take(MAX_VERIFIED_TAGS).map(|(.., info)| info.tag.clone()).collect()
    }

    /// Who may have signed: "`keys/a.pub` or `keys/b.pub`".
    pub(super) fn signers_in_words(&self) -> String {
        let listed: Vec<String> = self.signed_by.iter().map(|signer| format!("`{}`", signer.key)).collect();
        listed.join(" or ")
    }

    /// The signers who are known to have signed what a tag points to.
    pub(super) fn signers_of<'a>(&'a self, info: &'a TagInfo) -> impl Iterator<Item = &'a str> {
        let signed =
            |id: &SignerId| info.signatures.iter().any(|check| check.signer == *id && check.outcome == Signed::Yes);
        self.signed_by.iter().filter(move |signer| signer.id.as_ref().is_some_and(signed)).map(|it| it.key.as_str())
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
