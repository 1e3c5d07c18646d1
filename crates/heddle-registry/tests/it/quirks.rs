//! Each registry of the table, played by a fake that answers in its shape.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::Query,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use heddle_core::registry::pace::Allowance;
use heddle_registry::{
    Access, LoginFault, Session, TagPage,
    quirks::{Link, Order, QUIRKS, Scope},
};
use serde_json::json;

use super::{faulty::serve, image, tags};

/// What a fake says beside the tags.
#[derive(Clone, Copy)]
struct Shape {
    registry: &'static str,
    /// The address of the next page, after `https://HOST`; `HOST` in it is the fake's.
    next: Option<&'static str>,
    headers: &'static [(&'static str, &'static str)],
}

const PLAIN: Shape = Shape { registry: "registry.example.com", next: None, headers: &[] };

/// Serves two pages of `acme/api` in a registry's shape. Gives a session for the registry, and what was asked.
async fn played(shape: Shape) -> (Session, Arc<Mutex<Vec<HashMap<String, String>>>>) {
    let asked: Arc<Mutex<Vec<HashMap<String, String>>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let list = move |Query(query): Query<HashMap<String, String>>, headers: HeaderMap| {
        seen.lock().unwrap().push(query.clone());
        let host = headers[header::HOST].to_str().unwrap().to_owned();
        async move { page(shape, &query, &host) }
    };
    let host = serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await;
    let access = Access::new(std::slice::from_ref(&host), None).unwrap();
    let access = access.with_mirrors(&[format!("{}=http://{host}", shape.registry)]).unwrap();
    (Session::new(access, shape.registry, None), asked)
}

fn page(shape: Shape, query: &HashMap<String, String>, host: &str) -> Response {
    let last = query.contains_key("last") || query.contains_key("next_page");
    let tags = if last { ["1.0.2", "1.0.3"] } else { ["1.0.0", "1.0.1"] };
    let mut answer = Json(json!({"name": "acme/api", "tags": tags})).into_response();
    for (name, value) in shape.headers {
        answer.headers_mut().append(HeaderName::from_static(name), value.parse().unwrap());
    }
    if let Some(next) = shape.next.filter(|_| !last) {
        let link = format!("<{}>; rel=\"next\"", next.replace("HOST", host));
        answer.headers_mut().insert(header::LINK, link.parse().unwrap());
    }
    answer
}

/// How many tags a registry was asked for at once; both of its pages must be read.
async fn check(shape: Shape) -> u32 {
    let (session, asked) = played(shape).await;
    let list = session.list_tags(&image(shape.registry, "acme/api"), None).await;
    let expected: &[&str] =
        if shape.next.is_some() { &["1.0.0", "1.0.1", "1.0.2", "1.0.3"] } else { &["1.0.0", "1.0.1"] };
    assert_eq!(tags(&list), expected, "{}", shape.registry);
    asked.lock().unwrap()[0]["n"].parse().unwrap()
}

#[tokio::test]
async fn the_pages_of_each_registry_are_read_to_the_end() {
    let relative = Some("/v2/acme/api/tags/list?last=1.0.1&n=1000");
    assert_eq!(
        check(Shape { registry: "docker.io", next: Some("/v2/acme/api/tags/list?last=1.0.1&n=100"), ..PLAIN }).await,
        100
    );
    assert_eq!(
        check(Shape { registry: "ghcr.io", next: Some("/v2/acme/api/tags/list?last=1.0.1&n=0"), ..PLAIN }).await,
        1000
    );
    // The token of ECR is opaque, and the address may be whole.
    let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    let opaque = Some("http://HOST/v2/acme/api/tags/list?last=c2VjcmV0%2Fdb%3D%3D&n=1000");
    assert_eq!(check(Shape { registry: ecr, next: opaque, ..PLAIN }).await, 1000);
    assert_eq!(check(Shape { registry: "public.ecr.aws", next: relative, ..PLAIN }).await, 1000);
    assert_eq!(check(Shape { registry: "europe-docker.pkg.dev", ..PLAIN }).await, 1000);
    let azure = Some("/v2/acme/api/tags/list?last=1.0.1&n=1000&orderby=");
    assert_eq!(check(Shape { registry: "acme.azurecr.io", next: azure, ..PLAIN }).await, 1000);
    let quay = Some("/v2/acme/api/tags/list?next_page=gAAAAABYF4XlRL00%3D%3D&n=100");
    assert_eq!(check(Shape { registry: "quay.io", next: quay, ..PLAIN }).await, 100);
    assert_eq!(check(Shape { registry: "registry.gitlab.com", next: relative, ..PLAIN }).await, 1000);
    // Harbor, Gitea and CNCF Distribution, wherever they are installed.
    assert_eq!(check(Shape { next: relative, ..PLAIN }).await, 1000);
}

#[tokio::test]
async fn an_address_of_a_next_page_that_leads_nowhere_is_mended_where_it_is_known_to() {
    // Without the repository by which Artifactory is asked.
    let lost = Some("/v2/api/tags/list?last=1.0.1&n=1000");
    check(Shape { registry: "acme.jfrog.io", next: lost, ..PLAIN }).await;
    check(Shape { next: lost, headers: &[("x-jfrog-version", "Artifactory/7.46.11 74611900")], ..PLAIN }).await;
    // With the path and the scheme of another door of Nexus.
    let inner = Some("https://nexus.internal:8081/repository/docker/v2/acme/api/tags/list?n=1000&last=1.0.1");
    check(Shape { next: inner, headers: &[("server", "Nexus/3.76.0-03 (COMMUNITY)")], ..PLAIN }).await;
    // Of any other registry it is not followed.
    let (session, _) = played(Shape { next: inner, ..PLAIN }).await;
    let TagPage::Failed(failure) = session.list_tags(&image(PLAIN.registry, "acme/api"), None).await else { panic!() };
    assert_eq!(failure.reason, "the registry's next page lies at another host, which is not followed");
}

#[tokio::test]
async fn what_a_registry_says_of_its_limit_is_heard() {
    let said = async |shape: Shape| {
        let (session, _) = played(shape).await;
        session.list_tags(&image(shape.registry, "acme/api"), None).await;
        session.allowance()
    };
    let hub = &[("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")];
    let expected = Allowance { limit: 100, remaining: 76, resets_at: None };
    assert_eq!(said(Shape { registry: "docker.io", headers: hub, ..PLAIN }).await, Some(expected));
    let gitlab = &[("ratelimit-limit", "500"), ("ratelimit-remaining", "499"), ("ratelimit-reset", "4102444800")];
    let told = said(Shape { registry: "registry.gitlab.com", headers: gitlab, ..PLAIN }).await.unwrap();
    assert_eq!((told.limit, told.remaining, told.resets_at.is_some()), (500, 499, true));
    assert_eq!(said(PLAIN).await, None);
}

#[tokio::test]
async fn what_a_registry_answers_without_a_login_is_told_in_our_words() {
    let answers = async |registry: &str, status: StatusCode, body: &'static str| {
        let list = move || async move { (status, [(header::WWW_AUTHENTICATE, "Basic realm=\"r\"")], body) };
        let host = serve(Router::new().route("/v2/acme/api/tags/list", get(list))).await;
        let access = Access::new(std::slice::from_ref(&host), None).unwrap();
        let access = access.with_mirrors(&[format!("{registry}=http://{host}")]).unwrap();
        let list = Session::new(access, registry, None).list_tags(&image(registry, "acme/api"), None).await;
        let TagPage::Failed(failure) = list else { panic!("{list:?}") };
        assert!(!failure.reason.contains("c4n4ry"), "{}", failure.reason);
        (failure.login, failure.throttled)
    };
    let oci = r#"{"errors":[{"code":"DENIED","message":"c4n4ry"}]}"#;
    let html = "<html><title>c4n4ry</title></html>";
    let artifactory = r#"{"errors":[{"status":403,"message":"c4n4ry"}]}"#;
    let missing = (Some(LoginFault::Missing), false);
    assert_eq!(answers("ghcr.io", StatusCode::FORBIDDEN, oci).await, missing);
    assert_eq!(answers("docker.io", StatusCode::UNAUTHORIZED, oci).await, missing);
    assert_eq!(answers("acme.jfrog.io", StatusCode::FORBIDDEN, artifactory).await, missing);
    assert_eq!(answers("registry.example.com", StatusCode::UNAUTHORIZED, html).await, missing);
    assert_eq!(answers("acme.azurecr.io", StatusCode::NOT_FOUND, oci).await, (None, false));
    let ecr = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
    assert_eq!(answers(ecr, StatusCode::TOO_MANY_REQUESTS, "c4n4ry").await, (None, true));
}

#[test]
fn a_mirror_is_an_address_for_a_registry() {
    let mirrors = |text: &str| Access::new(&[], None).unwrap().with_mirrors(&[text.to_owned()]);
    assert!(mirrors("docker.io=https://mirror.example.com").is_ok());
    for text in ["docker.io", "docker.io=mirror", "=https://mirror.example.com", "docker.io=ftp://mirror.example.com"] {
        assert!(mirrors(text).is_err(), "{text}");
    }
}

/// The table of `docs/registries.md`, between two marks.
fn table() -> String {
    let mut text = String::from(
        "| Registry | Tags at once | Order | Next page | Token | `HEAD` | Limits | Hides an image by | Source |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for row in QUIRKS {
        let order = match row.order {
            Order::Lexical => "by name",
            Order::OldestFirst => "oldest first",
            Order::Unsaid => "unsaid",
        };
        let link = match row.link {
            Link::AsWritten => "as written",
            Link::QueryAlone => "its query alone",
            Link::None => "none",
        };
        let token = match row.scope {
            Scope::Pull => "`pull`",
            Scope::None => "none",
        };
        let head = if row.head { "with digest" } else { "no" };
        let (name, size, limits, hides, source) = (row.name, row.page_size, row.limits, row.hides, row.source);
        text.push_str(&format!(
            "| {name} | {size} | {order} | {link} | {token} | {head} | {limits} | {hides} | [source]({source}) |\n"
        ));
    }
    text
}

#[test]
fn the_docs_show_the_table() {
    const BEGIN: &str = "<!-- Written by the tests of heddle-registry. -->\n\n";
    const END: &str = "\n<!-- End of what is written. -->";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/registries.md");
    let page = std::fs::read_to_string(file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let told = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("HEDDLE_UPDATE").is_some() {
        std::fs::write(file, &told).unwrap();
    } else {
        assert!(page == told, "run `HEDDLE_UPDATE=1 cargo test -p heddle-registry the_docs_show_the_table`");
    }
}
