//! The rules of GitHub that a bot relies on, each a fact with its source.

#![allow(clippy::unwrap_used, clippy::panic)]

mod commits;
mod faults;
mod git;
mod pulls;
mod tokens;
mod webhooks;

use chrono::Utc;
use reqwest::{Client, Method, Response, StatusCode, header::HeaderMap};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{AppCredentials, AppPlan, GitHub, GitHubConfig, Schemas};

/// A stand-in with the organization `acme` of `ada`, its repository `acme/config`, and an App that is installed on it.
struct Scene {
    github: GitHub,
    app: AppCredentials,
    installation: u64,
    /// The first commit of `acme/config`.
    first: String,
}

impl Scene {
    async fn new() -> Self {
        let github = GitHub::start(GitHubConfig { keep_exchanges: true, ..GitHubConfig::default() }).await.unwrap();
        github.add_user("ada");
        github.add_user("mallory");
        github.add_organization("acme", "ada");
        let first =
            github.create_repository("acme/config", &[("a.yaml", "tag: v1\n"), ("b.yaml", "x: 1\n")]).await.unwrap();
        github.create_repository("acme/other", &[("a.yaml", "tag: v1\n")]).await.unwrap();
        let app = github.create_app(AppPlan::new("heddle")).unwrap();
        let installation = github.install(app.id, "acme", &["acme/config", "acme/other"]).unwrap();
        Self { github, app, installation, first }
    }

    /// The App with its own JWT.
    fn app(&self) -> Caller {
        let now = Utc::now().timestamp();
        self.jwt(json!({"iss": self.app.id, "iat": now - 60, "exp": now + 540}))
    }

    fn jwt(&self, claims: Value) -> Caller {
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(self.app.private_key_pem.as_bytes()).unwrap();
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        self.caller(&jsonwebtoken::encode(&header, &claims, &key).unwrap())
    }

    /// The App's bot, with a token for `acme/config`.
    async fn bot(&self) -> Caller {
        let token = self.token(json!({"repositories": ["config"]})).await;
        self.caller(token["token"].as_str().unwrap())
    }

    async fn token(&self, request: Value) -> Value {
        let path = format!("/app/installations/{}/access_tokens", self.installation);
        self.app().post(&path, request).await.expect(StatusCode::CREATED)
    }

    /// A person with a token of their own.
    fn person(&self, login: &str) -> Caller {
        self.caller(self.github.personal_token(login).expose_secret())
    }

    fn caller(&self, token: &str) -> Caller {
        let ca = reqwest::Certificate::from_pem(self.github.ca_pem().as_bytes()).unwrap();
        let http = Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        Caller { http, github: self.github.clone(), token: token.to_owned() }
    }
}

/// Whatever a test asked must fit GitHub's published descriptions.
impl Drop for Scene {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let faults = Schemas::load().unwrap().check(&self.github);
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }
}

/// Somebody who calls the API.
struct Caller {
    http: Client,
    github: GitHub,
    token: String,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// A header's text.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Caller {
    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response: Response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await?;
        Ok(Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(method, &format!("{}{path}", self.github.api_url()), body, &[]).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = json!({"query": query, "variables": variables});
        let answer = self.send(Method::POST, &self.github.graphql_url(), Some(body), &[]).await.unwrap();
        answer.expect(StatusCode::OK)
    }

    /// `createCommitOnBranch` on `acme/config` with one file.
    async fn commit(&self, branch: &str, expected: &str, path: &str, content: &str) -> Value {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let input = json!({
            "branch": {"repositoryNameWithOwner": "acme/config", "branchName": branch}, "expectedHeadOid": expected,
            "message": {"headline": "Bump", "body": "Heddle-Intent: 1"},
            "fileChanges": {"additions": [{"path": path, "contents": STANDARD.encode(content)}]},
        });
        self.graphql(COMMIT, json!({"input": input})).await
    }

    /// A branch `bump` with one commit on it; answers its head.
    async fn bump(&self, base: &str, content: &str) -> String {
        let made = self.post("/repos/acme/config/git/refs", json!({"ref": "refs/heads/bump", "sha": base})).await;
        made.expect(StatusCode::CREATED);
        let answer = self.commit("bump", base, "a.yaml", content).await;
        answer["data"]["createCommitOnBranch"]["commit"]["oid"].as_str().unwrap().to_owned()
    }

    /// A pull request from `bump` to `main`.
    async fn pull(&self) -> Answer {
        self.post("/repos/acme/config/pulls", json!({"title": "Bump", "head": "bump", "base": "main", "body": "text"}))
            .await
    }
}

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid committedDate signature { isValid } } ref { name } }
}";

const UPDATE_REFS: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
