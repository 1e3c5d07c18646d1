//! A tag from the registry to healthy, as an automator, GitHub and an agent tell the API of it.

use chrono::TimeDelta;
use heddle_client::{ClientError, PageQuery};
use heddle_core::{
    change::{Gate, GateKind, Mode, ProposalRef},
    health::HealthStatus,
    pipeline::{End, KnotState, Station},
    place::Place,
    policy::TagPolicy,
};
use heddle_wire::{
    agent::{
        AgentInfo, ContainerImage, Deploy, DeployFact, Follows, Hint, Report, Source, SyncHealth, SyncReport,
        WorkloadReport,
    },
    automator::{
        BranchReport, CommitReport, Done, EnvironmentReport, GatedChange, GoverningRule, IntentOutcome, Lease,
        Occurrence, PlacedRevision, PlanRequest, PlannedChange, PlannedProposal, PostedIntent, ProposalState,
        PullRequestState, ReadReport, ScanOutcome, ScanReport, ScannedTag, UnknownRevision, UpdateWork, Work,
    },
    view::{ChangeView, CreateReceiver},
};
use uuid::Uuid;

use crate::loom::{Loom, at, revision};

const IMAGE: &str = "registry.example.com/acme/api";

fn place() -> Place {
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
                })
                .collect(),
            rewritten: false,
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
            }],
        }],
        findings: vec![],
        proposals: vec![],
        placed_revisions: vec![],
    }
}

pub fn planned(from: &str, to: &str) -> PlannedChange {
    PlannedChange {
        environment: "prod".parse().unwrap(),
        image: IMAGE.parse().unwrap(),
        from: Some(from.parse().unwrap()),
        to: to.parse().unwrap(),
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

fn source(loom: &Loom) -> Source {
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
        what: Deploy::Applied { images },
    }
}

pub fn healthy(loom: &Loom, head: u32, tag: &str) -> DeployFact {
    let image = format!("{IMAGE}:{tag}").parse().unwrap();
    let what = Deploy::Health { image, status: HealthStatus::Healthy, reason: None };
    DeployFact { sync: sync(), source: source(loom), at: at(50), revision: revision(head), what }
}

/// The spine as far as an update of 1.4.1 to 1.4.2 that is leased: read, scanned.
pub async fn until_update(loom: &Loom) -> Lease {
    read(loom, read_report(&[1], "1.4.1")).await;
    scan(loom, &["1.4.1", "1.4.2"]).await
}

pub async fn read(loom: &Loom, report: ReadReport) {
    let lease = lease_read(loom).await;
    loom.automator.read_report(&lease, &report).await.unwrap();
}

async fn lease_read(loom: &Loom) -> Lease {
    loop {
        let lease = loom.lease().await;
        match &lease.work {
            Work::Read(_) => return lease,
            Work::Update(_) => loom.automator.done(&lease, &Done::default()).await.unwrap(),
            Work::Scan(_) | Work::Test(_) => panic!("a scan is due, not a read"),
        }
    }
}

async fn lease_update(loom: &Loom) -> (Lease, UpdateWork) {
    let lease = loom.lease().await;
    let Work::Update(work) = lease.work.clone() else { panic!("an update is due, not {:?}", lease.work) };
    (lease, work)
}

/// Scans, which is due beside an update that finds no tags yet; gives the update that the scan hands over.
async fn scan(loom: &Loom, tags: &[&str]) -> Lease {
    let report = ScanReport {
        outcome: ScanOutcome::Complete {
            tags: tags.iter().map(|tag| ScannedTag { tag: tag.parse().unwrap(), description: None }).collect(),
            etag: None,
            undescribed: None,
        },
        take_update: true,
        login: None,
    };
    loop {
        let lease = loom.lease().await;
        match &lease.work {
            Work::Scan(work) => {
                assert_eq!(work.image.as_str(), IMAGE);
                return loom.automator.scan_report(&lease, &report).await.unwrap().expect("the update is handed over");
            }
            Work::Update(work) => {
                assert!(work.images.iter().all(|image| image.list.is_none()), "nothing was scanned yet");
                loom.automator.done(&lease, &Done::default()).await.unwrap();
            }
            Work::Read(_) => loom.automator.read_report(&lease, &read_report(&[], "1.4.1")).await.unwrap(),
            Work::Test(_) => panic!("nobody asked for a test"),
        }
    }
}

pub async fn one_change(loom: &Loom) -> ChangeView {
    let page = loom.user.changes(loom.organization, &PageQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1, "{:?}", page.items);
    page.items.into_iter().next().unwrap()
}

fn reached(change: &ChangeView) -> Vec<Station> {
    let done = change.line.knots.iter().filter(|knot| knot.state == KnotState::Done);
    done.map(|knot| knot.station).collect()
}

/// A change of 1.4.1 to 1.4.2 that is merged by the second commit of `main`, and read so.
pub async fn merge_one(loom: &Loom) {
    let update = until_update(loom).await;
    let posted =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    let intent = &posted.intents[0];
    loom.automator.outcome(&update, intent.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let merged = PullRequestState::Merged { revision: revision(2), by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: intent.proposal, state: merged, head: None, ours: true };
    push(loom).await;
    read(loom, ReadReport { proposals: vec![state], ..read_report(&[2], "1.4.2") }).await;
}

/// Reads `main` with these newest commits, as an automator does; gives the revisions that were asked about.
pub async fn read_heads(loom: &Loom, commits: &[u32]) -> Vec<UnknownRevision> {
    push(loom).await;
    let lease = lease_read(loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    let asked = work.unknown_revisions.clone();
    let heads: Vec<_> = commits.iter().map(|number| revision(*number)).collect();
    let placed = |unknown: UnknownRevision| PlacedRevision {
        contains: heads.contains(&unknown.revision).then(|| unknown.revision.clone()),
        revision: unknown.revision,
        branch: unknown.branch,
    };
    let placed_revisions = asked.iter().cloned().map(placed).collect();
    loom.automator
        .read_report(&lease, &ReadReport { placed_revisions, ..read_report(commits, "1.4.2") })
        .await
        .unwrap();
    asked
}

async fn push(loom: &Loom) {
    let delivery = Uuid::new_v4().to_string();
    assert_eq!(loom.webhook("push", &delivery, &push_body(loom), &loom.webhook_secret).await, 202);
}

#[tokio::test]
async fn a_tag_walks_from_the_registry_to_healthy_through_a_pull_request() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    let update = until_update(&loom).await;
    let Work::Update(work) = &update.work else { panic!("no update") };
    assert_eq!(work.images[0].list.as_ref().unwrap().tags.len(), 2);
    // The automator compares it with what it finds at the head, as it would read that.
    assert_eq!(work.asked, Some(read_report(&[1], "1.4.1").fingerprint()));

    let response =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    let posted = &response.intents[0];
    assert_eq!(posted.head_branch.as_ref().unwrap().as_str(), format!("heddle/prod/{}", posted.proposal));
    assert_eq!(reached(&one_change(&loom).await), [Station::Pushed]);
    loom.automator.outcome(&update, posted.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.outcome(&update, posted.id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!(reached(&change), [Station::Pushed, Station::Proposed]);
    assert_eq!(change.line.reason.as_deref(), Some("waits for #41 to be merged"));

    let body = push_body(&loom);
    assert_eq!(loom.webhook("push", "d-1", &body, &loom.webhook_secret).await, 202);
    let merged = PullRequestState::Merged { revision: revision(2), by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: posted.proposal, state: merged, head: None, ours: true };
    read(&loom, ReadReport { proposals: vec![state], ..read_report(&[2], "1.4.2") }).await;
    assert_eq!(reached(&one_change(&loom).await).last(), Some(&Station::Merged));
    assert_eq!(loom.agent.hints(std::time::Duration::ZERO).await.unwrap().hints.len(), 1);

    let report = agent_report(&loom, epoch, 2, vec![applied(&loom, 2, "1.4.2"), healthy(&loom, 2, "1.4.2")]);
    loom.agent.report(&report).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!(change.line.end, Some(End::Healthy));
    assert_eq!(change.line.ended_at, Some(at(50)));
    let times: Vec<_> = change.line.knots.iter().map(|knot| knot.at).collect();
    // Git and its host count whole seconds, and we heard of both long after.
    let end_of = |second| at(second) + TimeDelta::milliseconds(999);
    assert_eq!(times[1..], [Some(end_of(20)), Some(end_of(30)), Some(at(40)), Some(at(50))]);

    let detail = loom.user.change(loom.organization, change.id).await.unwrap();
    assert_eq!((detail.rollouts.len(), detail.rollouts[0].cluster_name.as_str()), (1, "prod-eu"));
    let workloads = loom.user.workloads(loom.organization, &PageQuery::default()).await.unwrap();
    assert_eq!((workloads.total, workloads.items[0].state.as_str()), (1, "up to date"));
    let prod = "prod".parse().unwrap();
    let verdicts = loom.user.verdicts(loom.organization, &prod, &IMAGE.parse().unwrap()).await.unwrap();
    assert_eq!((verdicts.tags.len(), verdicts.current.unwrap().as_str().to_owned()), (2, "1.4.2".to_owned()));
    let steps = loom.user.onboarding(loom.organization).await.unwrap().steps;
    assert!(steps.iter().all(|step| step.done), "{steps:?}");
    assert!(steps.iter().any(|step| step.message == "agent connected, 1 workload seen"), "{steps:?}");
    let status = loom.user.status(loom.organization).await.unwrap();
    assert!(status.automator_seen_at.is_some() && status.clusters_connected == 1);
}

/// The fields of GitHub's payload that are read; its addresses may be others than those we know the host under.
fn webhook_body(loom: &Loom, more: serde_json::Value) -> String {
    let (_, full_name) = loom.repository_url.split_once('/').unwrap();
    let mut body = serde_json::json!({
        "repository": { "id": 1, "full_name": full_name, "html_url": format!("https://elsewhere.example/{full_name}") },
        "installation": { "id": loom.installation },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

fn push_body(loom: &Loom) -> String {
    webhook_body(
        loom,
        serde_json::json!({ "ref": "refs/heads/main", "after": "4b825dc642cb6eb9a060e54bf8d69288fbee4904" }),
    )
}

fn pull_request_body(loom: &Loom, number: u64) -> String {
    webhook_body(loom, serde_json::json!({ "number": number, "pull_request": { "head": { "ref": "heddle/prod/1" } } }))
}

#[tokio::test]
async fn a_commit_is_its_own_merge_and_without_a_cluster_it_ends_there() {
    let loom = Loom::start().await;
    let update = until_update(&loom).await;
    let response = loom.automator.intents(&update, &plan(Mode::Commit, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    let place = ProposalRef::Commit { revision: revision(2), url: None };
    loom.automator.outcome(&update, response.intents[0].id, &written(place, 2)).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!((change.line.end, reached(&change).last()), (Some(End::NoCluster), Some(&Station::Merged)));
}

#[tokio::test]
async fn a_newer_tag_takes_the_open_pull_request_over() {
    let loom = Loom::start().await;
    let update = until_update(&loom).await;
    let first =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    loom.automator.outcome(&update, first.intents[0].id, &written(pull_request(41), 100)).await.unwrap();
    let again = plan(Mode::PullRequest, Some(&first.intents[0]), planned("1.4.1", "1.4.3"));
    let second = loom.automator.intents(&update, &again).await.unwrap();
    assert_eq!(second.intents[0].proposal, first.intents[0].proposal);
    loom.automator.outcome(&update, second.intents[0].id, &written(pull_request(41), 101)).await.unwrap();
    let page = loom.user.changes(loom.organization, &PageQuery::default()).await.unwrap();
    let ends: Vec<_> = page.items.iter().map(|change| (change.to.as_str(), change.line.end)).collect();
    assert_eq!(ends, [("1.4.3", None), ("1.4.2", Some(End::Superseded))]);
}

#[tokio::test]
async fn a_lease_that_was_lost_reports_nothing() {
    let loom = Loom::start().await;
    let lost = loom.lease().await;
    loom.expire_leases().await;
    let next = loom.lease().await;
    assert!(next.fence > lost.fence);
    let refused = loom.automator.read_report(&lost, &read_report(&[1], "1.4.1")).await;
    assert!(matches!(refused, Err(ClientError::LeaseLost)), "{refused:?}");
    assert!(matches!(loom.automator.renew(&lost).await, Err(ClientError::LeaseLost)));
    loom.automator.renew(&next).await.unwrap();
    loom.automator.read_report(&next, &read_report(&[1], "1.4.1")).await.unwrap();
    let ended = loom.automator.read_report(&next, &read_report(&[1], "1.4.1")).await;
    assert!(matches!(ended, Err(ClientError::LeaseLost)), "{ended:?}");
}

#[tokio::test]
async fn a_lost_confirmation_is_settled_by_the_next_update() {
    let loom = Loom::start().await;
    let killed = until_update(&loom).await;
    let posted =
        loom.automator.intents(&killed, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    loom.expire_leases().await;
    let (update, work) = lease_update(&loom).await;
    assert_eq!(work.open_intents.len(), 1);
    let open = &work.open_intents[0];
    assert_eq!((open.id, open.proposal), (posted.intents[0].id, posted.intents[0].proposal));
    assert!(!open.body.contains("{change_url}"), "{}", open.body);
    let late = loom.automator.outcome(&killed, open.id, &written(pull_request(41), 100)).await;
    assert!(matches!(late, Err(ClientError::LeaseLost)), "{late:?}");
    loom.automator.outcome(&update, open.id, &written(pull_request(41), 100)).await.unwrap();
    assert_eq!(reached(&one_change(&loom).await), [Station::Pushed, Station::Proposed]);
    // The same bump planned again is the same change.
    loom.automator
        .intents(&update, &plan(Mode::PullRequest, Some(&posted.intents[0]), planned("1.4.1", "1.4.2")))
        .await
        .unwrap();
    one_change(&loom).await;
}

#[tokio::test]
async fn a_branch_that_moved_leaves_the_change_to_the_next_update() {
    let loom = Loom::start().await;
    let update = until_update(&loom).await;
    let posted =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    loom.automator.outcome(&update, posted.intents[0].id, &IntentOutcome::Moved).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!((change.line.end, change.proposal), (None, None));
    read(&loom, read_report(&[2], "1.4.1")).await;
    let (_, work) = lease_update(&loom).await;
    assert!(work.open_intents.is_empty() && work.open_proposals.is_empty());
}

#[tokio::test]
async fn a_gated_tag_has_a_line_and_comes_back_when_its_gate_opens() {
    let loom = Loom::start().await;
    let update = until_update(&loom).await;
    let gate = Gate { kind: GateKind::Age, reason: "younger than 2 days (.heddle.yaml:4)".into(), until: None };
    let gated = GatedChange {
        change: planned("1.4.1", "1.4.2"),
        base_branch: "main".parse().unwrap(),
        mode: Mode::PullRequest,
        gate,
    };
    let next_due_at = Some(chrono::Utc::now());
    let request = PlanRequest {
        gated: vec![gated],
        next_due_at,
        proposals: vec![],
        ..plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))
    };
    loom.automator.intents(&update, &request).await.unwrap();
    loom.automator.intents(&update, &request).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!(change.line.reason.as_deref(), Some("younger than 2 days (.heddle.yaml:4)"));
    loom.automator.done(&update, &Done::default()).await.unwrap();
    lease_update(&loom).await;
}

#[tokio::test]
async fn an_agent_that_is_ahead_of_the_read_is_understood_later_and_once() {
    let loom = Loom::start().await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&agent_report(&loom, epoch, 1, vec![])).await.unwrap();
    let update = until_update(&loom).await;
    let posted =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    loom.automator.outcome(&update, posted.intents[0].id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    // The health comes before the word that it was applied, and both before the merge is known.
    let early = agent_report(&loom, epoch, 2, vec![healthy(&loom, 2, "1.4.2")]);
    loom.agent.report(&early).await.unwrap();
    let then = agent_report(&loom, epoch, 3, vec![applied(&loom, 2, "1.4.2")]);
    assert_eq!(loom.agent.report(&then).await.unwrap().acknowledged, 3);
    assert_eq!(loom.agent.report(&early).await.unwrap().acknowledged, 3);
    assert_eq!(reached(&one_change(&loom).await).last(), Some(&Station::Proposed));

    let lease = lease_read(&loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    assert_eq!(work.unknown_revisions, [UnknownRevision { branch: "main".parse().unwrap(), revision: revision(2) }]);
    loom.automator.read_report(&lease, &read_report(&[2], "1.4.2")).await.unwrap();
    let change = one_change(&loom).await;
    assert_eq!(change.line.end, Some(End::Healthy));
    let facts = loom.count_facts().await;
    let lost_outbox =
        agent_report(&loom, Uuid::new_v4(), 1, vec![applied(&loom, 2, "1.4.2"), healthy(&loom, 2, "1.4.2")]);
    loom.agent.report(&lost_outbox).await.unwrap();
    assert_eq!(loom.count_facts().await, facts);
}

#[tokio::test]
async fn what_a_person_takes_back_is_barred_and_ends_the_change() {
    let loom = Loom::start().await;
    loom.agent.report(&agent_report(&loom, Uuid::new_v4(), 1, vec![])).await.unwrap();
    let update = until_update(&loom).await;
    let posted =
        loom.automator.intents(&update, &plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"))).await.unwrap();
    loom.automator.outcome(&update, posted.intents[0].id, &written(pull_request(41), 100)).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    assert_eq!(loom.webhook("pull_request", "d-1", &pull_request_body(&loom, 41), &loom.webhook_secret).await, 202);
    let closed = PullRequestState::Closed { by: Some("ada".into()), at: at(30) };
    let state = ProposalState { id: posted.intents[0].proposal, state: closed, head: None, ours: true };
    read(&loom, ReadReport { proposals: vec![state], ..read_report(&[], "1.4.1") }).await;
    assert_eq!(one_change(&loom).await.line.end, Some(End::Declined));
    let (_, work) = lease_update(&loom).await;
    assert_eq!(work.barred.len(), 1);
    assert_eq!((work.barred[0].tag.as_str(), work.barred[0].reason.as_str()), ("1.4.2", "declined by ada (#41)"));
}

#[tokio::test]
async fn forged_and_replayed_webhooks_change_nothing() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    scan(&loom, &["1.4.1"]).await;
    let body = push_body(&loom);
    assert_eq!(loom.webhook("push", "d-1", &body, "not-the-secret").await, 401);
    assert!(loom.try_lease(0).await.is_none());
    assert_eq!(loom.webhook("push", "d-1", &body, &loom.webhook_secret).await, 202);
    read(&loom, read_report(&[], "1.4.1")).await;
    assert_eq!(loom.webhook("push", "d-1", &body, &loom.webhook_secret).await, 202);
    assert!(loom.try_lease(0).await.is_none());
    let large = format!("{body}{}", " ".repeat(2 << 20));
    assert_eq!(loom.webhook("push", "d-2", &large, &loom.webhook_secret).await, 413);
    assert_eq!(loom.webhook("push", "d-3", "{", &loom.webhook_secret).await, 400);
}

#[tokio::test]
async fn what_shuts_us_out_at_github_stands_at_the_repository_until_it_is_undone() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    let (_, full_name) = loom.repository_url.split_once('/').unwrap();
    let error = async || loom.user.repositories(loom.organization).await.unwrap()[0].error.clone();
    let send = async |event: &str, delivery: &str, more: serde_json::Value| {
        let mut body = serde_json::json!({ "installation": { "id": loom.installation } });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(loom.webhook(event, delivery, &body.to_string(), &loom.webhook_secret).await, 202);
    };
    assert_eq!(error().await, None);
    send("installation", "d-1", serde_json::json!({ "action": "suspend" })).await;
    assert!(error().await.unwrap().contains("suspended"));
    send("installation", "d-2", serde_json::json!({ "action": "unsuspend" })).await;
    assert_eq!(error().await, None);
    assert!(loom.try_lease(0).await.is_some(), "it is read again");
    let removed = serde_json::json!({ "action": "removed", "repositories_removed": [{ "full_name": full_name }] });
    send("installation_repositories", "d-3", removed.clone()).await;
    assert!(error().await.unwrap().contains("taken out"));
    let added = serde_json::json!({ "action": "added", "repositories_added": [{ "full_name": full_name }] });
    send("installation_repositories", "d-4", added).await;
    assert_eq!(error().await, None);
    // A replay changes nothing.
    send("installation_repositories", "d-3", removed).await;
    assert_eq!(error().await, None);
    send("installation", "d-5", serde_json::json!({ "action": "deleted" })).await;
    assert!(error().await.unwrap().contains("uninstalled"));
}

#[tokio::test]
async fn a_moved_branch_wakes_the_agents_that_follow_it() {
    let loom = Loom::start().await;
    loom.agent.report(&agent_report(&loom, Uuid::new_v4(), 1, vec![])).await.unwrap();
    let waiting = tokio::spawn({
        let agent = loom.agent.clone();
        async move { agent.hints(std::time::Duration::from_secs(50)).await.unwrap() }
    });
    assert_eq!(loom.webhook("push", "d-1", &push_body(&loom), &loom.webhook_secret).await, 202);
    let hint = Hint::BranchMoved { repository: loom.repository_url.parse().unwrap(), branch: "main".parse().unwrap() };
    assert_eq!(waiting.await.unwrap().hints, [hint]);
}

#[tokio::test]
async fn a_push_notice_makes_the_scan_due_and_says_when_the_tag_was_pushed() {
    let loom = Loom::start().await;
    read(&loom, read_report(&[1], "1.4.1")).await;
    let update = scan(&loom, &["1.4.1"]).await;
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let request = CreateReceiver { name: "registry".into() };
    let made = loom.user.create_receiver(loom.organization, &request).await.unwrap();
    let notice = |secret: &str| {
        let event = serde_json::json!({
            "id": "1", "timestamp": at(10), "action": "push",
            "target": { "repository": "acme/api", "tag": "1.4.2", "mediaType": "application/json" },
            "request": { "host": "registry.example.com" },
        });
        reqwest::Client::new()
            .post(loom.base.join(&format!("webhooks/registry/{}", made.receiver.id)).unwrap())
            .bearer_auth(secret)
            .header("content-type", "application/vnd.docker.distribution.events.v1+json")
            .body(serde_json::json!({ "events": [event] }).to_string())
            .send()
    };
    assert_eq!(notice("hdlr_not-the-secret").await.unwrap().status(), 401);
    assert!(loom.try_lease(0).await.is_none());
    assert_eq!(notice(made.secret.expose()).await.unwrap().status(), 202);
    let update = scan(&loom, &["1.4.1", "1.4.2"]).await;
    let request = plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2"));
    loom.automator.intents(&update, &request).await.unwrap();
    assert_eq!(one_change(&loom).await.line.knots[0].at, Some(at(10)));
}
