//! GitHub, as the walks of a repository use it.

use heddle_core::{change::ProposalRef, git::Revision};
use heddle_github::{
    BranchOwner, Comparison, GitHubError, Host, PullRequest, PullRequestState, RepositoryClient, WaitsFor,
};
use heddle_manifest::{Config, config::Reviewers};
use heddle_wire::automator::{OpenProposal, RepositoryAccess};

use crate::{
    context::Context,
    error::{WorkError, chain},
    text,
};

/// A client of the repository with the lease's token.
pub(crate) fn client(context: &Context, access: &RepositoryAccess) -> Result<RepositoryClient, WorkError> {
    let host = Host {
        api_url: access.api_url.clone(),
        graphql_url: access.graphql_url.clone(),
        transport: context.github.clone(),
    };
    Ok(RepositoryClient::new(&host, &access.token.0, access.name.clone())?)
}

/// Gives a new pull request its labels, and asks for reviews. What GitHub refuses is said on the pull request, once; the
/// change itself is not held up by it.
pub(crate) async fn dress(github: &RepositoryClient, number: u64, config: &Config) -> Result<(), GitHubError> {
    if !config.labels.is_empty() {
        let added = github.add_labels(number, &config.labels).await;
        say_refusal(github, number, "labels", added).await?;
    }
    let Reviewers { users, teams } = config.reviewers.clone();
    if !users.is_empty() || !teams.is_empty() {
        let asked = github.request_reviewers(number, &heddle_github::Reviewers { users, teams }).await;
        say_refusal(github, number, "reviewers", asked).await?;
    }
    Ok(())
}

async fn say_refusal(
    github: &RepositoryClient,
    number: u64,
    key: &str,
    result: Result<(), GitHubError>,
) -> Result<(), GitHubError> {
    match result {
        Err(error @ (GitHubError::Refused { .. } | GitHubError::Forbidden { .. } | GitHubError::NotFound { .. })) => {
            github.comment_once(number, &text::refused_marker(key), &text::refused(key, &chain(&error))).await.map(drop)
        }
        other => other,
    }
}

/// The pull request of a proposal; `None` when there never was one, or it cannot be seen.
pub(crate) async fn pull_request(
    github: &RepositoryClient,
    proposal: &OpenProposal,
) -> Result<Option<PullRequest>, GitHubError> {
    let Some(number) = proposal.number else { return github.find_pull_request(&proposal.head_branch).await };
    match github.pull_request(number).await {
        Ok(pull) => Ok(Some(pull)),
        Err(GitHubError::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Whether every commit of a pull request is ours. The head that we wrote last needs no question.
pub(crate) async fn is_ours(
    github: &RepositoryClient,
    access: &RepositoryAccess,
    proposal: &OpenProposal,
    pull: &PullRequest,
) -> Result<bool, GitHubError> {
    if proposal.head.as_ref() == Some(&pull.head_revision) {
        return Ok(true);
    }
    let base = match &pull.state {
        PullRequestState::Merged { revision, .. } => first_parent(github, revision).await?,
        _ => github.branch_head(&pull.base).await?,
    };
    let Some(base) = base else { return Ok(false) };
    match github.branch_owner(&base, &pull.head_revision, &access.bot_login).await {
        Ok(owner) => Ok(owner == BranchOwner::Ours),
        Err(GitHubError::NotFound { .. }) => Ok(false),
        Err(other) => Err(other),
    }
}

async fn first_parent(github: &RepositoryClient, revision: &Revision) -> Result<Option<Revision>, GitHubError> {
    let found = github.list_commits(revision, None, 1).await?.commits;
    Ok(found.into_iter().next().and_then(|commit| commit.parents.into_iter().next()))
}

/// Whether a comparison shows that its base is an ancestor of its head.
pub(crate) fn contains(comparison: &Comparison) -> bool {
    comparison.behind_by == 0
}

/// Where a commit is seen.
pub(crate) fn commit_ref(access: &RepositoryAccess, revision: &Revision) -> ProposalRef {
    let page = access.clone_url.as_str().trim_end_matches(".git");
    ProposalRef::Commit { revision: revision.clone(), url: Some(format!("{page}/commit/{revision}")) }
}

/// Where a pull request is seen.
pub(crate) fn pull_ref(pull: &PullRequest) -> ProposalRef {
    ProposalRef::PullRequest { number: pull.number, url: pull.url.clone() }
}

/// Whether a pull request waits because it conflicts with its base.
pub(crate) fn is_conflicting(pull: &PullRequest) -> bool {
    matches!(pull.state, PullRequestState::Open { waits_for: Some(WaitsFor::Conflict) })
}
