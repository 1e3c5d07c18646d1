//! Tokens and logins.

use axum::body::{Body, Bytes};
use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_registry::{
    Access, Credential, Keys, Login, LoginFault, Session, TagPage,
    limits::{MAX_LOGIN_BYTES, MAX_TOKEN_BYTES},
};
use serde_json::json;

use super::{faulty::serve, image, list, own, reason, session, tags};

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
    Credential::Password { username: "bot".into(), password: password.to_owned().into() }
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
    assert_eq!(
        failed,
        format!(
            "the login at `{host}` failed: the credential was not accepted; look whether the password or token was changed \
             or has expired, and enter it again"
        )
    );
}

#[tokio::test]
async fn a_login_server_on_a_private_address_is_not_called() {
    let inner = registry(|host| format!("http://{host}/token")).await;
    let outer = registry(move |_| format!("http://{inner}/token")).await;
    let expected = format!("the login at `{outer}` failed: the login server cannot be reached, or is not allowed");
    assert_eq!(reason(list(&outer, "acme/api").await), expected);
    // A secret would not go there even if it could be reached.
    let session = session(&outer, Some(bot("secret"))).await;
    let failed = reason(session.list_tags(&image(&outer, "acme/api"), None).await);
    assert_eq!(failed, format!("`{outer}` names a token server without HTTPS, which no login goes to"));
}

#[tokio::test]
async fn a_registry_that_wants_a_login_which_nobody_has_is_said_so() {
    let host = registry(|host| format!("http://{host}/token")).await;
    let expected = format!("`{host}` wants a login, and there is none for `acme/api`; add one (Settings, Registries)");
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
    assert!(refused.contains("wants a login, and there is none"), "{refused}");
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
    matches!(page, TagPage::Failed(_)).then(|| {
        let failed = reason(page);
        failed.strip_prefix(&format!("the login at `{host}` failed: ")).unwrap_or(&failed).to_owned()
    })
}

async fn list_at(host: &str) -> TagPage {
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

/// A token server that gives the token to whoever shows `bot:secret` or the refresh token `refresh`, and keeps what it was
/// sent; and a registry elsewhere that names it.
async fn apart() -> (String, String, Seen) {
    let seen = Seen::default();
    let (asked, posted) = (seen.clone(), seen.clone());
    let token = |allowed: bool| match allowed {
        true => Json(json!({"access_token": "let-me-in"})).into_response(),
        false => StatusCode::UNAUTHORIZED.into_response(),
    };
    let server = get(move |headers: HeaderMap| async move {
        let login = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        asked.note(login.clone().unwrap_or_default());
        token(login.as_deref() == Some("Basic Ym90OnNlY3JldA=="))
    })
    .post(move |body: String| async move {
        posted.note(body.clone());
        token(body.contains("grant_type=refresh_token") && body.contains("refresh_token=refresh&"))
    });
    let server = serve(Router::new().route("/token", server)).await;
    let realm = format!("http://{server}/token");
    let host = registry(move |_| realm.clone()).await;
    (host, server, seen)
}

#[derive(Clone, Default)]
struct Seen(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Lists with a login at a registry whose token server is elsewhere, both allowed by the operator.
async fn list_apart(host: &str, server: &str, login: Login) -> TagPage {
    let access = Access::new(&[host.to_owned(), server.to_owned()], None).unwrap();
    Session::new(access, host, Some(login)).list_tags(&image(host, "acme/api"), None).await
}

#[tokio::test]
async fn a_secret_goes_to_a_token_server_elsewhere_only_when_somebody_confirmed_it() {
    let (host, server, seen) = apart().await;
    let TagPage::Failed(failure) = list_apart(&host, &server, own(bot("secret"))).await else {
        panic!("it went there")
    };
    assert_eq!(failure.login, Some(LoginFault::TokenServer { host: server.clone() }));
    assert!(failure.reason.contains(&format!("names the token server `{server}`")), "{}", failure.reason);
    assert!(seen.all().is_empty(), "{:?}", seen.all());

    let confirmed = Login { auth_host: Some(server.clone()), ..own(bot("secret")) };
    assert_eq!(tags(&list_apart(&host, &server, confirmed).await), ["1.0.0"]);
    assert_eq!(seen.all(), ["Basic Ym90OnNlY3JldA=="]);
    // Another one than the one that was confirmed: the registry has changed its mind.
    let (other_host, other_server, seen) = apart().await;
    let confirmed = Login { auth_host: Some(server), ..own(bot("secret")) };
    assert!(matches!(list_apart(&other_host, &other_server, confirmed).await, TagPage::Failed(_)));
    assert!(seen.all().is_empty(), "{:?}", seen.all());
}

#[tokio::test]
async fn an_identity_token_is_posted_and_in_no_address() {
    let (host, server, seen) = apart().await;
    let token = |text: &str| Login {
        keys: Keys::Own(Credential::IdentityToken(text.to_owned().into())),
        auth_host: Some(server.clone()),
    };
    assert_eq!(tags(&list_apart(&host, &server, token("refresh")).await), ["1.0.0"]);
    let TagPage::Failed(failure) = list_apart(&host, &server, token("old")).await else { panic!("it was taken") };
    assert_eq!(failure.login, Some(LoginFault::Refused));
    let expected = "grant_type=refresh_token&refresh_token=refresh&client_id=heddle&\
                    scope=repository%3Aacme%2Fapi%3Apull&service=registry";
    assert_eq!(seen.all()[0], expected);
}

#[tokio::test]
async fn what_a_registry_says_of_a_login_is_told_apart() {
    let answers = |status: StatusCode| async move {
        let list = move |headers: HeaderMap| async move {
            let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")];
            if headers.contains_key(header::AUTHORIZATION) {
                (status, challenge)
            } else {
                (StatusCode::UNAUTHORIZED, challenge)
            }
        };
        let host = serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await;
        let session = session(&host, Some(bot("secret"))).await;
        let page = session.list_tags(&image(&host, "acme/api"), None).await;
        let TagPage::Failed(failure) = page else { panic!("{page:?}") };
        (failure.login, failure.reason.replace(&host, "HOST"))
    };
    let (fault, reason) = answers(StatusCode::UNAUTHORIZED).await;
    assert_eq!(fault, Some(LoginFault::Refused));
    assert!(reason.starts_with("`HOST` does not take this login for `acme/api`; "), "{reason}");
    let (fault, reason) = answers(StatusCode::FORBIDDEN).await;
    assert_eq!(fault, Some(LoginFault::Denied));
    let expected = "`HOST` knows this login, but does not let it read `acme/api`: give the user or token the right to pull this image";
    assert_eq!(reason, expected);
    let (fault, _) = answers(StatusCode::NOT_FOUND).await;
    assert_eq!(fault, Some(LoginFault::Denied));
    let (fault, reason) = answers(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!((fault, reason.as_str()), (None, "`HOST` answered with status 503"));
}
