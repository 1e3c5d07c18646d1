use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Scene;
use crate::github::webhook::sign;

/// A webhook that arrived.
#[derive(Debug, Clone)]
struct Arrived {
    event: String,
    delivery: String,
    signature: String,
    raw: Bytes,
    body: Value,
}

type Inbox = Arc<Mutex<Vec<Arrived>>>;

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, raw: Bytes) {
    let text = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap()).to_owned();
    let (event, delivery, signature) = (text("x-github-event"), text("x-github-delivery"), text("x-hub-signature-256"));
    let body = serde_json::from_slice(&raw).unwrap();
    inbox.lock().unwrap().push(Arrived { event, delivery, signature, raw, body });
}

async fn inbox(scene: &Scene) -> Inbox {
    let inbox = Inbox::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    scene.github.set_webhook_target(&format!("http://{}/hook", listener.local_addr().unwrap()));
    let router = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    inbox
}

async fn push(scene: &Scene, content: &str) -> String {
    scene.github.push_files("acme/config", "main", &[("a.yaml", Some(content))], "m", "ada").await.unwrap()
}

fn taken(inbox: &Inbox) -> Vec<Arrived> {
    std::mem::take(&mut *inbox.lock().unwrap())
}

/// <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>
#[tokio::test]
async fn a_push_is_told_with_a_signature_over_the_raw_body() {
    let scene = Scene::new().await;
    let inbox = inbox(&scene).await;
    let head = push(&scene, "tag: v2\n").await;
    scene.github.webhooks().delivered().await;
    let arrived = taken(&inbox).remove(0);
    assert_eq!(arrived.event, "push");
    assert_eq!(arrived.body["ref"], "refs/heads/main");
    assert_eq!(
        (arrived.body["before"].as_str(), arrived.body["after"].as_str()),
        (Some(scene.first.as_str()), Some(head.as_str()))
    );
    assert_eq!(arrived.body["installation"]["id"], scene.installation);
    assert_eq!(arrived.signature, format!("sha256={}", sign(&scene.app.webhook_secret, &arrived.raw)));
}

/// <https://docs.github.com/webhooks/webhook-events-and-payloads#pull_request>
#[tokio::test]
async fn the_life_of_a_pull_request_is_told() {
    let scene = Scene::new().await;
    let inbox = inbox(&scene).await;
    let bot = scene.bot().await;
    let head = bot.bump(&scene.first, "tag: v2\n").await;
    bot.pull().await.expect(StatusCode::CREATED);
    bot.commit("bump", &head, "a.yaml", "tag: v3\n").await;
    scene.github.merge("acme/config", 1, "ada").await.unwrap();
    scene.github.webhooks().delivered().await;
    let told: Vec<String> = taken(&inbox)
        .into_iter()
        .filter(|arrived| arrived.event == "pull_request")
        .map(|arrived| {
            format!("{} {}", arrived.body["action"].as_str().unwrap(), arrived.body["pull_request"]["merged"])
        })
        .collect();
    assert_eq!(told, ["opened false", "synchronize false", "closed true"]);
}

/// <https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries>
#[tokio::test]
async fn a_lost_webhook_is_not_sent_again_unless_asked_for() {
    let scene = Scene::new().await;
    let inbox = inbox(&scene).await;
    scene.github.webhooks().lose(1);
    push(&scene, "tag: v2\n").await;
    scene.github.webhooks().delivered().await;
    assert!(taken(&inbox).is_empty());

    let app = scene.app();
    let deliveries = app.get("/app/hook/deliveries").await.expect(StatusCode::OK);
    assert_eq!((deliveries[0]["event"].as_str(), deliveries[0]["status_code"].as_u64()), (Some("push"), Some(0)));
    let path = format!("/app/hook/deliveries/{}/attempts", deliveries[0]["id"]);
    app.post(&path, json!({})).await.expect(StatusCode::ACCEPTED);
    scene.github.webhooks().delivered().await;
    let arrived = taken(&inbox).remove(0);
    assert_eq!(arrived.delivery, deliveries[0]["guid"].as_str().unwrap(), "a redelivery keeps its id");
}

#[tokio::test]
async fn webhooks_are_doubled_and_reordered_on_demand() {
    let scene = Scene::new().await;
    let inbox = inbox(&scene).await;
    scene.github.webhooks().double(1);
    push(&scene, "tag: v2\n").await;
    scene.github.webhooks().delivered().await;
    let twice = taken(&inbox);
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].delivery, twice[1].delivery);

    scene.github.webhooks().hold();
    let (older, newer) = (push(&scene, "tag: v3\n").await, push(&scene, "tag: v4\n").await);
    scene.github.webhooks().release_reversed();
    scene.github.webhooks().delivered().await;
    let order: Vec<String> = taken(&inbox).into_iter().map(|a| a.body["after"].as_str().unwrap().to_owned()).collect();
    assert_eq!(order, [newer, older]);
}

/// <https://docs.github.com/webhooks/webhook-events-and-payloads#installation>
#[tokio::test]
async fn an_installation_that_ends_is_told() {
    let scene = Scene::new().await;
    let inbox = inbox(&scene).await;
    scene.github.uninstall(scene.installation);
    scene.github.webhooks().delivered().await;
    let arrived = taken(&inbox).remove(0);
    assert_eq!((arrived.event.as_str(), arrived.body["action"].as_str()), ("installation", Some("deleted")));
}
