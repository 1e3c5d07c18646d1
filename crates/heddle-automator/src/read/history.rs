//! What came to a branch since it was read last: its own line, what merges brought, and the pull requests of both.

use futures::future::try_join_all;
use heddle_core::{
    git::{BranchName, Revision},
    pull_request::{BringingPullRequest, PullRequestFate},
};
use heddle_github::{Commit, GitHubError, RepositoryClient, Since};
use heddle_wire::automator::{BesideCommit, BranchReport, CommitReport};

use super::ancestry;
use crate::{
    limits::{MAX_ASKED_PULLS, MAX_COMMITS},
    plan::Branch,
};

/// Pull requests that are asked for at once.
const AT_ONCE: usize = 5;

/// The first-parent commits of a branch since it was read last, and what came with them.
pub(super) async fn since(
    github: &RepositoryClient,
    branch: &Branch,
    known: Option<&Revision>,
) -> Result<BranchReport, GitHubError> {
    let name = branch.name.clone();
    if known == Some(&branch.head) {
        return Ok(BranchReport { branch: name, revisions: Vec::new(), rewritten: false, beside: Vec::new() });
    }
    let limit = if known.is_some() { MAX_COMMITS } else { 1 };
    let mut found = github.list_commits(&branch.head, known, limit).await?;
    let rewritten = known.is_some() && !found.reached;
    if rewritten {
        found.commits.truncate(1);
    }
    let beside = match known.filter(|_| !rewritten) {
        Some(known) => beside(github, branch, known, &found.commits).await?,
        None => Vec::new(),
    };
    let pulls = pull_requests(github, &branch.name, &found.commits).await?;
    let mut revisions: Vec<CommitReport> = found
        .commits
        .into_iter()
        .zip(pulls)
        .map(|(commit, pull_request)| CommitReport { pull_request, ..commit_report(commit) })
        .collect();
    revisions.reverse();
    Ok(BranchReport { branch: name, revisions, rewritten, beside })
}

/// What merges among the new commits of the line brought.
async fn beside(
    github: &RepositoryClient,
    branch: &Branch,
    known: &Revision,
    line: &[Commit],
) -> Result<Vec<BesideCommit>, GitHubError> {
    if line.iter().all(|commit| commit.parents.len() < 2) {
        return Ok(Vec::new());
    }
    let most = MAX_COMMITS as u64;
    let since = match github.list_since(known, &branch.head, most).await {
        Err(limited @ GitHubError::RateLimited { .. }) => return Err(limited),
        // GitHub compares contents as well, which may be too much for it. The read goes on without.
        Err(error) => {
            tracing::warn!(branch = %branch.name, %error, "what merges brought to `{}` is not known", branch.name);
            None
        }
        Ok(since) => since,
    };
    let Some(Since::All(all)) = since else {
        tracing::info!(branch = %branch.name, "more than {most} commits came to `{}`: what merges brought is looked for \
            when somebody asks", branch.name);
        return Ok(Vec::new());
    };
    let found = ancestry::beside(line, &all).into_iter();
    Ok(found
        .map(|(commit, by)| BesideCommit { commit: commit_report(commit.clone()), carried_by: by.clone() })
        .collect())
}

/// The pull request that brought each of the first commits.
async fn pull_requests(
    github: &RepositoryClient,
    branch: &BranchName,
    commits: &[Commit],
) -> Result<Vec<Option<BringingPullRequest>>, GitHubError> {
    let mut pulls = Vec::new();
    for together in commits[..commits.len().min(MAX_ASKED_PULLS)].chunks(AT_ONCE) {
        let asked: Vec<_> = together.iter().map(|commit| pull_request(github, branch, &commit.revision)).collect();
        pulls.extend(try_join_all(asked).await?);
    }
    pulls.resize(commits.len(), None);
    Ok(pulls)
}

/// Who brought a commit is told beside what it does: where GitHub does not say so, the read goes on without.
async fn pull_request(
    github: &RepositoryClient,
    branch: &BranchName,
    revision: &Revision,
) -> Result<Option<BringingPullRequest>, GitHubError> {
    match github.list_bringing(revision).await {
        Ok(pulls) => Ok(chosen(pulls, std::slice::from_ref(branch))),
        Err(limited @ GitHubError::RateLimited { .. }) => Err(limited),
        Err(error) => {
            tracing::warn!(%revision, %error, "which pull request brought {revision} is not known");
            Ok(None)
        }
    }
}

/// The pull request that says most of how a commit comes to these branches: one that was merged into one of them, else one
/// that is open, one that was merged elsewhere, one that was closed; among equals the newest.
pub(super) fn chosen(pulls: Vec<BringingPullRequest>, branches: &[BranchName]) -> Option<BringingPullRequest> {
    pulls.into_iter().max_by_key(|pull| {
        let rank = match &pull.end {
            PullRequestFate::Merged { .. } if branches.contains(&pull.base) => 3,
            PullRequestFate::Open => 2,
            PullRequestFate::Merged { .. } => 1,
            PullRequestFate::Closed { .. } => 0,
        };
        (rank, pull.number)
    })
}

pub(super) fn commit_report(commit: Commit) -> CommitReport {
    CommitReport {
        revision: commit.revision,
        committed_at: commit.committed_at,
        author: commit.author,
        subject: commit.subject.chars().take(500).collect(),
        intents: commit.intents,
        pull_request: None,
    }
}
