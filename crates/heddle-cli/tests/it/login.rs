use std::{fs, os::unix::fs::PermissionsExt};

use crate::program::{Api, Person, TOKEN};

#[tokio::test]
async fn a_login_is_kept_for_its_owner_alone() {
    let (api, person) = (Api::start().await, Person::new());
    let ended = person.log_in(&api.url, TOKEN).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(ended.stdout, format!("Logged in to {}/ as ada@example.org\n  acme (owner)\n", api.url));
    assert_eq!(fs::metadata(person.logins()).unwrap().permissions().mode() & 0o777, 0o600);

    let ended = person.run(&["status"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");

    assert_eq!(person.run(&["logout"]).await.code, 0);
    let ended = person.run(&["status"]).await;
    assert_eq!(ended.code, 4, "{ended:?}");
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_kept() {
    let (api, person) = (Api::start().await, Person::new());
    let ended = person.log_in(&api.url, "hdlt_wrong").await;
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.contains("make a new token in the dashboard"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hdlt_wrong"));
    assert!(!person.logins().exists());
}

#[tokio::test]
async fn a_kept_token_goes_to_its_own_address_alone() {
    let (api, other, person) = (Api::start().await, Api::start().await, Person::new());
    person.log_in(&api.url, TOKEN).await;
    let ended = person.run(&["status", "--api-url", &other.url]).await;
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.contains(&format!("not logged in to {}", other.url)), "{}", ended.stderr);
}

#[tokio::test]
async fn ci_needs_no_login() {
    let (api, person) = (Api::start().await, Person::new());
    let ended = person
        .command(&["changes", "-o", "json"])
        .env("HEDDLE_API_URL", &api.url)
        .env("HEDDLE_TOKEN", TOKEN)
        .output()
        .await
        .unwrap();
    assert!(ended.status.success());
}

#[tokio::test]
async fn a_token_never_travels_in_the_clear() {
    let ended = Person::new().log_in("http://heddle.example", TOKEN).await;
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("write `https://`"), "{}", ended.stderr);
}

#[tokio::test]
async fn an_api_that_is_away_is_told_apart() {
    let (api, person) = (Api::start().await, Person::new());
    person.log_in(&api.url, TOKEN).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ended = person.command(&["status", "--api-url", &nobody]).env("HEDDLE_TOKEN", TOKEN).output().await.unwrap();
    assert_eq!(ended.status.code(), Some(5));
}
