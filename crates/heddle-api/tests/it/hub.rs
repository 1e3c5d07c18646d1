//! One or two replicas of the API on a database of their own, and people who call them.

use aws_lc_rs::{
    encoding::AsDer,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Parser;
use heddle_api::config::{Config, Settings};
use heddle_db::Db;
use heddle_testkit::postgres::Database;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const PASSWORD: &str = "warp and weft at dawn";
pub const AUTOMATOR_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The API, with every replica on the same Postgres.
pub struct Hub {
    pub database: Database,
    /// Base addresses of the replicas.
    pub replicas: Vec<String>,
    /// What browsers send as `Origin`: the first replica's address is the public one.
    pub origin: String,
    pub http: reqwest::Client,
    shutdown: CancellationToken,
    _files: tempfile::TempDir,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Hub {
    pub async fn start() -> Self {
        Self::start_with(1, &["--signup", "open"]).await
    }

    pub async fn start_with(replicas: usize, arguments: &[&str]) -> Self {
        let database = Database::migrated().await.unwrap();
        let files = tempfile::tempdir().unwrap();
        let token_file = files.path().join("automator-token");
        std::fs::write(&token_file, AUTOMATOR_TOKEN).unwrap();
        let keys_file = files.path().join("sealing-keys");
        std::fs::write(&keys_file, "ab".repeat(32)).unwrap();
        let shutdown = CancellationToken::new();
        let mut addresses = Vec::new();
        for _ in 0..replicas {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let own = format!("http://{}", listener.local_addr().unwrap());
            let public = addresses.first().unwrap_or(&own).clone();
            addresses.push(own);
            let mut all = vec!["heddle-api", "--public-url", &public, "--automator-token-file"];
            all.push(token_file.to_str().unwrap());
            all.extend(["--sealing-keys-file", keys_file.to_str().unwrap()]);
            all.extend(arguments);
            let config = Config::try_from(Settings::try_parse_from(all).unwrap()).unwrap();
            let db = Db::connect(database.options(), 5).await.unwrap();
            let app = heddle_api::build_app(config, db).unwrap();
            let service = heddle_api::router::build(app, shutdown.clone());
            tokio::spawn(heddle_api::server::serve(service, listener, false, shutdown.clone()));
        }
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { database, origin: addresses[0].clone(), replicas: addresses, http, shutdown, _files: files }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.replicas[0])
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).header(header::ORIGIN, &self.origin)
    }

    pub async fn sign_up(&self, email: &str) -> Person {
        let body = json!({ "email": email, "password": PASSWORD, "name": email });
        let response = self.request(Method::POST, "/api/v1/sign-up").json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        Person { cookie: session_cookie(&response) }
    }

    /// What stands behind the `#` of a link for a new password, as it is made on the host.
    pub async fn make_password_link(&self, email: &str) -> String {
        let url = self.origin.parse().unwrap();
        let owner = self.database.options();
        let link = heddle_api::routes::accounts::password::make_link(&owner, &url, email).await.unwrap().unwrap();
        let (page, text) = link.split_once('#').unwrap();
        assert_eq!(page, format!("{}/password", self.origin));
        text.to_owned()
    }

    /// A person with an organization of their own.
    pub async fn settle(&self, email: &str) -> (Person, String) {
        let person = self.sign_up(email).await;
        let made = self.post(&person, "/api/v1/organizations", json!({ "name": email }), StatusCode::CREATED).await;
        (person, made["id"].as_str().unwrap().to_owned())
    }

    /// Sends and expects a status; the body as JSON, `null` when there is none.
    pub async fn send(&self, request: RequestBuilder, expected: StatusCode) -> Value {
        let response = request.send().await.unwrap();
        let (status, url) = (response.status(), response.url().clone());
        let text = response.text().await.unwrap();
        assert_eq!(status, expected, "{url}: {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    pub async fn get(&self, person: &Person, path: &str) -> Value {
        self.send(person.sign(self.request(Method::GET, path)), StatusCode::OK).await
    }

    pub async fn post(&self, person: &Person, path: &str, body: Value, expected: StatusCode) -> Value {
        self.send(person.sign(self.request(Method::POST, path)).json(&body), expected).await
    }

    pub async fn delete(&self, person: &Person, path: &str, expected: StatusCode) -> Value {
        self.send(person.sign(self.request(Method::DELETE, path)), expected).await
    }

    /// Binds a repository as if GitHub had proved it.
    pub async fn bind_repository(&self, organization: &str, name: &str) -> String {
        let id = uuid::Uuid::now_v7();
        let pool = sqlx::PgPool::connect_with(self.database.options()).await.unwrap();
        sqlx::query(
            "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
             values ($1, $2, 1, $3, $4, 'main', true)",
        )
        .bind(id)
        .bind(organization.parse::<uuid::Uuid>().unwrap())
        .bind(name)
        .bind(format!("github.com/{name}"))
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        id.to_string()
    }

    /// A change as an automator proposes it.
    pub async fn propose(&self, organization: &str, repository: &str) -> String {
        let id = uuid::Uuid::now_v7();
        let pool = sqlx::PgPool::connect_with(self.database.options()).await.unwrap();
        sqlx::query(
            "insert into changes (id, organization_id, repository_id, branch, environment, image, from_tag, to_tag,
                                  mode, places, place_key, diff, why)
             values ($1, $2, $3, 'main', 'prod', 'registry.example.com/acme/ada-secret', '1.4.1', '1.4.2',
                     'pull-request', '[]', 'place', 'ada-secret', 'semver')",
        )
        .bind(id)
        .bind(organization.parse::<uuid::Uuid>().unwrap())
        .bind(repository.parse::<uuid::Uuid>().unwrap())
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        id.to_string()
    }

    /// What somebody asks to be written.
    pub async fn ask(&self, organization: &str, repository: &str, user: &str) -> String {
        let id = uuid::Uuid::now_v7();
        let pool = sqlx::PgPool::connect_with(self.database.options()).await.unwrap();
        sqlx::query(
            "insert into requests (id, organization_id, repository_id, kind, user_id, requested_by, reason, branch, head,
                                   environment, image, to_tag, mode, places, despite)
             values ($1, $2, $3, 'release', $4, 'Ada', 'ada-secret', 'main', repeat('0', 40), 'prod',
                     'registry.example.com/acme/ada-secret', '1.4.1', 'pull-request', '[]', '{}')",
        )
        .bind(id)
        .bind(organization.parse::<uuid::Uuid>().unwrap())
        .bind(repository.parse::<uuid::Uuid>().unwrap())
        .bind(user.parse::<uuid::Uuid>().unwrap())
        .execute(&pool)
        .await
        .unwrap();
        pool.close().await;
        id.to_string()
    }

    /// As if no agent had ever been heard.
    pub async fn forget_last_seen(&self) {
        let pool = sqlx::PgPool::connect_with(self.database.options()).await.unwrap();
        sqlx::query("update clusters set last_seen_at = null").execute(&pool).await.unwrap();
        pool.close().await;
    }

    pub async fn create_cluster(
        &self,
        person: &Person,
        organization: &str,
        repository: &str,
        name: &str,
    ) -> NewCluster {
        let body = json!({
            "name": name, "repository": repository, "branch": "main", "path": "clusters/prod", "namespaces": ["shop"],
        });
        let path = format!("/api/v1/organizations/{organization}/clusters");
        let created = self.post(person, &path, body, StatusCode::CREATED).await;
        let manifest = created["manifest"].as_str().unwrap().to_owned();
        let token = manifest.split("token: \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        NewCluster { id: created["cluster"]["id"].as_str().unwrap().to_owned(), bootstrap_token: token, manifest }
    }

    pub fn enroll(&self, bootstrap_token: &str, key: &AgentKey) -> RequestBuilder {
        self.request(Method::POST, "/agent/v1/enroll").bearer_auth(bootstrap_token).json(&json!({
            "public_key": key.public(), "agent_version": "0.1.0", "kubernetes_version": "v1.34.0",
        }))
    }
}

pub struct NewCluster {
    pub id: String,
    pub bootstrap_token: String,
    pub manifest: String,
}

pub fn session_cookie(response: &reqwest::Response) -> String {
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// A signed-in browser.
#[derive(Clone)]
pub struct Person {
    pub cookie: String,
}

impl Person {
    pub fn sign(&self, request: RequestBuilder) -> RequestBuilder {
        request.header(header::COOKIE, &self.cookie)
    }
}

/// A key as an agent makes it.
pub struct AgentKey {
    pair: Ed25519KeyPair,
}

impl AgentKey {
    pub fn generate() -> Self {
        Self { pair: Ed25519KeyPair::generate().unwrap() }
    }

    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// A token with these claims laid over good ones.
    pub fn token(&self, key_id: &str, cluster: &str, changed: &Value) -> String {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "sub": cluster, "aud": "heddle-agent", "iat": now, "exp": now + 300, "jti": uuid::Uuid::now_v7(),
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA);
        header.kid = Some(key_id.to_owned());
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&self.pair).unwrap();
        jsonwebtoken::encode(&header, &claims, &jsonwebtoken::EncodingKey::from_ed_der(der.as_ref())).unwrap()
    }
}
