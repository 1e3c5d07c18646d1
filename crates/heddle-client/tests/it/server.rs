//! A server on a free loopback port that answers with what a case says and keeps what was sent.

use std::{
    io::Read,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_ENCODING},
    response::{IntoResponse, Response},
};
use flate2::read::GzDecoder;
use heddle_client::Http;
use serde_json::Value;
use tokio::net::TcpListener;

/// What came in.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What goes out.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn problem(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"status": status, "code": code, "message": message, "request_id": "r1"});
        Self { headers: vec![("content-type", "application/problem+json".to_owned())], ..Self::json(status, &body) }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

#[derive(Clone)]
struct Case {
    answer: Answer,
    seen: Arc<Mutex<Vec<Seen>>>,
}

pub struct Server {
    pub http: Http,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Starts a server that gives `answer` to everything.
    pub async fn start(answer: Answer) -> Self {
        let seen = Arc::default();
        let router = router(answer, Arc::clone(&seen));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { http: Http::new(base.parse().unwrap(), None).unwrap(), seen }
    }

    /// The one request that came.
    pub fn seen(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

pub fn router(answer: Answer, seen: Arc<Mutex<Vec<Seen>>>) -> Router {
    Router::new().fallback(serve).with_state(Case { answer, seen })
}

async fn serve(State(case): State<Case>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let body = if headers.get(CONTENT_ENCODING).is_some_and(|value| value == "gzip") {
        let mut plain = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
        plain
    } else {
        body.to_vec()
    };
    case.seen.lock().unwrap().push(Seen { method, uri, headers, body });
    let mut response = (StatusCode::from_u16(case.answer.status).unwrap(), case.answer.body).into_response();
    for (name, value) in case.answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}
