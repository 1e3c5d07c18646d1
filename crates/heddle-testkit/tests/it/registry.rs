use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing::post};
use heddle_testkit::{
    registry::{Notices, Registry},
    wait,
};
use tokio::{net::TcpListener, sync::mpsc};
use url::Url;

#[tokio::test]
async fn a_pushed_image_is_listed_and_its_notice_comes_with_the_secret() {
    let (sender, mut notices) = mpsc::unbounded_channel();
    let app = Router::new()
        .route(
            "/hook",
            post(async |State(sender): State<mpsc::UnboundedSender<_>>, headers: HeaderMap, body: Bytes| {
                sender.send((headers["authorization"].to_str().unwrap().to_owned(), body)).unwrap();
            }),
        )
        .with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/hook", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());

    let mut registry = Registry::start().await.unwrap();
    registry.push_image("acme/api", "1.4.0").await.unwrap();
    registry.notify(&Notices { url, secret: "a secret".to_owned().into() }).await.unwrap();
    let pushed = registry.push_image("acme/api", "1.4.1").await.unwrap();
    assert_eq!(registry.tags("acme/api").await.unwrap(), ["1.4.0", "1.4.1"], "storage outlives the restart");

    let seen = tokio::time::timeout(wait::LONG, async {
        loop {
            let (authorization, body) = notices.recv().await.unwrap();
            assert_eq!(authorization, "Bearer a secret");
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            let target = &body["events"][0]["target"];
            if target["tag"] == "1.4.1" {
                return target["digest"].as_str().unwrap().to_owned();
            }
        }
    });
    assert_eq!(seen.await.unwrap(), pushed.digest);
}
