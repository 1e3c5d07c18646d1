//! The dashboard's files, as a browser asks for them.

use reqwest::{Method, Response, StatusCode, header};

use crate::hub::Hub;

const PAGE: &str = "<!doctype html><title>Heddle</title>";

async fn get(hub: &Hub, path: &str) -> (StatusCode, String, String) {
    let told: Response = hub.request(Method::GET, path).send().await.unwrap();
    let cache = told.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned();
    (told.status(), cache, told.text().await.unwrap())
}

#[tokio::test]
async fn pages_are_asked_for_anew_and_files_with_a_hash_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    std::fs::write(folder.path().join("index.html"), PAGE).unwrap();
    std::fs::write(folder.path().join("assets/index-abc.js"), "let x;").unwrap();
    let hub = Hub::start_with(1, &["--web-dir", folder.path().to_str().unwrap()]).await;

    let no_cache = |text: &str| (StatusCode::OK, "no-cache".to_owned(), text.to_owned());
    assert_eq!(get(&hub, "/").await, no_cache(PAGE));
    // A page of the dashboard is no file.
    assert_eq!(get(&hub, "/clusters/anything?org=x").await, no_cache(PAGE));
    let (status, cache, text) = get(&hub, "/assets/index-abc.js").await;
    assert_eq!((status, text.as_str()), (StatusCode::OK, "let x;"));
    assert!(cache.contains("immutable"), "{cache}");
    // A file of an older build is gone, and nothing keeps that answer.
    let (status, cache, text) = get(&hub, "/assets/index-old.js").await;
    assert_eq!((status, cache.as_str()), (StatusCode::NOT_FOUND, "no-store"));
    assert!(!text.contains(PAGE));

    let told = hub.request(Method::GET, "/api/v1/nothing").send().await.unwrap();
    assert_eq!(told.status(), StatusCode::NOT_FOUND);
    assert_eq!(told.headers()[header::CONTENT_TYPE], "application/problem+json");
    let told = hub.request(Method::GET, "/../Cargo.toml").send().await.unwrap();
    assert_eq!(told.text().await.unwrap(), PAGE);
    let policy = hub.request(Method::GET, "/").send().await.unwrap();
    let policy = policy.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe-eval"), "{policy}");
}
