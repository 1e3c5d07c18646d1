//! What an update announces.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    change::{Gate, Mode},
    git::BranchName,
    id::{ChangeId, OrganizationId, ProposalId, RepositoryId, RequestId},
    observe::Observation,
    pipeline::FactKind,
    request::{Asked, RequestState, RollbackStep},
};
use heddle_db::{
    Tx,
    changes::{self, Change, NewChange, TrackedChange},
    facts as stored, findings,
    findings::FoundBy,
    intents::{self, NewIntent},
    notice::{Notice, Topic},
    proposals::{self, Proposal},
    requests, tags,
};
use heddle_wire::automator::{GatedChange, PlanRequest, PlanResponse, PlannedChange, PlannedProposal, PostedIntent};
use uuid::Uuid;

use super::{facts, read};
use crate::problem::{ApiError, ApiResult};

/// The longest reason that is kept of a request which ends, in characters.
const MAX_REASON_CHARS: usize = 500;

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

/// Stores the plan of one update: its changes, proposals and intents. A proposal whose request ended since is left out.
///
/// # Errors
/// 409 when it would carry a request out a second time. 422 when it names a proposal that is not the repository's, or a group
/// that cannot stand in a branch's name.
pub async fn announce(
    tx: &mut Tx,
    scope: Scope,
    plan: &PlanRequest,
    change_url: impl Fn(ChangeId) -> String,
) -> ApiResult<PlanResponse> {
    let mut posted = Vec::with_capacity(plan.proposals.len());
    let (mut planned, mut left_out) = (Vec::new(), Vec::new());
    for proposal in &plan.proposals {
        if let Some(request) = proposal.request
            && !may_carry(tx, scope, request, proposal.updates).await?
        {
            left_out.push(request);
            continue;
        }
        let intent = announce_proposal(tx, scope, proposal, &change_url).await?;
        planned.extend(intent.changes.iter().copied());
        posted.push(intent);
    }
    for refused in &plan.refused {
        let reason: String = refused.reason.chars().take(MAX_REASON_CHARS).collect();
        let state = RequestState::Refused;
        requests::end(&mut **tx, scope.repository, refused.id, state, Some(&reason), scope.now).await?;
    }
    let waiting = plan.waiting.iter();
    let waiting = waiting.map(|waiting| (waiting.id, waiting.reason.chars().take(MAX_REASON_CHARS).collect()));
    let told = requests::set_waiting(&mut **tx, scope.repository, &waiting.collect::<Vec<_>>()).await?;
    if told || !plan.refused.is_empty() {
        tx.notify(&Notice::Changed { organization: scope.organization, topic: Topic::Changes, id: None }).await?;
    }
    planned.extend(hold_back(tx, scope, &plan.gated).await?);
    replace_unwritten(tx, scope, &planned).await?;
    let found: Vec<_> = plan.findings.iter().map(read::finding).collect();
    findings::replace(tx, scope.organization, scope.repository, FoundBy::Update, &found).await?;
    let planned: Vec<Uuid> = planned.iter().map(|change| change.0).collect();
    facts::keep_ends(tx, scope.organization, &planned, scope.now).await?;
    Ok(PlanResponse { intents: posted, left_out })
}

/// Whether a request is open still; held until the transaction ends. One commit or pull request carries it, and no other.
async fn may_carry(tx: &mut Tx, scope: Scope, request: RequestId, updates: Option<ProposalId>) -> ApiResult<bool> {
    let Some(held) = requests::hold(tx, scope.repository, request).await? else { return Ok(false) };
    match held.carrier {
        Some(carrier) if updates != Some(carrier.proposal) => {
            let message = format!("request {request} is carried out by proposal {} already", carrier.proposal);
            Err(ApiError::conflict("request-carried", message))
        }
        _ => Ok(true),
    }
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
    let steps = steps_of(tx, scope, planned.request).await?;
    let takes_back = TakesBack::load(tx, scope, steps).await?;
    for change in &planned.changes {
        let rolls_back = takes_back.of(change, &planned.base_branch);
        ids.push(make_change(tx, scope, change, (&planned.base_branch, planned.mode), &rolls_back).await?);
    }
    let (proposal, head_branch) = match planned.updates {
        Some(proposal) => (proposal, find_head_branch(tx, scope, proposal).await?),
        None => new_proposal(tx, scope, planned).await?,
    };
    if let Some(request) = planned.request
        && !requests::set_proposal(&mut **tx, scope.repository, request, proposal).await?
    {
        return Err(ApiError::conflict("request-ended", format!("request {request} is not open here any more")));
    }
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
        request: planned.request,
        base_branch: planned.base_branch.clone(),
        head_branch,
        number: None,
        head: None,
    };
    proposals::insert(&mut **tx, scope.organization, scope.repository, &proposal).await?;
    Ok((id, proposal.head_branch))
}

/// The steps of the rollback that a proposal carries out; none where it carries out something else.
async fn steps_of(tx: &mut Tx, scope: Scope, request: Option<RequestId>) -> ApiResult<Vec<RollbackStep>> {
    let Some(request) = request else { return Ok(Vec::new()) };
    let found = requests::find(&mut **tx, scope.organization, request).await?;
    Ok(match found.map(|request| request.asked) {
        Some(Asked::Rollback(rollback)) => rollback.steps,
        Some(Asked::Release(_) | Asked::Rules(_) | Asked::Promotion(_)) | None => Vec::new(),
    })
}

/// What the changes of a rollback take back.
struct TakesBack {
    steps: Vec<RollbackStep>,
    /// The changes that a person named or was shown.
    named: Vec<Change>,
    /// The newest that was merged at each place.
    standing: Vec<TrackedChange>,
}

impl TakesBack {
    async fn load(tx: &mut Tx, scope: Scope, steps: Vec<RollbackStep>) -> ApiResult<Self> {
        if steps.is_empty() {
            return Ok(Self { steps, named: Vec::new(), standing: Vec::new() });
        }
        let named = steps.iter().flat_map(|step| step.earlier.iter().chain([&step.change]));
        let named: Vec<Uuid> = named.map(|change| change.0).collect();
        Ok(Self {
            named: changes::list_by_id(&mut **tx, &named).await?,
            standing: changes::list_tracked(&mut **tx, scope.organization, scope.repository).await?,
            steps,
        })
    }

    /// The changes that one of them takes back: those of its environment among the named, and those of other environments that
    /// wrote the same at its places.
    fn of(&self, planned: &PlannedChange, branch: &BranchName) -> Vec<ChangeId> {
        let is_here = |step: &&RollbackStep| {
            let mut shown = step.places.iter().map(|shown| &shown.place);
            step.image == planned.image
                && shown
                    .any(|place| planned.places.iter().any(|own| own.file == place.file && own.key() == place.key()))
        };
        let steps: Vec<&RollbackStep> = self.steps.iter().filter(is_here).collect();
        if steps.is_empty() {
            return Vec::new();
        }
        let wrote_the_same = |change: &&TrackedChange| {
            change.environment == planned.environment
                && change.image == planned.image
                && change.branch == *branch
                && change.merged_ordinal.is_some()
                && Some(&change.to) == planned.from.as_ref()
                && (change.to_digest.is_none() || change.to_digest == planned.from_digest)
                && change.places.iter().any(|place| planned.places.iter().any(|own| own.key() == place.key()))
        };
        let standing = self.standing.iter().filter(wrote_the_same).map(|change| change.id);
        // A newer change may carry the same tag at the place by now; the one that was named is taken back all the same.
        let is_named = |change: &&Change| {
            change.environment == planned.environment
                && steps.iter().any(|step| step.change == change.id || step.earlier.contains(&change.id))
        };
        let named = self.named.iter().filter(is_named).map(|change| change.id);
        standing.chain(named).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

async fn make_change(
    tx: &mut Tx,
    scope: Scope,
    planned: &PlannedChange,
    (branch, mode): (&BranchName, Mode),
    rolls_back: &[ChangeId],
) -> ApiResult<ChangeId> {
    let new = NewChange {
        branch,
        environment: &planned.environment,
        image: &planned.image,
        from: planned.from.as_ref(),
        to: &planned.to,
        from_digest: planned.from_digest.as_ref(),
        to_digest: planned.to_digest.as_ref(),
        rolls_back,
        mode,
        places: &planned.places,
        diff: &planned.diff,
        why: &planned.why,
    };
    let id = changes::upsert(tx, scope.organization, scope.repository, &new).await?;
    let digest = planned.to_digest.as_ref().filter(|_| planned.from.as_ref() == Some(&planned.to));
    let pushed_at = tags::find_pushed_at(&mut **tx, scope.organization, &planned.image, &planned.to, digest).await?;
    let pushed_at = pushed_at.unwrap_or(scope.now);
    let pushed = facts::fine(FactKind::Pushed, pushed_at, scope.now);
    stored::record(&mut **tx, scope.organization, id, &pushed).await?;
    Ok(id)
}

async fn hold_back(tx: &mut Tx, scope: Scope, gated: &[GatedChange]) -> ApiResult<Vec<ChangeId>> {
    let mut held = Vec::with_capacity(gated.len());
    for one in gated {
        held.push(make_change(tx, scope, &one.change, (&one.base_branch, one.mode), &[]).await?);
    }
    let gates: Vec<(ChangeId, &Gate)> = held.iter().copied().zip(gated.iter().map(|one| &one.gate)).collect();
    note_gates(tx, scope, &gates).await?;
    Ok(held)
}

/// Notes what keeps changes from being written, unless that is known already.
///
/// # Errors
/// When the store cannot be reached.
pub(super) async fn note_gates(tx: &mut Tx, scope: Scope, gates: &[(ChangeId, &Gate)]) -> ApiResult<()> {
    let ids: Vec<Uuid> = gates.iter().map(|(change, _)| change.0).collect();
    let known = stored::list_of(&mut **tx, &ids).await?;
    for (change, gate) in gates {
        let newest: Option<&Gate> = known
            .get(change)
            .into_iter()
            .flatten()
            .filter_map(|fact| match &fact.kind {
                FactKind::Gated { gate } => Some((fact.at, gate)),
                _ => None,
            })
            .max_by_key(|(at, _)| *at)
            .map(|(_, gate)| gate);
        if newest != Some(*gate) {
            let fact = facts::fine(FactKind::Gated { gate: (*gate).clone() }, scope.now, scope.now);
            stored::record(&mut **tx, scope.organization, *change, &fact).await?;
        }
    }
    Ok(())
}

/// A change that was never written ends when another of the same places takes its turn.
async fn replace_unwritten(tx: &mut Tx, scope: Scope, planned: &[ChangeId]) -> ApiResult<()> {
    let known = changes::list_tracked(&mut **tx, scope.organization, scope.repository).await?;
    let is_planned = |change: &&TrackedChange| planned.contains(&change.id);
    let superseded: Vec<Observation> = known
        .iter()
        .filter(|old| !old.ended && !old.settled && old.merged_ordinal.is_none())
        .filter(|old| old.proposal_ref.is_none() && !planned.contains(&old.id))
        .filter_map(|old| {
            let new = known.iter().filter(is_planned).find(|new| shares_a_place(old, new))?;
            Some(facts::observed(old.id, FactKind::Superseded { by: new.to.to_string() }, scope.now))
        })
        .collect();
    facts::record(tx, scope.organization, &superseded, scope.now).await?;
    Ok(())
}

pub(super) fn shares_a_place(one: &TrackedChange, other: &TrackedChange) -> bool {
    one.branch == other.branch
        && one.environment == other.environment
        && one.image == other.image
        && one.places.iter().any(|place| other.places.iter().any(|theirs| theirs.key() == place.key()))
}
