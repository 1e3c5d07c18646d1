//! A stand-in for GitHub over real bare Git repositories: REST, GraphQL, Git over HTTPS, signed webhooks, the web
//! sign-in, and pages for people. Laid out as GitHub Enterprise is: REST under `/api/v3`, GraphQL at `/api/graphql`.
//!
//! It knows nothing of Heddle. How it differs from GitHub: `docs/reference/github-stand-in.md`.

mod app_key;
mod auth;
mod body;
mod error;
mod fault;
mod git;
mod graphql;
mod model;
mod moves;
mod oauth;
mod pages;
mod person;
mod rest;
mod schemas;
mod server;
mod setup;
mod smart_http;
mod webhook;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use axum::{
    Router,
    extract::{Path as UrlPath, Request, State as Extract},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use chrono::TimeDelta;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;

use self::{body::Bodies, fault::Faults, model::State};
use crate::tls::Authority;

pub use self::{
    fault::{Exchange, Fault, Hold, Matcher, Seen, When},
    git::{Commit, Signature},
    model::Level,
    person::Pull,
    schemas::Schemas,
    setup::{AppCredentials, AppPlan},
    webhook::{Webhooks, sign},
};

/// How the stand-in is started.
#[derive(Debug, Clone, Default)]
pub struct GitHubConfig {
    /// Where repositories and the authority's certificate are kept; a temporary folder where none is named.
    pub dir: Option<PathBuf>,
    /// Where it listens; 127.0.0.1 where nothing is named.
    pub address: Option<IpAddr>,
    /// Port of HTTPS; a free one where none is named.
    pub port: Option<u16>,
    /// Port of the pages on plain HTTP; a free one where none is named.
    pub pages_port: Option<u16>,
    /// Who looks at the pages without having signed in.
    pub viewer: Option<String>,
    /// Keeps every exchange of the API, for [`Schemas::check`].
    pub keep_exchanges: bool,
}

/// Base addresses, without a slash at the end.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub host: String,
    pub git: String,
    pub api: String,
    pub pages: String,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub at: Addresses,
    pub dir: PathBuf,
    pub webhooks: Webhooks,
    pub faults: Faults,
    pub http: reqwest::Client,
    pub usual_viewer: Option<String>,
    pub keep_exchanges: bool,
    state: Mutex<State>,
    token_life: Mutex<Option<TimeDelta>>,
}

/// What every handler shares.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Inner>);

impl std::ops::Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bodies<'a>(&'a self, state: &'a State) -> Bodies<'a> {
        Bodies { at: &self.at, state }
    }

    pub(crate) fn token_life(&self) -> Option<TimeDelta> {
        *self.token_life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_token_life(&self, life: TimeDelta) {
        *self.token_life.lock().unwrap_or_else(PoisonError::into_inner) = Some(life);
    }
}

/// A running stand-in. It ends when the last clone of it is dropped.
#[derive(Debug, Clone)]
pub struct GitHub {
    shared: Shared,
    running: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    ca_pem: String,
    ca_file: PathBuf,
    tasks: Vec<JoinHandle<()>>,
    /// Removed with the stand-in.
    _temporary: Option<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl GitHub {
    /// Starts one.
    ///
    /// # Errors
    /// When a port is taken, or the folder cannot be written.
    pub async fn start(config: GitHubConfig) -> anyhow::Result<Self> {
        let temporary = if config.dir.is_none() { Some(tempfile::tempdir()?) } else { None };
        let dir = config.dir.or_else(|| temporary.as_ref().map(|t| t.path().to_owned())).context("a folder")?;
        std::fs::create_dir_all(&dir)?;
        let authority = Authority::generate()?;
        let ca_file = dir.join("ca.pem");
        std::fs::write(&ca_file, &authority.ca_pem)?;

        let address = config.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let listen = async |port: Option<u16>| TcpListener::bind((address, port.unwrap_or(0))).await;
        let secure = listen(config.port).await.context("listen for HTTPS")?;
        let plain = listen(config.pages_port).await.context("listen for the pages")?;
        let host = secure.local_addr()?.to_string();
        let at = Addresses {
            git: format!("https://{host}"),
            api: format!("https://{host}/api/v3"),
            pages: format!("http://{}", plain.local_addr()?),
            host,
        };
        let (webhooks, queue) = Webhooks::new();
        let shared = Shared(Arc::new(Inner {
            at,
            dir,
            webhooks,
            faults: Faults::default(),
            http: reqwest::Client::builder().no_proxy().build()?,
            usual_viewer: config.viewer,
            keep_exchanges: config.keep_exchanges,
            state: Mutex::default(),
            token_life: Mutex::default(),
        }));
        let everything = people().merge(machines()).with_state(shared.clone());
        let tasks = vec![
            tokio::spawn(server::serve(secure, Some(authority.server_config()?), everything, shared.clone())),
            tokio::spawn(server::serve(plain, None, people().with_state(shared.clone()), shared.clone())),
            tokio::spawn(webhook::deliver_all(shared.clone(), queue)),
        ];
        let running = Running { ca_pem: authority.ca_pem, ca_file, tasks, _temporary: temporary };
        Ok(Self { shared, running: Arc::new(running) })
    }

    /// Base address of REST: `https://127.0.0.1:<port>/api/v3`.
    pub fn api_url(&self) -> String {
        self.shared.at.api.clone()
    }

    /// Address of GraphQL.
    pub fn graphql_url(&self) -> String {
        format!("{}/api/graphql", self.shared.at.git)
    }

    /// Base address of the web sign-in and of Git: `https://127.0.0.1:<port>`.
    pub fn web_url(&self) -> String {
        self.shared.at.git.clone()
    }

    /// Base address of the pages on plain HTTP, for browsers that do not know the authority.
    pub fn pages_url(&self) -> String {
        self.shared.at.pages.clone()
    }

    /// Address for `git clone`.
    pub fn clone_url(&self, repository: &str) -> String {
        format!("{}/{repository}.git", self.shared.at.git)
    }

    /// The authority's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.running.ca_pem
    }

    /// The file that holds it.
    pub fn ca_file(&self) -> &Path {
        &self.running.ca_file
    }

    /// Stops the next request that fits, before or after it is carried out, until the test lets it go.
    pub fn hold(&self, matcher: Matcher, when: When) -> Hold {
        self.shared.faults.hold(matcher, when)
    }

    /// Lets the next request that fits fail.
    pub fn fail(&self, matcher: Matcher, fault: Fault) {
        self.shared.faults.fail(matcher, fault);
    }

    /// Forgets holds and faults that no request has met.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Every request so far, oldest first.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.faults.seen()
    }

    /// The exchanges that were kept, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.faults.exchanges()
    }

    /// Every webhook so far, delivered or not: event and payload, oldest first.
    pub fn deliveries(&self) -> Vec<(String, serde_json::Value)> {
        self.shared.state().deliveries.values().map(|d| (d.event.clone(), d.payload.clone())).collect()
    }

    /// The webhooks on their way.
    pub fn webhooks(&self) -> &Webhooks {
        &self.shared.webhooks
    }
}

/// What browsers open, and the exchange that ends the web sign-in.
fn people() -> Router<Shared> {
    Router::new()
        .route("/", get(pages::home))
        .route("/login", get(pages::login).post(pages::sign_in))
        .route("/login/oauth/authorize", get(oauth::ask).post(oauth::agree))
        .route("/login/oauth/access_token", post(oauth::exchange))
        .route("/{owner}/{repo}", get(pages::repository))
        .route("/{owner}/{repo}/pulls", get(pages::repository))
        .route("/{owner}/{repo}/pull/{number}", get(pages::pull))
        .route("/{owner}/{repo}/pull/{number}/{action}", post(pages::act))
}

fn machines() -> Router<Shared> {
    Router::new()
        .nest("/api/v3", rest::router())
        .route("/api/graphql", post(graphql::answer))
        .route("/{owner}/{repo}/info/refs", get(info_refs))
        .route("/{owner}/{repo}/{service}", any(smart_http::serve))
}

async fn info_refs(
    state: Extract<Shared>,
    UrlPath((owner, name)): UrlPath<(String, String)>,
    request: Request,
) -> Response {
    smart_http::serve(state, UrlPath((owner, name, "info/refs".to_owned())), request).await.into_response()
}

/// So many random letters and digits.
pub(crate) fn secret(length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&Uuid::new_v4().simple().to_string());
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests;
