//! Two replicas on one Postgres hand out each piece of work once, fence who lost it, and never lock each other out.

use std::collections::BTreeSet;

use heddle_core::{id::OrganizationId, request::KNOWN_REQUESTS};
use heddle_db::{Db, work};
use heddle_wire::automator::{Lease, ScanOutcome, ScanReport, ScannedTag};
use reqwest::StatusCode;
use serde_json::json;

use crate::hub::{AUTOMATOR_TOKEN, Hub};

const WORK: usize = 12;

async fn lease(hub: &Hub, replica: usize, name: &str) -> Option<Lease> {
    let request = hub.http.post(format!("{}/automator/v1/lease", hub.replicas[replica])).bearer_auth(AUTOMATOR_TOKEN);
    let told = request.json(&json!({ "wait_secs": 0, "automator": name })).send().await.unwrap();
    match told.status() {
        StatusCode::NO_CONTENT => None,
        StatusCode::OK => Some(told.json().await.unwrap()),
        other => panic!("{other}: {}", told.text().await.unwrap()),
    }
}

/// Watches images, whose scans become due.
async fn watch(hub: &Hub, organization: &str, images: &[String]) {
    let organization: OrganizationId = organization.parse().unwrap();
    let db = Db::connect(hub.database.options(), 2).await.unwrap();
    let mut tx = db.organization(organization).await.unwrap();
    let ids = heddle_db::images::watch(&mut *tx, organization, images).await.unwrap();
    work::request_scans(&mut tx, organization, &ids).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn each_piece_of_work_goes_to_one_of_many_automators() {
    let hub = Hub::start_with(2, &["--signup", "open"]).await;
    let (_, organization) = hub.settle("ada@example.com").await;
    let images: Vec<String> = (0..WORK).map(|number| format!("registry-{number}.example.com/acme/api")).collect();
    watch(&hub, &organization, &images).await;

    let asks = (0..WORK * 2).map(|number| lease(&hub, number % 2, if number % 2 == 0 { "one" } else { "two" }));
    let mut leases: Vec<Lease> = futures::future::join_all(asks).await.into_iter().flatten().collect();
    // What another asker held in that instant is found by the next.
    while let Some(more) = lease(&hub, 0, "one").await {
        leases.push(more);
    }
    let distinct: BTreeSet<_> = leases.iter().map(|lease| lease.id.to_string()).collect();
    assert_eq!((leases.len(), distinct.len()), (WORK, WORK));

    // A report for it is taken at the other replica, once.
    let report = async |replica: usize, fence: i64| {
        let url = format!("{}/automator/v1/leases/{}/done", hub.replicas[replica], leases[0].id);
        let request = hub.http.post(url).bearer_auth(AUTOMATOR_TOKEN).header("heddle-fence", fence);
        request.json(&json!({})).send().await.unwrap().status()
    };
    assert_eq!(report(1, leases[0].fence - 1).await, StatusCode::CONFLICT);
    assert_eq!(report(1, leases[0].fence).await, StatusCode::NO_CONTENT);
    assert_eq!(report(0, leases[0].fence).await, StatusCode::CONFLICT);
}

/// They write the same tags in different orders: none waits for what another holds.
#[tokio::test]
async fn push_notices_and_a_scan_of_the_same_tags_all_arrive() {
    let hub = Hub::start_with(2, &["--signup", "open"]).await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let path = format!("/api/v1/organizations/{organization}/receivers");
    // One receiver takes its notices one after the other.
    let make = async |name: &str| hub.post(&ada, &path, json!({ "name": name }), StatusCode::CREATED).await;
    let receivers = [make("one").await, make("two").await];
    let notice = async |replica: usize, tags: &[String]| {
        let event = |tag: &String| {
            json!({
                "timestamp": "2026-06-01T12:00:00Z", "action": "push",
                "target": { "repository": "acme/api", "tag": tag }, "request": { "host": "registry.example.com" },
            })
        };
        let events: Vec<_> = tags.iter().map(event).collect();
        let made = &receivers[replica];
        let url = format!("{}/webhooks/registry/{}", hub.replicas[replica], made["receiver"]["id"].as_str().unwrap());
        let request = hub.http.post(url).bearer_auth(made["secret"].as_str().unwrap());
        request.json(&json!({ "events": events })).send().await.unwrap().status()
    };
    let scan = async |lease: &Lease, tags: &[String]| {
        let url = format!("{}/automator/v1/leases/{}/scan-report", hub.replicas[0], lease.id);
        let request = hub.http.post(url).bearer_auth(AUTOMATOR_TOKEN).header("heddle-fence", lease.fence);
        let tags = tags.iter().map(|tag| ScannedTag { tag: tag.parse().unwrap(), description: None }).collect();
        let outcome = ScanOutcome::Complete { tags, etag: None, undescribed: None };
        let report = ScanReport { take_update: true, knows_requests: KNOWN_REQUESTS, ..ScanReport::new(outcome) };
        request.json(&report).send().await.unwrap().status()
    };
    watch(&hub, &organization, &["registry.example.com/acme/api".to_owned()]).await;
    for round in 0..3 {
        let lease = lease(&hub, 0, "one").await.expect("the scan is due");
        let tags: Vec<String> = (0..60).map(|number| format!("{round}.{number}")).collect();
        let reversed: Vec<String> = tags.iter().rev().cloned().collect();
        let told = tokio::join!(notice(0, &tags), notice(1, &reversed), scan(&lease, &tags));
        assert_eq!(told, (StatusCode::ACCEPTED, StatusCode::ACCEPTED, StatusCode::NO_CONTENT), "round {round}");
    }
}
