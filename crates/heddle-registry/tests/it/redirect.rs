//! Redirects: where they lead, and what goes along.

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_egress::limits::MAX_REDIRECTS;
use heddle_registry::{Access, Credential, Session};
use serde_json::json;
use std::sync::{Arc, Mutex};

use super::{faulty::serve, image, own, reason, tags};

/// A host that answers the list of tags to everybody, and keeps what it was sent.
async fn listener(next: Option<&'static str>) -> (String, Arc<Mutex<Vec<HeaderMap>>>) {
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let kept = Arc::clone(&seen);
    let list = move |headers: HeaderMap| async move {
        kept.lock().unwrap().push(headers);
        let mut answer = Json(json!({"tags": ["1.0.0"]})).into_response();
        if let Some(next) = next {
            answer.headers_mut().insert(header::LINK, next.parse().unwrap());
        }
        answer
    };
    (serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await, seen)
}

/// A registry that takes a login itself, and leads everybody who has one on to another host.
async fn leads_to(address: String) -> String {
    let list = move |headers: HeaderMap| async move {
        if headers.contains_key(header::AUTHORIZATION) {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, address)]).into_response()
        } else {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")]).into_response()
        }
    };
    serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await
}

fn session(host: &str, allowed: &[&str]) -> Session {
    let allowed: Vec<String> = allowed.iter().map(|host| (*host).to_owned()).collect();
    let bot = Credential::Password { username: "bot".into(), password: "secret".to_owned().into() };
    Session::new(Access::new(&allowed, None).unwrap(), host, Some(own(bot)))
}

#[tokio::test]
async fn a_login_does_not_follow_a_redirect_to_another_host() {
    let (other, seen) = listener(None).await;
    let host = leads_to(format!("http://{other}/v2/acme/api/tags/list")).await;
    let page = session(&host, &[&host, &other]).list_tags(&image(&host, "acme/api"), None).await;
    assert_eq!(tags(&page), ["1.0.0"]);
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert!(!seen[0].contains_key(header::AUTHORIZATION), "{seen:?}");
}

#[tokio::test]
async fn the_page_after_a_redirect_is_not_asked_at_the_other_host() {
    let (other, seen) = listener(Some("<?page=2>; rel=next")).await;
    let host = leads_to(format!("http://{other}/v2/acme/api/tags/list")).await;
    let page = session(&host, &[&host, &other]).list_tags(&image(&host, "acme/api"), None).await;
    assert_eq!(reason(page), "the registry's next page lies at another host, which is not followed");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_redirect_does_not_lead_to_another_port_of_an_allowed_host() {
    let (other, seen) = listener(None).await;
    let host = leads_to(format!("http://{other}/v2/acme/api/tags/list")).await;
    let page = session(&host, &[&host]).list_tags(&image(&host, "acme/api"), None).await;
    assert_eq!(reason(page), "`127.0.0.1` is plain HTTP, which only an allowed host may be");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn redirects_are_followed_a_few_times() {
    let hops = |count: usize| async move {
        let router = (0..count).fold(Router::new(), |router, at| {
            let to = if at + 1 == count { "/end".to_owned() } else { format!("/hop/{}", at + 1) };
            let path = if at == 0 { "/v2/acme/api/tags/list".to_owned() } else { format!("/hop/{at}") };
            router.route(&path, get(move || async move { found(&to) }))
        });
        let router = router.route("/end", get(|| async { Json(json!({"tags": ["1.0.0"]})) }));
        let host = serve(router).await;
        session(&host, &[&host]).list_tags(&image(&host, "acme/api"), None).await
    };
    assert_eq!(tags(&hops(MAX_REDIRECTS).await), ["1.0.0"]);
    assert_eq!(reason(hops(MAX_REDIRECTS + 1).await), "the host leads on more than 3 times");
}

fn found(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to)]).into_response()
}

#[tokio::test]
async fn what_is_private_and_what_is_not_there_sound_the_same() {
    let failed = async |host: &str| {
        let page = session(host, &[]).list_tags(&image(host, "acme/api"), None).await;
        reason(page).replace(host, "HOST")
    };
    let private = failed("localhost:1").await;
    assert_eq!(private, failed("nothing-there.invalid").await);
    assert_eq!(private, "`HOST` cannot be reached; a registry on a private address needs the operator's leave");
}

#[tokio::test]
async fn a_login_is_led_to_no_listed_host_that_the_session_may_not_be_led_to() {
    let (asked, to_asked) = (Arc::new(Mutex::new(0)), Router::new());
    let count = Arc::clone(&asked);
    let inner = to_asked.fallback(move || async move {
        *count.lock().unwrap() += 1;
        Json(json!({"token": "let-me-in"}))
    });
    let inner = serve(inner).await;
    // The token server is the registry itself, or its root has to be asked how it wants to be logged in at.
    for (challenge, way) in [("Bearer realm=\"http://HOST/token\"", "/token"), ("", "/v2/")] {
        let list = move |headers: HeaderMap| async move {
            let host = headers[header::HOST].to_str().unwrap().to_owned();
            match headers.get(header::AUTHORIZATION) {
                Some(_) => Json(json!({"tags": ["1.0.0"]})).into_response(),
                None => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge.replace("HOST", &host))])
                    .into_response(),
            }
        };
        let to = format!("http://{inner}/token");
        let router =
            Router::new().route("/v2/acme/api/tags/list", get(list)).route(way, get(move || async move { found(&to) }));
        let host = serve(router).await;
        let access = Access::new(&[host.clone(), inner.clone()], None).unwrap();
        let list = async |session: Session| session.list_tags(&image(&host, "acme/api"), None).await;
        let own = host.clone();
        let bounded = Session::new(access.clone(), &host, None)
            .leading_to(move |url| Some(own.as_str()) == url.as_str().split('/').nth(2));
        assert!(matches!(list(bounded).await, heddle_registry::TagPage::Failed(_)), "{way}");
        assert_eq!(*asked.lock().unwrap(), 0, "{way}");
        list(Session::new(access, &host, None)).await;
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), 1, "{way}");
    }
}
