//! Describes the tags of which a policy must know more than the name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use heddle_core::{
    image::Tag,
    policy::{CompiledPolicy, Situation, TagInfo, TagList},
};
use heddle_registry::{Description, Failure, Session};
use heddle_wire::automator::{ScanWork, ScannedTag, TagDescription};

/// How many tags one scan describes; the next goes on. Docker Hub counts each against its limit.
const MAX_DESCRIBED: usize = 500;

/// How many are asked for at once.
const AT_ONCE: usize = 4;

/// A list of tags, described as far as it went.
pub(super) struct Described {
    pub tags: Vec<ScannedTag>,
    /// Why a tag that a choice depends on is not described.
    pub failure: Option<Failure>,
}

/// Describes the tags of a whole list on which the choices depend. While one is not described these choices wait, because
/// a choice from the others may be the wrong one.
pub(super) async fn describe(session: &Session, work: &ScanWork, tags: Vec<Tag>, now: DateTime<Utc>) -> Described {
    let asked = asked(work, &tags, now);
    let mut described: BTreeMap<&Tag, Description> = BTreeMap::new();
    let mut failure = None;
    for some in asked[..asked.len().min(MAX_DESCRIBED)].chunks(AT_ONCE) {
        let answers = join_all(some.iter().map(|asked| look(session, work, asked))).await;
        for (Asked { tag, .. }, answer) in some.iter().zip(answers) {
            match answer {
                // It went while the list was read: the next list lacks it.
                Ok(None) => {}
                Ok(Some(description)) => drop(described.insert(tag, description)),
                Err(Failure { reason, retry_at }) => {
                    failure = Some(Failure { reason: format!("`{tag}` could not be read: {reason}"), retry_at });
                }
            }
        }
        if failure.is_some() {
            break;
        }
    }
    let failure = failure.or_else(|| left_over(asked.len()));
    let scanned = |tag: Tag| {
        let description = described.remove(&tag).map(|one| TagDescription {
            digest: one.digest,
            created_at: one.created_at,
            platforms: one.platforms,
        });
        ScannedTag { tag, description }
    };
    Described { tags: tags.into_iter().map(scanned).collect(), failure }
}

fn left_over(asked: usize) -> Option<Failure> {
    let left = asked.checked_sub(MAX_DESCRIBED).filter(|left| *left > 0)?;
    let reason = format!("{left} tags are still to be read one by one for their creation time or platforms");
    Some(Failure { reason, retry_at: None })
}

/// A tag to look at.
struct Asked {
    tag: Tag,
    /// What was found when it was looked at before.
    known: Option<Description>,
}

/// Describes a tag; what is known of it stays true while it points to the same digest.
async fn look(session: &Session, work: &ScanWork, asked: &Asked) -> Result<Option<Description>, Failure> {
    if let Some(known) = &asked.known
        && session.still_points_to(&work.image, &asked.tag, &known.digest).await?
    {
        return Ok(Some(known.clone()));
    }
    session.describe(&work.image, &asked.tag).await
}

/// The tags to look at, each once.
fn asked(work: &ScanWork, tags: &[Tag], now: DateTime<Utc>) -> Vec<Asked> {
    let list = listed(work.known.as_ref(), tags, now);
    let mut asked: Vec<Tag> = work.refresh.iter().filter(|tag| tags.contains(tag)).cloned().collect();
    for choice in &work.choices {
        let Ok(policy) = CompiledPolicy::new(&choice.policy) else { continue };
        asked.extend(policy.undescribed(&Situation {
            current: choice.current.as_ref(),
            tags: &list,
            barred: &[],
            signatures: &[],
            companions: &[],
            now,
        }));
    }
    asked.sort();
    asked.dedup();
    let known = |tag: &Tag| list.tags.iter().find(|info| info.tag == *tag).and_then(description);
    asked.into_iter().map(|tag| Asked { known: known(&tag), tag }).collect()
}

fn description(info: &TagInfo) -> Option<Description> {
    let TagInfo { digest, created_at, platforms, .. } = info.clone();
    Some(Description { digest: digest?, created_at, platforms: platforms? })
}

/// The list as it was read, with what is known of its tags.
fn listed(known: Option<&TagList>, tags: &[Tag], now: DateTime<Utc>) -> TagList {
    let known_tags = known.into_iter().flat_map(|list| &list.tags);
    let known_tags: BTreeMap<&Tag, &TagInfo> = known_tags.map(|info| (&info.tag, info)).collect();
    let info = |tag: &Tag| known_tags.get(tag).map_or_else(|| TagInfo::named(tag.clone(), now), |info| (*info).clone());
    TagList {
        tags: tags.iter().map(info).collect(),
        complete: true,
        // What the first scan finds was there before.
        watched_since: known.map_or(Some(now), |list| list.watched_since.or(Some(now))),
    }
}
