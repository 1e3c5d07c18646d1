//! `update`: writes what the policies choose.

use chrono::Utc;
use heddle_core::git::Revision;
use heddle_github::{PullRequest, RepositoryClient};
use heddle_wire::automator::{BranchHead, Done, Lease, ProposalClosed, UpdateWork};

use crate::{
    context::Context,
    error::WorkError,
    github,
    plan::{OpenState, OpenView, Plan, PlanInput, plan},
    repository::{Checkout, heads, read_rules},
    settle, text, write,
};

/// Writes and reports each write; ends the lease.
pub(crate) async fn update(context: &Context, lease: &Lease, work: &UpdateWork) -> Result<(), WorkError> {
    let github = github::client(context, &work.repository)?;
    if !work.open_intents.is_empty() {
        let config = read_rules(context, &work.repository).await?;
        settle::settle(context, lease, work, &github, &config).await?;
        // What was settled changes what is open and what stands on the branches: come again with fresh facts.
        return end(context, lease, Done { retry_at: Some(Utc::now()), read_due: true, ..Done::default() }).await;
    }
    let states = open_states(&github, work).await?;
    let ended = states.iter().any(|(state, _)| *state == OpenState::Ended);
    let open: Vec<OpenView<'_>> = (work.open_proposals.iter().zip(&states))
        .map(|(proposal, (state, head))| OpenView { proposal, state: *state, head: head.as_ref() })
        .collect();
    let checkout = Checkout::read(context, &work.repository, &work.sync_paths).await?;
    if !was_read(&checkout, &work.known_heads) {
        // Somebody may have taken a tag back in what was not read.
        tracing::info!(repository = %work.repository.name, "a branch moved since it was read; a read is due");
        return end(context, lease, Done { read_due: true, ..Done::default() }).await;
    }
    if work.asked.as_ref().is_some_and(|asked| *asked != checkout.fingerprint()) {
        return Err(WorkError::OtherRules);
    }
    let (now, settled) = (Utc::now(), work.settled.iter().cloned().collect());
    let input = PlanInput {
        config: &checkout.config,
        rules_file: &checkout.rules_file,
        default_branch: &work.repository.default_branch,
        branches: &checkout.branches,
        images: &work.images,
        settled: &settled,
        open: &open,
        barred: &work.barred,
        proven: &work.proven,
        requests: &work.requests,
        taken_at: work.taken_at.unwrap_or(now),
        now,
    };
    // A plan computes, and for thousands of places it does so for seconds.
    let mut plan = tokio::task::block_in_place(|| plan(&input));
    plan.request.findings.extend(checkout.findings.iter().cloned());
    let posted = context.api.intents(lease, &plan.request).await?;
    plan.leave_out(&posted.left_out);
    let moved = write::write_all(context, lease, work, &github, &checkout, &plan, &posted.intents).await?;
    if !moved {
        close(context, lease, work, &github, &plan).await?;
    }
    end(context, lease, Done { read_due: moved || ended, ..Done::default() }).await
}

async fn end(context: &Context, lease: &Lease, done: Done) -> Result<(), WorkError> {
    Ok(context.api.done(lease, &done).await?)
}

/// Whether each branch stands where the last read saw it.
fn was_read(checkout: &Checkout, known: &[BranchHead]) -> bool {
    let known = heads(known);
    checkout.branches.iter().all(|branch| known.get(&branch.name) == Some(&&branch.head))
}

/// The pull request of each open proposal, as GitHub has it now.
async fn open_states(
    github: &RepositoryClient,
    work: &UpdateWork,
) -> Result<Vec<(OpenState, Option<Revision>)>, WorkError> {
    let mut states = Vec::with_capacity(work.open_proposals.len());
    for proposal in &work.open_proposals {
        let pull = github::pull_request(github, proposal).await?;
        states.push(match pull.filter(PullRequest::is_open) {
            None => (OpenState::Ended, None),
            Some(pull) if github::is_ours(github, &work.repository, proposal, &pull).await? => {
                (OpenState::Ours { conflicting: github::is_conflicting(&pull) }, Some(pull.head_revision))
            }
            Some(pull) => (OpenState::Person, Some(pull.head_revision)),
        });
    }
    Ok(states)
}

/// Closes what is superseded, and says once whose a branch is that a person committed to.
async fn close(
    context: &Context,
    lease: &Lease,
    work: &UpdateWork,
    github: &RepositoryClient,
    plan: &Plan,
) -> Result<(), WorkError> {
    let number = |id| work.open_proposals.iter().find(|open| open.id == id).and_then(|open| open.number);
    for id in &plan.foreign {
        if let Some(number) = number(*id) {
            github.comment_once(number, text::FOREIGN_BRANCH_MARKER, text::FOREIGN_BRANCH).await?;
        }
    }
    for (id, reason) in &plan.closes {
        let Some(number) = number(*id) else { continue };
        github.comment_once(number, text::CLOSED_MARKER, &format!("Closed: {reason}.")).await?;
        // Said after it is done: a pull request that was said to be closed is looked at by nobody any more, so a kill
        // in between would leave it open for good. One that was closed and not reported is told from a person's by
        // who closed it, which every read asks GitHub for.
        github.close_pull_request(number).await?;
        context.api.closed(lease, *id, &ProposalClosed { reason: reason.clone() }).await?;
    }
    Ok(())
}
