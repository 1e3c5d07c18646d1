use heddle_client::{ClientError, PageQuery, UserClient};
use heddle_core::id::OrganizationId;
use heddle_wire::view::{LoginRequest, Topic};
use serde_json::json;
use uuid::Uuid;

use crate::server::{Answer, Server};

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(1));

async fn start(answer: Answer) -> (Server, UserClient) {
    let server = Server::start(answer).await;
    let client = UserClient::new(server.http.clone(), "hdlt_token".into());
    (server, client)
}

#[tokio::test]
async fn a_token_stands_in_the_header_and_nowhere_else() {
    let (server, client) = start(Answer::json(
        200,
        &json!({"items": [], "next": null, "counts": {"in_flight": 0, "stuck": 0, "healthy_today": 0}}),
    ))
    .await;
    let page = PageQuery {
        after: Some("a&b=c".into()),
        environment: Some("prod".to_owned().try_into().unwrap()),
        limit: None,
    };
    client.changes(ORGANIZATION, &page).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.header("authorization"), "Bearer hdlt_token");
    assert_eq!(
        seen.uri,
        format!("/api/v1/organizations/{ORGANIZATION}/changes?after=a%26b%3Dc&environment=prod").as_str()
    );
    assert!(!format!("{client:?}").contains("hdlt_token"));
}

#[tokio::test]
async fn a_login_gives_a_session() {
    let answer = Answer::empty(204).header("set-cookie", "__Host-heddle=s3cret; Path=/; Secure; HttpOnly");
    let server = Server::start(answer).await;
    let request = LoginRequest { email: "ada@example.org".into(), password: "correct horse".to_owned().into() };
    let client = UserClient::login(server.http.clone(), &request).await.unwrap();
    let seen = server.seen();
    assert_eq!(format!("{} {}", seen.method, seen.uri), "POST /api/v1/login");
    assert!(!format!("{client:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_login_without_a_session_is_a_fault() {
    let server = Server::start(Answer::empty(204)).await;
    let request = LoginRequest { email: "ada@example.org".into(), password: "correct horse".to_owned().into() };
    let error = UserClient::login(server.http.clone(), &request).await.unwrap_err();
    assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_its_request() {
    let (_server, client) = start(Answer::problem(403, "role-too-low", "ask an admin")).await;
    let error = client.status(ORGANIZATION).await.unwrap_err();
    assert_eq!(error.code(), Some("role-too-low"));
    assert_eq!(error.to_string(), "ask an admin (code role-too-low, request r1)");
}

#[tokio::test]
async fn events_come_one_by_one_until_the_stream_ends() {
    let body = ": hello\n\nevent: changed\ndata: {\"topic\":\"changes\",\"id\":null}\n\n";
    let answer = Answer { body: body.into(), ..Answer::empty(200) }.header("content-type", "text/event-stream");
    let (server, client) = start(answer).await;
    let mut events = client.events(ORGANIZATION).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().topic, Topic::Changes);
    assert!(events.next().await.unwrap().is_none());
    assert_eq!(server.seen().header("accept"), "text/event-stream");
}
