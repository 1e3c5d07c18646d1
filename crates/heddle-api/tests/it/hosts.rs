//! How much a registry is asked, and what it means that one cannot be read.

use chrono::{TimeDelta, Utc};
use heddle_core::{
    change::{Gate, GateKind, Mode},
    id::OrganizationId,
    pipeline::KnotState,
    registry::{
        ReadFault,
        pace::{Allowance, HostReport, MOST_AT_ONCE},
    },
};
use heddle_db::work;
use heddle_wire::{
    automator::{Done, GatedChange, Lease, PlanRequest, ScanOutcome, ScanReport, ScanWork, Work},
    registry::LoginOutcome,
    view::{StatusView, UnreadableImages},
};
use uuid::Uuid;

use crate::{
    logins::{add, basic, complete, lease_scan, used, watch},
    loom::Loom,
    steps::{one_change, read, scan, until_update},
    told::{IMAGE, plan, planned, read_report},
};

/// Scans that may begin now, until none is left.
async fn lease_all(loom: &Loom) -> Vec<(Lease, ScanWork)> {
    let mut owner = loom.owner().await;
    sqlx::query("delete from work where kind = 'read'").execute(&mut owner).await.unwrap();
    let mut leased = Vec::new();
    while let Some(lease) = loom.try_lease(0).await {
        let Work::Scan(work) = lease.work.clone() else { panic!("{:?}", lease.work) };
        leased.push((lease, work));
    }
    leased
}

fn images(leased: &[(Lease, ScanWork)]) -> Vec<&str> {
    let mut images: Vec<_> = leased.iter().map(|(_, work)| work.image.as_str()).collect();
    images.sort_unstable();
    images
}

fn failed(reason: &str, fault: Option<ReadFault>) -> ScanReport {
    ScanReport::new(ScanOutcome::Failed { reason: reason.into(), retry_at: None, fault })
}

fn throttled(retry_in: TimeDelta) -> ScanReport {
    let host = HostReport { throttled: true, retry_at: Some(Utc::now() + retry_in), allowance: None };
    ScanReport { host, ..failed("`ghcr.io` asks for fewer requests", None) }
}

async fn report(loom: &Loom, lease: &Lease, report: &ScanReport) {
    loom.automator.scan_report(lease, report).await.unwrap();
}

async fn request(loom: &Loom, images: &[Uuid]) {
    let mut tx = loom.app.db.organization(loom.organization).await.unwrap();
    work::request_scans(&mut tx, loom.organization, images).await.unwrap();
    tx.commit().await.unwrap();
}

async fn status(loom: &Loom) -> StatusView {
    loom.user.status(loom.organization).await.unwrap()
}

async fn sql(loom: &Loom, statement: &'static str) {
    sqlx::query(statement).execute(&mut loom.owner().await).await.unwrap();
}

#[tokio::test]
async fn a_host_that_asks_for_fewer_requests_makes_all_of_its_images_wait_and_no_other() {
    let loom = Loom::start().await;
    let api = watch(&loom, "ghcr.io/acme/api").await;
    let (lease, _) = lease_scan(&loom).await;
    let web = watch(&loom, "ghcr.io/acme/web").await;
    watch(&loom, "ghcr.io/other/web").await;
    watch(&loom, "quay.io/acme/api").await;
    // Another login is another state: it may have a limit of its own.
    add(&loom, &basic("ghcr.io", "other", "secret")).await;
    report(&loom, &lease, &throttled(TimeDelta::hours(1))).await;
    let leased = lease_all(&loom).await;
    assert_eq!(images(&leased), ["ghcr.io/other/web", "quay.io/acme/api"]);
    // Neither a push notice nor the end of its own wait asks it earlier.
    request(&loom, &[api, web]).await;
    sql(&loom, "update work set not_before = null, due_at = now() where lease_id is null").await;
    assert_eq!(images(&lease_all(&loom).await), Vec::<&str>::new());
    let seen = status(&loom).await.slow_hosts;
    let told: Vec<_> = seen.iter().map(|host| (host.login.as_str(), host.images, host.not_before.is_some())).collect();
    assert_eq!(told, [("ghcr.io", 2, true)], "{seen:?}");
    // When its rest ends one scan tries it, and with its success all go on.
    sql(&loom, "update registry_hosts set not_before = now() where not_before is not null").await;
    let tries = lease_all(&loom).await;
    assert_eq!((tries.len(), tries[0].1.at_once), (1, Some(1)), "{:?}", images(&tries));
    report(&loom, &tries[0].0, &complete(None)).await;
    assert!(status(&loom).await.slow_hosts.is_empty());
    assert_eq!(lease_all(&loom).await.len(), 1, "the other one");
}

#[tokio::test]
async fn a_host_is_asked_by_so_many_scans_at_once_whoever_leases_them() {
    let loom = Loom::start().await;
    for number in 0..MOST_AT_ONCE + 4 {
        watch(&loom, &format!("ghcr.io/acme/api-{number}")).await;
    }
    let first = lease_all(&loom).await;
    assert_eq!(first.len(), MOST_AT_ONCE as usize);
    watch(&loom, "quay.io/acme/api").await;
    let (replica, other) = tokio::join!(loom.try_lease(0), loom.try_lease(0));
    let beside = [replica, other].into_iter().flatten().count();
    assert_eq!(beside, 1, "another host goes on, and this one does not");
    report(&loom, &first[0].0, &complete(None)).await;
    let (one, two) = tokio::join!(loom.try_lease(1), loom.try_lease(1));
    assert_eq!([one, two].into_iter().flatten().count(), 1, "one place became free");
}

#[tokio::test]
async fn a_host_is_slowed_down_before_its_limit_is_reached() {
    let loom = Loom::start().await;
    let (api, web) = (watch(&loom, "docker.io/acme/api").await, watch(&loom, "docker.io/acme/web").await);
    let first = lease_all(&loom).await;
    let allowance = Allowance { limit: 100, remaining: 10, resets_at: Some(Utc::now() + TimeDelta::minutes(30)) };
    let host = HostReport { allowance: Some(allowance), ..HostReport::default() };
    report(&loom, &first[0].0, &ScanReport { host, ..complete(None) }).await;
    report(&loom, &first[1].0, &failed("it was never reached", None)).await;
    request(&loom, &[api, web]).await;
    assert!(lease_all(&loom).await.is_empty(), "three minutes from one to the next");
    let seen = status(&loom).await.slow_hosts.remove(0);
    let expected = "`docker.io` has 10 of 100 requests left, so its images are read one after the other";
    assert_eq!((seen.message.as_str(), seen.not_before.is_some()), (expected, true));
    sql(&loom, "update registry_hosts set not_before = now()").await;
    assert_eq!(lease_all(&loom).await.len(), 1);
}

#[tokio::test]
async fn a_push_between_two_parts_of_one_list_is_not_swallowed() {
    let loom = Loom::start().await;
    let image = watch(&loom, "ghcr.io/acme/api").await;
    let (first, begun) = lease_scan(&loom).await;
    let more = Done { failed: Some("more to read".into()), given_back: true, ..Done::default() };
    loom.automator.done(&first, &more).await.unwrap();
    // It sorts before what is still to be read.
    request(&loom, &[image]).await;
    let (second, on) = lease_scan(&loom).await;
    assert!(on.asked > begun.asked);
    report(&loom, &second, &ScanReport { begun: Some(begun.asked), ..complete(None) }).await;
    let (third, anew) = lease_scan(&loom).await;
    report(&loom, &third, &ScanReport { begun: Some(anew.asked), ..complete(None) }).await;
    assert!(loom.try_lease(0).await.is_none(), "it was read from its beginning since then");
}

#[tokio::test]
async fn a_refused_login_is_told_once_with_its_images_and_at_each_place() {
    let loom = Loom::start().await;
    let update = until_update(&loom).await;
    let gate = Gate { kind: GateKind::Age, reason: "younger than 2 days".into(), until: None };
    let (change, base_branch) = (planned("1.4.1", "1.4.2"), "main".parse().unwrap());
    let gated = vec![GatedChange { change, base_branch, mode: Mode::PullRequest, gate }];
    let held = PlanRequest { gated, proposals: vec![], ..plan(Mode::PullRequest, None, planned("1.4.1", "1.4.2")) };
    loom.automator.intents(&update, &held).await.unwrap();
    loom.automator.done(&update, &Done::default()).await.unwrap();
    let host = IMAGE.split('/').next().unwrap();
    let login = add(&loom, &basic(host, "", "secret")).await;
    watch(&loom, &format!("{host}/acme/beside")).await;
    for _ in 0..2 {
        let (lease, work) = lease_scan(&loom).await;
        let told = used(work.login.as_ref().unwrap(), LoginOutcome::Refused);
        let reason = format!("`{host}` does not take this login for `{}`", work.image.path());
        report(&loom, &lease, &ScanReport { login: Some(told), ..failed(&reason, Some(ReadFault::Refused)) }).await;
    }
    let seen = status(&loom).await;
    let UnreadableImages { login: name, fault, count, message, .. } = &seen.unreadable[0];
    assert_eq!((seen.unreadable.len(), name.as_str(), *fault, *count), (1, host, ReadFault::Refused, 2));
    let expected =
        format!("the login for `{host}` is not known there, or has expired; it is for 2 images. `{host}` does");
    assert!(message.starts_with(&expected), "{message}");
    assert_eq!(seen.blocking_findings, 1, "one place of a rule");
    let findings = loom.user.findings(loom.organization).await.unwrap();
    let finding = findings.iter().find(|finding| finding.code == "registry-refused").unwrap();
    assert!(finding.blocks && finding.message.contains("does not take this login"), "{finding:?}");
    let line = one_change(&loom).await.line;
    assert_eq!(line.knots[1].state, KnotState::Failed);
    assert!(line.reason.unwrap().contains("does not take this login"));

    // It can be read again, and all of that is gone.
    loom.user.delete_registry_login(loom.organization, login.id).await.unwrap();
    for _ in 0..2 {
        let (lease, _) = lease_scan(&loom).await;
        report(&loom, &lease, &complete(None)).await;
    }
    let seen = status(&loom).await;
    assert!(seen.unreadable.is_empty() && seen.blocking_findings == 0, "{seen:?}");
    assert_eq!(one_change(&loom).await.line.reason.as_deref(), Some("younger than 2 days"));
}

#[tokio::test]
async fn an_automator_that_knows_nothing_of_hosts_is_taken_as_before() {
    let loom = Loom::start().await;
    watch(&loom, "ghcr.io/acme/api").await;
    add(&loom, &basic("ghcr.io", "", "secret")).await;
    let (lease, work) = lease_scan(&loom).await;
    let login = used(work.login.as_ref().unwrap(), LoginOutcome::Denied);
    let old = serde_json::json!({
        "outcome": {"outcome": "failed", "reason": "it says no", "retry_at": null}, "take_update": false, "login": login,
    });
    report(&loom, &lease, &serde_json::from_value(old).unwrap()).await;
    assert_eq!(status(&loom).await.unreadable[0].fault, ReadFault::Denied);
    let id: OrganizationId = loom.organization;
    let mut tx = loom.app.db.organization(id).await.unwrap();
    assert!(heddle_db::registry_hosts::list_slow(&mut *tx, id, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_image_is_asked_for_as_often_as_its_rule_says() {
    let loom = Loom::start().await;
    let mut told = read_report(&[1], "1.4.1");
    let mut more = told.occurrences[0].clone();
    more.rules[0].interval_secs = Some(2 * 3_600);
    told.occurrences[0].rules[0].interval_secs = Some(3_600);
    told.occurrences.push(more);
    read(&loom, told).await;
    scan(&loom, &["1.4.1"]).await;
    // Counted from the scan, and at most a tenth sooner.
    let soon = "select count(*) from work where kind = 'scan' and due_at < now() + interval '30 minutes'";
    let late = "select count(*) from work where kind = 'scan' and due_at > now() + interval '1 hour'";
    let mut owner = loom.owner().await;
    for (sql, because) in [(soon, "the rule is kept"), (late, "the shortest of two counts")] {
        let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut owner).await.unwrap();
        assert_eq!(count, 0, "{because}");
    }
}
