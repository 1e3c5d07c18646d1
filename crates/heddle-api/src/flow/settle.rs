//! What came of the writes that a plan announced.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, GateKind, ProposalRef},
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, ProposalId},
    observe::{EnvironmentPath, FollowingSync, Merge, Observation, rollouts_of, taken_back},
    pipeline::{Clock, FactKind},
};
use heddle_db::{
    Tx,
    changes::{self, TrackedChange},
    environments, facts as stored,
    intents::{self, Outcome},
    proposals::{self, State},
    repositories, requests, revisions, syncs, work,
};
use heddle_wire::automator::IntentOutcome;
use uuid::Uuid;

use super::{
    facts,
    plan::{self, Scope, shares_a_place},
    read,
};
use crate::problem::{ApiError, ApiResult};

/// Stores what came of a write. Saying it twice changes nothing.
///
/// # Errors
/// 404 when the repository has no such intent.
pub async fn settle(
    tx: &mut Tx,
    scope: Scope,
    held: &work::LiveLease,
    intent: IntentId,
    outcome: &IntentOutcome,
) -> ApiResult<()> {
    let stored_outcome = match outcome {
        IntentOutcome::Written { revision, .. } => Outcome::Written(revision),
        IntentOutcome::Moved => Outcome::Moved,
        IntentOutcome::Abandoned { reason, .. } => Outcome::Abandoned(reason),
    };
    let (proposal, changes, was_open) = intents::settle(tx, scope.repository, intent, stored_outcome)
        .await?
        .ok_or_else(|| ApiError::not_found("there is no such intent in this repository"))?;
    if !was_open {
        return Ok(());
    }
    match outcome {
        IntentOutcome::Written { proposal: place, revision, at } => {
            written(tx, scope, proposal, &changes, place, revision, *at).await?;
        }
        IntentOutcome::Moved => {
            give_up(tx, scope, proposal, &changes).await?;
        }
        IntentOutcome::Abandoned { reason, retry_at } => {
            let unwritten = give_up(tx, scope, proposal, &changes).await?;
            let kind = if retry_at.is_some() { GateKind::Limit } else { GateKind::Refused };
            let gate = Gate { kind, reason: format!("not written: {reason}"), until: *retry_at };
            let gates: Vec<(ChangeId, &Gate)> = unwritten.into_iter().map(|change| (change, &gate)).collect();
            plan::note_gates(tx, scope, &gates).await?;
            let retry_at = retry_at.unwrap_or(scope.now + chrono::TimeDelta::minutes(1));
            work::come_back(&mut **tx, held, retry_at).await?;
        }
    }
    // A commit is its own merge.
    requests::end_settled(&mut **tx, scope.repository, scope.now).await?;
    Ok(())
}

async fn written(
    tx: &mut Tx,
    scope: Scope,
    proposal: ProposalId,
    written: &[Uuid],
    place: &ProposalRef,
    revision: &Revision,
    at: DateTime<Utc>,
) -> ApiResult<()> {
    proposals::set_written(&mut **tx, proposal, place, revision, at).await?;
    let carried = changes::list_of_proposals(&mut **tx, &[proposal.0]).await?;
    let ground = match (place, carried.first()) {
        (ProposalRef::Commit { .. }, Some(change)) => Some(Ground::load(tx, scope, &change.branch, revision).await?),
        _ => None,
    };
    let mut observations = Vec::new();
    for change in &carried {
        if written.contains(&change.id.0) {
            let proposed = facts::observed(change.id, FactKind::Proposed { proposal: place.clone() }, at);
            observations.push(Observation { clock: Clock::WholeSeconds, ..proposed });
            observations.extend(ground.iter().flat_map(|ground| ground.merged(change, revision, at)));
        } else if !change.ended && !change.settled && change.merged_ordinal.is_none() {
            // The pull request was moved on without it.
            observations.push(facts::observed(change.id, moved_on(change, &carried, written), scope.now));
        }
    }
    facts::record(tx, scope.organization, &observations, scope.now).await?;
    if let (ProposalRef::Commit { .. }, Some(change)) = (place, carried.first()) {
        let repository = repositories::find(&mut **tx, scope.organization, scope.repository).await?;
        if let Some(repository) = repository {
            read::hint(tx, scope.organization, &repository.url, Some(&change.branch), Some(revision)).await?;
        }
        request_read(tx, scope).await?;
    }
    Ok(())
}

fn moved_on(change: &TrackedChange, carried: &[TrackedChange], written: &[Uuid]) -> FactKind {
    match carried.iter().find(|new| written.contains(&new.id.0) && shares_a_place(change, new)) {
        Some(new) => FactKind::Superseded { by: new.to.to_string() },
        None => FactKind::Retired { reason: "its pull request goes on without it".to_owned() },
    }
}

/// What a commit onto a branch merges its changes into.
struct Ground {
    /// The commit's number.
    ordinal: i64,
    environments: Vec<EnvironmentPath>,
    following: Vec<FollowingSync>,
}

impl Ground {
    async fn load(tx: &mut Tx, scope: Scope, branch: &BranchName, revision: &Revision) -> ApiResult<Self> {
        let known = revisions::find_ordinal(&mut **tx, scope.repository, branch, revision).await?;
        let heads = revisions::list_heads(&mut **tx, scope.repository).await?;
        // Until a read has numbered it, it is newer than every head that was read.
        let next = heads.iter().find(|head| head.branch == *branch).map_or(1, |head| head.ordinal + 1);
        let following = syncs::list_following(&mut **tx, scope.repository).await?;
        let following =
            following.into_iter().map(|sync| FollowingSync { key: sync.key, branch: sync.branch, path: sync.path });
        Ok(Self {
            ordinal: known.flatten().unwrap_or(next),
            environments: environments::list_of_repository(&mut **tx, scope.repository).await?,
            following: following.collect(),
        })
    }

    /// A commit straight onto the branch is its own merge.
    fn merged(&self, change: &TrackedChange, revision: &Revision, at: DateTime<Utc>) -> Vec<Observation> {
        let tracked = facts::tracked(std::slice::from_ref(change), &[]).remove(0);
        let merged = Observation {
            change: change.id,
            fact: FactKind::Merged { revision: revision.clone(), by: None },
            at,
            clock: Clock::WholeSeconds,
            merge: Some(Merge {
                revision: revision.clone(),
                ordinal: self.ordinal,
                rollouts: rollouts_of(&tracked, &self.environments, &self.following),
            }),
        };
        taken_back(&tracked, revision, at).chain([merged]).collect()
    }
}

/// Nothing was written: the changes wait for the next update. Gives those that no commit and no pull request carries.
async fn give_up(tx: &mut Tx, scope: Scope, proposal: ProposalId, changes: &[Uuid]) -> ApiResult<Vec<ChangeId>> {
    proposals::abandon_unwritten(&mut **tx, proposal).await?;
    let known = stored::list_of(&mut **tx, changes).await?;
    let proposed = |change: &Uuid| {
        known
            .get(&ChangeId(*change))
            .is_some_and(|facts| facts.iter().any(|fact| matches!(fact.kind, FactKind::Proposed { .. })))
    };
    let unwritten: Vec<Uuid> = changes.iter().copied().filter(|change| !proposed(change)).collect();
    changes::set_proposal(&mut **tx, &unwritten, None).await?;
    work::request_updates(tx, scope.organization, &[scope.repository.0]).await?;
    request_read(tx, scope).await?;
    Ok(unwritten.into_iter().map(ChangeId).collect())
}

/// Notes that we closed a pull request. The read that follows says what became of its changes.
///
/// # Errors
/// 404 when it is not the repository's.
pub async fn closed(tx: &mut Tx, scope: Scope, proposal: ProposalId, reason: &str) -> ApiResult<()> {
    if !proposals::exists(&mut **tx, scope.repository, proposal.0).await? {
        return Err(ApiError::not_found("there is no such proposal in this repository"));
    }
    proposals::settle(&mut **tx, proposal, State::Closed, Some(reason), scope.now).await?;
    requests::end_settled(&mut **tx, scope.repository, scope.now).await?;
    request_read(tx, scope).await
}

async fn request_read(tx: &mut Tx, scope: Scope) -> ApiResult<()> {
    Ok(work::request_read(tx, scope.organization, scope.repository).await?)
}
