//! What an automator and an agent tell of one image in one environment.

use heddle_core::{
    change::{Mode, ProposalRef},
    health::HealthStatus,
    place::Place,
    policy::TagPolicy,
};
use heddle_wire::{
    agent::{
        AgentInfo, ContainerImage, Deploy, DeployFact, Follows, Report, Source, SyncHealth, SyncReport, WorkloadReport,
    },
    automator::{
        BranchReport, CommitReport, EnvironmentReport, GoverningRule, IntentOutcome, Occurrence, PlanRequest,
        PlannedChange, PlannedProposal, PostedIntent, ReadReport, RulesFile,
    },
};
use uuid::Uuid;

use crate::loom::{Loom, at, revision};

pub const IMAGE: &str = "registry.example.com/acme/api";

pub fn place() -> Place {
    Place {
        file: "clusters/prod/kustomization.yaml".into(),
        line: 9,
        object: "Kustomization".into(),
        field: "images[name=api].newTag".into(),
    }
}

/// A read of `main` whose newest commits are `commits`, with `tag` in prod.
pub fn read_report(commits: &[u32], tag: &str) -> ReadReport {
    ReadReport {
        drift: Vec::new(),
        rules: Some(RulesFile { text: None }),
        branches: vec![BranchReport {
            branch: "main".parse().unwrap(),
            revisions: commits
                .iter()
                .map(|number| CommitReport {
                    revision: revision(*number),
                    committed_at: at(i64::from(*number)),
                    author: "ada".into(),
                    subject: "a commit".into(),
                    intents: vec![],
                    pull_request: None,
                    pull_request_known: false,
                })
                .collect(),
            rewritten: false,
            beside: vec![],
        }],
        environments: vec![EnvironmentReport {
            name: "prod".parse().unwrap(),
            path: "clusters/prod".into(),
            branch: "main".parse().unwrap(),
            implicit: false,
            promotion: None,
        }],
        occurrences: vec![Occurrence {
            branch: "main".parse().unwrap(),
            place: place(),
            container: None,
            image: format!("{IMAGE}:{tag}").parse().unwrap(),
            environments: vec!["prod".parse().unwrap()],
            rules: vec![GoverningRule {
                file: ".heddle.yaml".into(),
                environment: "prod".parse().unwrap(),
                line: 4,
                mode: Mode::PullRequest,
                policy: Some(TagPolicy { semver: Some(">=1.0".into()), ..TagPolicy::default() }),
                interval_secs: None,
            }],
        }],
        findings: vec![],
        proposals: vec![],
        placed_revisions: vec![],
        looked_up: vec![],
    }
}

pub fn planned(from: &str, to: &str) -> PlannedChange {
    PlannedChange {
        environment: "prod".parse().unwrap(),
        image: IMAGE.parse().unwrap(),
        from: Some(from.parse().unwrap()),
        to: to.parse().unwrap(),
        from_digest: None,
        to_digest: None,
        places: vec![place()],
        diff: format!("-  newTag: {from}\n+  newTag: {to}\n"),
        why: "semver >=1.0 (.heddle.yaml:4)".into(),
    }
}

pub fn plan(mode: Mode, updates: Option<&PostedIntent>, change: PlannedChange) -> PlanRequest {
    PlanRequest {
        proposals: vec![PlannedProposal {
            updates: updates.map(|posted| posted.proposal),
            request: None,
            mode,
            group: "prod".into(),
            base_branch: "main".parse().unwrap(),
            base: revision(1),
            expected_head: None,
            title: "Update api".into(),
            body: "See {change_url}".into(),
            changes: vec![change],
        }],
        gated: vec![],
        superseded: vec![],
        refused: vec![],
        waiting: vec![],
        findings: vec![],
        next_due_at: None,
    }
}

pub fn pull_request(number: u64) -> ProposalRef {
    ProposalRef::PullRequest { number, url: format!("https://example.com/pull/{number}") }
}

pub fn written(place: ProposalRef, head: u32) -> IntentOutcome {
    IntentOutcome::Written { proposal: place, revision: revision(head), at: at(20) }
}

/// A report with the one Sync at `applied`, and these facts.
pub fn agent_report(loom: &Loom, epoch: Uuid, sequence: u64, facts: Vec<DeployFact>) -> Report {
    let image = format!("{IMAGE}:1.4.2").parse().unwrap();
    Report {
        epoch,
        sequence,
        sent_at: at(30),
        agent: AgentInfo { version: "0.1.0".into(), kubernetes_version: "v1.34.0".into(), started_at: at(0) },
        syncs: vec![SyncReport {
            sync: sync(),
            follows: Follows::Readable(source(loom)),
            suspended: false,
            applied_revision: None,
            attempted_revision: None,
            fetched_at: None,
            conditions: vec![],
            errors: vec![],
            observed: Some(SyncHealth {
                health: HealthStatus::Healthy,
                objects: 3,
                workloads: vec![WorkloadReport {
                    kind: "Deployment".into(),
                    namespace: "shop".into(),
                    name: "api".into(),
                    images: vec![ContainerImage { container: "api".into(), image }],
                    health: HealthStatus::Healthy,
                    reason: None,
                    since: at(30),
                }],
            }),
            drifts: vec![],
            stopped_prune: None,
        }],
        present: Some(vec![sync()]),
        facts,
        rejected: None,
    }
}

pub fn source(loom: &Loom) -> Source {
    Source {
        repository: loom.repository_url.parse().unwrap(),
        branch: "main".parse().unwrap(),
        path: "clusters/prod".into(),
    }
}

pub fn sync() -> heddle_core::name::SyncName {
    heddle_core::name::SyncName { namespace: "heddle-system".into(), name: "prod".into() }
}

pub fn applied(loom: &Loom, head: u32, tag: &str) -> DeployFact {
    let images = vec![format!("{IMAGE}:{tag}").parse().unwrap()];
    DeployFact {
        sync: sync(),
        source: source(loom),
        at: at(40),
        revision: revision(head),
        what: Deploy::Applied { images, changed: None },
    }
}

pub fn healthy(loom: &Loom, head: u32, tag: &str) -> DeployFact {
    let image = format!("{IMAGE}:{tag}").parse().unwrap();
    let what = Deploy::Health { image, status: HealthStatus::Healthy, reason: None };
    DeployFact { sync: sync(), source: source(loom), at: at(50), revision: revision(head), what }
}
