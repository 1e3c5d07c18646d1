#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{tls::Authority, wait};

/// A server that counts what reaches it and answers with the body that came.
async fn echo() -> (Url, Arc<AtomicUsize>, JoinHandle<()>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let app = Router::new().fallback(move |body: Bytes| {
        seen.fetch_add(1, Ordering::SeqCst);
        async move { body }
    });
    let (address, task) = serve::start(Ipv4Addr::LOCALHOST.into(), app, None).await.unwrap();
    (Url::parse(&format!("http://{address}/")).unwrap(), count, task)
}

async fn post(client: &reqwest::Client, proxy: &Proxy, path: &str, body: &'static str) -> Result<String> {
    Ok(client.post(proxy.url().join(path)?).body(body).send().await?.error_for_status()?.text().await?)
}

#[tokio::test]
async fn a_held_request_reaches_the_far_end_only_when_it_is_released() {
    let (upstream, reached, _task) = echo().await;
    let proxy = Proxy::start(upstream, None, None).await.unwrap();
    let client = reqwest::Client::new();
    let mut held = proxy.hold(Match::new(Method::POST, "/a").body("stop"), When::BeforeRequest);
    assert_eq!(post(&client, &proxy, "/a", "go").await.unwrap(), "go");
    assert_eq!(post(&client, &proxy, "/b", "stop").await.unwrap(), "stop");
    let (answer, ()) = tokio::join!(post(&client, &proxy, "/a", "please stop here"), async {
        held.reached(wait::LONG).await.unwrap();
        assert_eq!(reached.load(Ordering::SeqCst), 2);
        held.release();
    });
    assert_eq!(answer.unwrap(), "please stop here");
    assert_eq!(proxy.count(Method::POST, "/a"), 2);
}

#[tokio::test]
async fn a_held_answer_has_been_worked_on() {
    let (upstream, reached, _task) = echo().await;
    let proxy = Proxy::start(upstream, None, None).await.unwrap();
    let client = reqwest::Client::new();
    let mut held = proxy.hold(Match::new(Method::POST, "/"), When::BeforeAnswer);
    let call = tokio::spawn(async move { post(&client, &proxy, "/", "done").await });
    held.reached(wait::LONG).await.unwrap();
    assert_eq!(reached.load(Ordering::SeqCst), 1);
    assert!(!call.is_finished());
    held.release();
    assert_eq!(call.await.unwrap().unwrap(), "done");
}

#[tokio::test]
async fn a_held_request_that_is_cut_never_reaches_the_far_end() {
    let (upstream, reached, _task) = echo().await;
    let proxy = Proxy::start(upstream, None, None).await.unwrap();
    let client = reqwest::Client::new();
    for (when, begun) in [(When::BeforeRequest, 0), (When::BeforeAnswer, 1)] {
        let mut held = proxy.hold(Match::new(Method::POST, "/"), when);
        let (answer, ()) = tokio::join!(post(&client, &proxy, "/", ""), async {
            held.reached(wait::LONG).await.unwrap();
            held.cut();
        });
        assert!(answer.is_err());
        assert_eq!(reached.load(Ordering::SeqCst), begun);
    }
    assert_eq!(proxy.answers(Method::POST, "/"), [StatusCode::OK], "of the far end, which answered one");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_its_held_request_along() {
    let (upstream, reached, _task) = echo().await;
    let proxy = Proxy::start(upstream, None, None).await.unwrap();
    let client = reqwest::Client::new();
    let mut held = proxy.hold(Match::new(Method::POST, "/killed"), When::BeforeRequest);
    let call = tokio::time::timeout(Duration::from_millis(300), post(&client, &proxy, "/killed", ""));
    assert!(call.await.is_err());
    held.reached(wait::LONG).await.unwrap();
    held.release();
    post(&client, &proxy, "/after", "").await.unwrap();
    assert_eq!(reached.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn faults_come_as_often_as_they_were_asked_for() {
    let (upstream, reached, _task) = echo().await;
    let proxy = Proxy::start(upstream, None, None).await.unwrap();
    let client = reqwest::Client::new();
    let any = || Match::new(Method::POST, "/");
    proxy.fail_times(any(), Fault::status(StatusCode::SERVICE_UNAVAILABLE), 1);
    assert!(post(&client, &proxy, "/", "").await.unwrap_err().to_string().contains("503"));
    proxy.fail_times(any(), Fault::DropRequest, 1);
    assert!(post(&client, &proxy, "/", "").await.is_err());
    assert_eq!(reached.load(Ordering::SeqCst), 0);
    proxy.fail(any(), Fault::DropAnswer);
    assert!(post(&client, &proxy, "/", "").await.is_err());
    assert_eq!(reached.load(Ordering::SeqCst), 1);
    proxy.heal();
    assert_eq!(post(&client, &proxy, "/", "well").await.unwrap(), "well");
}

#[tokio::test]
async fn it_serves_https_with_the_authority_it_is_given() {
    let (upstream, _reached, _task) = echo().await;
    let authority = Authority::generate().unwrap();
    let proxy = Proxy::start(upstream, None, Some(&authority)).await.unwrap();
    let ca = reqwest::Certificate::from_pem(authority.ca_pem.as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).build().unwrap();
    assert_eq!(post(&client, &proxy, "/", "over TLS").await.unwrap(), "over TLS");
}
