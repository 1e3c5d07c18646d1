//! A registry that pages, throttles, stops half-way and lies.

use axum::{
    Json, Router,
    body::Body,
    extract::Query,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_registry::{
    Begun, TagPage,
    limits::{MAX_HEADER_BYTES, MAX_LIST_BYTES, MAX_PAGES, MAX_TAGS},
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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
async fn a_list_that_was_left_is_read_on_behind_its_last_whole_page() {
    let (asked, mut pages) = tokio::sync::mpsc::unbounded_channel();
    let stuck = Arc::new(AtomicBool::new(true));
    let is_stuck = Arc::clone(&stuck);
    let host = registry(move |query, _| {
        let (asked, is_stuck) = (asked.clone(), Arc::clone(&is_stuck));
        async move {
            let last = query.get("last").cloned();
            asked.send(last.clone()).unwrap();
            match last.as_deref() {
                None => page(&["1.0.0", "1.0.1"], Some("?last=1.0.1")),
                Some("1.0.1") => page(&["1.0.1", "1.0.2"], Some("?last=1.0.2")),
                Some(_) if is_stuck.load(Ordering::SeqCst) => std::future::pending().await,
                Some(_) => page(&["1.0.3"], None),
            }
        }
    })
    .await;
    let (session, image, mut begun) = (session(&host, None).await, image(&host, "acme/api"), Begun::default());
    let third = async { while pages.recv().await.unwrap().as_deref() != Some("1.0.2") {} };
    tokio::select! {
        page = session.list_on(&image, None, &mut begun) => panic!("{page:?}"),
        () = third => {}
    }
    assert_eq!((begun.pages(), begun.count()), (2, 3));
    stuck.store(false, Ordering::SeqCst);
    let list = session.list_on(&image, None, &mut begun).await;
    assert_eq!(tags(&list), ["1.0.0", "1.0.1", "1.0.2", "1.0.3"]);
    assert_eq!((pages.recv().await.unwrap().as_deref(), pages.try_recv().is_err()), (Some("1.0.2"), true));
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

/// A list in one page with this many bytes; half of it blanks between the tags, in pieces that no text is longer than.
fn padded(bytes: usize) -> Response {
    let mut body = String::from("{\"tags\":[\"1.0.0\"");
    while body.len() < bytes - 4096 {
        body.push_str(&format!(",{}\"1.0.0\"", " ".repeat(2000)));
    }
    body.push_str(&" ".repeat(bytes - body.len() - 2));
    body.push_str("]}");
    Response::new(Body::from(body))
}

#[tokio::test]
async fn a_list_has_a_largest_size_over_all_of_its_pages() {
    let exact = registry(|_, _| async { padded(MAX_LIST_BYTES) }).await;
    assert_eq!(tags(&list(&exact, "acme/api").await), ["1.0.0"]);
    let above = registry(|query, _| async move {
        match query.get("last") {
            None => {
                let mut first = padded(MAX_LIST_BYTES - 20);
                first.headers_mut().insert(header::LINK, "<?last=1>; rel=next".parse().unwrap());
                first
            }
            Some(_) => Response::new(Body::from("{\"tags\":[\"2.0.0\"]   }")),
        }
    })
    .await;
    let failed = reason(list(&above, "acme/api").await);
    assert!(failed.starts_with("the list of tags has more than 16 MiB"), "{failed}");
}

#[tokio::test]
async fn a_list_has_a_largest_number_of_tags_over_all_of_its_pages() {
    let of_two = |second: usize| async move {
        let numbers = |from: usize, count: usize| {
            let all: Vec<String> = (from..from + count).map(|number| number.to_string()).collect();
            all
        };
        let host = registry(move |query, _| async move {
            let half = MAX_TAGS / 2;
            match query.get("last") {
                None => {
                    let first = numbers(0, half);
                    page(&first.iter().map(String::as_str).collect::<Vec<_>>(), Some("?last=x"))
                }
                Some(_) => {
                    let rest = numbers(half, second);
                    page(&rest.iter().map(String::as_str).collect::<Vec<_>>(), None)
                }
            }
        })
        .await;
        list(&host, "acme/api").await
    };
    assert_eq!(tags(&of_two(MAX_TAGS / 2).await).len(), MAX_TAGS);
    let failed = reason(of_two(MAX_TAGS / 2 + 1).await);
    assert!(failed.starts_with("the list has more than 100000 tags"), "{failed}");
}

#[tokio::test]
async fn a_list_has_a_largest_number_of_pages() {
    let of_pages = |count: usize| async move {
        let host = registry(move |query, _| async move {
            let at: usize = query.get("at").map_or(1, |at| at.parse().unwrap());
            let next = format!("?at={}", at + 1);
            page(&["1.0.0"], (at < count).then_some(next.as_str()))
        })
        .await;
        list(&host, "acme/api").await
    };
    assert_eq!(tags(&of_pages(MAX_PAGES).await), ["1.0.0"]);
    assert_eq!(reason(of_pages(MAX_PAGES + 1).await), "the list of tags has more than 1000 pages");
}

#[tokio::test(start_paused = true)]
async fn a_list_has_a_deadline_over_all_of_its_pages() {
    let host = registry(|query, _| async move {
        tokio::time::sleep(Duration::from_secs(20)).await;
        page(&["1.0.0"], (!query.contains_key("last")).then_some("?last=1.0.0"))
    })
    .await;
    assert_eq!(
        reason(list(&host, "acme/api").await),
        format!("`{host}` did not give the whole list of tags within 35 s")
    );
}

#[tokio::test]
async fn an_entity_tag_that_is_too_long_is_not_kept() {
    let of_length = |length: usize| async move {
        let host = registry(move |_, _| async move {
            let mut answer = page(&["1.0.0"], None);
            answer.headers_mut().insert(header::ETAG, "e".repeat(length).parse().unwrap());
            answer
        })
        .await;
        match list(&host, "acme/api").await {
            TagPage::Complete { etag, .. } => etag.map(|etag| etag.len()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(of_length(MAX_HEADER_BYTES).await, Some(MAX_HEADER_BYTES));
    assert_eq!(of_length(MAX_HEADER_BYTES + 1).await, None);
}
