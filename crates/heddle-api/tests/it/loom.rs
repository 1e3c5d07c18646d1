//! An API with one organization, a connected repository, an agent and an automator, as tests of the spine need it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use heddle_api::{
    config::{Config, Database, GitHubApp, Signup},
    secret,
};
use heddle_client::{AgentClient, AgentKey, AutomatorClient, Http, KeyPair, UserClient};
use heddle_core::{
    git::Revision,
    id::{ClusterId, ClusterKeyId, OrganizationId},
    request::KNOWN_REQUESTS,
};
use heddle_db::Db;
use heddle_testkit::{
    github::{AppPlan, GitHub, GitHubConfig},
    postgres::Database as TestDatabase,
};
use heddle_wire::automator::{Lease, LeaseRequest};
use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;
use uuid::Uuid;

const AUTOMATOR_TOKEN: &str = "an-automator-token-of-enough-length-for-anybody";
const API_TOKEN: &str = "hdlt_of-a-person-in-tests";

/// Everything, started.
pub struct Loom {
    pub user: UserClient,
    pub automator: AutomatorClient,
    pub agent: AgentClient,
    pub organization: OrganizationId,
    /// The App's installation at GitHub.
    pub installation: u64,
    /// Canonical, as Syncs name it.
    pub repository_url: String,
    pub webhook_secret: String,
    pub base: Url,
    pub database: TestDatabase,
    /// The file of sealing keys, with one key.
    pub keys_file: std::path::PathBuf,
    pub app: heddle_api::app::App,
    _github: GitHub,
    _running: DropGuard,
    _files: tempfile::TempDir,
}

impl Loom {
    pub async fn start() -> Self {
        let github = GitHub::start(GitHubConfig::default()).await.unwrap();
        github.add_user("ada");
        github.add_organization("acme", "ada");
        let app = github.create_app(AppPlan::new("heddle")).unwrap();
        github.create_repository("acme/config", &[("README.md", "config")]).await.unwrap();
        let installation = github.install(app.id, "acme", &["acme/config"]).unwrap();

        let files = tempfile::tempdir().unwrap();
        let keys_file = files.path().join("sealing-keys");
        std::fs::write(&keys_file, "aa".repeat(32)).unwrap();
        let database = TestDatabase::migrated().await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = listener.local_addr().unwrap();
        let base: Url = format!("http://{listen}").parse().unwrap();
        let shutdown = CancellationToken::new();
        let config = Config {
            public_url: base.clone(),
            listen,
            metrics_listen: listen,
            database: Database::External { url: database.url().into(), owner: None },
            database_connections: 8,
            web_dir: None,
            signup: Signup::Open,
            log: "warn".to_owned(),
            client_address_header: None,
            ca_pem: Some(github.ca_pem().as_bytes().to_vec()),
            github: Some(GitHubApp {
                app_id: app.id,
                slug: app.slug,
                private_key: app.private_key_pem.into(),
                webhook_secret: app.webhook_secret.clone().into(),
                client_id: app.client_id,
                client_secret: app.client_secret.into(),
                web_url: github.web_url().parse().unwrap(),
                api_url: github.api_url().parse().unwrap(),
            }),
            automator_token: Some(AUTOMATOR_TOKEN.to_owned().into()),
            sealing_keys_file: Some(keys_file.clone()),
            scan_interval: Duration::from_secs(3600),
            read_interval: Duration::from_secs(3600),
            lease: Duration::from_secs(30),
            keep: heddle_db::retention::Ages::default(),
            most_repositories: 100,
            most_clusters: 200,
            agent_image_is_guessed: false,
            agent_image: "heddle-synchronizer".to_owned(),
            automator_image: "heddle-automator".to_owned(),
            agent_api_url: base.clone(),
            shown: std::collections::BTreeMap::default(),
        };
        let db = Db::connect(database.options(), 8).await.unwrap();
        let app_of_api = heddle_api::build_app(config, db).unwrap();
        let service = heddle_api::router::build(app_of_api.clone(), shutdown.clone());
        tokio::spawn(heddle_api::server::serve(service, listener, false, shutdown.clone()));
        let http = Http::new(base.clone(), None).unwrap();

        let host = github.web_url().trim_start_matches("https://").to_owned();
        let repository_url = format!("{host}/acme/config");
        let pair = KeyPair::generate().unwrap();
        let seed = Seed {
            installation: i64::try_from(installation).unwrap(),
            repository_url: &repository_url,
            public_key: URL_SAFE_NO_PAD.decode(pair.public_key()).unwrap(),
        };
        let (organization, cluster, key) = seed.plant(&database).await;
        Self {
            user: UserClient::new(http.clone(), API_TOKEN.to_owned().into()),
            automator: AutomatorClient::new(http.clone(), AUTOMATOR_TOKEN.to_owned().into()),
            agent: AgentClient::new(http, AgentKey::new(pair, cluster, key)),
            organization,
            installation,
            repository_url,
            webhook_secret: app.webhook_secret,
            base,
            database,
            keys_file,
            _files: files,
            app: app_of_api,
            _github: github,
            _running: shutdown.drop_guard(),
        }
    }

    /// Work that is due now; none is a failure.
    pub async fn lease(&self) -> Lease {
        self.try_lease(10).await.expect("no work became due")
    }

    /// Work that becomes due in time.
    pub async fn try_lease(&self, wait_secs: u64) -> Option<Lease> {
        self.try_lease_as(wait_secs, KNOWN_REQUESTS).await
    }

    /// The same for an automator that knows these requests.
    pub async fn try_lease_as(&self, wait_secs: u64, knows_requests: u16) -> Option<Lease> {
        let request = LeaseRequest { wait_secs, automator: "test".to_owned(), knows_requests };
        self.automator.lease(&request).await.unwrap()
    }

    /// Makes all leases end, as time would.
    pub async fn expire_leases(&self) {
        let mut owner = self.owner().await;
        sqlx::query("update work set lease_expires_at = now() - interval '1 second' where lease_id is not null")
            .execute(&mut owner)
            .await
            .unwrap();
    }

    /// How many facts are stored.
    pub async fn count_facts(&self) -> i64 {
        sqlx::query_scalar("select count(*) from facts").fetch_one(&mut self.owner().await).await.unwrap()
    }

    /// Posts the text of a report as the agent would; gives the status.
    pub async fn post_report(&self, body: &str) -> u16 {
        let token = self.agent.key().sign_token(Utc::now()).unwrap();
        let request = reqwest::Client::new().post(self.base.join("agent/v1/report").unwrap());
        let request = request.bearer_auth(token.expose_secret()).header("content-type", "application/json");
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    }

    pub async fn owner(&self) -> PgConnection {
        self.database.options().connect().await.unwrap()
    }

    /// Posts a webhook of GitHub.
    pub async fn webhook(&self, event: &str, delivery: &str, body: &str, secret: &str) -> u16 {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hex::encode(aws_lc_rs::hmac::sign(&key, body.as_bytes()));
        reqwest::Client::new()
            .post(self.base.join("webhooks/github").unwrap())
            .header("x-github-event", event)
            .header("x-github-delivery", delivery)
            .header("x-hub-signature-256", format!("sha256={signature}"))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    }
}

struct Seed<'a> {
    installation: i64,
    repository_url: &'a str,
    public_key: Vec<u8>,
}

impl Seed<'_> {
    /// Rows that other tests make through the API.
    async fn plant(&self, database: &TestDatabase) -> (OrganizationId, ClusterId, ClusterKeyId) {
        let [organization, user, token, repository, cluster, key] = [(); 6].map(|()| Uuid::now_v7());
        let mut owner = database.options().connect().await.unwrap();
        sqlx::query("insert into organizations (id, name) values ($1, 'Acme')")
            .bind(organization)
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query("insert into users (id, email, name, password_hash) values ($1, 'ada@example.com', 'Ada', '-')")
            .bind(user)
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query("insert into memberships (organization_id, user_id, role) values ($1, $2, 'owner')")
            .bind(organization)
            .bind(user)
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query(
            "insert into tokens (id, secret_hash, user_id, organization_id, role, name, expires_at)
             values ($1, $2, $3, $4, 'owner', 'test', now() + interval '1 day')",
        )
        .bind(token)
        .bind(secret::hash(API_TOKEN))
        .bind(user)
        .bind(organization)
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query(
            "insert into repositories (id, organization_id, installation_id, name, url, default_branch, private)
             values ($1, $2, $3, 'acme/config', $4, 'main', true)",
        )
        .bind(repository)
        .bind(organization)
        .bind(self.installation)
        .bind(self.repository_url)
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query(
            "insert into clusters (id, organization_id, name, first_sync, enrolled_at)
             values ($1, $2, 'prod-eu', '{}', now())",
        )
        .bind(cluster)
        .bind(organization)
        .execute(&mut owner)
        .await
        .unwrap();
        sqlx::query("insert into cluster_keys (id, organization_id, cluster_id, public_key) values ($1, $2, $3, $4)")
            .bind(key)
            .bind(organization)
            .bind(cluster)
            .bind(&self.public_key)
            .execute(&mut owner)
            .await
            .unwrap();
        sqlx::query("insert into work (organization_id, kind, subject_id, due_at) values ($1, 'read', $2, now())")
            .bind(organization)
            .bind(repository)
            .execute(&mut owner)
            .await
            .unwrap();
        owner.close().await.unwrap();
        (organization.into(), cluster.into(), key.into())
    }
}

/// A made-up commit.
pub fn revision(number: u32) -> Revision {
    format!("{number:040x}").parse().unwrap()
}

/// A whole second, some seconds after noon.
pub fn at(second: i64) -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}
