//! Carries out what was announced, and says what came of it.

use chrono::{DateTime, Utc};
use heddle_core::change::Mode;
use heddle_github::{
    CommitError, CommitMade, CommitMessage, FileEdit, FileMode, GitHubError, NewPullRequest, PullRequestUpdate,
    RepositoryClient,
};
use heddle_wire::automator::{IntentOutcome, Lease, PlannedProposal, PostedIntent, UpdateWork};

use crate::{
    context::Context,
    error::{WorkError, chain},
    github,
    plan::{NewText, Plan},
    repository::Checkout,
    text,
};

/// Writes one proposal after the other; says whether a branch moved first, which ends the walk.
///
/// When it is not known whether a write was carried out, its intent stays open: the next update looks for its trailer.
///
/// # Errors
/// When the outcome of a write is not known, or cannot be reported.
pub(crate) async fn write_all(
    context: &Context,
    lease: &Lease,
    work: &UpdateWork,
    github: &RepositoryClient,
    checkout: &Checkout,
    plan: &Plan,
    posted: &[PostedIntent],
) -> Result<bool, WorkError> {
    if posted.len() != plan.request.proposals.len() {
        return Err(WorkError::Other("the API announced another number of writes than was planned".into()));
    }
    let mut moved = false;
    let mut paused: Option<DateTime<Utc>> = None;
    for ((planned, texts), posted) in plan.request.proposals.iter().zip(&plan.writes).zip(posted) {
        let outcome = match paused {
            _ if moved => IntentOutcome::Moved,
            Some(retry_at) => abandoned("GitHub's rate limit", Some(retry_at)),
            None => {
                let write = Write { work, github, checkout, planned, texts, posted };
                match write.carry_out().await {
                    Ok(outcome) => outcome,
                    Err(error) => failed(error, planned.mode)?,
                }
            }
        };
        match &outcome {
            IntentOutcome::Written { .. } => {
                tracing::info!(repository = %work.repository.name, intent = %posted.id, "{}", planned.title);
            }
            IntentOutcome::Moved => moved = true,
            IntentOutcome::Abandoned { reason, retry_at } => {
                tracing::warn!(repository = %work.repository.name, intent = %posted.id, "not written: {reason}");
                paused = paused.or(*retry_at);
            }
        }
        context.api.outcome(lease, posted.id, &outcome).await?;
    }
    Ok(moved)
}

/// What a failed write means. Only what was certainly not written gets an outcome.
fn failed(error: CommitError, mode: Mode) -> Result<IntentOutcome, WorkError> {
    match error {
        CommitError::Moved { .. } => Ok(IntentOutcome::Moved),
        CommitError::RateLimited { retry_at } => Ok(abandoned("GitHub's rate limit", Some(retry_at))),
        CommitError::NothingChanged => Ok(abandoned("the branch carries it already", None)),
        error @ CommitError::Exists { .. } => Ok(abandoned(&error.to_string(), None)),
        CommitError::Other(error @ GitHubError::Refused { .. }) if mode == Mode::Commit => {
            let remedy = "write `mode: pull-request`, or let Heddle's GitHub App bypass the branch's rules";
            Ok(abandoned(&format!("{}; {remedy}", chain(&error)), None))
        }
        CommitError::Other(error @ (GitHubError::Forbidden { .. } | GitHubError::Refused { .. })) => {
            Ok(abandoned(&chain(&error), None))
        }
        CommitError::Other(error) => Err(error.into()),
    }
}

fn abandoned(reason: &str, retry_at: Option<DateTime<Utc>>) -> IntentOutcome {
    IntentOutcome::Abandoned { reason: reason.chars().take(500).collect(), retry_at }
}

/// One announced write.
struct Write<'a> {
    work: &'a UpdateWork,
    github: &'a RepositoryClient,
    checkout: &'a Checkout,
    planned: &'a PlannedProposal,
    texts: &'a [NewText],
    posted: &'a PostedIntent,
}

impl Write<'_> {
    async fn carry_out(&self) -> Result<IntentOutcome, CommitError> {
        let edits = self.edits();
        if edits.is_empty() {
            return Err(CommitError::NothingChanged);
        }
        match self.planned.mode {
            Mode::Commit => self.commit(&edits).await,
            Mode::PullRequest | Mode::Observe => self.propose(&edits).await,
        }
    }

    async fn commit(&self, edits: &[FileEdit]) -> Result<IntentOutcome, CommitError> {
        let planned = self.planned;
        let made = self.github.commit_on_branch(&planned.base_branch, &planned.base, edits, &self.message()).await?;
        Ok(IntentOutcome::Written {
            proposal: github::commit_ref(&self.work.repository, &made.revision),
            revision: made.revision,
            at: made.at,
        })
    }

    async fn propose(&self, edits: &[FileEdit]) -> Result<IntentOutcome, CommitError> {
        let Some(head) = &self.posted.head_branch else {
            return Err(CommitError::Other(GitHubError::NotFound { what: "branch for the pull request".into() }));
        };
        let made = self.push(head, edits).await?;
        let body = text::announced(&self.planned.body, &self.change_url(), self.posted.proposal);
        let new = NewPullRequest {
            head: head.clone(),
            base: self.planned.base_branch.clone(),
            title: self.planned.title.clone(),
            body: body.clone(),
        };
        // The commit stands. Whatever fails from here on leaves the intent open, so that the next update finishes it.
        let pull = self.github.open_pull_request(&new).await.map_err(unsettled)?;
        if self.planned.updates.is_none() {
            github::dress(self.github, pull.number, &self.checkout.config).await.map_err(unsettled)?;
        } else {
            let update = PullRequestUpdate { title: Some(new.title), body: Some(body) };
            self.github.update_pull_request(pull.number, &update).await.map_err(unsettled)?;
        }
        Ok(IntentOutcome::Written { proposal: github::pull_ref(&pull), revision: made.revision, at: made.at })
    }

    async fn push(&self, head: &heddle_core::git::BranchName, edits: &[FileEdit]) -> Result<CommitMade, CommitError> {
        let base = &self.planned.base;
        if self.planned.updates.is_none() {
            return self.github.open_branch_with_commit(base, head, edits, &self.message()).await;
        }
        let expected = match &self.planned.expected_head {
            Some(expected) => expected.clone(),
            None => self
                .github
                .branch_head(head)
                .await?
                .ok_or_else(|| CommitError::Moved { branch: head.clone(), expected: base.clone() })?,
        };
        self.github.move_branch(head, &expected, base, edits, &self.message()).await
    }

    fn edits(&self) -> Vec<FileEdit> {
        let branch = self.checkout.branches.iter().find(|branch| branch.name == self.planned.base_branch);
        let mode = |path: &str| {
            let executable = branch.is_some_and(|branch| branch.executable.contains(path));
            if executable { FileMode::Executable } else { FileMode::Regular }
        };
        let edit = |new: &NewText| FileEdit {
            path: new.path.clone(),
            mode: mode(&new.path),
            content: Some(new.text.clone().into_bytes()),
        };
        self.texts.iter().map(edit).collect()
    }

    fn message(&self) -> CommitMessage {
        let request = self.work.requests.iter().find(|request| self.planned.request == Some(request.id));
        CommitMessage {
            subject: self.planned.title.clone(),
            body: text::commit_body(&self.planned.changes, request.map_or(&[], |request| request.asked.edits())),
            requested: request.map(|request| request.requested.clone()),
            intent: self.posted.id,
        }
    }

    fn change_url(&self) -> String {
        let dashboard = self.work.dashboard_url.as_str().trim_end_matches('/');
        match self.posted.changes.first() {
            Some(change) => format!("{dashboard}/changes/{change}"),
            None => format!("{dashboard}/changes"),
        }
    }
}

/// A failure after the commit: not known in full, whatever GitHub says.
fn unsettled(error: GitHubError) -> CommitError {
    CommitError::Other(GitHubError::Unavailable { reason: chain(&error) })
}
