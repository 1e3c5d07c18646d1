//! What an update announces, and what came of it.

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode, ProposalRef},
    git::{BranchName, Revision},
    id::{ChangeId, IntentId, OrganizationId, ProposalId, RepositoryId},
    observe::{EnvironmentPath, FollowingSync, Merge, Observation, rollouts_of},
    pipeline::{Clock, FactKind},
};
use heddle_db::{
    Tx,
    changes::{self, Change, NewChange},
    environments, facts as stored, findings,
    findings::Source,
    images,
    intents::{self, NewIntent, Outcome},
    proposals::{self, Proposal, State},
    repositories, revisions, syncs, work,
};
use heddle_wire::automator::{
    GatedChange, IntentOutcome, PlanRequest, PlanResponse, PlannedChange, PlannedProposal, PostedIntent,
};
use uuid::Uuid;

use super::{facts, read};
use crate::problem::{ApiError, ApiResult};

/// Whose update it is.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// The organization.
    pub organization: OrganizationId,
    /// The repository.
    pub repository: RepositoryId,
    /// When the report came.
    pub now: DateTime<Utc>,
}

/// Stores the plan of one update: its changes, proposals and intents.
///
/// # Errors
/// 422 when it names a proposal that is not the repository's, or a group that cannot stand in a branch's name.
pub async fn announce(
    tx: &mut Tx,
    scope: Scope,
    plan: &PlanRequest,
    change_url: impl Fn(ChangeId) -> String,
) -> ApiResult<PlanResponse> {
    let mut posted = Vec::with_capacity(plan.proposals.len());
    let mut planned = Vec::new();
    for proposal in &plan.proposals {
        let intent = announce_proposal(tx, scope, proposal, &change_url).await?;
        planned.extend(intent.changes.iter().copied());
        posted.push(intent);
    }
    for gated in &plan.gated {
        planned.push(hold_back(tx, scope, gated).await?);
    }
    replace_unwritten(tx, scope, &planned).await?;
    let found: Vec<_> = plan.findings.iter().map(read::finding).collect();
    findings::replace(tx, scope.organization, scope.repository, Source::Update, &found).await?;
    let planned: Vec<Uuid> = planned.iter().map(|change| change.0).collect();
    facts::keep_ends(tx, scope.organization, &planned, scope.now).await?;
    Ok(PlanResponse { intents: posted })
}

async fn announce_proposal(
    tx: &mut Tx,
    scope: Scope,
    planned: &PlannedProposal,
    change_url: impl Fn(ChangeId) -> String,
) -> ApiResult<PostedIntent> {
    if planned.mode == Mode::Observe {
        return Err(ApiError::invalid("proposals.mode", "an observed change is never proposed"));
    }
    let mut ids = Vec::with_capacity(planned.changes.len());
    for change in &planned.changes {
        ids.push(make_change(tx, scope, change, &planned.base_branch, planned.mode).await?);
    }
    let (proposal, head_branch) = match planned.updates {
        Some(proposal) => (proposal, find_head_branch(tx, scope, proposal).await?),
        None => new_proposal(tx, scope, planned).await?,
    };
    let rows: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    changes::set_proposal(&mut **tx, &rows, Some(proposal)).await?;
    let link = ids.first().map(|change| change_url(*change)).unwrap_or_default();
    let intent = NewIntent {
        proposal,
        base: &planned.base,
        expected_head: planned.expected_head.as_ref(),
        title: &planned.title,
        body: &planned.body.replace("{change_url}", &link),
        changes: &rows,
    };
    let id = intents::insert(tx, scope.organization, scope.repository, &intent).await?;
    Ok(PostedIntent { id, proposal, head_branch, changes: ids })
}

async fn find_head_branch(tx: &mut Tx, scope: Scope, proposal: ProposalId) -> ApiResult<Option<BranchName>> {
    let open = proposals::list_unsettled(&mut **tx, scope.repository).await?;
    open.into_iter()
        .find(|known| known.id == proposal)
        .map(|known| known.head_branch)
        .ok_or_else(|| ApiError::conflict("proposal-settled", format!("proposal {proposal} is not open here")))
}

async fn new_proposal(
    tx: &mut Tx,
    scope: Scope,
    planned: &PlannedProposal,
) -> ApiResult<(ProposalId, Option<BranchName>)> {
    let id = ProposalId(Uuid::now_v7());
    let head_branch = match planned.mode {
        Mode::PullRequest => Some(format!("heddle/{}/{id}", planned.group).parse().map_err(
            |error: heddle_core::git::GitWordError| ApiError::invalid("proposals.group", error.to_string()),
        )?),
        Mode::Commit | Mode::Observe => None,
    };
    let proposal = Proposal {
        id,
        mode: planned.mode,
        group: planned.group.clone(),
        base_branch: planned.base_branch.clone(),
        head_branch,
        number: None,
        head: None,
    };
    proposals::insert(&mut **tx, scope.organization, scope.repository, &proposal).await?;
    Ok((id, proposal.head_branch))
}

async fn make_change(
    tx: &mut Tx,
    scope: Scope,
    planned: &PlannedChange,
    branch: &BranchName,
    mode: Mode,
) -> ApiResult<ChangeId> {
    let new = NewChange {
        branch,
        environment: &planned.environment,
        image: &planned.image,
        from: planned.from.as_ref(),
        to: &planned.to,
        to_digest: planned.to_digest.as_ref(),
        mode,
        places: &planned.places,
        diff: &planned.diff,
        why: &planned.why,
    };
    let id = changes::upsert(tx, scope.organization, scope.repository, &new).await?;
    let pushed_at = images::find_pushed_at(&mut **tx, scope.organization, &planned.image, &planned.to).await?;
    let pushed_at = pushed_at.unwrap_or(scope.now);
    let pushed = facts::fine(FactKind::Pushed, pushed_at, scope.now);
    stored::record(&mut **tx, scope.organization, id, &pushed).await?;
    Ok(id)
}

async fn hold_back(tx: &mut Tx, scope: Scope, gated: &GatedChange) -> ApiResult<ChangeId> {
    let id = make_change(tx, scope, &gated.change, &gated.base_branch, gated.mode).await?;
    let known = stored::list_of(&mut **tx, &[id.0]).await?.remove(&id).unwrap_or_default();
    let newest: Option<&Gate> = known
        .iter()
        .filter_map(|fact| match &fact.kind {
            FactKind::Gated { gate } => Some((fact.at, gate)),
            _ => None,
        })
        .max_by_key(|(at, _)| *at)
        .map(|(_, gate)| gate);
    if newest != Some(&gated.gate) {
        let fact = facts::fine(FactKind::Gated { gate: gated.gate.clone() }, scope.now, scope.now);
        stored::record(&mut **tx, scope.organization, id, &fact).await?;
    }
    Ok(id)
}

/// A change that was never written ends when another of the same places takes its turn.
async fn replace_unwritten(tx: &mut Tx, scope: Scope, planned: &[ChangeId]) -> ApiResult<()> {
    let known = changes::list_tracked(&mut **tx, scope.repository).await?;
    let is_planned = |change: &&Change| planned.contains(&change.id);
    let superseded: Vec<Observation> = known
        .iter()
        .filter(|old| old.ended.is_none() && !old.settled && old.merged_ordinal.is_none())
        .filter(|old| old.proposal_ref.is_none() && !planned.contains(&old.id))
        .filter_map(|old| {
            let new = known.iter().filter(is_planned).find(|new| shares_a_place(old, new))?;
            Some(facts::observed(old.id, FactKind::Superseded { by: new.to.to_string() }, scope.now))
        })
        .collect();
    Ok(facts::record(tx, scope.organization, &superseded, scope.now).await?)
}

fn shares_a_place(one: &Change, other: &Change) -> bool {
    one.branch == other.branch
        && one.environment == other.environment
        && one.image == other.image
        && one.places.iter().any(|place| other.places.iter().any(|theirs| theirs.key() == place.key()))
}

/// Stores what came of a write. Saying it twice changes nothing.
///
/// # Errors
/// 404 when the repository has no such intent.
pub async fn settle(
    tx: &mut Tx,
    scope: Scope,
    held: &work::Held,
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
        IntentOutcome::Moved => give_up(tx, scope, proposal, &changes).await?,
        IntentOutcome::Abandoned { retry_at, .. } => {
            give_up(tx, scope, proposal, &changes).await?;
            let retry_at = retry_at.unwrap_or(scope.now + chrono::TimeDelta::minutes(1));
            work::come_back(&mut **tx, held, retry_at).await?;
        }
    }
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
    let mut observations = Vec::new();
    for change in &carried {
        if written.contains(&change.id.0) {
            let proposed = facts::observed(change.id, FactKind::Proposed { proposal: place.clone() }, at);
            observations.push(Observation { clock: Clock::WholeSeconds, ..proposed });
            if let ProposalRef::Commit { .. } = place {
                observations.push(merged(tx, scope, change, revision, at).await?);
            }
        } else if change.ended.is_none() && !change.settled && change.merged_ordinal.is_none() {
            // The pull request was moved on without it.
            observations.push(facts::observed(change.id, moved_on(change, &carried, written), scope.now));
        }
    }
    facts::record(tx, scope.organization, &observations, scope.now).await?;
    if let (ProposalRef::Commit { .. }, Some(change)) = (place, carried.first()) {
        let repository = repositories::find(&mut **tx, scope.organization, scope.repository).await?;
        if let Some(repository) = repository {
            read::hint(tx, scope.organization, &repository.url, Some(&change.branch)).await?;
        }
        request_read(tx, scope).await?;
    }
    Ok(())
}

fn moved_on(change: &Change, carried: &[Change], written: &[Uuid]) -> FactKind {
    match carried.iter().find(|new| written.contains(&new.id.0) && shares_a_place(change, new)) {
        Some(new) => FactKind::Superseded { by: new.to.to_string() },
        None => FactKind::Retired { reason: "its pull request goes on without it".to_owned() },
    }
}

/// A commit straight onto the branch is its own merge.
async fn merged(
    tx: &mut Tx,
    scope: Scope,
    change: &Change,
    revision: &Revision,
    at: DateTime<Utc>,
) -> ApiResult<Observation> {
    let known = revisions::find_ordinal(&mut **tx, scope.repository, &change.branch, revision).await?;
    let heads = revisions::list_heads(&mut **tx, scope.repository).await?;
    // Until a read has numbered it, it is newer than every head that was read.
    let next = heads.iter().find(|head| head.branch == change.branch).map_or(1, |head| head.ordinal + 1);
    let environments: Vec<EnvironmentPath> = environments::list(&mut **tx, scope.organization)
        .await?
        .into_iter()
        .filter(|(repository, _)| *repository == scope.repository)
        .map(|(_, environment)| environment.path)
        .collect();
    let following: Vec<FollowingSync> = syncs::list_following(&mut **tx, scope.repository)
        .await?
        .into_iter()
        .map(|sync| FollowingSync { key: sync.key, branch: sync.branch, path: sync.path })
        .collect();
    let tracked = facts::tracked(std::slice::from_ref(change), &[]).remove(0);
    Ok(Observation {
        change: change.id,
        fact: FactKind::Merged { revision: revision.clone(), by: None },
        at,
        clock: Clock::WholeSeconds,
        merge: Some(Merge {
            revision: revision.clone(),
            ordinal: known.flatten().unwrap_or(next),
            rollouts: rollouts_of(&tracked, &environments, &following),
        }),
    })
}

/// Nothing was written: the changes wait for the next update.
async fn give_up(tx: &mut Tx, scope: Scope, proposal: ProposalId, changes: &[Uuid]) -> ApiResult<()> {
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
    request_read(tx, scope).await
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
    request_read(tx, scope).await
}

async fn request_read(tx: &mut Tx, scope: Scope) -> ApiResult<()> {
    Ok(work::request_read(tx, scope.organization, scope.repository).await?)
}
