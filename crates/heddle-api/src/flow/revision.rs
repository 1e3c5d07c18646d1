//! Where a commit is: what reads met, what was looked for, and how the Syncs of its branch are doing with it.

mod seen;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use heddle_core::{
    git::{RepoUrl, Revision},
    id::{OrganizationId, RepositoryId},
};
use heddle_db::{
    DbError, Tx, applied_revisions,
    commits::{self, NewCommit},
    repositories::{self, Repository},
    revision_looks::{self, Look},
    revisions::{self, NewRevision},
};
use heddle_wire::{
    automator::{CommitReport, FoundCommit, ReadReport},
    view::WhereView,
};

use self::seen::Seen;

/// Stores what a read met beside the branches, and what it found of what was looked for. Says whether anything was looked
/// for.
///
/// # Errors
/// When the store cannot be reached.
pub async fn store(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    report: &ReadReport,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    for branch in &report.branches {
        let beside: Vec<NewCommit<'_>> =
            branch.beside.iter().map(|one| new_commit(&one.commit, &one.carried_by)).collect();
        commits::record_all(&mut **tx, organization, (repository, &branch.branch), &beside).await?;
    }
    let mut met = Vec::new();
    for looked in &report.looked_up {
        let mut answer = None;
        if let Some(found) = &looked.found {
            for carried in &found.carried {
                // What brought it to this branch. Automators of before told one pull request for all branches.
                let of_all = found.commit.pull_request.as_ref().filter(|pull| pull.base == carried.branch);
                let pull_request = carried.by.pull_request.as_ref().or(of_all);
                let is_pull_known = carried.by.pull_request_known || pull_request.is_some();
                let by = NewRevision { pull_request, is_pull_known, ..new_revision(&carried.by) };
                met.push(carried.by.revision.to_string());
                revisions::meet(tx, organization, repository, &carried.branch, &by).await?;
                if carried.by.revision != found.commit.revision {
                    let commit = NewRevision { pull_request, ..new_revision(&found.commit) };
                    let commit = NewCommit { commit, carried_by: &carried.by.revision };
                    commits::record_all(&mut **tx, organization, (repository, &carried.branch), &[commit]).await?;
                }
            }
            answer = Some(serde_json::to_value(found).map_err(corrupt)?);
        }
        if looked.failed {
            revision_looks::give_up(&mut **tx, repository, &looked.wanted, now).await?;
        } else {
            revision_looks::answer(&mut **tx, repository, &looked.wanted, answer.as_ref(), now).await?;
        }
    }
    applied_revisions::place(&mut **tx, repository, &met).await?;
    Ok(!report.looked_up.is_empty())
}

fn new_commit<'a>(commit: &'a CommitReport, carried_by: &'a Revision) -> NewCommit<'a> {
    NewCommit { commit: new_revision(commit), carried_by }
}

/// A commit as the store takes it.
pub(super) fn new_revision(commit: &CommitReport) -> NewRevision<'_> {
    NewRevision {
        revision: &commit.revision,
        committed_at: commit.committed_at,
        author: &commit.author,
        subject: &commit.subject,
        pull_request: commit.pull_request.as_ref(),
        is_pull_known: commit.pull_request_known,
    }
}

/// Where the commits are that begin with `beginning`, in the organization or one repository of it. `host` is the address of
/// the host's pages.
///
/// # Errors
/// When the store cannot be reached.
pub async fn find(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: Option<RepositoryId>,
    beginning: &str,
    host: &str,
    now: DateTime<Utc>,
) -> Result<WhereView, DbError> {
    let met = commits::find(&mut **tx, organization, repository, beginning).await?;
    let looks = revision_looks::list(&mut **tx, organization, repository, beginning).await?;
    let connected: Vec<Repository> = repositories::list(&mut **tx, organization)
        .await?
        .into_iter()
        .filter(|one| repository.is_none_or(|wanted| wanted == one.id))
        .collect();
    let seen = Seen::load(tx, organization, host, now).await?;
    let mut found = Vec::new();
    for commit in &met {
        found.push(seen.view_met(tx, organization, commit).await?);
    }
    let mut lost = BTreeSet::new();
    for (look, answer) in answers(&looks)? {
        let is_met = met.iter().any(|one| one.repository == look.repository && one.revision == answer.commit.revision);
        // A branch carries it, and what carries it is not known any more: it is to be looked for anew.
        if !answer.carried.is_empty() {
            lost.extend(Some(look.repository).filter(|_| !is_met && !look.is_waiting));
            continue;
        }
        let address = connected.iter().find(|one| one.id == look.repository).map(|one| &one.url);
        if let (false, Some(address)) = (is_met, address) {
            found.extend(seen.view_looked(look, address, &answer));
        }
    }
    let at = connected.iter().find(|one| repository == Some(one.id)).map(|one| &one.url);
    let applied = applied_revisions::list_unplaced(&mut **tx, organization, beginning).await?;
    let applied = applied.into_iter().filter(|one| at.is_none_or(|address| one.repository_url == *address)).collect();
    let name = |address: &RepoUrl| connected.iter().find(|one| one.url == *address).map(|one| one.name.clone());
    let unplaced = seen.view_unplaced(applied, name);
    let known: BTreeSet<RepositoryId> = met.iter().map(|one| one.repository).collect();
    let names = |wanted: &dyn Fn(&Look) -> bool| {
        looks.iter().filter(|look| wanted(look)).map(|look| look.repository_name.clone()).collect()
    };
    let is_known = |look: &Look| look.is_waiting || look.answer.is_some() || !look.has_failed;
    let is_unasked = |one: &&Repository| {
        let has_look = looks.iter().any(|look| look.repository == one.id && is_known(look));
        !known.contains(&one.id) && (!has_look || lost.contains(&one.id))
    };
    Ok(WhereView {
        found,
        unplaced,
        looking: names(&|look| look.is_waiting),
        absent: names(&|look| {
            !look.is_waiting && !look.has_failed && look.answer.is_none() && !known.contains(&look.repository)
        }),
        unasked: connected.iter().filter(is_unasked).map(|one| one.name.clone()).collect(),
    })
}

fn answers(looks: &[Look]) -> Result<Vec<(&Look, FoundCommit)>, DbError> {
    let answered = looks.iter().filter_map(|look| Some((look, look.answer.clone()?)));
    answered.map(|(look, answer)| Ok((look, serde_json::from_value(answer).map_err(corrupt)?))).collect()
}

fn corrupt(error: serde_json::Error) -> DbError {
    DbError::Corrupt { column: "revision_looks.answer", reason: error.to_string() }
}
