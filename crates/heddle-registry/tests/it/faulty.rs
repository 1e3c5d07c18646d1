//! A registry that pages, throttles, stops half-way and lies.

use axum::{
    Json, Router,
    body::Body,
    extract::Query,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_registry::TagPage;
use serde_json::json;
use std::collections::HashMap;

use super::{image, list, reason, session, tags};

/// Serves `/v2/acme/api/tags/list` on loopback for as long as the test runs.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    host
}

async fn registry<F, Fut>(answer: F) -> String
where
    F: Fn(HashMap<String, String>, HeaderMap) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send,
{
    let handler = move |Query(query): Query<HashMap<String, String>>, headers: HeaderMap| answer(query, headers);
    serve(Router::new().route("/v2/acme/api/tags/list", get(handler))).await
}

fn page(tags: &[&str], next: Option<&str>) -> Response {
    let mut response = Json(json!({"name": "acme/api", "tags": tags})).into_response();
    if let Some(next) = next {
        let link = format!("<{next}>; rel=\"next\"");
        response.headers_mut().insert(header::LINK, link.parse().unwrap());
    }
    response
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let host = registry(|query, _| async move {
        match query.get("cursor").map(String::as_str) {
            None => page(&["1.0.0", "1.1.0"], Some("/v2/acme/api/tags/list?cursor=opaque%3D")),
            Some("opaque=") => page(&["1.1.0", "1.2.0"], Some("?cursor=last")),
            Some(_) => page(&[], None),
        }
    })
    .await;
    assert_eq!(tags(&list(&host, "acme/api").await), ["1.0.0", "1.1.0", "1.2.0"]);
}

#[tokio::test]
async fn a_failing_page_fails_the_whole_list() {
    let host = registry(|query, _| async move {
        match query.get("last") {
            None => page(&["1.0.0"], Some("?last=1.0.0")),
            Some(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    })
    .await;
    assert_eq!(reason(list(&host, "acme/api").await), format!("`{host}` answered with status 500"));
}

#[tokio::test]
async fn half_an_answer_is_a_failure() {
    let host = registry(|_, _| async {
        let half = Body::from("{\"name\": \"acme/api\", \"tags\": [\"1.0.0\", \"1.1");
        Response::new(half)
    })
    .await;
    assert_eq!(reason(list(&host, "acme/api").await), "the registry's answer is no list of tags");
}

#[tokio::test]
async fn pages_in_a_circle_are_a_failure() {
    let host = registry(|_, _| async { page(&["1.0.0"], Some("?n=1000")) }).await;
    assert_eq!(reason(list(&host, "acme/api").await), "the registry's pages lead in a circle");
}

#[tokio::test]
async fn a_page_at_another_host_is_not_followed() {
    let host = registry(|_, _| async { page(&["1.0.0"], Some("http://127.0.0.1:1/v2/")) }).await;
    assert_eq!(
        reason(list(&host, "acme/api").await),
        "the registry's next page lies at another host, which is not followed"
    );
}

#[tokio::test]
async fn a_throttled_request_says_when_to_come_again() {
    let host = registry(|_, _| async {
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "120")], "<html>").into_response()
    })
    .await;
    let TagPage::Failed(failure) = list(&host, "acme/api").await else { panic!() };
    assert_eq!(failure.reason, format!("`{host}` asks for fewer requests"));
    assert!(failure.retry_at.is_some());
}

#[tokio::test]
async fn missing_and_empty_tags_are_an_empty_list() {
    let host = registry(|_, _| async { Json(json!({"name": "acme/api", "tags": null})).into_response() }).await;
    assert!(tags(&list(&host, "acme/api").await).is_empty());
}

#[tokio::test]
async fn an_unchanged_list_is_not_sent_again() {
    let host = registry(|_, headers| async move {
        if headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == "\"v1\"") {
            return StatusCode::NOT_MODIFIED.into_response();
        }
        let mut response = page(&["1.0.0"], None);
        response.headers_mut().insert(header::ETAG, "\"v1\"".parse().unwrap());
        response
    })
    .await;
    let session = session(&host, None).await;
    let image = image(&host, "acme/api");
    let first = session.list_tags(&image, None).await;
    assert!(matches!(&first, TagPage::Complete { etag: Some(etag), .. } if etag == "\"v1\""), "{first:?}");
    assert_eq!(session.list_tags(&image, Some("\"v1\"")).await, TagPage::Unchanged);
}
