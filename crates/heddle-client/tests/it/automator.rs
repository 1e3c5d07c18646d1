use std::time::Duration;

use heddle_client::{AutomatorClient, ClientError};
use heddle_core::id::IntentId;
use heddle_wire::automator::{Done, IntentOutcome, Lease, LeaseRequest, ScanOutcome, ScanReport};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Answer, Server};

fn lease_body() -> Value {
    json!({
        "id": Uuid::from_u128(1),
        "fence": 7,
        "expires_at": "2026-10-21T07:28:00Z",
        "organization": Uuid::from_u128(2),
        "work": {"work": "scan", "image": "ghcr.io/acme/api", "credential": null, "etag": null},
    })
}

fn lease() -> Lease {
    serde_json::from_value(lease_body()).unwrap()
}

async fn start(answer: Answer) -> (Server, AutomatorClient) {
    let server = Server::start(answer).await;
    let client = AutomatorClient::new(server.http.clone(), "hdla_token".into());
    (server, client)
}

#[tokio::test]
async fn work_is_leased_under_the_token() {
    let (server, client) = start(Answer::json(200, &lease_body())).await;
    let request = LeaseRequest { wait_secs: 20, automator: "a1".into(), knows_requests: 2 };
    assert_eq!(client.lease(&request).await.unwrap().unwrap().fence, 7);
    let seen = server.seen();
    assert_eq!(format!("{} {}", seen.method, seen.uri), "POST /automator/v1/lease");
    assert_eq!(seen.header("authorization"), "Bearer hdla_token");
    assert_eq!(seen.json(), json!({"wait_secs": 20, "automator": "a1", "knows_requests": 2}));
}

#[tokio::test]
async fn no_work_is_no_error() {
    let (_server, client) = start(Answer::empty(204)).await;
    let request = LeaseRequest { wait_secs: 0, automator: "a1".into(), knows_requests: 0 };
    assert!(client.lease(&request).await.unwrap().is_none());
}

#[tokio::test]
async fn reports_carry_the_fence() {
    let (server, client) = start(Answer::empty(204)).await;
    let report = ScanReport { take_update: true, ..ScanReport::new(ScanOutcome::Unchanged) };
    assert!(client.scan_report(&lease(), &report).await.unwrap().is_none());
    let seen = server.seen();
    assert_eq!(seen.uri, format!("/automator/v1/leases/{}/scan-report", Uuid::from_u128(1)).as_str());
    assert_eq!(seen.header("heddle-fence"), "7");
}

#[tokio::test]
async fn an_outcome_names_its_intent() {
    let (server, client) = start(Answer::empty(204)).await;
    let intent = IntentId(Uuid::from_u128(9));
    client.outcome(&lease(), intent, &IntentOutcome::Moved).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.uri, format!("/automator/v1/leases/{}/intents/{intent}/outcome", Uuid::from_u128(1)).as_str());
    assert_eq!(seen.json(), json!({"outcome": "moved"}));
}

#[tokio::test]
async fn a_lost_lease_is_told_apart() {
    let (_server, client) = start(Answer::problem(409, "lease-lost", "another automator has it")).await;
    assert!(matches!(client.done(&lease(), &Done::default()).await.unwrap_err(), ClientError::LeaseLost));
    assert!(matches!(client.renew(&lease()).await.unwrap_err(), ClientError::LeaseLost));
}

#[tokio::test]
async fn the_wait_that_the_api_asks_for_reaches_the_caller() {
    let (_server, client) = start(Answer::problem(429, "rate-limited", "wait").header("retry-after", "12")).await;
    let error = client.renew(&lease()).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(12)));

    let (_server, client) = start(Answer::problem(503, "starting", "wait").header("retry-after", "3")).await;
    let error = client.renew(&lease()).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}
