//! Where a commit is, and what ran when: what reads and agents told, over HTTP.

use chrono::{DateTime, Utc};
use heddle_client::PageQuery;
use heddle_core::{
    health::HealthStatus,
    pipeline::{KnotState, RevisionEnd},
    pull_request::{BringingPullRequest, PullRequestFate},
};
use heddle_db::{
    applied_revisions,
    retention::{self, Ages},
};
use heddle_wire::{
    agent::{Condition, Deploy, DeployFact, Follows, Report},
    automator::{BesideCommit, CarriedCommit, CommitReport, FoundCommit, LookedUp, ReadReport, Work},
    view::{LookForRevision, RevisionView},
};
use uuid::Uuid;

use crate::{
    loom::{Loom, at, revision},
    steps::{lease_read, push, read},
    told::{self, agent_report},
};

/// A read of `main` with these newest commits, and nothing in it that a rule governs.
fn heads(commits: &[u32]) -> ReadReport {
    ReadReport { occurrences: vec![], ..told::read_report(commits, "1.4.1") }
}

fn applied(loom: &Loom, head: u32, second: i64, changed: Option<u64>) -> DeployFact {
    let images = vec![format!("ghcr.io/acme/api:1.{head}").parse().unwrap()];
    let what = Deploy::Applied { images, changed };
    DeployFact { at: at(second), what, ..told::applied(loom, head, "1.4.2") }
}

/// A report of what the Sync applied last, healthy since a second where one is given.
fn report(loom: &Loom, epoch: Uuid, sequence: u64, facts: Vec<DeployFact>, healthy: Option<i64>) -> Report {
    let mut report = agent_report(loom, epoch, sequence, facts);
    let state = &mut report.syncs[0];
    state.applied_revision = report.facts.last().map(|fact| fact.revision.clone());
    state.attempted_revision = state.applied_revision.clone();
    let observed = state.observed.as_mut().unwrap();
    observed.health = if healthy.is_some() { HealthStatus::Healthy } else { HealthStatus::Progressing };
    state.conditions = vec![Condition {
        kind: "Healthy".into(),
        status: if healthy.is_some() { "True" } else { "False" }.into(),
        reason: "Told".into(),
        message: if healthy.is_some() { "" } else { "api: 0 of 1 ready" }.into(),
        since: at(healthy.unwrap_or(0)),
    }];
    report
}

async fn find(loom: &Loom, head: u32) -> RevisionView {
    let answer = loom.user.find_revision(loom.organization, &revision(head).to_string(), None).await.unwrap();
    assert_eq!(answer.found.len(), 1, "{answer:?}");
    answer.found.into_iter().next().unwrap()
}

fn states(view: &RevisionView) -> Vec<KnotState> {
    view.line.knots.iter().map(|knot| knot.state).collect()
}

fn pull(number: u64, end: PullRequestFate) -> BringingPullRequest {
    BringingPullRequest {
        number,
        title: "Raise the limit".into(),
        url: format!("https://example.org/{number}"),
        author: "grace".into(),
        base: "main".parse().unwrap(),
        opened_at: at(-60),
        end,
    }
}

fn commit(number: u32) -> CommitReport {
    CommitReport {
        revision: revision(number),
        committed_at: at(i64::from(number)),
        author: "grace".into(),
        subject: "Raise the limit".into(),
        intents: vec![],
        pull_request: None,
        pull_request_known: false,
    }
}

#[tokio::test]
async fn a_commit_is_followed_until_a_revision_that_contains_it_is_healthy() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, None)], Some(12))).await.unwrap();
    push(&loom).await;
    let mut more = heads(&[2, 3]);
    let merge = PullRequestFate::Merged { revision: revision(3), at: at(15) };
    more.branches[0].revisions[1].pull_request = Some(pull(7, merge));
    more.branches[0].beside = vec![BesideCommit { commit: commit(9), carried_by: revision(3) }];
    read(&loom, more).await;

    let waiting = find(&loom, 2).await;
    use KnotState::{Done, Moving, NotYet};
    assert_eq!(states(&waiting), [Done, Done, Moving, NotYet], "the Sync applied what was before it");
    assert_eq!((waiting.author.as_deref(), waiting.subject.as_deref()), (Some("ada"), Some("a commit")));

    loom.agent.report(&report(&loom, epoch, 2, vec![applied(&loom, 3, 20, Some(2))], None)).await.unwrap();
    let applied_now = find(&loom, 2).await;
    assert_eq!(states(&applied_now), [Done, Done, Done, Moving]);
    assert_eq!(applied_now.line.reason.as_deref(), Some("api: 0 of 1 ready"));
    assert_eq!(applied_now.syncs[0].line.contained_in, Some(revision(3)));
    assert_eq!(applied_now.syncs[0].line.changed, Some(2));

    let mut healthy = report(&loom, epoch, 3, vec![], Some(30));
    healthy.syncs[0].applied_revision = Some(revision(3));
    loom.agent.report(&healthy).await.unwrap();
    for number in [2, 3, 9] {
        let done = find(&loom, number).await;
        assert_eq!(done.line.end, Some(RevisionEnd::Healthy), "{number}");
        assert_eq!(done.line.knots[3].at, Some(at(30)), "{number}");
    }
    let beside = find(&loom, 9).await;
    assert_eq!((beside.carried_by, beside.pull_request.map(|pull| pull.number)), (Some(revision(3)), Some(7)));
    assert_eq!(beside.line.knots[0].at, Some(at(-60)), "a pull request was opened then");
    // The first one stood on the branch before anybody saw.
    assert_eq!(find(&loom, 1).await.line.knots[1].at, None);
}

#[tokio::test]
async fn a_revision_that_changes_nothing_says_so() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    read(&loom, heads(&[2])).await;
    let facts = vec![applied(&loom, 1, 10, None), applied(&loom, 2, 20, Some(0))];
    loom.agent.report(&report(&loom, Uuid::new_v4(), 1, facts, None)).await.unwrap();
    let view = find(&loom, 2).await;
    assert_eq!((view.line.end, view.syncs[0].line.changed), (Some(RevisionEnd::Unchanged), Some(0)));
}

#[tokio::test]
async fn the_state_of_a_sync_suffices_where_its_facts_were_lost() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    read(&loom, heads(&[2, 3])).await;
    let mut state = report(&loom, Uuid::new_v4(), 1, vec![], Some(15));
    state.syncs[0].applied_revision = Some(revision(2));
    loom.agent.report(&state).await.unwrap();
    let view = find(&loom, 2).await;
    assert_eq!(view.line.end, Some(RevisionEnd::Healthy), "{:?}", view.line);
    assert!(view.syncs[0].line.applied.inferred && view.syncs[0].line.changed.is_none());
    assert_eq!(find(&loom, 3).await.line.knots[2].state, KnotState::Moving, "what it has not applied it has not");
}

#[tokio::test]
async fn after_a_rewrite_nothing_is_said_to_contain_what_was_before() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    read(&loom, heads(&[2])).await;
    push(&loom).await;
    let mut rewritten = heads(&[3]);
    rewritten.branches[0].rewritten = true;
    read(&loom, rewritten).await;
    push(&loom).await;
    read(&loom, heads(&[4])).await;
    loom.agent.report(&report(&loom, Uuid::new_v4(), 1, vec![applied(&loom, 4, 20, None)], Some(21))).await.unwrap();
    let lost = find(&loom, 2).await;
    assert_eq!(lost.line.knots[2].state, KnotState::Waiting, "{:?}", lost.line);
    assert!(lost.note.as_ref().unwrap().contains("rewritten"), "{:?}", lost.note);
    assert_eq!(lost.line.reason, lost.note);
    assert_eq!(find(&loom, 3).await.line.end, Some(RevisionEnd::Healthy));
}

#[tokio::test]
async fn a_commit_that_no_read_met_is_looked_for_when_somebody_asks() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2])).await;
    let wanted = revision(0xabc).to_string();
    let before = loom.user.find_revision(loom.organization, &wanted, None).await.unwrap();
    assert!(before.found.is_empty() && before.looking.is_empty());
    assert_eq!(before.unasked.len(), 1);
    let look = LookForRevision { repository: None };
    let looking = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    assert_eq!(looking.repositories, before.unasked);
    let lease = lease_read(&loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    assert_eq!(work.wanted_commits, std::slice::from_ref(&wanted));
    let open = CommitReport { pull_request: Some(pull(8, PullRequestFate::Open)), ..commit(0xabc) };
    let found = FoundCommit { commit: open, carried: vec![], far_back: vec![] };
    let looked_up = vec![LookedUp { wanted: wanted.clone(), found: Some(found), failed: false }];
    loom.automator.read_report(&lease, &ReadReport { looked_up, ..heads(&[]) }).await.unwrap();
    let view = find(&loom, 0xabc).await;
    assert_eq!((view.branch, view.line.reason.as_deref()), (None, Some("waits for #8 to be merged")));
    assert!(view.looked_at.is_some());

    // Squashed into the second commit of `main`.
    let merged = PullRequestFate::Merged { revision: revision(2), at: at(30) };
    let squashed = CommitReport { pull_request: Some(pull(8, merged)), ..commit(0xdef) };
    let carried = vec![CarriedCommit { branch: "main".parse().unwrap(), by: commit(2) }];
    let found = FoundCommit { commit: squashed, carried, far_back: vec![] };
    let wanted = revision(0xdef).to_string();
    loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    let looked_up = vec![LookedUp { wanted, found: Some(found), failed: false }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let view = find(&loom, 0xdef).await;
    assert_eq!((view.carried_by, view.line.knots[1].at), (Some(revision(2)), Some(at(30))));

    // Asked for in vain.
    let wanted = revision(0xfff).to_string();
    loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    let looked_up = vec![LookedUp { wanted: wanted.clone(), found: None, failed: false }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let none = loom.user.find_revision(loom.organization, &wanted, None).await.unwrap();
    assert_eq!((none.found.len(), none.absent.len()), (0, 1));
}

#[tokio::test]
async fn what_is_no_id_is_refused_and_a_beginning_finds_all_that_begin_so() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2])).await;
    for wrong in ["main", "00000", "0000000g"] {
        let error = loom.user.find_revision(loom.organization, wrong, None).await.unwrap_err();
        assert!(error.to_string().contains("hexadecimal"), "{error}");
    }
    let both = loom.user.find_revision(loom.organization, "00000000", None).await.unwrap();
    assert_eq!(both.found.len(), 2);
    let elsewhere = "acme/elsewhere".parse().unwrap();
    let error = loom.user.find_revision(loom.organization, "00000000", Some(&elsewhere)).await.unwrap_err();
    assert!(error.to_string().contains("acme/elsewhere"), "{error}");
}

async fn ran(loom: &Loom, instant: DateTime<Utc>) -> Vec<String> {
    let page = loom.user.past(loom.organization, instant, &PageQuery::default()).await.unwrap();
    page.items
        .iter()
        .map(|one| {
            let images: Vec<String> = one.images.iter().map(ToString::to_string).collect();
            format!("{} {} {} {}", one.environment, one.revision.short(), images.join(","), one.healthy_at.is_some())
        })
        .collect()
}

#[tokio::test]
async fn what_ran_at_an_instant_is_told_from_what_was_applied() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2, 3])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, None)], Some(15))).await.unwrap();
    // What is told late is told of its own time.
    let facts = vec![applied(&loom, 2, 20, Some(1)), applied(&loom, 3, 30, Some(1))];
    loom.agent.report(&report(&loom, epoch, 2, facts, None)).await.unwrap();
    assert_eq!(ran(&loom, at(9)).await, Vec::<String>::new());
    assert_eq!(ran(&loom, at(10)).await, ["prod 0000000 ghcr.io/acme/api:1.1 false"]);
    assert_eq!(ran(&loom, at(19)).await, ["prod 0000000 ghcr.io/acme/api:1.1 true"]);
    assert_eq!(ran(&loom, at(29)).await, ["prod 0000000 ghcr.io/acme/api:1.2 false"]);
    assert_eq!(ran(&loom, at(30)).await, ["prod 0000000 ghcr.io/acme/api:1.3 false"]);
    let page = loom.user.past(loom.organization, at(25), &PageQuery::default()).await.unwrap();
    assert_eq!((page.known_since, page.items[0].until), (Some(at(10)), Some(at(30))));
    assert_eq!((page.items[0].subject.as_deref(), page.items[0].author.as_deref()), (Some("a commit"), Some("ada")));

    let other = PageQuery { environment: Some("staging".parse().unwrap()), ..PageQuery::default() };
    assert!(loom.user.past(loom.organization, at(30), &other).await.unwrap().items.is_empty());
    let error = loom.user.past(loom.organization, Utc::now() + chrono::TimeDelta::days(1), &other).await.unwrap_err();
    assert!(error.to_string().contains("passed"), "{error}");

    // The Sync is gone: what it ran then stays known.
    let gone = Report { syncs: vec![], present: Some(vec![]), ..agent_report(&loom, epoch, 3, vec![]) };
    loom.agent.report(&gone).await.unwrap();
    assert_eq!(ran(&loom, Utc::now()).await, Vec::<String>::new());
    assert_eq!(ran(&loom, at(30)).await, ["prod 0000000 ghcr.io/acme/api:1.3 false"]);
    let ended = loom.user.past(loom.organization, at(30), &PageQuery::default()).await.unwrap().items[0].until.unwrap();

    // One of the same name that is made later does not make the first one last.
    let mut later = applied(&loom, 3, 0, None);
    later.at = Utc::now() + chrono::TimeDelta::minutes(5);
    loom.agent.report(&report(&loom, epoch, 4, vec![later], None)).await.unwrap();
    let page = loom.user.past(loom.organization, at(30), &PageQuery::default()).await.unwrap();
    assert_eq!(page.items[0].until, Some(ended));
}

#[tokio::test]
async fn a_repository_is_looked_through_so_often_and_not_more() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let look = LookForRevision { repository: None };
    for number in 0..60 {
        let wanted = revision(0xa000 + number).to_string();
        loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    }
    let wanted = revision(0xb000).to_string();
    let error = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap_err();
    assert!(error.to_string().contains("within an hour"), "{error}");
    // Ten a read, one after the other, without anybody asking again.
    let lease = lease_read(&loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    let looked_up: Vec<LookedUp> =
        work.wanted_commits.iter().map(|one| LookedUp { wanted: one.clone(), found: None, failed: false }).collect();
    assert_eq!(looked_up.len(), 10);
    loom.automator.read_report(&lease, &ReadReport { looked_up, ..heads(&[]) }).await.unwrap();
    let lease = lease_read(&loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    assert_eq!(work.wanted_commits.len(), 10);
}

#[tokio::test]
async fn a_commit_that_was_looked_for_stays_on_its_branch_after_a_sweep() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2])).await;
    // Older than all that was read: carried by a merge of which no Sync told.
    let wanted = revision(0xdef).to_string();
    loom.user.look_for_revision(loom.organization, &wanted, &LookForRevision { repository: None }).await.unwrap();
    let carried = vec![CarriedCommit { branch: "main".parse().unwrap(), by: commit(0xabc) }];
    let found = FoundCommit { commit: commit(0xdef), carried, far_back: vec![] };
    let looked_up = vec![LookedUp { wanted, found: Some(found), failed: false }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let before = find(&loom, 0xdef).await;
    assert_eq!(
        (before.branch.as_ref().map(|branch| branch.as_str()), before.carried_by),
        (Some("main"), Some(revision(0xabc)))
    );

    let forgotten = retention::prune(&loom.app.db, &Ages::default(), Utc::now()).await.unwrap();
    assert_eq!(forgotten.failures, 0);
    let after = find(&loom, 0xdef).await;
    assert_eq!((after.branch, after.carried_by), (before.branch, Some(revision(0xabc))));

    // When it is forgotten nobody takes it for one that was not merged.
    let later = Utc::now() + chrono::TimeDelta::days(36_500);
    retention::prune(&loom.app.db, &Ages::default(), later).await.unwrap();
    let answer = loom.user.find_revision(loom.organization, &revision(0xdef).to_string(), None).await.unwrap();
    assert_eq!((answer.found.len(), answer.absent.len(), answer.unasked.len()), (0, 0, 1));
}

#[tokio::test]
async fn a_revision_that_is_applied_again_after_a_failure_becomes_healthy() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let epoch = Uuid::new_v4();
    let failed = DeployFact {
        at: at(11),
        what: Deploy::Failed { images: vec![], errors: vec![] },
        ..applied(&loom, 1, 11, None)
    };
    let facts = vec![applied(&loom, 1, 10, None), failed, applied(&loom, 1, 12, None)];
    loom.agent.report(&report(&loom, epoch, 1, facts, None)).await.unwrap();
    let mut healthy = report(&loom, epoch, 2, vec![], Some(15));
    healthy.syncs[0].applied_revision = Some(revision(1));
    loom.agent.report(&healthy).await.unwrap();
    let view = find(&loom, 1).await;
    assert_eq!(view.line.end, Some(RevisionEnd::Healthy), "{:?}", view.line);
    assert_eq!((view.line.knots[2].at, view.line.knots[3].at), (Some(at(10)), Some(at(15))));
}

#[tokio::test]
async fn a_sync_that_went_before_it_was_healthy_keeps_no_line_waiting() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, Some(1))], None)).await.unwrap();
    assert_eq!(find(&loom, 1).await.line.end, None);
    let gone = Report { syncs: vec![], present: Some(vec![]), ..agent_report(&loom, epoch, 2, vec![]) };
    loom.agent.report(&gone).await.unwrap();
    let view = find(&loom, 1).await;
    assert_eq!((view.line.end, view.syncs[0].line.left_out), (Some(RevisionEnd::Left), true), "{:?}", view.line);
    assert_eq!(view.syncs[0].line.applied.at, Some(at(10)));
}

#[tokio::test]
async fn after_a_rewrite_what_was_not_healthy_yet_waits_for_nothing() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, Some(1))], None)).await.unwrap();
    push(&loom).await;
    let mut rewritten = heads(&[3]);
    rewritten.branches[0].rewritten = true;
    read(&loom, rewritten).await;
    loom.agent.report(&report(&loom, epoch, 2, vec![applied(&loom, 3, 20, Some(1))], Some(25))).await.unwrap();
    assert_eq!(find(&loom, 3).await.line.end, Some(RevisionEnd::Healthy));
    let before = find(&loom, 1).await;
    assert_eq!((before.line.end, before.line.knots[3].at), (Some(RevisionEnd::Left), None), "{:?}", before.line);
}

#[tokio::test]
async fn what_was_applied_before_a_branch_came_back_stays_where_it_was() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    read(&loom, heads(&[2])).await;
    let facts = vec![applied(&loom, 2, 20, Some(1))];
    loom.agent.report(&report(&loom, Uuid::new_v4(), 1, facts, Some(25))).await.unwrap();
    assert_eq!(find(&loom, 1).await.line.end, Some(RevisionEnd::Healthy), "contained in 2");
    // To another commit by force, and back.
    for head in [3, 2] {
        push(&loom).await;
        let mut rewritten = heads(&[head]);
        rewritten.branches[0].rewritten = true;
        read(&loom, rewritten).await;
    }
    let view = find(&loom, 1).await;
    assert_eq!(
        (view.line.end, view.syncs[0].line.contained_in.clone()),
        (Some(RevisionEnd::Healthy), Some(revision(2)))
    );
}

#[tokio::test]
async fn a_later_state_completes_a_line_of_which_the_last_facts_were_lost() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    read(&loom, heads(&[2, 3])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 2, 20, Some(1))], None)).await.unwrap();
    let mut state = report(&loom, epoch, 2, vec![], Some(35));
    state.syncs[0].applied_revision = Some(revision(3));
    loom.agent.report(&state).await.unwrap();
    let view = find(&loom, 2).await;
    assert_eq!(view.line.end, Some(RevisionEnd::Healthy), "{:?}", view.line);
    // When it was heard of first stays, however often it is told again.
    let heard = find(&loom, 3).await.line.knots[2].at;
    state.sequence = 3;
    state.syncs[0].errors = vec![];
    state.syncs[0].fetched_at = Some(at(99));
    state.syncs[0].suspended = true;
    loom.agent.report(&state).await.unwrap();
    assert_eq!(find(&loom, 3).await.line.knots[2].at, heard);
}

#[tokio::test]
async fn a_clock_that_was_put_back_makes_nothing_run_again_that_was_replaced() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2, 3])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 30, None)], Some(31))).await.unwrap();
    loom.agent.report(&report(&loom, epoch, 2, vec![applied(&loom, 2, 10, None)], Some(12))).await.unwrap();
    assert_eq!(ran(&loom, at(40)).await, ["prod 0000000 ghcr.io/acme/api:1.2 true"]);
    assert_eq!(find(&loom, 2).await.line.end, Some(RevisionEnd::Healthy));
    // One that goes ahead is taken for no later than now.
    let ahead = DeployFact { at: Utc::now() + chrono::TimeDelta::hours(9), ..applied(&loom, 3, 0, None) };
    loom.agent.report(&report(&loom, epoch, 3, vec![ahead], None)).await.unwrap();
    assert_eq!(ran(&loom, Utc::now()).await, ["prod 0000000 ghcr.io/acme/api:1.3 false"]);
}

#[tokio::test]
async fn a_pull_request_that_nobody_asked_for_is_not_none() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    push(&loom).await;
    let mut more = heads(&[2, 3]);
    more.branches[0].revisions[1].pull_request_known = true;
    read(&loom, more).await;
    assert!(!find(&loom, 2).await.pull_request_known);
    assert!(find(&loom, 3).await.pull_request_known);

    // The look finds out, and what a read was told stays.
    let merge = |number, head| pull(number, PullRequestFate::Merged { revision: revision(head), at: at(30) });
    for (head, number) in [(2, 7), (3, 8)] {
        let wanted = revision(head).to_string();
        loom.user.look_for_revision(loom.organization, &wanted, &LookForRevision { repository: None }).await.unwrap();
        let by = CommitReport { pull_request: Some(merge(number, head)), ..commit(head) };
        let carried = vec![CarriedCommit { branch: "main".parse().unwrap(), by: by.clone() }];
        let found = FoundCommit { commit: by, carried, far_back: vec![] };
        let looked_up = vec![LookedUp { wanted, found: Some(found), failed: false }];
        read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    }
    let asked = find(&loom, 2).await;
    assert_eq!((asked.pull_request_known, asked.pull_request.map(|pull| pull.number)), (true, Some(7)));
    assert_eq!(find(&loom, 3).await.pull_request, None, "it was pushed to the branch itself");
}

#[tokio::test]
async fn one_commit_that_is_asked_for_again_and_again_uses_up_the_looks() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let look = LookForRevision { repository: None };
    let wanted = revision(0xa00).to_string();
    let mut owner = loom.owner().await;
    for round in 0..60 {
        let looking = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
        assert_eq!(looking.repositories.len(), 1, "{round}");
        // As if it had been answered a while ago.
        sqlx::query(
            "update revision_looks set asked_at = now() - interval '1 minute', answered_at = now() - interval '30 seconds'",
        )
        .execute(&mut owner)
        .await
        .unwrap();
    }
    let error = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap_err();
    assert!(error.to_string().contains("within an hour"), "{error}");
}

#[tokio::test]
async fn what_was_found_stays_known_while_it_is_looked_for_again() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let look = LookForRevision { repository: None };
    let wanted = revision(0xabc).to_string();
    loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    let open = CommitReport { pull_request: Some(pull(8, PullRequestFate::Open)), ..commit(0xabc) };
    let found = FoundCommit { commit: open, carried: vec![], far_back: vec![] };
    let looked_up = vec![LookedUp { wanted: wanted.clone(), found: Some(found), failed: false }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let mut owner = loom.owner().await;
    let earlier = "update revision_looks set asked_at = asked_at - interval '1 hour', answered_at = answered_at - interval '1 hour'";
    sqlx::query(earlier).execute(&mut owner).await.unwrap();
    loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    let answer = async || loom.user.find_revision(loom.organization, &wanted, None).await.unwrap();
    let meanwhile = answer().await;
    assert_eq!((meanwhile.found.len(), meanwhile.looking.len()), (1, 1));
    // The host did not answer: what was known is known still, and nothing waits.
    let looked_up = vec![LookedUp { wanted: wanted.clone(), found: None, failed: true }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let after = answer().await;
    assert_eq!((after.found.len(), after.looking.len(), after.unasked.len()), (1, 0, 0));
}

#[tokio::test]
async fn a_revision_of_elsewhere_is_shown_where_it_runs_and_without_a_merge() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let elsewhere: heddle_core::git::RepoUrl = "git.example.org/acme/other".parse().unwrap();
    let follow = |mut report: Report| {
        for fact in &mut report.facts {
            fact.source.repository = elsewhere.clone();
        }
        let Follows::Readable(source) = &mut report.syncs[0].follows else { panic!("it is readable") };
        source.repository = elsewhere.clone();
        report
    };
    let epoch = Uuid::new_v4();
    loom.agent
        .report(&follow(report(&loom, epoch, 1, vec![applied(&loom, 0xabc, 10, Some(2))], Some(12))))
        .await
        .unwrap();
    let asked = revision(0xabc).to_string();
    let answer = loom.user.find_revision(loom.organization, &asked, None).await.unwrap();
    assert!(answer.found.is_empty());
    let [one] = &answer.unplaced[..] else { panic!("{answer:?}") };
    assert_eq!((&one.repository_url, one.revision.to_string()), (&elsewhere, asked));
    assert!(one.note.contains("is not connected"), "{}", one.note);
    let line = &one.syncs[0].line;
    assert_eq!((line.applied.at, line.healthy.at, line.left_out), (Some(at(10)), Some(at(12)), false));

    // What it moved on from before it was well says that.
    let facts = vec![applied(&loom, 0xdef, 20, Some(1)), applied(&loom, 0xfed, 30, Some(1))];
    loom.agent.report(&follow(report(&loom, epoch, 2, facts, Some(35)))).await.unwrap();
    let answer = loom.user.find_revision(loom.organization, &revision(0xdef).to_string(), None).await.unwrap();
    let line = &answer.unplaced[0].syncs[0].line;
    assert_eq!((line.left_out, line.healthy.at), (true, None), "{line:?}");
    assert!(line.reason.as_ref().unwrap().contains("not known to contain it"), "{line:?}");
    // Another repository's commits are not asked about.
    let config = "acme/config".parse().unwrap();
    let answer = loom.user.find_revision(loom.organization, &revision(0xdef).to_string(), Some(&config)).await.unwrap();
    assert!(answer.unplaced.is_empty());
}

#[tokio::test]
async fn what_a_replica_of_before_stored_in_its_way_is_taken_over() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2])).await;
    let facts = vec![applied(&loom, 1, 10, None), applied(&loom, 2, 20, None)];
    loom.agent.report(&report(&loom, Uuid::new_v4(), 1, facts, None)).await.unwrap();
    let mut owner = loom.owner().await;
    sqlx::query("delete from applied_revisions where revision = $1")
        .bind(revision(2).as_str())
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(ran(&loom, at(30)).await, ["prod 0000000 ghcr.io/acme/api:1.1 false"]);
    let since = Utc::now() - chrono::TimeDelta::days(1);
    for taken in [1, 0] {
        assert_eq!(applied_revisions::take_over_all(&loom.app.db, since).await.unwrap(), taken);
    }
    let page = loom.user.past(loom.organization, at(30), &PageQuery::default()).await.unwrap();
    let images: Vec<String> = page.items[0].images.iter().map(ToString::to_string).collect();
    assert_eq!(images, ["ghcr.io/acme/api:1.2"]);
    assert!(!page.items[0].health_known && page.items[0].healthy_at.is_none(), "nobody noted it");
}

#[tokio::test]
async fn a_repository_that_is_connected_again_numbers_anew() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1, 2, 3])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 3, 10, Some(1))], Some(12))).await.unwrap();
    assert_eq!(find(&loom, 2).await.line.end, Some(RevisionEnd::Healthy));

    let repository = loom.user.repositories(loom.organization).await.unwrap()[0].clone();
    loom.user.disconnect_repository(loom.organization, repository.id).await.unwrap();
    let answer = loom.user.find_revision(loom.organization, &revision(3).to_string(), None).await.unwrap();
    assert_eq!((answer.found.len(), answer.unplaced.len()), (0, 1), "what runs is still told");

    let mut tx = loom.app.db.organization(loom.organization).await.unwrap();
    let again = heddle_db::repositories::Repository {
        id: heddle_core::id::RepositoryId(Uuid::now_v7()),
        organization: loom.organization,
        installation_id: i64::try_from(loom.installation).unwrap(),
        name: repository.name.clone(),
        url: loom.repository_url.parse().unwrap(),
        default_branch: "main".parse().unwrap(),
        private: true,
        created_at: Utc::now(),
    };
    let user: Uuid =
        sqlx::query_scalar("select id from users limit 1").fetch_one(&mut loom.owner().await).await.unwrap();
    heddle_db::repositories::insert(&mut *tx, &again, heddle_core::id::UserId(user)).await.unwrap();
    heddle_db::work::request_read(&mut tx, loom.organization, again.id).await.unwrap();
    tx.commit().await.unwrap();

    // The first read places what runs, since somebody told of it before.
    let lease = lease_read(&loom).await;
    let Work::Read(work) = &lease.work else { panic!("no read") };
    assert_eq!(work.unknown_revisions.iter().map(|one| one.revision.clone()).collect::<Vec<_>>(), [revision(3)]);
    loom.automator.read_report(&lease, &heads(&[1])).await.unwrap();
    let new = find(&loom, 1).await;
    assert_eq!((new.line.end, new.line.knots[2].at), (None, None), "nobody applied it: {:?}", new.line);
}

#[tokio::test]
async fn looks_that_the_host_does_not_answer_are_counted_and_ten_seconds_apart() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let look = LookForRevision { repository: None };
    let wanted = revision(0xa00).to_string();
    let failed = || LookedUp { wanted: wanted.clone(), found: None, failed: true };
    loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    read(&loom, ReadReport { looked_up: vec![failed()], ..heads(&[]) }).await;
    let answer = loom.user.find_revision(loom.organization, &wanted, None).await.unwrap();
    assert_eq!((answer.absent.len(), answer.unasked.len(), answer.looking.len()), (0, 1, 0), "nobody knows");
    let at_once = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
    assert!(at_once.repositories.is_empty(), "ten seconds apart");

    let mut owner = loom.owner().await;
    let earlier =
        "update revision_looks set asked_at = now() - interval '1 minute', failed_at = now() - interval '1 minute'";
    for round in 1..60 {
        sqlx::query(earlier).execute(&mut owner).await.unwrap();
        let looking = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap();
        assert_eq!(looking.repositories.len(), 1, "{round}");
    }
    sqlx::query(earlier).execute(&mut owner).await.unwrap();
    let error = loom.user.look_for_revision(loom.organization, &wanted, &look).await.unwrap_err();
    assert!(error.to_string().contains("within an hour"), "{error}");
}

#[tokio::test]
async fn health_that_was_not_kept_is_not_told_as_unhealthy() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, Some(1))], None)).await.unwrap();
    sqlx::query("update applied_revisions set health_kept = false").execute(&mut loom.owner().await).await.unwrap();
    push(&loom).await;
    let mut rewritten = heads(&[3]);
    rewritten.branches[0].rewritten = true;
    read(&loom, rewritten).await;
    loom.agent.report(&report(&loom, epoch, 2, vec![applied(&loom, 3, 20, Some(1))], Some(25))).await.unwrap();
    let line = find(&loom, 1).await.line;
    let reason = line.syncs[0].reason.clone().unwrap();
    assert!(reason.contains("was not kept then") && !reason.contains("before"), "{reason}");
}

#[tokio::test]
async fn a_carrier_that_is_on_its_branch_no_more_gives_way_to_what_a_look_finds() {
    let loom = Loom::start().await;
    read(&loom, heads(&[1])).await;
    let look = async |by: u32| {
        let wanted = revision(0xdef).to_string();
        sqlx::query(
            "update revision_looks set asked_at = now() - interval '1 hour', answered_at = now() - interval '1 hour'",
        )
        .execute(&mut loom.owner().await)
        .await
        .unwrap();
        loom.user.look_for_revision(loom.organization, &wanted, &LookForRevision { repository: None }).await.unwrap();
        let carried = vec![CarriedCommit { branch: "main".parse().unwrap(), by: commit(by) }];
        let found = FoundCommit { commit: commit(0xdef), carried, far_back: vec![] };
        let looked_up = vec![LookedUp { wanted, found: Some(found), failed: false }];
        read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
        find(&loom, 0xdef).await.carried_by
    };
    assert_eq!(look(0xabc).await, Some(revision(0xabc)));
    assert_eq!(look(0xabd).await, Some(revision(0xabc)), "the one that was found first");
    push(&loom).await;
    let mut rewritten = heads(&[3]);
    rewritten.branches[0].rewritten = true;
    read(&loom, rewritten).await;
    assert_eq!(look(0xabe).await, Some(revision(0xabe)));
}

#[tokio::test]
async fn what_ran_before_its_repository_was_connected_has_one_line_after_a_look() {
    let loom = Loom::start().await;
    read(&loom, heads(&[5])).await;
    let epoch = Uuid::new_v4();
    loom.agent.report(&report(&loom, epoch, 1, vec![applied(&loom, 1, 10, Some(1))], Some(12))).await.unwrap();
    let asked = revision(1).to_string();
    let before = loom.user.find_revision(loom.organization, &asked, None).await.unwrap();
    assert_eq!((before.found.len(), before.unplaced.len()), (0, 1));
    assert!(before.unplaced[0].repository.is_some());
    loom.user.look_for_revision(loom.organization, &asked, &LookForRevision { repository: None }).await.unwrap();
    let carried = vec![CarriedCommit { branch: "main".parse().unwrap(), by: commit(1) }];
    let found = FoundCommit { commit: commit(1), carried, far_back: vec![] };
    let looked_up = vec![LookedUp { wanted: asked.clone(), found: Some(found), failed: false }];
    read(&loom, ReadReport { looked_up, ..heads(&[]) }).await;
    let after = loom.user.find_revision(loom.organization, &asked, None).await.unwrap();
    assert_eq!((after.found.len(), after.unplaced.len()), (1, 0), "{after:?}");
    assert_eq!(
        (after.found[0].line.end, &after.found[0].syncs[0].line.contained_in),
        (Some(RevisionEnd::Healthy), &None)
    );
}
