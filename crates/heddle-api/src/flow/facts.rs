//! Storing facts, keeping ends, and the lines of changes.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use heddle_core::{
    id::{ChangeId, IntentId, OrganizationId, RepositoryId},
    image::ImageRepository,
    observe::{Observation, Stage, Tracked},
    pipeline::{Clock, End, Fact, FactKind, History, Line, Station, Unread, line},
};
use heddle_db::{
    DbError, Tx,
    changes::{self, Change, Ended, TrackedChange},
    facts,
    notice::{Notice, Topic},
};
use uuid::Uuid;

use super::unread;

/// Stores what was observed, keeps the ends that follow, and announces the changes it is about. Gives the repositories in
/// which a change became healthy.
///
/// # Errors
/// When the store cannot be reached.
pub async fn record(
    tx: &mut Tx,
    organization: OrganizationId,
    observations: &[Observation],
    now: DateTime<Utc>,
) -> Result<BTreeSet<RepositoryId>, DbError> {
    for seen in observations {
        if let Some(merge) = &seen.merge {
            changes::set_merged(&mut **tx, seen.change, &merge.revision, merge.ordinal).await?;
            facts::fix_rollouts(&mut **tx, organization, seen.change, &merge.rollouts).await?;
        }
    }
    let settled: Vec<Uuid> = observations.iter().filter(|seen| settles(&seen.fact)).map(|seen| seen.change.0).collect();
    if !settled.is_empty() {
        changes::set_settled(&mut **tx, &settled).await?;
    }
    let told = observations.iter().map(|seen| {
        let fact = Fact { kind: seen.fact.clone(), at: seen.at, clock: seen.clock, seen_at: now };
        (seen.change, fact)
    });
    let touched = facts::record_all(&mut **tx, organization, &told.collect::<Vec<_>>()).await?;
    keep_ends(tx, organization, &touched.into_iter().map(|change| change.0).collect::<Vec<_>>(), now).await
}

/// A fact by our own clock, without anything that is fixed by it.
pub fn observed(change: ChangeId, fact: FactKind, at: DateTime<Utc>) -> Observation {
    Observation { change, fact, at, clock: Clock::Fine, merge: None }
}

/// A fact of ours, heard of as it came to be.
pub fn fine(kind: FactKind, at: DateTime<Utc>, now: DateTime<Utc>) -> Fact {
    Fact { kind, at, clock: Clock::Fine, seen_at: now }
}

/// Whether Git has nothing more to say about a change after this fact.
fn settles(fact: &FactKind) -> bool {
    matches!(
        fact,
        FactKind::Declined { .. } | FactKind::Reverted { .. } | FactKind::Superseded { .. } | FactKind::Retired { .. }
    )
}

/// More changes than this are announced as one: whoever looks reads all of them anew.
const MOST_ANNOUNCED: usize = 50;

/// Stores the end of each change whose line has one, and announces all of them. Gives the repositories in which one became
/// healthy, which other environments may have waited for.
///
/// # Errors
/// When the store cannot be reached.
pub async fn keep_ends(
    tx: &mut Tx,
    organization: OrganizationId,
    touched: &[Uuid],
    now: DateTime<Utc>,
) -> Result<BTreeSet<RepositoryId>, DbError> {
    if touched.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (mut healthy, mut ended) = (BTreeSet::new(), Vec::new());
    let known = changes::list_by_id(&mut **tx, touched).await?;
    for (change, line) in lines(tx, organization, known, now).await? {
        if let (None, Some(end), Some(at)) = (change.ended, line.end, line.ended_at) {
            ended.push(Ended { change: change.id, end, at });
            if end == End::Healthy {
                healthy.insert(change.repository);
            }
        }
    }
    if !ended.is_empty() {
        changes::set_ended(&mut **tx, &ended, now).await?;
    }
    let about = |id: Option<Uuid>| Notice::Changed { organization, topic: Topic::Changes, id };
    let notices: Vec<Notice> = if touched.len() > MOST_ANNOUNCED {
        vec![about(None)]
    } else {
        touched.iter().map(|change| about(Some(*change))).collect()
    };
    tx.notify_all(&notices).await?;
    Ok(healthy)
}

/// The line of each change.
///
/// # Errors
/// When the store cannot be reached.
pub async fn lines(
    tx: &mut Tx,
    organization: OrganizationId,
    changes: Vec<Change>,
    now: DateTime<Utc>,
) -> Result<Vec<(Change, Line)>, DbError> {
    let ids: Vec<Uuid> = changes.iter().map(|change| change.id.0).collect();
    let mut facts = facts::list_of(&mut **tx, &ids).await?;
    let mut rollouts = facts::list_rollouts_of(&mut **tx, &ids).await?;
    let unread = unread_of(tx, organization, &changes, now).await?;
    Ok(changes
        .into_iter()
        .map(|change| {
            let history = History {
                rollouts: change.merged_ordinal.map(|_| rollouts.remove(&change.id).unwrap_or_default()),
                facts: facts.remove(&change.id).unwrap_or_default(),
                unread: unread.get(&change.image).cloned(),
            };
            let line = line_of(&change, history, now);
            (change, line)
        })
        .collect())
}

/// Why the images of those changes are not read that were not written yet.
async fn unread_of(
    tx: &mut Tx,
    organization: OrganizationId,
    changes: &[Change],
    now: DateTime<Utc>,
) -> Result<HashMap<ImageRepository, Unread>, DbError> {
    let waiting = changes.iter().filter(|change| change.ended.is_none() && change.proposal_ref.is_none());
    let mut images: Vec<String> = waiting.map(|change| change.image.to_string()).collect();
    images.sort_unstable();
    images.dedup();
    unread::find(tx, organization, Some(&images), now).await
}

fn line_of(change: &Change, mut history: History, now: DateTime<Utc>) -> Line {
    if let Some(end_seen_at) = change.end_seen_at {
        // An end is kept: what came later is known, and changes nothing.
        history.facts.retain(|fact| fact.seen_at <= end_seen_at);
    }
    let mut line = line(&history, now);
    if change.ended.is_some() {
        line.end = change.ended;
        line.ended_at = change.ended_at;
    } else if let Some(waits_for) = &change.waits_for
        && next_station(&line) == Some(Station::Merged)
    {
        line.reason = Some(waits_for.clone());
    }
    line
}

/// The station that a line reaches next.
pub fn next_station(line: &Line) -> Option<Station> {
    line.knots
        .iter()
        .find(|knot| knot.at.is_none() && knot.state != heddle_core::pipeline::KnotState::Done)
        .map(|knot| knot.station)
}

/// Changes as reads and reports look at them.
pub fn tracked(changes: &[TrackedChange], intents: &[(ChangeId, IntentId)]) -> Vec<Tracked> {
    let mut by_change: HashMap<ChangeId, Vec<IntentId>> = HashMap::new();
    for (change, intent) in intents {
        by_change.entry(*change).or_default().push(*intent);
    }
    changes
        .iter()
        .map(|change| Tracked {
            id: change.id,
            sequence: change.sequence,
            branch: change.branch.clone(),
            environment: change.environment.clone(),
            image: change.image.clone(),
            to: change.to.clone(),
            to_digest: change.to_digest.clone(),
            places: change.places.clone(),
            rolls_back: change.rolls_back.clone(),
            proposal: change.proposal,
            intents: by_change.remove(&change.id).unwrap_or_default(),
            stage: stage(change),
            ended: change.ended,
        })
        .collect()
}

fn stage(change: &TrackedChange) -> Stage {
    match (change.settled, change.merged_ordinal, &change.proposal_ref) {
        (true, _, _) => Stage::Settled,
        (false, Some(ordinal), _) => Stage::Merged { ordinal },
        (false, None, Some(_)) => Stage::Proposed,
        (false, None, None) => Stage::Unwritten,
    }
}
