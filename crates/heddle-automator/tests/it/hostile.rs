//! Registries that mean harm, or are merely slow: what they cost this process.

use std::{convert::Infallible, io};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::{Stream, StreamExt, stream};
use heddle_testkit::registry::Registry;
use heddle_wire::automator::ScanOutcome;

use crate::{desk::Heard, shop::Shop};

/// What the automator may have at most, whatever is sent to it.
const MOST_KIB: u64 = 512 << 10;

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    host
}

fn endless(start: &str, piece: &'static [u8]) -> Response {
    let start = stream::iter([Bytes::from(start.to_owned())]);
    answer(start.chain(stream::repeat(Bytes::from_static(piece))))
}

fn answer(pieces: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    Response::new(Body::from_stream(pieces.map(Ok::<_, Infallible>)))
}

fn failure(heard: Heard) -> String {
    match heard.scan.unwrap().outcome {
        ScanOutcome::Failed { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_a_registry_and_its_login_server_send_is_counted() {
    let login = |headers: HeaderMap| async move {
        let realm = format!("Bearer realm=\"http://{}/token\"", headers[header::HOST].to_str().unwrap());
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, realm)]).into_response()
    };
    let router = Router::new()
        .route("/token", get(|| async { endless("{\"token\":\"", &[b'a'; 8192]) }))
        .route("/v2/evil/login/tags/list", get(login))
        .route(
            "/v2/evil/tags/tags/list",
            get(|| async { endless("{\"tags\":[\"1\"", b",\"1.0.0\",\"1.0.1\",\"1.0.2\",\"1.0.3\"") }),
        )
        .route("/v2/evil/text/tags/list", get(|| async { endless("{\"tags\":[\"", &[b'a'; 8192]) }))
        .route("/v2/evil/blanks/tags/list", get(|| async { endless("{\"tags\":[", b"\"1\",                ") }));
    let host = serve(router).await;
    let shop = Shop::open("1.4.1").await;
    for (image, expected) in [
        ("login", "the answer of the login server has more than 1048576 bytes"),
        ("tags", "the list has more than 100000 tags"),
        ("text", "the registry's answer is no list of tags"),
        ("blanks", "the list has more than 100000 tags"),
    ] {
        let failed = failure(shop.scan(&format!("{host}/evil/{image}")).await);
        assert!(failed.contains(expected), "{image}: {failed}");
    }
    let peak = shop.peak_kib();
    assert!(peak < MOST_KIB, "{peak} KiB");
}

#[tokio::test]
async fn a_slow_registry_keeps_nobody_elses_work_waiting() {
    let drip = || async {
        let silent = stream::pending::<Result<Bytes, io::Error>>();
        let start = stream::iter([Ok(Bytes::from_static(b"{\"tags\":[\"1.0.0\""))]);
        Response::new(Body::from_stream(start.chain(silent)))
    };
    let slow = serve(Router::new().route("/v2/slow/{image}/tags/list", get(drip))).await;
    let registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "1.4.1").await.unwrap();

    let shop = Shop::open_with("1.4.1", 3).await;
    for image in ["a", "b", "c"] {
        shop.desk.give(Shop::scan_work(&format!("{slow}/slow/{image}"), Vec::new(), None));
    }
    shop.desk.all_taken().await;
    shop.desk.give(Shop::scan_work(&format!("{}/acme/api", registry.host()), Vec::new(), None));
    let ScanOutcome::Complete { tags, .. } = shop.desk.listed().await.scan.unwrap().outcome else { panic!() };
    assert_eq!(tags.len(), 1);
}
