//! Tokens and logins.

use axum::body::{Body, Bytes};
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_registry::{
    Credential,
    limits::{MAX_LOGIN_BYTES, MAX_TOKEN_BYTES},
};
use serde_json::json;

use super::{faulty::serve, image, list, reason, session, tags};

/// A registry whose login server is at `realm`, and takes the token `let-me-in`.
async fn registry(realm: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> String {
    let challenge = move |headers: &HeaderMap| -> Response {
        let host = headers[header::HOST].to_str().unwrap();
        let challenge = format!("Bearer realm=\"{}\",service=\"registry\"", realm(host));
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response()
    };
    let version = challenge.clone();
    let router = Router::new()
        .route("/v2/", get(move |headers: HeaderMap| async move { version(&headers) }))
        .route(
            "/v2/acme/api/tags/list",
            get(move |headers: HeaderMap| async move {
                match headers.get(header::AUTHORIZATION) {
                    Some(token) if token == "Bearer let-me-in" => Json(json!({"tags": ["1.0.0"]})).into_response(),
                    _ => challenge(&headers),
                }
            }),
        )
        .route(
            "/token",
            get(|headers: HeaderMap| async move {
                match headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap()) {
                    // `bot:secret`
                    Some("Basic Ym90OnNlY3JldA==") => Json(json!({"token": "let-me-in"})).into_response(),
                    _ => (StatusCode::UNAUTHORIZED, "internal: db-7 says no").into_response(),
                }
            }),
        );
    serve(router).await
}

fn bot(password: &str) -> Credential {
    Credential { username: "bot".into(), password: password.to_owned().into() }
}

#[tokio::test]
async fn a_token_is_fetched_from_the_login_server() {
    let host = registry(|host| format!("http://{host}/token")).await;
    let session = session(&host, Some(bot("secret"))).await;
    for _ in 0..2 {
        assert_eq!(tags(&session.list_tags(&image(&host, "acme/api"), None).await), ["1.0.0"]);
    }
}

#[tokio::test]
async fn a_refused_login_shows_nothing_that_the_server_wrote() {
    let host = registry(|host| format!("http://{host}/token")).await;
    let session = session(&host, Some(bot("wrong"))).await;
    let failed = reason(session.list_tags(&image(&host, "acme/api"), None).await);
    assert_eq!(failed, format!("the login at `{host}` failed: the credential was not accepted"));
}

#[tokio::test]
async fn a_login_server_on_a_private_address_is_not_called() {
    let inner = registry(|host| format!("http://{host}/token")).await;
    let outer = registry(move |_| format!("http://{inner}/token")).await;
    let session = session(&outer, Some(bot("secret"))).await;
    let failed = reason(session.list_tags(&image(&outer, "acme/api"), None).await);
    let expected = format!("the login at `{outer}` failed: the login server cannot be reached, or is not allowed");
    assert_eq!(failed, expected);
}

#[tokio::test]
async fn a_registry_that_wants_a_login_which_nobody_has_is_said_so() {
    let host = registry(|host| format!("http://{host}/token")).await;
    let expected = format!("`{host}` wants a login; Heddle has none for it yet, so `acme/api` cannot be read");
    assert_eq!(reason(list(&host, "acme/api").await), expected);
}

#[tokio::test]
async fn a_registry_that_takes_the_login_itself_gets_it() {
    let router = Router::new()
        .route("/v2/", get(|| async { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")]) }))
        .route(
            "/v2/acme/api/tags/list",
            get(|headers: HeaderMap| async move {
                match headers.get(header::AUTHORIZATION) {
                    Some(login) if login == "Basic Ym90OnNlY3JldA==" => {
                        Json(json!({"tags": ["1.0.0"]})).into_response()
                    }
                    _ => StatusCode::UNAUTHORIZED.into_response(),
                }
            }),
        );
    let host = serve(router).await;
    let session = session(&host, Some(bot("secret"))).await;
    assert_eq!(tags(&session.list_tags(&image(&host, "acme/api"), None).await), ["1.0.0"]);
    let refused = reason(list(&host, "acme/api").await);
    assert!(refused.contains("wants a login; Heddle has none for it yet"), "{refused}");
}

/// Why a list failed whose login server answers with this; `None` when it did not.
async fn failure_with(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Option<String> {
    let challenge = |headers: &HeaderMap| {
        let realm = format!("Bearer realm=\"http://{}/token\"", headers[header::HOST].to_str().unwrap());
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, realm)]).into_response()
    };
    let list = move |headers: HeaderMap| async move {
        match headers.contains_key(header::AUTHORIZATION) {
            true => Json(json!({"tags": ["1.0.0"]})).into_response(),
            false => challenge(&headers),
        }
    };
    let router = Router::new().route("/token", get(move || async move { answer() }));
    let host = serve(router.route("/v2/acme/api/tags/list", get(list))).await;
    let page = list_at(&host).await;
    matches!(page, heddle_registry::TagPage::Failed(_)).then(|| {
        let failed = reason(page);
        failed.strip_prefix(&format!("the login at `{host}` failed: ")).unwrap_or(&failed).to_owned()
    })
}

async fn list_at(host: &str) -> heddle_registry::TagPage {
    list(host, "acme/api").await
}

#[tokio::test]
async fn the_answer_of_a_login_server_has_a_largest_size() {
    let of_size = |bytes: usize| {
        let frame = json!({"token": "t", "filler": ""}).to_string().len();
        move || Json(json!({"token": "t", "filler": "x".repeat(bytes - frame)})).into_response()
    };
    assert_eq!(failure_with(of_size(MAX_LOGIN_BYTES)).await, None);
    let expected = format!("the answer of the login server has more than {MAX_LOGIN_BYTES} bytes");
    assert_eq!(failure_with(of_size(MAX_LOGIN_BYTES + 1)).await, Some(expected.clone()));
    let endless = || {
        let piece = || std::future::ready(Some((Ok::<_, std::io::Error>(Bytes::from_static(&[b'a'; 8192])), ())));
        Response::new(Body::from_stream(futures::stream::unfold((), move |()| piece())))
    };
    assert_eq!(failure_with(endless).await, Some(expected));
}

#[tokio::test]
async fn a_token_has_a_longest_length() {
    let of_length = |length: usize| move || Json(json!({"access_token": "t".repeat(length)})).into_response();
    assert_eq!(failure_with(of_length(MAX_TOKEN_BYTES)).await, None);
    let expected = "the login server gave a token that is empty or longer than 16384 bytes";
    assert_eq!(failure_with(of_length(MAX_TOKEN_BYTES + 1)).await, Some(expected.to_owned()));
    assert_eq!(failure_with(of_length(0)).await, Some(expected.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_login_has_a_deadline() {
    let silent = || Response::new(Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()));
    assert_eq!(failure_with(silent).await, Some("the login server did not answer in time".to_owned()));
}
