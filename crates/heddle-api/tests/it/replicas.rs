//! Two replicas on one Postgres hand out each piece of work once, and fence who lost it.

use std::collections::BTreeSet;

use heddle_core::id::OrganizationId;
use heddle_db::{Db, work};
use heddle_wire::automator::Lease;
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

#[tokio::test]
async fn each_piece_of_work_goes_to_one_of_many_automators() {
    let hub = Hub::start_with(2, &["--signup", "open"]).await;
    let (_, organization) = hub.settle("ada@example.com").await;
    let organization: OrganizationId = organization.parse().unwrap();
    let db = Db::connect(hub.database.options(), 2).await.unwrap();
    let images: Vec<String> = (0..WORK).map(|number| format!("registry.example.com/acme/{number}")).collect();
    let mut tx = db.organization(organization).await.unwrap();
    let ids = heddle_db::images::watch(&mut *tx, organization, &images).await.unwrap();
    work::request_scans(&mut tx, organization, &ids).await.unwrap();
    tx.commit().await.unwrap();

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
