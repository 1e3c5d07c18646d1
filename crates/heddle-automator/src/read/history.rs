//! What came to a branch since it was read last: its own line, what merges brought, and the pull requests of both.

use chrono::{DateTime, TimeDelta, Utc};
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

/// So long after a commit GitHub may not have linked it to its pull request yet.
const LINKED: TimeDelta = TimeDelta::hours(1);

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
        .map(|(commit, brought)| brought.told_with(commit_report(commit)))
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

/// What is known of the pull request that brought a commit to a branch.
#[derive(Clone)]
pub(super) enum Brought {
    /// This one.
    By(BringingPullRequest),
    /// None: it was pushed to the branch.
    ByNone,
    /// It was not asked for, or the host could not tell.
    NotKnown,
}

impl Brought {
    /// The first of a commit's pull requests that was merged into the branch. One that goes elsewhere, or is open, did not
    /// bring it here.
    fn to(branch: &BranchName, pulls: &[BringingPullRequest]) -> Self {
        let merged = pulls.iter().filter(|pull| pull.base == *branch).filter_map(|pull| match &pull.end {
            PullRequestFate::Merged { at, .. } => Some((*at, pull.number, pull)),
            _ => None,
        });
        let first = merged.min_by_key(|(at, number, _)| (*at, *number));
        first.map_or(Self::ByNone, |(_, _, pull)| Self::By(pull.clone()))
    }

    /// The same, but for a young commit that names a pull request: GitHub links it some time after the merge.
    pub(super) fn linked(
        branch: &BranchName,
        pulls: &[BringingPullRequest],
        commit: &CommitReport,
        now: DateTime<Utc>,
    ) -> Self {
        match Self::to(branch, pulls) {
            Self::ByNone if now - commit.committed_at < LINKED && names_a_pull_request(&commit.subject) => {
                Self::NotKnown
            }
            brought => brought,
        }
    }

    /// A commit, with it.
    pub(super) fn told_with(self, commit: CommitReport) -> CommitReport {
        let (pull_request, pull_request_known) = match self {
            Self::By(pull) => (Some(pull), true),
            Self::ByNone => (None, true),
            Self::NotKnown => (None, false),
        };
        CommitReport { pull_request, pull_request_known, ..commit }
    }
}

/// The pull request that brought each commit, of which the first are asked for.
async fn pull_requests(
    github: &RepositoryClient,
    branch: &BranchName,
    commits: &[Commit],
) -> Result<Vec<Brought>, GitHubError> {
    let mut pulls = Vec::new();
    for together in commits[..commits.len().min(MAX_ASKED_PULLS)].chunks(AT_ONCE) {
        let asked: Vec<_> = together.iter().map(|commit| brought(github, branch, commit)).collect();
        pulls.extend(try_join_all(asked).await?);
    }
    pulls.resize(commits.len(), Brought::NotKnown);
    Ok(pulls)
}

/// Who brought a commit is told beside what it does: where GitHub does not say so, the read goes on without.
async fn brought(github: &RepositoryClient, branch: &BranchName, commit: &Commit) -> Result<Brought, GitHubError> {
    match github.list_bringing(&commit.revision).await {
        Ok(pulls) => Ok(Brought::linked(branch, &pulls, &commit_report(commit.clone()), Utc::now())),
        Err(limited @ GitHubError::RateLimited { .. }) => Err(limited),
        Err(error) => {
            let revision = &commit.revision;
            tracing::warn!(%revision, %error, "which pull request brought {revision} is not known");
            Ok(Brought::NotKnown)
        }
    }
}

/// Whether a subject is as GitHub writes it when it merges or squashes: `Merge pull request #7 from …`, `Raise it (#7)`.
fn names_a_pull_request(subject: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let merged = subject.strip_prefix("Merge pull request #").and_then(|rest| rest.split(' ').next());
    let squashed = subject.rsplit_once("(#").and_then(|(_, rest)| rest.strip_suffix(')'));
    merged.is_some_and(is_number) || squashed.is_some_and(is_number)
}

/// The pull request that says most of how a commit may come to these branches: one that was merged into one of them, else
/// one that is open, one that was merged elsewhere, one that was closed; among equals the newest.
pub(super) fn chosen<'a>(pulls: &'a [BringingPullRequest], branches: &[BranchName]) -> Option<&'a BringingPullRequest> {
    pulls.iter().max_by_key(|pull| {
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
        pull_request_known: false,
    }
}
