//! The index of a repository of charts.

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use heddle_registry::{Credential, TagPage, limits::MAX_INDEX_BYTES};

use super::{faulty::serve, image, list, reason, session, tags};

const INDEX: &str = "apiVersion: v1\nentries:\n  web:\n  - {version: 1.4.2, digest: DIGEST, created: '2026-11-01T00:00:00Z'}\n  - {version: 1.4.1}\n";

/// Serves `/stable/index.yaml`, under an entity tag, to those who log in where that is asked.
async fn charts(body: String, password: Option<&'static str>) -> String {
    let answer = move |headers: HeaderMap| async move {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if password.is_some_and(|wanted| given != Some(wanted)) {
            return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=charts")]).into_response();
        }
        let has_it = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == "\"one\"");
        match has_it {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(header::ETAG, "\"one\"")], body).into_response(),
        }
    };
    serve(Router::new().route("/stable/index.yaml", get(answer))).await
}

#[tokio::test]
async fn the_versions_of_a_chart_are_listed_and_described_by_the_index() {
    let digest = "a".repeat(64);
    let host = charts(INDEX.replace("DIGEST", &digest), None).await;
    let web = image(&host, "stable/index.yaml/web");
    let session = session(&host, None).await;
    let page = session.list_tags(&web, None).await;
    assert_eq!(tags(&page), ["1.4.2", "1.4.1"]);
    let TagPage::Complete { etag, .. } = page else { panic!() };
    assert_eq!(session.list_tags(&web, etag.as_deref()).await, TagPage::Unchanged);
    let told = session.describe(&web, &"1.4.2".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(told.digest.as_str(), format!("sha256:{digest}"));
    assert!(told.created_at.is_some());
    assert!(session.still_points_to(&web, &"1.4.2".parse().unwrap(), &told.digest).await.unwrap());
    let why = session.describe(&web, &"1.4.1".parse().unwrap()).await.unwrap_err().reason;
    assert!(why.contains("says no digest"), "{why}");
}

#[tokio::test]
async fn what_is_wrong_with_an_index_is_told() {
    let host = charts(INDEX.to_owned(), None).await;
    let said = reason(list(&host, "stable/index.yaml/api").await);
    assert!(said.contains("lists no version of a chart `api`"), "{said}");
    let said = reason(list(&host, "elsewhere/index.yaml/web").await);
    assert!(said.contains("has no `elsewhere/index.yaml`"), "{said}");
    let host = charts(" ".repeat(MAX_INDEX_BYTES + 1), None).await;
    assert!(reason(list(&host, "stable/index.yaml/web").await).contains("more than 32 MiB"));
}

#[tokio::test]
async fn a_repository_of_charts_takes_the_login_of_its_host() {
    let host = charts(INDEX.to_owned(), Some("Basic YWRhOnNlY3JldA==")).await;
    let web = image(&host, "stable/index.yaml/web");
    let without = reason(list(&host, "stable/index.yaml/web").await);
    assert!(without.contains("login"), "{without}");
    let ada = Credential::Password { username: "ada".to_owned(), password: "secret".to_owned().into() };
    let page = session(&host, Some(ada)).await.list_tags(&web, None).await;
    assert_eq!(tags(&page), ["1.4.2", "1.4.1"]);
}
