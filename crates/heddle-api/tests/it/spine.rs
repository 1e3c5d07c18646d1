//! A tag from the registry to healthy, as an automator, GitHub and an agent tell the API of it.

use chrono::TimeDelta;
use heddle_client::{ClientError, PageQuery};
use heddle_core::{
    change::{Gate, GateKind, Mode, ProposalRef},
    pipeline::{End, Station},
};
use heddle_wire::automator::{
    Done, GatedChange, IntentOutcome, PlanRequest, ProposalState, PullRequestState, ReadReport, UnknownRevision, Work,
};
use uuid::Uuid;

use crate::{
    loom::{Loom, at, revision},
    steps::{lease_read, lease_update, one_change, pull_request_body, push_body, reached, read, until_update},
    told::{IMAGE, agent_report, applied, healthy, plan, planned, pull_request, read_report, written},
};

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
