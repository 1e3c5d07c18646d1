//! Commits that somebody looks for: whether there is such a one, and which head of which branch carries it.

use chrono::Utc;
use heddle_core::{
    git::{BranchName, Revision},
    pull_request::{BringingPullRequest, PullRequestFate},
};
use heddle_github::{GitHubError, RepositoryClient, Since};
use heddle_wire::automator::{CarriedCommit, CommitReport, FoundCommit, LookedUp};

use super::{
    ancestry,
    history::{Brought, chosen, commit_report},
};
use crate::{
    limits::{MAX_COMMITS, MAX_MERGES_OF_A_COMMIT},
    plan::Branch,
};

/// Looks for a commit, which is named by its id or the beginning of it.
pub(super) async fn look_up(
    github: &RepositoryClient,
    branches: &[Branch],
    wanted: &str,
) -> Result<LookedUp, GitHubError> {
    let Some(commit) = github.find_commit(wanted).await? else {
        return Ok(LookedUp { wanted: wanted.to_owned(), found: None, failed: false });
    };
    let names: Vec<BranchName> = branches.iter().map(|branch| branch.name.clone()).collect();
    let pulls = github.list_bringing(&commit.revision).await?;
    let pull_request = chosen(&pulls, &names).cloned();
    let mut found = FoundCommit {
        commit: CommitReport { pull_request, pull_request_known: true, ..commit_report(commit) },
        carried: Vec::new(),
        far_back: Vec::new(),
    };
    for branch in branches {
        let carried = match carry(github, branch, &found.commit).await? {
            Carried::By(by, _) => {
                let brought = Brought::linked(&branch.name, &pulls, &found.commit, Utc::now());
                Carried::By(by, brought)
            }
            Carried::FarBack => Carried::FarBack,
            // What was squashed or rebased is on the branch as another commit.
            Carried::No => carry_merges(github, branch, &pulls).await?,
        };
        match carried {
            Carried::By(by, brought) => {
                found.carried.push(CarriedCommit { branch: branch.name.clone(), by: brought.told_with(*by) });
            }
            Carried::FarBack => found.far_back.push(branch.name.clone()),
            Carried::No => {}
        }
    }
    Ok(LookedUp { wanted: wanted.to_owned(), found: Some(found), failed: false })
}

/// What carries the commits that pull requests became, of which those that went to this branch are tried first: what was
/// squashed into one branch is taken to another as that commit.
async fn carry_merges(
    github: &RepositoryClient,
    branch: &Branch,
    pulls: &[BringingPullRequest],
) -> Result<Carried, GitHubError> {
    let mut merged: Vec<(&BringingPullRequest, &Revision)> = pulls
        .iter()
        .filter_map(|pull| match &pull.end {
            PullRequestFate::Merged { revision, .. } => Some((pull, revision)),
            _ => None,
        })
        .collect();
    merged.sort_by_key(|(pull, _)| (pull.base != branch.name, pull.number));
    for (pull, merge) in merged.into_iter().take(MAX_MERGES_OF_A_COMMIT) {
        let Some(merge) = github.find_commit(merge.as_str()).await? else { continue };
        let merge = commit_report(merge);
        let by = match carry(github, branch, &merge).await? {
            Carried::By(by, _) => by,
            Carried::FarBack => return Ok(Carried::FarBack),
            Carried::No => continue,
        };
        let brought = if pull.base == branch.name {
            Brought::By(pull.clone())
        } else {
            let pulls = github.list_bringing(&merge.revision).await?;
            Brought::linked(&branch.name, &pulls, &merge, Utc::now())
        };
        return Ok(Carried::By(by, brought));
    }
    Ok(Carried::No)
}

enum Carried {
    /// By this commit of its line, with the pull request that brought it.
    By(Box<CommitReport>, Brought),
    FarBack,
    No,
}

/// The first commit of the branch's own line that contains `wanted`.
async fn carry(github: &RepositoryClient, branch: &Branch, wanted: &CommitReport) -> Result<Carried, GitHubError> {
    let revision = &wanted.revision;
    if *revision == branch.head {
        return Ok(Carried::By(Box::new(wanted.clone()), Brought::NotKnown));
    }
    let more = match github.list_since(revision, &branch.head, MAX_COMMITS as u64).await? {
        None => return Ok(Carried::No),
        Some(Since::TooMany) => return Ok(Carried::FarBack),
        Some(Since::All(more)) => more,
    };
    let carrier = ancestry::carrier(&branch.head, revision, &more);
    let by = more.iter().find(|commit| commit.revision == *carrier);
    let by = by.map_or_else(|| wanted.clone(), |commit| commit_report(commit.clone()));
    Ok(Carried::By(Box::new(by), Brought::NotKnown))
}
