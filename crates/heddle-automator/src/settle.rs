//! Settles intents whose outcome nobody knows: a process was killed, or an answer was lost.
//!
//! What was written carries the intent's trailer, between its base and the head, or on the proposal's own branch.

use heddle_github::{Commit, NewPullRequest, PullRequestUpdate, RepositoryClient};
use heddle_manifest::Config;
use heddle_wire::automator::{IntentOutcome, Lease, OpenIntent, UpdateWork};

use crate::{context::Context, error::WorkError, github, text};

/// Finds out what came of each open intent, finishes what was begun, and reports it.
pub(crate) async fn settle(
    context: &Context,
    lease: &Lease,
    work: &UpdateWork,
    github: &RepositoryClient,
    config: &Config,
) -> Result<(), WorkError> {
    for intent in &work.open_intents {
        let outcome = outcome(github, work, intent, config).await?;
        tracing::info!(intent = %intent.id, repository = %work.repository.name, "settled an intent: {}", word(&outcome));
        context.api.outcome(lease, intent.id, &outcome).await?;
    }
    Ok(())
}

async fn outcome(
    github: &RepositoryClient,
    work: &UpdateWork,
    intent: &OpenIntent,
    config: &Config,
) -> Result<IntentOutcome, WorkError> {
    let branch = intent.head_branch.as_ref().unwrap_or(&intent.base_branch);
    let commit = match github.branch_head(branch).await? {
        Some(head) => github.find_intent(&head, &intent.base, intent.id).await?,
        None => None,
    };
    match (&intent.head_branch, commit) {
        (None, Some(commit)) => Ok(IntentOutcome::Written {
            proposal: github::commit_ref(&work.repository, &commit.revision),
            revision: commit.revision,
            at: commit.committed_at,
        }),
        (Some(_), Some(commit)) => finish(github, work, (intent, commit), config).await,
        (Some(head_branch), None) => match github.find_pull_request(head_branch).await? {
            // Merged or closed, and its branch deleted: the read says which.
            Some(pull) if !pull.is_open() && named_in(&work.open_proposals, intent).is_none() => {
                Ok(IntentOutcome::Written {
                    proposal: github::pull_ref(&pull),
                    revision: pull.head_revision,
                    at: pull.created_at,
                })
            }
            _ => Ok(never_written()),
        },
        (None, None) => Ok(never_written()),
    }
}

/// The commit stands on the proposal's branch; makes sure that the pull request is there and says what it brings.
async fn finish(
    github: &RepositoryClient,
    work: &UpdateWork,
    (intent, commit): (&OpenIntent, Commit),
    config: &Config,
) -> Result<IntentOutcome, WorkError> {
    let Some(head_branch) = &intent.head_branch else { return Ok(never_written()) };
    let changes = format!("{}/changes", work.dashboard_url.as_str().trim_end_matches('/'));
    let body = text::announced(&intent.body, &changes, intent.proposal);
    let new = NewPullRequest {
        head: head_branch.clone(),
        base: intent.base_branch.clone(),
        title: intent.title.clone(),
        body: body.clone(),
    };
    let pull = github.open_pull_request(&new).await?;
    if pull.is_open() && (pull.title != intent.title || pull.body != body) {
        let update = PullRequestUpdate { title: Some(intent.title.clone()), body: Some(body) };
        github.update_pull_request(pull.number, &update).await?;
    }
    if pull.is_open() && named_in(&work.open_proposals, intent).is_none() {
        github::dress(github, pull.number, config).await?;
    }
    Ok(IntentOutcome::Written { proposal: github::pull_ref(&pull), revision: commit.revision, at: commit.committed_at })
}

/// The proposal as it was before this intent, where the intent moves one on.
fn named_in<'a>(
    open: &'a [heddle_wire::automator::OpenProposal],
    intent: &OpenIntent,
) -> Option<&'a heddle_wire::automator::OpenProposal> {
    open.iter().find(|proposal| proposal.id == intent.proposal && proposal.number.is_some())
}

fn never_written() -> IntentOutcome {
    IntentOutcome::Abandoned { reason: "it was announced and never written".into(), retry_at: Some(chrono::Utc::now()) }
}

fn word(outcome: &IntentOutcome) -> &'static str {
    match outcome {
        IntentOutcome::Written { .. } => "it was written",
        IntentOutcome::Moved => "the branch moved first",
        IntentOutcome::Abandoned { .. } => "it was never written",
    }
}
