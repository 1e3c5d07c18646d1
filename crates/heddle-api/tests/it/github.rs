//! Binding repositories, proved by the person's own sign-in at GitHub (the stand-in).

use heddle_testkit::github::{AppPlan, GitHub, GitHubConfig, Level};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::hub::{Hub, Person};

pub struct Scene {
    pub hub: Hub,
    pub github: GitHub,
    _files: tempfile::TempDir,
}

/// `ada` owns acme, `bob` may write its config repository, `eve` may do nothing there.
pub async fn scene() -> Scene {
    let github = GitHub::start(GitHubConfig::default()).await.unwrap();
    for login in ["ada", "bob", "eve"] {
        github.add_user(login);
    }
    github.add_organization("acme", "ada");
    github.create_repository("acme/config", &[("README.md", "config")]).await.unwrap();
    github.add_collaborator("acme/config", "bob", Level::Write);
    let app = github.create_app(AppPlan::new("heddle")).unwrap();
    github.install(app.id, "acme", &["acme/config"]).unwrap();

    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (key, hook, secret) = (
        write("key.pem", &app.private_key_pem),
        write("hook", &app.webhook_secret),
        write("secret", &app.client_secret),
    );
    let id = app.id.to_string();
    let hub = Hub::start_with(
        1,
        &[
            "--signup",
            "open",
            "--github-app-id",
            &id,
            "--github-app-slug",
            &app.slug,
            "--github-private-key-file",
            &key,
            "--github-webhook-secret-file",
            &hook,
            "--github-client-id",
            &app.client_id,
            "--github-client-secret-file",
            &secret,
            "--github-url",
            &github.web_url(),
            "--github-api-url",
            &github.api_url(),
            "--ca-file",
            github.ca_file().to_str().unwrap(),
        ],
    )
    .await;
    github.set_callback_url(&hub.origin);
    Scene { hub, github, _files: files }
}

impl Scene {
    async fn follow(&self, person: &Person, url: &str) -> (StatusCode, String) {
        let told = person.sign(self.hub.http.get(url)).send().await.unwrap();
        let to = told.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
        (told.status(), to)
    }

    /// Where GitHub sends the browser of `person`, who signs in there as `login`.
    async fn callback(&self, person: &Person, login: &str) -> String {
        let (status, to_github) = self.follow(person, &self.hub.url("/api/v1/github/authorize")).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        self.github.authorize(&to_github, login).unwrap().to_string()
    }

    pub async fn sign_in(&self, person: &Person, login: &str) {
        let callback = self.callback(person, login).await;
        assert_eq!(self.follow(person, &callback).await, (StatusCode::SEE_OTHER, "/onboarding".to_owned()));
    }

    async fn connect(&self, person: &Person, organization: &str, installation: &Value, status: StatusCode) -> Value {
        let path = format!("/api/v1/organizations/{organization}/repositories");
        let body = json!({ "installation_id": installation, "name": "acme/config" });
        self.hub.post(person, &path, body, status).await
    }
}

#[tokio::test]
async fn a_person_binds_what_they_administer_and_the_second_organization_hears_why_not() {
    let scene = scene().await;
    let hub = &scene.hub;
    let (ada, acme) = hub.settle("ada@example.com").await;
    let available = format!("/api/v1/organizations/{acme}/github/repositories");
    let told = hub.send(ada.sign(hub.request(Method::GET, &available)), StatusCode::FORBIDDEN).await;
    assert_eq!(told["code"], "github-sign-in-needed");

    scene.sign_in(&ada, "ada").await;
    let offered = hub.get(&ada, &available).await;
    assert_eq!((&offered[0]["name"], &offered[0]["connected"]), (&json!("acme/config"), &json!(false)));
    let installation = offered[0]["installation_id"].clone();
    let bound = scene.connect(&ada, &acme, &installation, StatusCode::CREATED).await;
    assert_eq!(bound["default_branch"], "main");
    assert!(bound["url"].as_str().unwrap().ends_with("/acme/config"), "{bound}");
    assert_eq!(hub.get(&ada, &available).await[0]["connected"], true);
    assert_eq!(hub.get(&ada, "/api/v1/me").await["github_login"], "ada");
    let again = scene.connect(&ada, &acme, &installation, StatusCode::CONFLICT).await;
    assert_eq!(again["code"], "repository-connected");

    let second = hub.post(&ada, "/api/v1/organizations", json!({ "name": "two" }), StatusCode::CREATED).await;
    let second = second["id"].as_str().unwrap();
    let told = scene.connect(&ada, second, &installation, StatusCode::CONFLICT).await;
    assert_eq!(told["code"], "repository-bound-elsewhere");

    let path = format!("/api/v1/organizations/{acme}/repositories/{}", bound["id"].as_str().unwrap());
    hub.delete(&ada, &path, StatusCode::NO_CONTENT).await;
    scene.connect(&ada, second, &installation, StatusCode::CREATED).await;
}

/// Threat T14: an installation's number from a browser proves nothing.
#[tokio::test]
async fn nobody_binds_what_they_do_not_administer() {
    let scene = scene().await;
    let hub = &scene.hub;
    let (ada, acme) = hub.settle("ada@example.com").await;
    scene.sign_in(&ada, "ada").await;
    let offered = hub.get(&ada, &format!("/api/v1/organizations/{acme}/github/repositories")).await;
    let installation = offered[0]["installation_id"].clone();
    for login in ["bob", "eve"] {
        let (person, own) = hub.settle(&format!("{login}@example.com")).await;
        scene.sign_in(&person, login).await;
        assert_eq!(hub.get(&person, &format!("/api/v1/organizations/{own}/github/repositories")).await, json!([]));
        scene.connect(&person, &own, &installation, StatusCode::NOT_FOUND).await;
    }
}

#[tokio::test]
async fn a_sign_in_belongs_to_the_browser_that_began_it_and_works_once() {
    let scene = scene().await;
    let hub = &scene.hub;
    let ada = hub.sign_up("ada@example.com").await;
    let eve = hub.sign_up("eve@example.com").await;
    // Eve lets Ada's browser open the end of her own sign-in.
    let callback = scene.callback(&eve, "eve").await;
    let unknown = (StatusCode::SEE_OTHER, "/onboarding?github=github-state-unknown".to_owned());
    assert_eq!(scene.follow(&ada, &callback).await, unknown);
    assert!(hub.get(&ada, "/api/v1/me").await["github_login"].is_null());
    assert_eq!(scene.follow(&eve, &callback).await, unknown, "it was used up");
    assert!(hub.get(&eve, "/api/v1/me").await["github_login"].is_null());
    // The end of an installation comes without a state: the sign-in begins then.
    let (status, to) = scene.follow(&ada, &hub.url("/api/v1/github/callback?code=x&installation_id=1")).await;
    assert_eq!((status, to.as_str()), (StatusCode::SEE_OTHER, "/api/v1/github/authorize"));
    // One person at GitHub is one account here.
    scene.sign_in(&ada, "ada").await;
    let callback = scene.callback(&eve, "ada").await;
    let taken = (StatusCode::SEE_OTHER, "/onboarding?github=github-account-taken".to_owned());
    assert_eq!(scene.follow(&eve, &callback).await, taken);
}
