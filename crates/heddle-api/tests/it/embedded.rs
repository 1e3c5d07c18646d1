//! The program itself, with a Postgres of its own.

use heddle_testkit::{
    port,
    process::{Process, Program},
    scratch,
};
use reqwest::{RequestBuilder, StatusCode, header};
use serde_json::json;

use crate::hub::{PASSWORD, Person, session_cookie};

struct Own {
    folder: tempfile::TempDir,
    base: String,
    http: reqwest::Client,
    program: Program,
}

impl Own {
    fn new() -> Self {
        let folder = scratch::dir("embedded").unwrap();
        let (listen, metrics) = (port::free().unwrap(), port::free().unwrap());
        let base = format!("http://127.0.0.1:{listen}");
        let program = Program::new(env!("CARGO_BIN_EXE_heddle-api"))
            .env("HEDDLE_PUBLIC_URL", &base)
            .env("HEDDLE_LISTEN", format!("127.0.0.1:{listen}"))
            .env("HEDDLE_METRICS_LISTEN", format!("127.0.0.1:{metrics}"))
            .env("HEDDLE_DATA_DIR", folder.path().join("data"))
            .env("HEDDLE_SIGNUP", "open");
        Self { folder, base, http: reqwest::Client::new(), program }
    }

    async fn start(&self) -> Process {
        let process = self.program.spawn(&self.folder.path().join("log")).unwrap();
        process.wait_ready(&self.http, &self.url("openapi.json").parse().unwrap()).await.unwrap();
        process
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/{path}", self.base)
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(self.url(path)).header(header::ORIGIN, &self.base)
    }
}

#[tokio::test]
async fn what_was_answered_outlives_the_programs_sigkill() {
    let own = Own::new();
    let mut process = own.start().await;
    assert!(process.output().contains(own.folder.path().join("data").to_str().unwrap()), "it says where the data lies");
    let body = json!({ "email": "ada@example.com", "password": PASSWORD, "name": "Ada" });
    let told = own.post("v1/sign-up").json(&body).send().await.unwrap();
    assert_eq!(told.status(), StatusCode::CREATED);
    let ada = Person { cookie: session_cookie(&told) };
    let mut made = Vec::new();
    for name in ["one", "two", "three"] {
        let request = ada.sign(own.post("v1/organizations")).json(&json!({ "name": name }));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::CREATED);
        made.push(name.to_owned());
        process.kill().await.unwrap();
        process = own.start().await;
        let me = ada.sign(own.http.get(own.url("v1/me"))).send().await.unwrap();
        let me: serde_json::Value = me.error_for_status().unwrap().json().await.unwrap();
        let mut known: Vec<_> = me["organizations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        known.sort_by_key(|name| made.iter().position(|one| one == name));
        assert_eq!(known, made);
    }
    assert!(process.terminate().await.unwrap().success());
}
