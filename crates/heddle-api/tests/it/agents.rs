use heddle_testkit::wait;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::hub::{AgentKey, Hub, NewCluster, Person};

async fn with_cluster(replicas: usize) -> (Hub, Person, String, NewCluster) {
    let hub = Hub::start_with(replicas, &["--signup", "open"]).await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
    (hub, ada, organization, cluster)
}

async fn hints(hub: &Hub, replica: usize, token: &str, wait_secs: u64) -> StatusCode {
    let url = format!("{}/agent/v1/hints?wait={wait_secs}", hub.replicas[replica]);
    hub.http.get(url).bearer_auth(token).send().await.unwrap().status()
}

#[tokio::test]
async fn a_bootstrap_token_works_once_and_its_answer_may_be_asked_again() {
    let (hub, ada, organization, cluster) = with_cluster(1).await;
    let key = AgentKey::generate();
    let first = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    assert_eq!(first["cluster_id"], cluster.id.as_str());
    // The answer was lost: the same key gets the same answer.
    assert_eq!(hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await, first);
    let told = hub.send(hub.enroll(&cluster.bootstrap_token, &AgentKey::generate()), StatusCode::GONE).await;
    assert_eq!(told["code"], "bootstrap-used");
    hub.send(hub.enroll("hdlb_unknown", &key), StatusCode::UNAUTHORIZED).await;
    let audit = hub.get(&ada, &format!("/api/v1/organizations/{organization}/audit")).await;
    assert_eq!(audit["items"][0]["action"], "cluster.enroll.refuse");
    let shown = hub.get(&ada, &format!("/api/v1/organizations/{organization}/clusters")).await;
    assert_eq!((&shown[0]["link"], &shown[0]["keys"][0]["id"]), (&json!("connected"), &first["key_id"]));
}

#[tokio::test]
async fn only_a_short_token_of_the_clusters_own_key_lets_an_agent_in() {
    let (hub, _, _, cluster) = with_cluster(1).await;
    let (key, other) = (AgentKey::generate(), AgentKey::generate());
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let key_id = enrolled["key_id"].as_str().unwrap();
    let now = chrono::Utc::now().timestamp();
    assert_eq!(hints(&hub, 0, &key.token(key_id, &cluster.id, &json!({})), 0).await, StatusCode::OK);
    let refused = [
        other.token(key_id, &cluster.id, &json!({})),
        key.token(&uuid::Uuid::now_v7().to_string(), &cluster.id, &json!({})),
        key.token(key_id, &uuid::Uuid::now_v7().to_string(), &json!({})),
        key.token(key_id, &cluster.id, &json!({ "aud": "another" })),
        key.token(key_id, &cluster.id, &json!({ "exp": now + 3600 })),
        key.token(key_id, &cluster.id, &json!({ "iat": now - 900, "exp": now - 600 })),
        key.token(key_id, &cluster.id, &json!({ "iat": now + 600, "exp": now + 900 })),
        "eyJhbGciOiJub25lIn0.e30.".to_owned(),
    ];
    for token in refused {
        assert_eq!(hints(&hub, 0, &token, 0).await, StatusCode::UNAUTHORIZED, "{token}");
    }
}

#[tokio::test]
async fn an_older_protocol_is_told_to_upgrade() {
    let (hub, _, _, cluster) = with_cluster(1).await;
    let request =
        |version: &str| hub.enroll(&cluster.bootstrap_token, &AgentKey::generate()).header("heddle-protocol", version);
    assert_eq!(hub.send(request("99"), StatusCode::BAD_REQUEST).await["code"], "protocol-unknown");
    assert_eq!(hub.send(request("1"), StatusCode::GONE).await["code"], "agent-too-old");
    hub.send(request(&heddle_wire::agent::PROTOCOL.to_string()), StatusCode::OK).await;
}

/// Case 20: a revoked agent is out, on every replica and at once.
#[tokio::test]
async fn a_revoked_agent_is_out_and_its_open_poll_ends() {
    let (hub, ada, organization, cluster) = with_cluster(2).await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let token = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
    hub.forget_last_seen().await;
    let url = format!("{}/agent/v1/hints?wait=55", hub.replicas[1]);
    let poll = tokio::spawn(hub.http.get(url).bearer_auth(&token).send());
    // The poll is open at the second replica when that has noted the agent.
    let path = format!("/api/v1/organizations/{organization}/clusters/{}", cluster.id);
    let seen = async || match hub.get(&ada, &path).await["link"].as_str() {
        Some("connected") => Ok(()),
        other => Err(format!("the link is {other:?}")),
    };
    wait::until("the agent's poll", wait::LONG, seen).await.unwrap();
    hub.post(&ada, &format!("{path}/revoke"), json!({}), StatusCode::NO_CONTENT).await;
    let told = tokio::time::timeout(wait::LONG, poll).await.expect("the poll went on").unwrap().unwrap();
    assert_eq!(told.status(), StatusCode::UNAUTHORIZED);
    for replica in 0..2 {
        assert_eq!(hints(&hub, replica, &token, 0).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(hub.get(&ada, &path).await["link"], "revoked");
    // A new manifest lets the cluster in again, with a new key.
    let renewed = hub.post(&ada, &format!("{path}/manifest"), json!({}), StatusCode::CREATED).await;
    let manifest = renewed["manifest"].as_str().unwrap();
    let bootstrap = manifest.split("token: \"").nth(1).unwrap().split('"').next().unwrap();
    let fresh = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(bootstrap, &fresh), StatusCode::OK).await;
    assert_eq!(
        hints(&hub, 0, &fresh.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({})), 0).await,
        StatusCode::OK
    );
    assert_eq!(hints(&hub, 0, &token, 0).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn two_keys_live_and_the_third_ends_the_first() {
    let (hub, ada, organization, cluster) = with_cluster(1).await;
    let path = format!("/api/v1/organizations/{organization}/clusters/{}", cluster.id);
    let mut bootstrap = cluster.bootstrap_token.clone();
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let key = AgentKey::generate();
        let enrolled = hub.send(hub.enroll(&bootstrap, &key), StatusCode::OK).await;
        tokens.push(key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({})));
        let renewed = hub.post(&ada, &format!("{path}/manifest"), json!({}), StatusCode::CREATED).await;
        let manifest = renewed["manifest"].as_str().unwrap();
        bootstrap = manifest.split("token: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    }
    let mut told = Vec::new();
    for token in &tokens {
        told.push(hints(&hub, 0, token, 0).await);
    }
    assert_eq!(told, [StatusCode::UNAUTHORIZED, StatusCode::OK, StatusCode::OK]);
}

#[tokio::test]
async fn a_deleted_cluster_is_gone_and_its_name_is_free() {
    let (hub, ada, organization, cluster) = with_cluster(1).await;
    let path = format!("/api/v1/organizations/{organization}/clusters");
    let shown = hub.get(&ada, &path).await;
    let repository: Value =
        hub.get(&ada, &format!("/api/v1/organizations/{organization}/repositories")).await[0]["id"].clone();
    assert_eq!(shown[0]["link"], "never-connected");
    hub.delete(&ada, &format!("{path}/{}", cluster.id), StatusCode::NO_CONTENT).await;
    assert_eq!(hub.get(&ada, &path).await, json!([]));
    hub.send(hub.enroll(&cluster.bootstrap_token, &AgentKey::generate()), StatusCode::UNAUTHORIZED).await;
    hub.create_cluster(&ada, &organization, repository.as_str().unwrap(), "prod").await;
    assert!(cluster.manifest.contains("kind: Deployment"));
    let wrong =
        json!({ "name": "Prod!", "repository": repository, "branch": "main", "path": "../x", "namespaces": [] });
    let told =
        hub.send(ada.sign(hub.request(Method::POST, &path)).json(&wrong), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["fields"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_agent_replaces_its_key_and_ends_the_one_before() {
    let (hub, ada, organization, cluster) = with_cluster(2).await;
    let (former, next) = (AgentKey::generate(), AgentKey::generate());
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &former), StatusCode::OK).await;
    let former_id = enrolled["key_id"].as_str().unwrap();
    let former_token = former.token(former_id, &cluster.id, &json!({}));
    let add = |token: &str, key: &str| {
        hub.request(Method::POST, "/agent/v1/keys").bearer_auth(token).json(&json!({ "public_key": key }))
    };
    let told = hub.send(add(&former_token, "short"), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(told["fields"][0]["field"], "public_key");
    let added = hub.send(add(&former_token, &next.public()), StatusCode::OK).await;
    // The answer was lost: the same key gets the same answer.
    assert_eq!(hub.send(add(&former_token, &next.public()), StatusCode::OK).await, added);
    let next_id = added["key_id"].as_str().unwrap();
    let next_token = next.token(next_id, &cluster.id, &json!({}));
    for token in [&former_token, &next_token] {
        assert_eq!(hints(&hub, 1, token, 0).await, StatusCode::OK);
    }

    let end = |token: &str, key: &str| hub.request(Method::DELETE, &format!("/agent/v1/keys/{key}")).bearer_auth(token);
    assert_eq!(hub.send(end(&next_token, next_id), StatusCode::CONFLICT).await["code"], "key-in-use");
    for _ in 0..2 {
        assert_eq!(end(&next_token, former_id).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(hints(&hub, 1, &former_token, 0).await, StatusCode::UNAUTHORIZED);
    assert_eq!(hints(&hub, 1, &next_token, 0).await, StatusCode::OK);
    hub.send(add(&former_token, &AgentKey::generate().public()), StatusCode::UNAUTHORIZED).await;
    let path = format!("/api/v1/organizations/{organization}/clusters/{}", cluster.id);
    let keys = hub.get(&ada, &path).await["keys"].as_array().unwrap().clone();
    let alive: Vec<_> = keys.iter().filter(|key| key["revoked_at"].is_null()).map(|key| &key["id"]).collect();
    assert_eq!(alive, [&json!(next_id)]);

    // Another cluster's keys are none of its business.
    let repository = hub.get(&ada, &format!("/api/v1/organizations/{organization}/repositories")).await;
    let other = hub.create_cluster(&ada, &organization, repository[0]["id"].as_str().unwrap(), "staging").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&other.bootstrap_token, &key), StatusCode::OK).await;
    let token = key.token(enrolled["key_id"].as_str().unwrap(), &other.id, &json!({}));
    assert_eq!(end(&token, next_id).send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(hints(&hub, 0, &next_token, 0).await, StatusCode::OK);
    hub.send(add(&token, &next.public()), StatusCode::UNPROCESSABLE_ENTITY).await;
}

#[tokio::test]
async fn a_cluster_gets_tokens_for_what_it_follows_and_deploys_to_no_namespace_that_rules_it() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    hub.bind_repository(&organization, "acme/secrets").await;
    let clusters = format!("/api/v1/organizations/{organization}/clusters");
    for namespace in ["heddle-system", "kube-system", "kube-public"] {
        let body = json!({
            "name": "prod", "repository": repository, "branch": "main", "path": "", "namespaces": ["shop", namespace],
        });
        let told = hub.post(&ada, &clusters, body, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert_eq!(told["fields"][0]["field"], "namespaces[1]");
    }
    let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    let signed = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &json!({}));
    let ask = |url: &str| {
        hub.request(Method::POST, "/agent/v1/git-token").bearer_auth(&signed).json(&json!({ "repository": url }))
    };
    // No App is set up here: what it may have is asked of GitHub, what it may not have is not.
    hub.send(ask("github.com/acme/config"), StatusCode::SERVICE_UNAVAILABLE).await;
    let told = hub.send(ask("github.com/acme/secrets"), StatusCode::NOT_FOUND).await;
    assert!(told["message"].as_str().unwrap().contains("no Sync"), "{told}");

    // A Sync that follows it is not enough: whoever has the agent's key can name one.
    let report = json!({
        "epoch": uuid::Uuid::now_v7(), "sequence": 1, "sent_at": "2026-01-01T00:00:00Z", "facts": [],
        "agent": { "version": "0.1.0", "kubernetes_version": "v1.34.0", "started_at": "2026-01-01T00:00:00Z" },
        "syncs": [{
            "sync": { "namespace": "heddle-system", "name": "other" },
            "follows": { "spec": "readable", "repository": "github.com/acme/secrets", "branch": "main", "path": "" },
            "suspended": false, "conditions": [], "errors": [], "drifts": [],
        }],
    });
    let report = hub.request(Method::POST, "/agent/v1/report").bearer_auth(&signed).json(&report);
    hub.send(report, StatusCode::OK).await;
    let told = hub.send(ask("github.com/acme/secrets"), StatusCode::NOT_FOUND).await;
    assert!(told["message"].as_str().unwrap().contains("nobody approved"), "{told}");
    let status = format!("/api/v1/organizations/{organization}/status");
    let asking = hub.get(&ada, &status).await["asking"].clone();
    assert_eq!((&asking[0]["cluster_name"], &asking[0]["repository_name"]), (&json!("prod"), &json!("acme/secrets")));
    let approve =
        format!("{clusters}/{}/repositories/{}/approve", cluster.id, asking[0]["repository"].as_str().unwrap());
    hub.send(ada.sign(hub.request(Method::POST, &approve)), StatusCode::NO_CONTENT).await;
    hub.send(ask("github.com/acme/secrets"), StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(hub.get(&ada, &status).await["asking"], json!([]));
}

/// Both are the sender's numbers: what they make of each other may be none.
#[tokio::test]
async fn a_token_of_impossible_times_is_refused() {
    let hub = Hub::start().await;
    let (ada, organization) = hub.settle("ada@example.com").await;
    let repository = hub.bind_repository(&organization, "acme/config").await;
    let cluster = hub.create_cluster(&ada, &organization, &repository, "prod").await;
    let key = AgentKey::generate();
    let enrolled = hub.send(hub.enroll(&cluster.bootstrap_token, &key), StatusCode::OK).await;
    for claims in [json!({ "iat": i64::MIN, "exp": i64::MAX }), json!({ "iat": -2, "exp": i64::MAX })] {
        let signed = key.token(enrolled["key_id"].as_str().unwrap(), &cluster.id, &claims);
        hub.send(hub.request(Method::GET, "/agent/v1/hints?wait=0").bearer_auth(signed), StatusCode::UNAUTHORIZED)
            .await;
    }
}
