//! What GitHub tells us may be lost, come twice, in any order, or not from GitHub: it is a hint and no more.

use anyhow::Result;
use heddle_testkit::{
    github::{Webhooks, sign},
    wait,
};
use heddle_tests::{World, WorldOptions, world::REPOSITORY};
use reqwest::{Response, StatusCode};
use serde_json::Value;

/// More webhooks than one tag leads to.
const MANY: usize = 50;

/// What happens to webhooks on their way.
type Disturb = fn(&Webhooks);

#[tokio::test]
async fn webhooks_that_are_lost_doubled_or_out_of_order_lead_to_the_same_end() {
    let world = World::start().await.unwrap();
    let disturbances: [(&str, Disturb); 3] = [
        ("lost", |webhooks| webhooks.lose(MANY)),
        ("doubled", |webhooks| webhooks.double(MANY)),
        ("out of order", Webhooks::hold),
    ];
    for (number, (what, disturb)) in disturbances.into_iter().enumerate() {
        let tag = format!("1.4.{}", number + 1);
        disturb(world.github.webhooks());
        if let Err(error) = bring_to_both(&world, &tag).await {
            panic!("with webhooks {what}: {error:#}");
        }
        world.github.webhooks().heal();
        assert_eq!(world.github.pulls(REPOSITORY).unwrap().len(), number + 1, "with webhooks {what}");
        assert_eq!(world.bot_commits().await.unwrap(), 2 * (number + 1), "{:?}", world.subjects().await.unwrap());
    }
}

async fn bring_to_both(world: &World, tag: &str) -> Result<()> {
    world.push_tag(tag).await?;
    let pull = world.wait_for_pull_request("prod", tag).await?;
    world.merge(&pull).await?;
    world.github.webhooks().release_reversed();
    for environment in ["staging", "prod"] {
        world.wait_until_healthy(environment, tag).await?;
    }
    world.github.webhooks().delivered().await;
    Ok(())
}

/// A delivery as GitHub would make it, with somebody's signature.
async fn deliver(world: &World, payload: &Value, id: &str, signature: Option<&str>) -> Response {
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.post(world.api_url.join("/webhooks/github").unwrap());
    let mut request = request.header("x-github-event", "push").header("x-github-delivery", id).json(payload);
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    request.send().await.unwrap()
}

async fn known_deliveries(world: &World) -> usize {
    world.database().unwrap().dump().await.unwrap()["deliveries"].len()
}

#[tokio::test]
async fn a_forged_webhook_is_refused_and_changes_nothing() {
    // Nothing is found by asking, so whatever moves was told.
    let world = World::start_with(WorldOptions { poll: "1h", ..WorldOptions::default() }).await.unwrap();
    world.github.webhooks().delivered().await;
    world.github.webhooks().lose(1);
    let file = "base/deployment.yaml";
    let text = world.github.read_file(REPOSITORY, "main", file).await.unwrap().unwrap();
    let text = text.replace("replicas: 2", "replicas: 3");
    world.commit(&[(file, Some(&text))], "Run three").await.unwrap();
    world.github.webhooks().delivered().await;
    let (event, payload) = world.github.deliveries().pop().unwrap();
    assert_eq!(event, "push");

    let before = known_deliveries(&world).await;
    let body = payload.to_string();
    let guessed = format!("sha256={}", sign("a guess", body.as_bytes()));
    let of_other_bytes = format!("sha256={}", sign(&webhook_secret(&world), b"{}"));
    for forged in [None, Some(""), Some("sha256="), Some("sha1=0000"), Some(&guessed), Some(&of_other_bytes)] {
        let answer = deliver(&world, &payload, "forged", forged).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{forged:?}");
    }
    assert_eq!(known_deliveries(&world).await, before);

    // The same bytes with GitHub's signature are taken, and the cluster follows.
    let signature = format!("sha256={}", sign(&webhook_secret(&world), body.as_bytes()));
    assert_eq!(deliver(&world, &payload, "genuine", Some(&signature)).await.status(), StatusCode::ACCEPTED);
    assert_eq!(known_deliveries(&world).await, before + 1);
    wait::until("three replicas", wait::LONG, async || {
        let args = ["get", "deployment", "api", "-n", "shop-prod", "-o", "jsonpath={.status.availableReplicas}"];
        match world.cluster.kubectl(&args, "").await {
            Ok(seen) if seen == "3" => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

fn webhook_secret(world: &World) -> String {
    std::fs::read_to_string(world.folder().join("webhook-secret")).unwrap()
}
