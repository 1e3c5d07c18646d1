use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Scene;
use crate::github::{Fault, Matcher, When};

#[tokio::test]
async fn a_request_is_held_before_or_after_it_is_carried_out() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let mut before = scene.github.hold(Matcher::graphql("createCommitOnBranch"), When::Before);
    let mut after = scene.github.hold(Matcher::graphql("createCommitOnBranch").after(1), When::After);
    let main = async || scene.github.head("acme/config", "main").await.unwrap().unwrap();

    let first = bot.commit("main", &scene.first, "a.yaml", "tag: v2\n");
    let watch = async {
        before.reached().await;
        assert_eq!(main().await, scene.first, "nothing was done yet");
        before.release();
    };
    let (made, ()) = tokio::join!(first, watch);
    let head = made["data"]["createCommitOnBranch"]["commit"]["oid"].as_str().unwrap().to_owned();

    let url = scene.github.graphql_url();
    let input = json!({
        "branch": {"repositoryNameWithOwner": "acme/config", "branchName": "main"}, "expectedHeadOid": head,
        "message": {"headline": "x"}, "fileChanges": {},
    });
    let body = json!({"query": super::COMMIT, "variables": {"input": input}});
    let second = bot.send(Method::POST, &url, Some(body), &[]);
    let watch = async {
        after.reached().await;
        assert_ne!(main().await, head, "everything is done");
        after.drop_connection();
    };
    let (answer, ()) = tokio::join!(second, watch);
    assert!(answer.is_err(), "the connection ended without an answer");
}

/// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
#[tokio::test]
async fn scripted_faults_serve_one_request_each() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let show = Matcher::rest("GET", "/repos/*/*");
    scene.github.fail(show.clone(), Fault::RateLimited { status: 429, retry_after: Duration::from_secs(7) });
    scene.github.fail(show.clone(), Fault::Status(502));
    let limited = bot.get("/repos/acme/config").await;
    assert_eq!((limited.status, limited.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "7"));
    bot.get("/repos/acme/config").await.expect(StatusCode::BAD_GATEWAY);
    bot.get("/repos/acme/config").await.expect(StatusCode::OK);

    scene.github.fail(Matcher::rest("POST", "/repos/*/*/git/refs"), Fault::StatusAfter(500));
    let body = json!({"ref": "refs/heads/x", "sha": scene.first});
    bot.post("/repos/acme/config/git/refs", body).await.expect(StatusCode::INTERNAL_SERVER_ERROR);
    assert!(scene.github.head("acme/config", "x").await.unwrap().is_some(), "it was done all the same");
}

/// <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
#[tokio::test]
async fn an_unchanged_answer_is_304() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    let url = format!("{}/repos/acme/config/git/ref/heads/main", scene.github.api_url());
    let first = bot.send(Method::GET, &url, None, &[]).await.unwrap();
    let tag = first.header("etag").to_owned();
    let same = bot.send(Method::GET, &url, None, &[("if-none-match", &tag)]).await.unwrap();
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    scene.github.push_files("acme/config", "main", &[("a.yaml", Some("tag: v2\n"))], "m", "ada").await.unwrap();
    let changed = bot.send(Method::GET, &url, None, &[("if-none-match", &tag)]).await.unwrap();
    assert_eq!(changed.status, StatusCode::OK);
}
