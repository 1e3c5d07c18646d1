use std::{collections::HashSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use heddle_client::{AgentClient, AgentKey, ClientError, KeyPair};
use heddle_core::id::{ClusterId, ClusterKeyId};
use heddle_wire::agent::{AgentInfo, EnrollRequest, GitTokenRequest, Report};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Answer, Server};

async fn start(answer: Answer) -> (Server, AgentClient, KeyPair) {
    let pair = KeyPair::generate().unwrap();
    let key = AgentKey::new(pair.clone(), ClusterId(Uuid::from_u128(1)), ClusterKeyId(Uuid::from_u128(2)));
    let server = Server::start(answer).await;
    let client = AgentClient::new(server.http.clone(), key);
    (server, client, pair)
}

fn report() -> Report {
    Report {
        epoch: Uuid::from_u128(3),
        sequence: 1,
        sent_at: Utc::now(),
        agent: AgentInfo { version: "0.1.0".into(), kubernetes_version: "v1.34.0".into(), started_at: Utc::now() },
        syncs: Vec::new(),
        present: None,
        rejected: None,
        facts: Vec::new(),
    }
}

#[tokio::test]
async fn a_report_is_compressed_and_signed_by_the_key() {
    let (server, client, pair) = start(Answer::json(200, &json!({"acknowledged": 1, "resync": false}))).await;

    assert_eq!(client.report(&report()).await.unwrap().acknowledged, 1);

    let seen = server.seen();
    assert_eq!(format!("{} {}", seen.method, seen.uri), "POST /agent/v1/report");
    assert_eq!(seen.header("content-encoding"), "gzip");
    assert_eq!(seen.header("heddle-protocol"), "2");
    assert_eq!(seen.json()["sequence"], 1);
    let token = seen.header("authorization").strip_prefix("Bearer ").unwrap();
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["heddle-agent"]);
    validation.set_required_spec_claims(&["sub", "exp", "aud"]);
    let public = DecodingKey::from_ed_components(&pair.public_key()).unwrap();
    let decoded = jsonwebtoken::decode::<Value>(token, &public, &validation).unwrap();
    assert_eq!(decoded.header.kid.unwrap(), Uuid::from_u128(2).to_string());
    assert_eq!(decoded.claims["sub"], Uuid::from_u128(1).to_string());
    assert_eq!(decoded.claims["exp"].as_i64().unwrap() - decoded.claims["iat"].as_i64().unwrap(), 300);
}

#[test]
fn no_two_tokens_are_the_same() {
    let pair = KeyPair::generate().unwrap();
    let key = AgentKey::new(pair, ClusterId(Uuid::from_u128(1)), ClusterKeyId(Uuid::from_u128(2)));
    let now = Utc::now();
    let tokens: HashSet<_> = (0..8).map(|_| key.sign_token(now).unwrap().expose_secret().to_owned()).collect();
    assert_eq!(tokens.len(), 8);
}

#[test]
fn a_kept_key_is_the_same_key() {
    let pair = KeyPair::generate().unwrap();
    let again = KeyPair::from_pkcs8(pair.pkcs8().expose_secret()).unwrap();
    assert_eq!(again.public_key(), pair.public_key());
    assert_eq!(URL_SAFE_NO_PAD.decode(pair.public_key()).unwrap().len(), 32);
    assert!(KeyPair::from_pkcs8(b"something else").is_err());
}

#[tokio::test]
async fn enrolling_shows_the_bootstrap_token_once() {
    let answer = json!({"cluster_id": Uuid::from_u128(1), "key_id": Uuid::from_u128(2)});
    let server = Server::start(Answer::json(200, &answer)).await;
    let request = EnrollRequest {
        public_key: KeyPair::generate().unwrap().public_key(),
        agent_version: "0.1.0".into(),
        kubernetes_version: "v1.34.0".into(),
    };

    let identity = AgentClient::enroll(&server.http, &"hdlb_once".into(), &request).await.unwrap();

    assert_eq!(identity.key_id, ClusterKeyId(Uuid::from_u128(2)));
    assert_eq!(server.seen().header("authorization"), "Bearer hdlb_once");
}

#[tokio::test]
async fn hints_wait_as_long_as_they_are_told() {
    let (server, client, _) = start(Answer::json(200, &json!({"hints": [{"hint": "resync"}]}))).await;
    assert_eq!(client.hints(Duration::from_secs(55)).await.unwrap().hints.len(), 1);
    assert_eq!(server.seen().uri, "/agent/v1/hints?wait=55");
}

#[tokio::test]
async fn an_agent_that_is_too_old_hears_what_to_do() {
    let (_server, client, _) = start(Answer::problem(410, "protocol-too-old", "update the agent to 0.4")).await;
    let error = client.hints(Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, ClientError::Gone { message } if message == "update the agent to 0.4"), "{error:?}");
}

#[tokio::test]
async fn a_repository_that_is_not_connected_is_told_apart_from_a_wrong_address() {
    let request = GitTokenRequest { repository: "https://github.com/acme/config".to_owned().try_into().unwrap() };
    let (_server, client, _) = start(Answer::problem(404, "repository-not-connected", "connect acme/config")).await;
    assert!(matches!(client.git_token(&request).await.unwrap_err(), ClientError::NotConnected { .. }));
    let (_server, client, _) = start(Answer::empty(404)).await;
    assert!(matches!(client.git_token(&request).await.unwrap_err(), ClientError::Foreign { .. }));
}

#[tokio::test]
async fn a_minted_token_is_in_no_error_when_the_rest_does_not_read() {
    let request = GitTokenRequest { repository: "https://github.com/acme/config".to_owned().try_into().unwrap() };
    let (_server, client, _) = start(Answer::json(200, &json!({"username": 1, "token": "ghs_hunter2"}))).await;
    let error = client.git_token(&request).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let (_server, client, _) = start(Answer { body: " ".repeat(2 << 20), ..Answer::empty(200) }).await;
    let error = client.hints(Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, ClientError::Foreign { fault, .. } if fault.contains("more than")), "{error:?}");
}
