//! Commits that somebody looks for: whether there is such a one, and which head of which branch carries it.

use heddle_core::{
    git::{BranchName, Revision},
    pull_request::{BringingPullRequest, PullRequestFate},
};
use heddle_github::{GitHubError, RepositoryClient, Since};
use heddle_wire::automator::{CarriedCommit, CommitReport, FoundCommit, LookedUp};

use super::{
    ancestry,
    history::{chosen, commit_report},
};
use crate::{limits::MAX_COMMITS, plan::Branch};

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
    let pull = chosen(github.list_bringing(&commit.revision).await?, &names);
    let mut found = FoundCommit {
        commit: CommitReport { pull_request: pull.clone(), ..commit_report(commit) },
        carried: Vec::new(),
        far_back: Vec::new(),
    };
    for branch in branches {
        let own = found.commit.clone();
        match carry(github, branch, &own).await? {
            Carried::By(by) => found.carried.push(CarriedCommit { branch: branch.name.clone(), by: *by }),
            Carried::FarBack => found.far_back.push(branch.name.clone()),
            // What was squashed or rebased is on the branch as another commit.
            Carried::No => {
                if let Some(merge) = merge_into(&branch.name, pull.as_ref()) {
                    found.carried.extend(carry_merge(github, branch, merge).await?);
                }
            }
        }
    }
    Ok(LookedUp { wanted: wanted.to_owned(), found: Some(found), failed: false })
}

fn merge_into<'a>(branch: &BranchName, pull: Option<&'a BringingPullRequest>) -> Option<&'a Revision> {
    match pull {
        Some(BringingPullRequest { base, end: PullRequestFate::Merged { revision, .. }, .. }) if base == branch => {
            Some(revision)
        }
        _ => None,
    }
}

async fn carry_merge(
    github: &RepositoryClient,
    branch: &Branch,
    merge: &Revision,
) -> Result<Option<CarriedCommit>, GitHubError> {
    let Some(merge) = github.find_commit(merge.as_str()).await? else { return Ok(None) };
    Ok(match carry(github, branch, &commit_report(merge)).await? {
        Carried::By(by) => Some(CarriedCommit { branch: branch.name.clone(), by: *by }),
        Carried::FarBack | Carried::No => None,
    })
}

enum Carried {
    By(Box<CommitReport>),
    FarBack,
    No,
}

/// The first commit of the branch's own line that contains `wanted`.
async fn carry(github: &RepositoryClient, branch: &Branch, wanted: &CommitReport) -> Result<Carried, GitHubError> {
    let revision = &wanted.revision;
    if *revision == branch.head {
        return Ok(Carried::By(Box::new(wanted.clone())));
    }
    let more = match github.list_since(revision, &branch.head, MAX_COMMITS as u64).await? {
        None => return Ok(Carried::No),
        Some(Since::TooMany) => return Ok(Carried::FarBack),
        Some(Since::All(more)) => more,
    };
    let carrier = ancestry::carrier(&branch.head, revision, &more);
    let by = more.iter().find(|commit| commit.revision == *carrier);
    Ok(Carried::By(Box::new(by.map_or_else(|| wanted.clone(), |commit| commit_report(commit.clone())))))
}
