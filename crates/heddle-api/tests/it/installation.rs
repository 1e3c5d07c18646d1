//! The installation as a whole, as who looks after it sees it.

use heddle_core::id::UserId;
use heddle_db::administrators;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{github, hub::Person};

const DOCTOR: &str = "/api/v1/installation/doctor";

fn find<'a>(report: &'a Value, area: &str, verdict: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["area"] == area && check["verdict"] == verdict)
        .map(|check| check["said"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn who_looks_after_the_installation_sees_how_it_is_and_nobody_else() {
    let scene = github::scene().await;
    let hub = &scene.hub;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let ask = |person: &Person, status| hub.send(person.sign(hub.request(Method::GET, DOCTOR)), status);

    // The owner of an organization is nobody here, and is told what would let her in.
    let id: UserId = serde_json::from_value(hub.get(&ada, "/api/v1/me").await["id"].clone()).unwrap();
    let refused = ask(&ada, StatusCode::FORBIDDEN).await;
    assert_eq!(refused["code"], "not-an-administrator");
    assert!(refused["message"].as_str().unwrap().contains(&format!("heddle-api admin add {id}")), "{refused}");

    let owner = hub.database.options();
    assert!(!administrators::add(&owner, UserId(uuid::Uuid::now_v7())).await.unwrap());
    assert!(administrators::add(&owner, id).await.unwrap() && administrators::add(&owner, id).await.unwrap());
    assert_eq!(administrators::list(&owner).await.unwrap().iter().map(|one| one.user).collect::<Vec<_>>(), [id]);
    let report = ask(&ada, StatusCode::OK).await;
    assert_eq!(find(&report, "clock", "ok").len(), 2, "{report}");
    assert_eq!(find(&report, "keys", "ok").len(), 1, "{report}");
    assert_eq!(find(&report, "database", "warning").len(), 1, "the tests log in as the owner: {report}");
    assert_eq!(
        find(&report, "automators", "fault"),
        ["no automator has ever asked for work, so that nothing is proposed"]
    );
    assert_eq!(find(&report, "github", "fault"), Vec::<&str>::new(), "{report}");
    assert_eq!(find(&report, "webhooks", "fault"), ["the App has no webhook, so that changes are seen minutes later"]);
    assert!(!report.to_string().contains("acme/config"), "what is of an organization stays there: {report}");

    // A token does no more than its role says.
    for (role, status) in [("viewer", StatusCode::FORBIDDEN), ("admin", StatusCode::OK)] {
        let body = json!({"name": role, "organization": organization, "role": role, "expires_in_days": 1});
        let made = hub.post(&ada, "/api/v1/tokens", body, StatusCode::CREATED).await;
        let request = hub.request(Method::GET, DOCTOR).bearer_auth(made["secret"].as_str().unwrap());
        hub.send(request, status).await;
    }

    let (eve, _) = hub.settle("eve@example.com").await;
    ask(&eve, StatusCode::FORBIDDEN).await;
    assert!(administrators::remove(&owner, id).await.unwrap());
    ask(&ada, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn a_webhook_that_goes_elsewhere_and_rights_that_were_taken_are_seen() {
    let scene = github::scene().await;
    let hub = &scene.hub;
    let (ada, _) = hub.settle("ada@example.com").await;
    let id: UserId = serde_json::from_value(hub.get(&ada, "/api/v1/me").await["id"].clone()).unwrap();
    administrators::add(&hub.database.options(), id).await.unwrap();
    scene.github.set_webhook_target("http://127.0.0.1:9/webhooks/github");
    let report = hub.get(&ada, DOCTOR).await;
    assert_eq!(
        find(&report, "webhooks", "fault"),
        ["GitHub sends webhooks to http://127.0.0.1:9/webhooks/github, and not here"],
        "{report}"
    );
    scene.github.set_webhook_target(&hub.url("/webhooks/github"));
    let report = hub.get(&ada, DOCTOR).await;
    assert!(
        find(&report, "webhooks", "ok").iter().any(|said| said.starts_with("GitHub sends webhooks to")),
        "{report}"
    );
}
