//! Tokens and logins.

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_registry::Credential;
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
    assert_eq!(failed, format!("the login at `{outer}` failed: the credential was not accepted"));
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
    assert_eq!(refused, format!("`{host}` does not let this login read `acme/api`"));
}
