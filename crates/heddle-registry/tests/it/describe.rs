//! What stands behind a tag.

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use chrono::{DateTime, Utc};
use heddle_testkit::registry::Registry;
use serde_json::json;

use super::{faulty::serve, image, session};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[tokio::test]
async fn an_image_says_when_it_was_created_and_for_what() {
    let registry = Registry::start().await.unwrap();
    let created = at("2026-11-02T08:00:00Z");
    let pushed = registry.push_created("acme/api", "main-4b825dc", created).await.unwrap();
    let host = registry.host();
    let tag = "main-4b825dc".parse().unwrap();
    let described = session(&host, None).await.describe(&image(&host, "acme/api"), &tag).await.unwrap().unwrap();
    assert_eq!(described.digest.as_str(), pushed.digest);
    assert_eq!(described.created_at, Some(created));
    assert_eq!(described.platforms, ["linux/amd64"]);
}

#[tokio::test]
async fn an_index_has_the_platforms_of_its_images_and_no_attestation() {
    let registry = Registry::start().await.unwrap();
    let created = at("2026-11-02T08:00:00Z");
    let platforms = ["linux/amd64", "linux/arm/v7", "unknown/unknown"];
    let pushed = registry.push_index("acme/api", "1.4.2", &platforms, created).await.unwrap();
    let host = registry.host();
    let tag = "1.4.2".parse().unwrap();
    let described = session(&host, None).await.describe(&image(&host, "acme/api"), &tag).await.unwrap().unwrap();
    assert_eq!(described.digest.as_str(), pushed.digest);
    assert_eq!(described.created_at, Some(created));
    assert_eq!(described.platforms, ["linux/amd64", "linux/arm/v7"]);
}

#[tokio::test]
async fn a_tag_that_is_gone_has_nothing() {
    let registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();
    let host = registry.host();
    let tag = "1.4.2".parse().unwrap();
    assert_eq!(session(&host, None).await.describe(&image(&host, "acme/api"), &tag).await, Ok(None));
}

#[tokio::test]
async fn what_is_no_image_is_an_answer_with_nothing_in_it() {
    let artifact = || async { Json(json!({"schemaVersion": 2, "artifactType": "text/plain", "layers": []})) };
    let host = serve(Router::new().route("/v2/acme/api/manifests/notes", get(artifact))).await;
    let tag = "notes".parse().unwrap();
    let described = session(&host, None).await.describe(&image(&host, "acme/api"), &tag).await.unwrap().unwrap();
    assert_eq!((described.created_at, described.platforms), (None, Vec::new()));
}

#[tokio::test]
async fn a_registry_that_fails_is_a_failure_and_no_empty_answer() {
    let busy = || async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")]).into_response() };
    let host = serve(Router::new().route("/v2/acme/api/manifests/1.4.2", get(busy))).await;
    let tag = "1.4.2".parse().unwrap();
    let failure = session(&host, None).await.describe(&image(&host, "acme/api"), &tag).await.unwrap_err();
    assert_eq!(failure.reason, format!("`{host}` asks for fewer requests"));
    assert!(failure.retry_at.is_some());
}

#[tokio::test]
async fn a_tag_points_to_its_digest_until_it_moves() {
    let registry = Registry::start().await.unwrap();
    let first = registry.push_content("acme/api", "latest", "one").await.unwrap().digest.parse().unwrap();
    let host = registry.host();
    let (session, image) = (session(&host, None).await, image(&host, "acme/api"));
    let tag = "latest".parse().unwrap();
    assert_eq!(session.still_points_to(&image, &tag, &first).await, Ok(true));
    registry.push_content("acme/api", "latest", "two").await.unwrap();
    assert_eq!(session.still_points_to(&image, &tag, &first).await, Ok(false));
    assert_eq!(session.still_points_to(&image, &"gone".parse().unwrap(), &first).await, Ok(false));
}
