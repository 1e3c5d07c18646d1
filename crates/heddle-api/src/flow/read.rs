//! What a read of a repository saw.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    drift::RecordName,
    git::{BranchName, RepoName, Revision},
    id::{OrganizationId, ProposalId, RepositoryId},
    observe::{
        self, EnvironmentPath, FollowingSync, HeadRevision, PlacedImage, PullRequestEnd, ReadView, environment_of,
        implicit_environment,
    },
};
use heddle_db::{
    DbError, Tx, applied_revisions, changes, deploys,
    drift_expectations::{self, Expectation},
    environments::{self, Environment, Promotion},
    findings::{self, Finding, FoundBy},
    hints, images, intents,
    notice::{Notice, Topic},
    occurrences::{self, Rule},
    proposals::{self, State},
    reads, repositories, requests, revision_looks,
    revisions::{self, Unknown},
    syncs, work,
};
use heddle_wire::automator::{self as wire, BranchReport, Occurrence, ProposalState, PullRequestState, ReadReport};
use uuid::Uuid;

use super::{facts, judge, report::retire_left, revision};

/// Stores what a read saw, and everything that follows from it.
///
/// # Errors
/// When the store cannot be reached.
pub async fn apply(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    report: &ReadReport,
    bot_login: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    // Whoever reads it is not shut out, also when that webhook was lost.
    repositories::set_shut_out(&mut **tx, repository, None).await?;
    let branches = number_heads(tx, organization, repository, &report.branches).await?;
    for placed in &report.placed_revisions {
        revisions::place(tx, organization, repository, &placed.branch, &placed.revision, placed.contains.as_ref())
            .await?;
    }
    let asked: Vec<Unknown> = report
        .placed_revisions
        .iter()
        .map(|placed| Unknown { branch: placed.branch.clone(), revision: placed.revision.clone() })
        .collect();
    let heads = branches.iter().flat_map(|(branch, heads)| heads.iter().map(move |head| (branch, &head.revision)));
    let heads = heads.map(|(branch, revision)| Unknown { branch: branch.clone(), revision: revision.clone() });
    let numbered: Vec<Unknown> = asked.into_iter().chain(heads).collect();
    revisions::forget_unknown(&mut **tx, repository, &numbered).await?;
    let numbered: Vec<String> = numbered.iter().map(|one| one.revision.to_string()).collect();
    deploys::place(&mut **tx, repository, &numbered).await?;
    applied_revisions::place(&mut **tx, repository, &numbered).await?;
    let has_looked = revision::store(tx, organization, repository, report, now).await?;

    let content_changed = store_content(tx, organization, repository, report, now).await?;
    let rules = report.rules.as_ref().map(|rules| rules.text.as_deref());
    reads::set_rules(&mut **tx, repository, rules).await?;
    let syncs = show_syncs(tx, repository, &report.environments).await?;
    let (ended, proposals_changed) = settle_proposals(tx, repository, &report.proposals, bot_login, now).await?;
    let requests_ended = !requests::end_settled(&mut **tx, repository, now).await?.is_empty();

    let view = ReadView {
        branches,
        standings: report.occurrences.iter().map(standing).collect(),
        environments: report.environments.iter().map(environment_path).collect(),
        ended,
        syncs,
    };
    let known = changes::list_tracked(&mut **tx, organization, repository).await?;
    let ids: Vec<_> = known.iter().map(|change| change.id.0).collect();
    let intents = intents::list_of_changes(&mut **tx, &ids).await?;
    let observations = observe::read(&view, &facts::tracked(&known, &intents));
    facts::record(tx, organization, &observations, now).await?;
    let healthy = !judge::judge_all(tx, organization, repository, now).await?.is_empty();
    retire_left(tx, organization, repository, now).await?;

    let moved = moved_branches(&report.branches);
    let open_intents = !intents::list_open(&mut **tx, repository).await?.is_empty();
    let different = content_changed
        || proposals_changed
        || requests_ended
        || open_intents
        || healthy
        || !moved.is_empty()
        || !observations.is_empty();
    if different || has_looked {
        tx.notify(&Notice::Changed { organization, topic: Topic::Repositories, id: Some(repository.0) }).await?;
    }
    tell_agents(tx, organization, repository, &moved).await?;
    let watched = if content_changed { watch_images(tx, organization, repository).await? } else { Watched::default() };
    if different {
        work::request_updates(tx, organization, &[repository.0]).await?;
    }
    if has_looked && !revision_looks::list_waiting(&mut **tx, repository).await?.is_empty() {
        work::request_read(tx, organization, repository).await?;
    }
    work::forget(&mut **tx, &watched.gone).await?;
    work::request_scans(tx, organization, &watched.new).await
}

/// The images that are scanned for a report: a rule governs them, or keeps them in lockstep with one that it governs.
pub fn governed_images(report: &ReadReport) -> BTreeSet<&str> {
    let mut images = BTreeSet::new();
    for one in report.occurrences.iter().filter(|one| !one.rules.is_empty()) {
        images.insert(one.image.repository.as_str());
        let policies = one.rules.iter().filter_map(|rule| rule.policy.as_ref());
        images.extend(policies.flat_map(|policy| &policy.lockstep).map(String::as_str));
    }
    images
}

/// Numbers what is new on each branch; gives the new revisions, or the head alone where none is.
async fn number_heads(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    reports: &[BranchReport],
) -> Result<BTreeMap<BranchName, Vec<HeadRevision>>, DbError> {
    let mut branches: BTreeMap<BranchName, Vec<HeadRevision>> = BTreeMap::new();
    for head in revisions::list_heads(&mut **tx, repository).await? {
        if reports.iter().any(|report| report.branch == head.branch && report.revisions.is_empty()) {
            let revision = HeadRevision {
                revision: head.revision,
                ordinal: head.ordinal,
                committed_at: head.committed_at,
                author: head.author,
                intents: Vec::new(),
            };
            branches.insert(head.branch, vec![revision]);
        }
    }
    for report in reports {
        for commit in &report.revisions {
            let new = revision::new_revision(commit);
            let ordinal = revisions::number(tx, organization, repository, &report.branch, &new).await?;
            let ordinal = if report.rewritten {
                revisions::renumber(tx, repository, &report.branch, &commit.revision).await?
            } else {
                ordinal
            };
            branches.entry(report.branch.clone()).or_default().push(HeadRevision {
                revision: commit.revision.clone(),
                ordinal,
                committed_at: commit.committed_at,
                author: commit.author.clone(),
                intents: commit.intents.clone(),
            });
        }
    }
    for revisions in branches.values_mut() {
        revisions.sort_by_key(|revision| revision.ordinal);
    }
    Ok(branches)
}

/// Replaces what stands in the repository where it differs from the last read; says whether it does.
async fn store_content(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    report: &ReadReport,
    now: DateTime<Utc>,
) -> Result<bool, DbError> {
    let content = serde_json::to_vec(&(&report.environments, &report.occurrences, &report.findings, &report.drift))
        .map_err(|error| DbError::Corrupt { column: "reads.content_hash", reason: error.to_string() })?;
    let hash = digest::digest(&digest::SHA256, &content);
    if !reads::record(tx, organization, repository, hash.as_ref(), now).await? {
        return Ok(false);
    }
    let environments: Vec<Environment> = report
        .environments
        .iter()
        .map(|environment| Environment {
            path: environment_path(environment),
            implicit: environment.implicit,
            promotion: environment
                .promotion
                .as_ref()
                .map(|promotion| Promotion { from: promotion.from.clone(), after_secs: promotion.after_secs }),
        })
        .collect();
    environments::replace(tx, organization, repository, &environments).await?;
    let own = repositories::find(&mut **tx, organization, repository).await?.map(|repository| repository.name);
    let asked: Vec<Expectation> = report.drift.iter().map(|one| expectation(one, own.as_ref())).collect();
    drift_expectations::replace(tx, organization, repository, &asked, now).await?;
    tx.notify(&Notice::Changed { organization, topic: Topic::Drift, id: None }).await?;
    let rows: Vec<occurrences::Occurrence> = report.occurrences.iter().flat_map(in_environments).collect();
    occurrences::replace(tx, organization, repository, &rows).await?;
    let found: Vec<Finding> = report.findings.iter().map(finding).collect();
    findings::replace(tx, organization, repository, FoundBy::Read, &found).await?;
    Ok(true)
}

/// What a read changed about the images that are watched.
#[derive(Default)]
struct Watched {
    /// A rule governs them now; they are to be scanned.
    new: Vec<Uuid>,
    /// No rule governs them any more.
    gone: Vec<Uuid>,
}

async fn watch_images(tx: &mut Tx, organization: OrganizationId, repository: RepositoryId) -> Result<Watched, DbError> {
    let governed = occurrences::list_needed_images(&mut **tx, repository).await?;
    let new = images::watch(&mut **tx, organization, &governed).await?;
    let gone = images::unwatch_unused(&mut **tx, organization).await?;
    Ok(Watched { new, gone })
}

/// Shows each Sync that follows the repository under its environment.
async fn show_syncs(
    tx: &mut Tx,
    repository: RepositoryId,
    environments: &[wire::EnvironmentReport],
) -> Result<Vec<FollowingSync>, DbError> {
    let paths: Vec<EnvironmentPath> = environments.iter().map(environment_path).collect();
    let mut following = Vec::new();
    for sync in syncs::list_following(&mut **tx, repository).await? {
        let implicit = implicit_environment(&sync.branch, &sync.path);
        let shown = environment_of(&paths, &sync.branch, &sync.path).unwrap_or(&implicit);
        if sync.environment.as_ref() != Some(&shown.name) {
            syncs::set_environment(&mut **tx, &sync.key, &shown.name).await?;
        }
        following.push(FollowingSync { key: sync.key, branch: sync.branch, path: sync.path });
    }
    Ok(following)
}

/// Stores the state of the pull requests; gives those that ended, and whether any is different from before.
async fn settle_proposals(
    tx: &mut Tx,
    repository: RepositoryId,
    states: &[ProposalState],
    bot_login: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(BTreeMap<ProposalId, PullRequestEnd>, bool), DbError> {
    let closed_by_us = proposals::list_closed_by_us(&mut **tx, repository).await?;
    let mut ended: BTreeMap<ProposalId, PullRequestEnd> = closed_by_us
        .into_iter()
        .map(|(proposal, at)| (proposal, PullRequestEnd::Closed { by: None, by_us: true, at }))
        .collect();
    let mut changed = false;
    for proposal in proposals::list_unsettled(&mut **tx, repository).await? {
        let Some(state) = states.iter().find(|state| state.id == proposal.id) else { continue };
        match &state.state {
            PullRequestState::Open { waits_for } => {
                changed |= proposals::set_open(&mut **tx, proposal.id, waits_for.as_deref()).await?;
            }
            PullRequestState::Merged { revision, by, at } => {
                let known = revisions::find_ordinal(&mut **tx, repository, &proposal.base_branch, revision).await?;
                changed |= proposals::settle(&mut **tx, proposal.id, State::Merged, None, now).await?;
                let end = PullRequestEnd::Merged {
                    revision: revision.clone(),
                    ordinal: known.flatten(),
                    by: by.clone(),
                    at: *at,
                    ours: state.ours,
                };
                ended.insert(proposal.id, end);
            }
            PullRequestState::Closed { by, at } => {
                changed |= proposals::settle(&mut **tx, proposal.id, State::Closed, None, now).await?;
                let by_us = by.is_some() && by.as_deref() == bot_login;
                ended.insert(proposal.id, PullRequestEnd::Closed { by: by.clone(), by_us, at: *at });
            }
        }
    }
    Ok((ended, changed))
}

/// The branches that moved, with their heads.
fn moved_branches(reports: &[BranchReport]) -> BTreeMap<BranchName, Revision> {
    let moved = reports.iter().filter_map(|report| Some((&report.branch, &report.revisions.last()?.revision)));
    moved.map(|(branch, head)| (branch.clone(), head.clone())).collect()
}

/// Agents hear of the branch also when the host's webhook was lost.
async fn tell_agents(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: RepositoryId,
    moved: &BTreeMap<BranchName, Revision>,
) -> Result<(), DbError> {
    let Some(repository) = repositories::find(&mut **tx, organization, repository).await? else { return Ok(()) };
    for (branch, head) in moved {
        hint(tx, organization, &repository.url, Some(branch), Some(head)).await?;
    }
    Ok(())
}

/// Leaves a hint for the agents that follow a branch, or any branch, of a repository. `head` is the branch's, where that is
/// known.
///
/// # Errors
/// When the store cannot be reached.
pub async fn hint(
    tx: &mut Tx,
    organization: OrganizationId,
    repository: &heddle_core::git::RepoUrl,
    branch: Option<&BranchName>,
    head: Option<&Revision>,
) -> Result<(), DbError> {
    for branch in hints::leave(&mut **tx, organization, repository, branch, head).await? {
        tx.notify(&Notice::BranchMoved { organization, repository: repository.clone(), branch }).await?;
    }
    Ok(())
}

/// What is to be looked at lies in the repository that says so, where it names no other.
fn expectation(one: &wire::DriftExpectation, own: Option<&RepoName>) -> Expectation {
    Expectation {
        record: RecordName {
            repository: one.repository.as_ref().or(own).cloned(),
            environment: one.environment.clone(),
            tool: one.tool,
            source: one.source.clone(),
        },
        every: TimeDelta::seconds(one.every_secs.clamp(0, i64::from(u32::MAX))),
        line: i32::try_from(one.line).unwrap_or(i32::MAX),
    }
}

fn environment_path(environment: &wire::EnvironmentReport) -> EnvironmentPath {
    EnvironmentPath {
        name: environment.name.clone(),
        path: environment.path.clone(),
        branch: environment.branch.clone(),
    }
}

fn standing(occurrence: &Occurrence) -> PlacedImage {
    PlacedImage {
        branch: occurrence.branch.clone(),
        place: occurrence.place.clone(),
        image: occurrence.image.repository.clone(),
        tag: occurrence.image.tag.clone(),
        digest: occurrence.image.digest.clone(),
        environments: occurrence.environments.clone(),
        governed: occurrence.rules.iter().map(|rule| rule.environment.clone()).collect(),
    }
}

/// The rows of an occurrence: one for each environment, or one without.
fn in_environments(occurrence: &Occurrence) -> Vec<occurrences::Occurrence> {
    let row = |environment: Option<&heddle_core::name::EnvironmentName>| occurrences::Occurrence {
        branch: occurrence.branch.clone(),
        place: occurrence.place.clone(),
        container: occurrence.container.clone(),
        image: occurrence.image.repository.clone(),
        tag: occurrence.image.tag.clone(),
        digest: occurrence.image.digest.clone(),
        environment: environment.cloned(),
        rule: occurrence.rules.iter().find(|rule| Some(&rule.environment) == environment).map(|rule| Rule {
            file: rule.file.clone(),
            line: rule.line,
            mode: rule.mode,
            policy: rule.policy.clone(),
            interval_secs: rule.interval_secs.and_then(|seconds| i32::try_from(seconds).ok()),
        }),
    };
    if occurrence.environments.is_empty() {
        return vec![row(None)];
    }
    occurrence.environments.iter().map(|environment| row(Some(environment))).collect()
}

/// A finding as it is stored.
pub fn finding(finding: &wire::Finding) -> Finding {
    Finding {
        branch: finding.branch.clone(),
        file: finding.file.clone(),
        line: i32::try_from(finding.line).unwrap_or(i32::MAX),
        column: i32::try_from(finding.column).unwrap_or(i32::MAX),
        code: finding.code.clone(),
        message: finding.message.clone(),
        blocks: finding.blocks,
    }
}

#[cfg(test)]
mod tests;
