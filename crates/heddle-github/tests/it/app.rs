use chrono::{TimeDelta, Utc};
use heddle_github::{GitHubError, Host, OAuth, Permissions, RepositoryClient, UserClient};
use heddle_testkit::github::{Fault, Level, Matcher};
use secrecy::ExposeSecret;

use crate::{Scene, branch, edit, message, name};

#[tokio::test]
async fn a_token_reaches_one_repository_with_one_purposes_permissions() {
    let scene = Scene::new().await;
    scene.github.create_repository("acme/other", &[("a", "b")]).await.unwrap();
    let token = scene.app().mint_token(scene.installation, &name(), Permissions::Fetch).await.unwrap();
    assert!(token.expires_at > Utc::now() + TimeDelta::minutes(50));
    let client =
        |repository: &str| RepositoryClient::new(&scene.host(), &token.secret, repository.parse().unwrap()).unwrap();
    assert!(client("acme/config").branch_head(&branch("main")).await.unwrap().is_some());
    assert!(client("acme/other").branch_head(&branch("main")).await.unwrap().is_none());
    let refused =
        client("acme/config").commit_on_branch(&branch("main"), &scene.first, &[edit("a.yaml", "x")], &message()).await;
    assert!(refused.unwrap_err().to_string().contains("forbids"));

    let uncovered =
        scene.app().mint_token(scene.installation, &"acme/other".parse().unwrap(), Permissions::Fetch).await;
    assert!(matches!(uncovered, Err(GitHubError::Refused { status: 422, .. })), "{uncovered:?}");
}

#[tokio::test]
async fn a_fresh_token_that_github_does_not_know_yet_is_waited_for() {
    let scene = Scene::new().await;
    scene.github.fail(Matcher::rest("GET", "/repos/*/*"), Fault::Status(404));
    scene.github.fail(Matcher::rest("GET", "/repos/*/*"), Fault::Status(401));
    scene.app().mint_token(scene.installation, &name(), Permissions::Read).await.unwrap();
    scene.github.uninstall(scene.installation);
    let gone = scene.app().mint_token(scene.installation, &name(), Permissions::Read).await;
    assert!(matches!(gone, Err(GitHubError::NotFound { .. })), "{gone:?}");
}

/// The `Link` header is absolute, and `octocrab` alone would send page two without credentials.
#[tokio::test]
async fn every_page_is_asked_for_with_credentials() {
    let scene = Scene::new().await;
    let everything = scene.github.install(scene.credentials.id, "acme", &[]).unwrap();
    for number in 0..101 {
        scene.github.create_repository(&format!("acme/r{number}"), &[("a", "b")]).await.unwrap();
    }
    let repositories = scene.app().list_installation_repositories(everything).await.unwrap();
    assert_eq!(repositories.len(), 102);
    let asked: Vec<_> =
        scene.github.requests().into_iter().filter(|r| r.path.ends_with("/installation/repositories")).collect();
    assert_eq!(asked.len(), 2);
    assert!(asked[1].query.contains("page=2") && asked.iter().all(|r| r.authenticated), "{asked:?}");
}

#[tokio::test]
async fn a_person_signs_in_and_sees_what_they_have_a_right_to() {
    let scene = Scene::new().await;
    scene.github.add_user("grace");
    scene.github.add_collaborator("acme/config", "grace", Level::Read);
    scene.github.set_callback_url("http://127.0.0.1:8080/github/callback");
    let redirect = "http://127.0.0.1:8080/github/callback".parse().unwrap();
    let secret = scene.credentials.client_secret.clone().into();
    let web = scene.github.web_url().parse().unwrap();
    let oauth = OAuth::new(&scene.host(), web, scene.credentials.client_id.clone(), secret).unwrap();
    // The pair of RFC 7636, appendix B.
    let (verifier, challenge) =
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    let url = oauth.authorize_url("state", challenge, &redirect).unwrap();
    let back = scene.github.authorize(url.as_str(), "grace").unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let wrong = oauth.exchange_code(&code.clone().into(), &"wrong".to_owned().into(), &redirect).await;
    assert!(matches!(wrong, Err(GitHubError::Refused { .. })), "{wrong:?}");

    let back = scene.github.authorize(url.as_str(), "grace").unwrap();
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let token = oauth.exchange_code(&code.into(), &verifier.to_owned().into(), &redirect).await.unwrap();
    assert!(token.expires_at.unwrap() > Utc::now());
    let user = UserClient::new(&scene.host(), &token.secret).unwrap();
    assert_eq!(user.user().await.unwrap().login, "grace");
    let installations = user.list_installations().await.unwrap();
    assert_eq!((installations[0].id, installations[0].account.as_str()), (scene.installation, "acme"));
    let repositories = user.list_installation_repositories(scene.installation).await.unwrap();
    assert_eq!((repositories[0].name.clone(), repositories[0].may_push), (name(), Some(false)));
    assert_eq!(repositories[0].clone_url.as_str(), scene.github.clone_url("acme/config"));
}

#[tokio::test]
async fn a_lost_webhook_is_found_and_sent_again() {
    let scene = Scene::new().await;
    scene.github.set_webhook_target("http://127.0.0.1:9/nobody");
    let since = Utc::now() - TimeDelta::hours(1);
    scene.push("main", "a.yaml", "tag: v2\n").await;
    scene.github.webhooks().delivered().await;
    let app = scene.app();
    let failed = app.list_failed_deliveries(since).await.unwrap();
    assert_eq!((failed.len(), failed[0].event.as_str()), (1, "push"));
    app.redeliver(failed[0].id).await.unwrap();
    assert!(app.list_failed_deliveries(Utc::now() + TimeDelta::hours(1)).await.unwrap().is_empty());
}

#[tokio::test]
async fn installations_come_and_go() {
    let scene = Scene::new().await;
    let app = scene.app();
    assert_eq!(app.list_installations().await.unwrap().len(), 1);
    assert!(!app.find_installation(scene.installation).await.unwrap().unwrap().suspended);
    scene.github.suspend(scene.installation);
    assert!(app.find_installation(scene.installation).await.unwrap().unwrap().suspended);
    scene.github.uninstall(scene.installation);
    assert_eq!(app.find_installation(scene.installation).await.unwrap(), None);
}

#[tokio::test]
async fn secrets_stay_out_of_errors() {
    let scene = Scene::new().await;
    let secret = "ghs_top.secret.value";
    let client = RepositoryClient::new(&scene.host(), &secret.to_owned().into(), name()).unwrap();
    let error = client.branch_head(&branch("main")).await.unwrap_err();
    assert!(matches!(error, GitHubError::Unauthorized), "{error:?}");
    assert!(!format!("{error:?} {error} {client:?}").contains("secret.value"));
    let broken = RepositoryClient::new(&scene.host(), &"line\nbreak".to_owned().into(), name()).unwrap_err();
    assert!(!format!("{broken:?}").contains("line"), "{broken:?}");
    let token = scene.app().mint_token(scene.installation, &name(), Permissions::Read).await.unwrap();
    assert!(!format!("{token:?}").contains(token.secret.expose_secret()));
}

#[tokio::test]
async fn an_app_tells_its_rights_its_webhook_and_what_arrived() {
    let scene = Scene::new().await;
    let app = scene.app();
    let found = app.registration().await.unwrap();
    assert_eq!(
        (found.slug.as_deref(), found.client_id.as_deref()),
        (Some(scene.credentials.slug.as_str()), Some(scene.credentials.client_id.as_str()))
    );
    assert_eq!(found.permissions["contents"], "write");
    assert!(found.events.iter().any(|event| event == "push"), "{found:?}");
    let installations = app.list_installations().await.unwrap();
    assert_eq!(installations[0].permissions["pull_requests"], "write");
    let page = format!("/settings/installations/{}", scene.installation);
    assert!(installations[0].html_url.ends_with(&page), "{installations:?}");
    assert!((scene.host().clock().await.unwrap() - Utc::now()).abs() < TimeDelta::minutes(1));

    assert_eq!(app.webhook().await.unwrap().url, None);
    assert_eq!(app.list_deliveries().await.unwrap(), []);
    // Nobody listens there.
    let nowhere = "http://127.0.0.1:9/webhooks/github";
    scene.github.set_webhook_target(nowhere);
    assert_eq!(app.webhook().await.unwrap().url.as_deref(), Some(nowhere));
}

#[tokio::test]
async fn an_app_whose_key_was_deleted_is_told_apart_from_a_host_that_is_away() {
    let scene = Scene::new().await;
    scene.github.fail(Matcher::rest("GET", "/app"), Fault::Status(401));
    let refused = scene.app().registration().await;
    assert!(matches!(refused, Err(GitHubError::Unauthorized)), "{refused:?}");
    let away = Host::new("https://127.0.0.1:9/api/v3".parse().unwrap(), None).unwrap().clock().await;
    assert!(matches!(&away, Err(GitHubError::Unavailable { reason }) if reason.contains("onnect")), "{away:?}");
}
