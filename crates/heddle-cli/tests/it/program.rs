//! The API's stand-in and the started program.

use std::{
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpListener, process::Command, sync::watch};

use crate::bodies;

pub const TOKEN: &str = "hdlt_right";

/// An API with one organization, whose answers a case may change while it runs.
pub struct Api {
    pub url: String,
    pub answers: Answers,
    moved: watch::Sender<()>,
}

#[derive(Clone)]
pub struct Answers(Arc<Mutex<Value>>);

impl Answers {
    pub fn set(&self, path: &str, body: Value) {
        self.0.lock().unwrap()[path] = body;
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().unwrap().get(path).cloned()
    }
}

impl Api {
    pub async fn start() -> Self {
        let answers = Answers(Arc::new(Mutex::new(json!({
            "me": bodies::me(),
            "changes": bodies::changes("waiting"),
            "workloads": bodies::workloads(),
            "clusters": bodies::clusters(),
            "status": bodies::status(),
        }))));
        let (moved, _) = watch::channel(());
        let routes = Router::new()
            .route("/api/v1/me", get(|state, headers| answer(state, "me".to_owned(), headers)))
            .route("/api/v1/installation/doctor", get(|state, headers| answer(state, "doctor".to_owned(), headers)))
            .route("/api/v1/organizations/{organization}/events", get(events))
            .route(
                "/api/v1/organizations/{organization}/{list}",
                get(|state, UrlPath((_, list)): UrlPath<(String, String)>, headers| answer(state, list, headers)),
            )
            .with_state((answers.clone(), moved.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, answers, moved }
    }

    /// Says on the event stream that a change moved.
    pub fn announce(&self) {
        self.moved.send_replace(());
    }
}

type ApiState = State<(Answers, watch::Sender<()>)>;

async fn answer(State((answers, _)): ApiState, name: String, headers: HeaderMap) -> Response {
    let problem = |status: StatusCode, code: &str, message: &str| {
        let body = json!({"status": status.as_u16(), "code": code, "message": message, "request_id": "r1"});
        (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    };
    if headers.get("authorization").is_none_or(|value| value != &format!("Bearer {TOKEN}")) {
        return problem(StatusCode::UNAUTHORIZED, "unauthorized", "the token is unknown or has ended");
    }
    match answers.get(&name) {
        Some(body) => ([(CONTENT_TYPE, "application/json")], body.to_string()).into_response(),
        None => problem(StatusCode::NOT_FOUND, "not-found", "there is no such page"),
    }
}

async fn events(State((_, moved)): ApiState) -> Response {
    let mut moved = moved.subscribe();
    let (mut writer, reader) = tokio::io::duplex(1024);
    tokio::spawn(async move {
        while moved.changed().await.is_ok() {
            let event = b"event: changed\ndata: {\"topic\":\"changes\",\"id\":null}\n\n";
            if writer.write_all(event).await.is_err() {
                return;
            }
        }
    });
    let body = axum::body::Body::from_stream(tokio_util::io::ReaderStream::new(reader));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// A person with a home of their own.
pub struct Person {
    pub home: TempDir,
}

impl Person {
    pub fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub fn logins(&self) -> std::path::PathBuf {
        self.home.path().join("heddle/logins.json")
    }

    /// The program with these arguments, in an environment that holds nothing of the tester's.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_heddle")));
        command.env_clear().env("XDG_CONFIG_HOME", self.home.path()).args(arguments).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub async fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).output().await.unwrap())
    }

    /// Logs in with a token on stdin.
    pub async fn log_in(&self, url: &str, token: &str) -> Ended {
        let mut child = self.command(&["login", url]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).await.unwrap();
        Ended::from(child.wait_with_output().await.unwrap())
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
