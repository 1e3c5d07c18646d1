use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Caller, Scene};
use crate::github::Level;

/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
#[tokio::test]
async fn a_token_is_narrowed_to_repositories_and_permissions() {
    let scene = Scene::new().await;
    let made = scene.token(json!({"repositories": ["config"], "permissions": {"contents": "read"}})).await;
    assert_eq!(made["permissions"], json!({"contents": "read", "metadata": "read"}));
    assert_eq!(made["repositories"][0]["full_name"], "acme/config");
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("ghs_") && token.len() > 255, "tokens are long: {}", token.len());

    let caller = scene.caller(token);
    let body = caller.get("/installation/repositories").await.expect(StatusCode::OK);
    assert_eq!(body["total_count"], 1);
    caller.get("/repos/acme/config").await.expect(StatusCode::OK);
    caller.get("/repos/acme/other").await.expect(StatusCode::NOT_FOUND);
    let write = json!({"ref": "refs/heads/x", "sha": scene.first});
    let refused = caller.post("/repos/acme/config/git/refs", write).await.expect(StatusCode::FORBIDDEN);
    assert_eq!(refused["message"], "Resource not accessible by integration");
}

/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
#[tokio::test]
async fn a_token_never_exceeds_its_installation() {
    let scene = Scene::new().await;
    scene.github.create_repository("acme/secret", &[("a", "b")]).await.unwrap();
    let path = format!("/app/installations/{}/access_tokens", scene.installation);
    for request in [
        json!({"repositories": ["secret"]}),
        json!({"repositories": ["nothing"]}),
        json!({"permissions": {"administration": "write"}}),
    ] {
        scene.app().post(&path, request).await.expect(StatusCode::UNPROCESSABLE_ENTITY);
    }
    scene.bot().await.post(&path, json!({})).await.expect(StatusCode::UNAUTHORIZED);
    scene.app().post("/app/installations/1/access_tokens", json!({})).await.expect(StatusCode::NOT_FOUND);
}

/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
#[tokio::test]
async fn an_app_jwt_is_issued_in_the_past_and_lives_ten_minutes_at_most() {
    let scene = Scene::new().await;
    let now = Utc::now().timestamp();
    scene.app().get("/app").await.expect(StatusCode::OK);
    for claims in [
        json!({"iss": scene.app.id, "iat": now + 120, "exp": now + 540}),
        json!({"iss": scene.app.id, "iat": now - 60, "exp": now + 900}),
        json!({"iss": scene.app.id, "iat": now - 600, "exp": now - 60}),
        json!({"iss": 1, "iat": now - 60, "exp": now + 540}),
    ] {
        scene.jwt(claims).get("/app").await.expect(StatusCode::UNAUTHORIZED);
    }
    let client = json!({"iss": scene.app.client_id, "iat": now - 60, "exp": now + 540});
    scene.jwt(client).get("/app").await.expect(StatusCode::OK);
}

/// <https://docs.github.com/rest/authentication/authenticating-to-the-rest-api#failed-login-limit>
#[tokio::test]
async fn a_bad_or_ended_token_is_401_and_no_token_sees_nothing_private() {
    let scene = Scene::new().await;
    let bad = scene.caller("ghs_nonsense").get("/repos/acme/config").await.expect(StatusCode::UNAUTHORIZED);
    assert_eq!(bad["message"], "Bad credentials");
    scene.caller("").get("/repos/acme/config").await.expect(StatusCode::NOT_FOUND);
    scene.github.set_token_life(TimeDelta::seconds(-1));
    scene.bot().await.get("/repos/acme/config").await.expect(StatusCode::UNAUTHORIZED);
}

/// <https://docs.github.com/rest/apps/installations#revoke-an-installation-access-token>
#[tokio::test]
async fn a_revoked_suspended_or_removed_installation_ends_its_tokens() {
    let scene = Scene::new().await;
    let (one, other, last) = (scene.bot().await, scene.bot().await, scene.bot().await);
    assert_eq!(one.call(Method::DELETE, "/installation/token", None).await.status, StatusCode::NO_CONTENT);
    one.get("/repos/acme/config").await.expect(StatusCode::UNAUTHORIZED);
    scene.github.suspend(scene.installation);
    other.get("/repos/acme/config").await.expect(StatusCode::FORBIDDEN);
    scene.github.uninstall(scene.installation);
    last.get("/repos/acme/config").await.expect(StatusCode::UNAUTHORIZED);
}

/// <https://docs.github.com/apps/using-github-apps/reviewing-and-modifying-installed-github-apps>
#[tokio::test]
async fn a_permission_that_is_taken_away_is_missing_at_once() {
    let scene = Scene::new().await;
    let bot = scene.bot().await;
    scene.github.set_permission(scene.installation, "contents", Some(Level::Read));
    let body = json!({"ref": "refs/heads/x", "sha": scene.first});
    bot.post("/repos/acme/config/git/refs", body).await.expect(StatusCode::FORBIDDEN);
    scene.github.set_permission(scene.installation, "contents", None);
    bot.get("/repos/acme/config/commits").await.expect(StatusCode::FORBIDDEN);
}

/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>
#[tokio::test]
async fn the_web_sign_in_gives_a_users_token_once() {
    let scene = Scene::new().await;
    let user = sign_in(&scene, "ada").await;
    assert_eq!(user.get("/user").await.expect(StatusCode::OK)["login"], "ada");

    scene.github.set_callback_url("http://127.0.0.1:1/back");
    let base = format!("{}/login/oauth/authorize?client_id={}", scene.github.web_url(), scene.app.client_id);
    let refused = scene.github.authorize(&format!("{base}&redirect_uri=http://evil.example/"), "ada");
    assert!(refused.unwrap_err().to_string().contains("not associated"));
    let back = scene.github.authorize(&format!("{base}&state=s1"), "ada").unwrap();
    let query: std::collections::HashMap<String, String> = back.query_pairs().into_owned().collect();
    assert_eq!(query["state"], "s1");
    let request =
        json!({"client_id": scene.app.client_id, "client_secret": scene.app.client_secret, "code": query["code"]});
    let url = format!("{}/login/oauth/access_token", scene.github.web_url());
    let nobody = scene.caller("");
    let accept = [("accept", "application/json")];
    let first = nobody.send(Method::POST, &url, Some(request.clone()), &accept).await.unwrap();
    assert!(first.body["access_token"].as_str().unwrap().starts_with("ghu_"));
    let again = nobody.send(Method::POST, &url, Some(request), &accept).await.unwrap();
    assert_eq!((again.status, again.body["error"].as_str()), (StatusCode::OK, Some("bad_verification_code")));
}

/// <https://docs.github.com/rest/apps/installations#list-app-installations-accessible-to-the-user-access-token>
#[tokio::test]
async fn a_user_sees_the_installations_and_repositories_they_have_a_right_to() {
    let scene = Scene::new().await;
    let path = format!("/user/installations/{}/repositories", scene.installation);
    let ada = sign_in(&scene, "ada").await;
    assert_eq!(ada.get("/user/installations").await.expect(StatusCode::OK)["total_count"], 1);
    let repositories = ada.get(&path).await.expect(StatusCode::OK);
    assert_eq!(repositories["total_count"], 2);
    assert_eq!(repositories["repositories"][0]["permissions"]["admin"], true);

    let mallory = sign_in(&scene, "mallory").await;
    assert_eq!(mallory.get("/user/installations").await.expect(StatusCode::OK)["total_count"], 0);
    mallory.get(&path).await.expect(StatusCode::NOT_FOUND);
    scene.github.add_collaborator("acme/config", "mallory", Level::Read);
    let repositories = mallory.get(&path).await.expect(StatusCode::OK);
    assert_eq!(repositories["total_count"], 1);
    assert_eq!(repositories["repositories"][0]["permissions"]["push"], false);

    scene.person("ada").get("/user/installations").await.expect(StatusCode::FORBIDDEN);
}

async fn sign_in(scene: &Scene, login: &str) -> Caller {
    scene.github.set_callback_url("http://127.0.0.1:1/back");
    let url = format!("{}/login/oauth/authorize?client_id={}", scene.github.web_url(), scene.app.client_id);
    let back = scene.github.authorize(&url, login).unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let request = json!({"client_id": scene.app.client_id, "client_secret": scene.app.client_secret, "code": code});
    let url = format!("{}/login/oauth/access_token", scene.github.web_url());
    let accept = [("accept", "application/json")];
    let answer = scene.caller("").send(Method::POST, &url, Some(request), &accept).await.unwrap();
    scene.caller(answer.body["access_token"].as_str().unwrap())
}
