//! Describes the tags of which a policy must know more than the name.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use futures::future::join_all;
use heddle_core::{
    image::Tag,
    policy::{CompiledPolicy, Situation, Standing, TagInfo, TagList},
};
use heddle_registry::{Description, Failure, Session};
use heddle_wire::automator::{ScanWork, ScannedTag, TagDescription};
use tokio::task::block_in_place;

use super::{keep, left};
use crate::limits::MAX_DESCRIBED;

/// How many are asked for at once where the API says nothing of it.
const AT_ONCE: u32 = 4;

/// A list of tags, described as far as it went.
pub(super) struct Described {
    pub tags: Vec<ScannedTag>,
    /// Why a tag that a choice depends on is not described.
    pub failure: Option<Failure>,
}

/// Describes the tags of a whole list on which the choices depend. While one is not described these choices wait, because
/// a choice from the others may be the wrong one. What is not described when it is `enough` is left to the next scan.
pub(super) async fn describe(
    session: &Session,
    work: &ScanWork,
    tags: Vec<Tag>,
    now: DateTime<Utc>,
    enough: impl Fn() -> bool,
) -> Described {
    // Policies over a long list are work for the processor.
    let needed = block_in_place(|| tags_to_describe(work, &tags, now));
    let mut described: BTreeMap<&Tag, Description> = BTreeMap::new();
    let mut looked_at = 0;
    let mut failure: Option<Failure> = None;
    let at_once = usize::try_from(work.at_once.unwrap_or(AT_ONCE)).unwrap_or(1).max(1);
    for some in needed[..needed.len().min(MAX_DESCRIBED)].chunks(at_once) {
        // What cannot be read of one keeps nobody from looking at the others, unless they would fare no better.
        if failure.as_ref().is_some_and(Failure::concerns_all) || enough() {
            break;
        }
        looked_at += some.len();
        let answers = join_all(some.iter().map(|needed| look(session, work, needed))).await;
        for (Needed { tag, .. }, answer) in some.iter().zip(answers) {
            match answer {
                // It went while the list was read: the next list lacks it.
                Ok(None) => {}
                Ok(Some(description)) => drop(described.insert(tag, description)),
                Err(fault) => {
                    let reason = format!("`{tag}` could not be read: {}", fault.reason);
                    keep(&mut failure, Failure { reason, ..fault });
                }
            }
        }
    }
    let count = needed.len() - looked_at;
    if count > 0 {
        let reason = format!("{count} tags are still to be read one by one for their creation time or platforms");
        keep(&mut failure, left(reason));
    }
    let scanned = |tag: Tag| ScannedTag { description: described.remove(&tag).map(without_signatures), tag };
    Described { tags: tags.into_iter().map(scanned).collect(), failure }
}

/// A tag that a choice needs to know more of.
struct Needed {
    tag: Tag,
    /// What was found when it was looked at before.
    known: Option<Description>,
}

/// Describes a tag; what is known of it stays true while it points to the same digest.
async fn look(session: &Session, work: &ScanWork, needed: &Needed) -> Result<Option<Description>, Failure> {
    if let Some(known) = &needed.known
        && session.still_points_to(&work.image, &needed.tag, &known.digest).await?
    {
        return Ok(Some(known.clone()));
    }
    session.describe(&work.image, &needed.tag).await
}

/// The tags to look at, each once: first those that are verified then, in the order in which they are, since for these there is
/// no more time than what is left.
fn tags_to_describe(work: &ScanWork, tags: &[Tag], now: DateTime<Utc>) -> Vec<Needed> {
    let list = listed(work.known.as_ref(), tags, now);
    let by_tag: BTreeMap<&Tag, &TagInfo> = list.tags.iter().map(|info| (&info.tag, info)).collect();
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for choice in &work.choices {
        let Ok(policy) = CompiledPolicy::new(&choice.policy) else { continue };
        let current = Some(Standing::new(choice.current.as_ref(), choice.digest.as_ref()));
        let situation = Situation { current, tags: &list, barred: &[], companions: &[], now };
        // What is signed is what the tag points to now.
        first.extend(
            policy.taken_bare(&situation).into_iter().chain(policy.unverified(&situation, &work.refresh)).enumerate(),
        );
        then.extend(policy.undescribed(&situation));
    }
    // The first of each choice come before the second of any.
    first.sort_by_key(|(rank, _)| *rank);
    then.extend(work.refresh.iter().filter(|tag| by_tag.contains_key(tag)).cloned());
    let mut seen = BTreeSet::new();
    let needed = first.into_iter().map(|(_, tag)| tag).chain(then).filter(|tag| seen.insert(tag.clone()));
    let with_known = |tag: Tag| Needed { known: by_tag.get(&tag).copied().and_then(description), tag };
    needed.map(with_known).collect()
}

fn without_signatures(Description { digest, created_at, platforms }: Description) -> TagDescription {
    TagDescription { digest, created_at, platforms, signatures: Vec::new() }
}

fn description(info: &TagInfo) -> Option<Description> {
    let TagInfo { digest, created_at, platforms, .. } = info.clone();
    Some(Description { digest: digest?, created_at, platforms: platforms? })
}

/// The list as it was read and described. Of another image under the same tag nothing is known but that.
pub(super) fn with_descriptions(known: Option<&TagList>, tags: &[ScannedTag], now: DateTime<Utc>) -> TagList {
    let names: Vec<Tag> = tags.iter().map(|scanned| scanned.tag.clone()).collect();
    let mut list = listed(known, &names, now);
    for (info, scanned) in list.tags.iter_mut().zip(tags) {
        let Some(TagDescription { digest, created_at, platforms, .. }) = &scanned.description else { continue };
        if info.digest.as_ref() != Some(digest) {
            info.signatures.clear();
        }
        info.digest = Some(digest.clone());
        info.created_at = *created_at;
        info.platforms = Some(platforms.clone());
    }
    list
}

/// The list as it was read, with what is known of its tags.
fn listed(known: Option<&TagList>, tags: &[Tag], now: DateTime<Utc>) -> TagList {
    let known_tags = known.into_iter().flat_map(|list| &list.tags);
    let known_tags: BTreeMap<&Tag, &TagInfo> = known_tags.map(|info| (&info.tag, info)).collect();
    let info = |tag: &Tag| known_tags.get(tag).map_or_else(|| TagInfo::named(tag.clone(), now), |info| (*info).clone());
    TagList {
        tags: tags.iter().map(info).collect(),
        dropped: known.map(|list| list.dropped.clone()).unwrap_or_default(),
        complete: true,
        // What the first scan finds was there before.
        watched_since: known.map_or(Some(now), |list| list.watched_since.or(Some(now))),
    }
}
