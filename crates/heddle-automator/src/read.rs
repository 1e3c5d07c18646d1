//! `read`: says what stands in a repository, what came to its branches, and what became of what was proposed.

mod ancestry;
mod history;
mod lookup;

use heddle_core::git::Revision;
use heddle_github::{GitHubError, PullRequestState as GitHubState, RepositoryClient};
use heddle_manifest::{
    Config,
    config::{Expectation, MAX_CONFIG_BYTES},
    find::Occurrence as FoundOccurrence,
};
use heddle_wire::automator::{
    DriftExpectation, GoverningRule, Lease, LookedUp, Occurrence, PlacedRevision, ProposalState, PullRequestState,
    ReadReport, ReadWork, RulesFile, UnknownRevision,
};

use tokio::time::{Instant, timeout_at};

use crate::{
    context::Context,
    error::WorkError,
    github,
    limits::{LOOKS_DEADLINE, LOOKS_END, MAX_COMMITS},
    plan::{self, Branch},
    repository::{Checkout, heads},
};

/// Reads and reports; that ends the lease.
pub(crate) async fn read(context: &Context, lease: &Lease, work: &ReadWork) -> Result<(), WorkError> {
    let begun = Instant::now();
    let github = github::client(context, &work.repository)?;
    // Pull requests first: one that is merged meanwhile shows its tag in what is fetched after.
    let proposals = states(&github, work).await?;
    let checkout = Checkout::read(context, &work.repository, &work.sync_paths).await?;
    let known = heads(&work.known_heads);
    let mut branches = Vec::new();
    let mut placed = Vec::new();
    for branch in &checkout.branches {
        branches.push(history::since(&github, branch, known.get(&branch.name).copied()).await?);
    }
    for unknown in &work.unknown_revisions {
        match place(&github, &checkout.branches, unknown).await {
            Ok(found) => placed.push(found),
            Err(limited @ GitHubError::RateLimited { .. }) => return Err(limited.into()),
            // The read does not depend on it either; the next one tries again.
            Err(error) => {
                let revision = &unknown.revision;
                tracing::warn!(%revision, %error, "where {revision} stands on `{}` is not known", unknown.branch);
            }
        }
    }
    let (mut looked_up, until) = (Vec::new(), (Instant::now() + LOOKS_DEADLINE).min(begun + LOOKS_END));
    for wanted in &work.wanted_commits {
        // The read does not depend on it. What there was no time for waits for the next one.
        match timeout_at(until, lookup::look_up(&github, &checkout.branches, wanted)).await {
            Ok(Ok(found)) => looked_up.push(found),
            Ok(Err(limited @ GitHubError::RateLimited { .. })) => return Err(limited.into()),
            Ok(Err(error)) => {
                tracing::warn!(%wanted, %error, "{wanted} could not be looked for");
                looked_up.push(LookedUp { wanted: wanted.clone(), found: None, failed: true });
            }
            // One that took all of the time would take it each time, from all others too.
            Err(_) if looked_up.is_empty() => {
                tracing::warn!(%wanted, "{wanted} could not be looked for within {} s", LOOKS_DEADLINE.as_secs());
                looked_up.push(LookedUp { wanted: wanted.clone(), found: None, failed: true });
                break;
            }
            Err(_) => break,
        }
    }
    let report = ReadReport {
        branches,
        occurrences: checkout.branches.iter().flat_map(|branch| occurrences(&checkout.config, branch)).collect(),
        drift: checkout.config.expectations.iter().map(expectation).collect(),
        rules: rules(checkout.rules_file),
        environments: checkout.environments,
        findings: checkout.findings,
        proposals,
        placed_revisions: placed,
        looked_up,
    };
    Ok(context.api.read_report(lease, &report).await?)
}

/// Where a revision that an agent reported stands on the branch that it was applied from.
async fn place(
    github: &RepositoryClient,
    branches: &[Branch],
    unknown: &UnknownRevision,
) -> Result<PlacedRevision, GitHubError> {
    let UnknownRevision { branch, revision } = unknown.clone();
    let contains = match branches.iter().find(|read| read.name == branch) {
        Some(read) => contained(github, &read.head, &revision).await?,
        None => None,
    };
    Ok(PlacedRevision { revision, branch, contains })
}

/// The newest revision of a branch's own line that a revision of the branch contains.
async fn contained(
    github: &RepositoryClient,
    head: &Revision,
    revision: &Revision,
) -> Result<Option<Revision>, GitHubError> {
    if head == revision {
        return Ok(Some(head.clone()));
    }
    match github.compare(revision, head).await {
        Ok(comparison) if github::contains(&comparison) => {}
        Ok(_) | Err(GitHubError::NotFound { .. }) => return Ok(None),
        Err(other) => return Err(other),
    }
    let line = github.list_commits(head, Some(revision), MAX_COMMITS).await?;
    // A commit of a merged branch stands on no first-parent line, and which one it contains is not worth the search.
    Ok(line.reached.then(|| revision.clone()))
}

async fn states(github: &RepositoryClient, work: &ReadWork) -> Result<Vec<ProposalState>, GitHubError> {
    let mut states = Vec::new();
    for proposal in &work.open_proposals {
        let Some(pull) = github::pull_request(github, proposal).await? else { continue };
        let ours = github::is_ours(github, &work.repository, proposal, &pull).await?;
        let state = match pull.state {
            GitHubState::Open { waits_for } => {
                PullRequestState::Open { waits_for: waits_for.map(|what| what.to_string()) }
            }
            GitHubState::Merged { revision, by, at } => PullRequestState::Merged { revision, by, at },
            GitHubState::Closed { by, at } => PullRequestState::Closed { by, at },
        };
        states.push(ProposalState { id: proposal.id, state, head: Some(pull.head_revision), ours });
    }
    Ok(states)
}

/// `.heddle.yaml`, where its text can be told and is not too long to be read.
fn rules(file: plan::RulesFile) -> Option<RulesFile> {
    match file {
        plan::RulesFile::Missing => Some(RulesFile { text: None }),
        plan::RulesFile::Text(text) if text.len() as u64 <= MAX_CONFIG_BYTES => Some(RulesFile { text: Some(text) }),
        plan::RulesFile::Text(_) | plan::RulesFile::Unreadable => None,
    }
}

fn expectation(one: &Expectation) -> DriftExpectation {
    DriftExpectation {
        line: one.line,
        repository: one.repository.clone(),
        environment: one.environment.clone(),
        tool: one.tool,
        source: one.source.clone(),
        every_secs: one.every.num_seconds(),
    }
}

fn occurrences(config: &Config, branch: &Branch) -> Vec<Occurrence> {
    let all = branch.found.occurrences.iter().map(|occurrence| (occurrence.is_chart, wire(config, branch, occurrence)));
    // A chart that no rule names is followed by nobody, and is no image to write a rule for.
    all.filter(|(is_chart, told)| !is_chart || !told.rules.is_empty()).map(|(_, told)| told).collect()
}

fn wire(config: &Config, branch: &Branch, occurrence: &FoundOccurrence) -> Occurrence {
    let rules = occurrence.environments.iter().filter_map(|environment| {
        let ruling = config.ruling(occurrence, environment)?;
        Some(GoverningRule {
            environment: environment.clone(),
            file: ruling.file.clone(),
            line: ruling.line,
            mode: ruling.mode,
            policy: ruling.policy.clone(),
            interval_secs: ruling.interval.map(|interval| interval.num_seconds().unsigned_abs()),
        })
    });
    Occurrence {
        branch: branch.name.clone(),
        place: occurrence.place.clone(),
        container: occurrence.container.clone(),
        image: occurrence.image.clone(),
        environments: occurrence.environments.clone(),
        rules: rules.collect(),
    }
}
