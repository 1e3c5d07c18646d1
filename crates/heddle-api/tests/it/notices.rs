//! Push notices of registries: who may send them, and what is told when one is none.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::hub::Hub;

#[tokio::test]
async fn a_sender_shows_the_secret_in_the_way_it_can_and_hears_why_a_notice_is_none() {
    let hub = Hub::start_with(1, &["--signup", "open"]).await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let receivers = format!("/api/v1/organizations/{organization}/receivers");
    let made = hub.post(&ada, &receivers, json!({"name": "registries"}), StatusCode::CREATED).await;
    let (id, secret) = (made["receiver"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let url = format!("{}/webhooks/registry/{id}", hub.replicas[0]);
    let send = async |body: &Value, show: &dyn Fn(RequestBuilder) -> RequestBuilder| {
        let answer = show(hub.http.post(&url)).body(body.to_string()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let harbor = json!({"type": "PUSH_ARTIFACT", "event_data": {
        "resources": [{"tag": "1.4.2", "resource_url": "harbor.acme.example/shop/api:1.4.2"}],
        "repository": {"repo_full_name": "shop/api"},
    }});
    type Show<'a> = &'a dyn Fn(RequestBuilder) -> RequestBuilder;
    let right: [Show<'_>; 3] =
        [&|request| request.bearer_auth(secret), &|request| request.header("authorization", secret), &|request| {
            request.basic_auth("heddle", Some(secret))
        }];
    for show in right {
        assert_eq!(send(&harbor, show).await.0, StatusCode::ACCEPTED);
    }
    let wrong: [Show<'_>; 4] = [
        &|request| request,
        &|request| request.bearer_auth("hdlr_other"),
        &|request| request.basic_auth(secret, Some("")),
        &|request| request.header("authorization", format!("Digest {secret}")),
    ];
    for show in wrong {
        let (status, text) = send(&harbor, show).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(!text.contains(secret), "{text}");
    }
    for (body, told) in [
        (json!({"type": "DELETE_ARTIFACT", "event_data": {}}), "its `type` is not `PUSH_ARTIFACT`"),
        (json!({"ping": true}), "send `name` and `tag`"),
    ] {
        let (status, text) = send(&body, right[0]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(text.contains("no-push") && text.contains(told), "{text}");
    }
    let shown = hub.get(&ada, &receivers).await;
    assert!(shown[0]["last_notice_at"].is_string(), "{shown}");
}
