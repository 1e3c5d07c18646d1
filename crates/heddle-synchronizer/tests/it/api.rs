//! The API as an agent sees it: enrolls anybody, mints the token it was given, keeps the reports.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use heddle_core::{
    id::{ClusterId, ClusterKeyId},
    name::SyncName,
};
use heddle_wire::agent::{
    Deploy, DeployFact, EnrollResponse, GitTokenResponse, Hint, HintsResponse, Report, ReportResponse, SyncReport,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use uuid::Uuid;

#[derive(Clone)]
pub struct Api {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    token: SecretString,
    state: Mutex<Seen>,
    hinted: Notify,
}

#[derive(Default)]
struct Seen {
    away: bool,
    /// No token for git is given.
    refuse_git: bool,
    /// The next report is taken in, and its answer is lost.
    lose_answer: bool,
    /// The number of the last report of each epoch.
    sequences: BTreeMap<Uuid, u64>,
    reports: Vec<Report>,
    raw: Vec<String>,
    hints: Vec<Hint>,
}

impl Api {
    pub async fn start(token: SecretString) -> Self {
        let shared = Arc::new(Shared { token, state: Mutex::default(), hinted: Notify::new() });
        let router = Router::new()
            .route("/agent/v1/enroll", post(enroll))
            .route("/agent/v1/report", post(report))
            .route("/agent/v1/hints", get(hints))
            .route("/agent/v1/git-token", post(git_token))
            .with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { address, shared }
    }

    /// The password that reads the repository.
    pub fn git_password(&self) -> String {
        self.shared.token.expose_secret().to_owned()
    }

    pub fn hint(&self, hint: Hint) {
        self.shared.state.lock().unwrap().hints.push(hint);
        self.shared.hinted.notify_one();
    }

    pub fn go_away(&self, away: bool) {
        self.shared.state.lock().unwrap().away = away;
    }

    pub fn refuse_git(&self, refuse: bool) {
        self.shared.state.lock().unwrap().refuse_git = refuse;
    }

    pub fn lose_next_answer(&self) {
        self.shared.state.lock().unwrap().lose_answer = true;
    }

    /// Every fact, in the order in which it was taken in.
    pub fn facts(&self) -> Vec<DeployFact> {
        let state = self.shared.state.lock().unwrap();
        state.reports.iter().flat_map(|report| report.facts.clone()).collect()
    }

    /// Revisions of the facts `Applied`, in order.
    pub fn applied(&self) -> Vec<String> {
        let facts = self.facts().into_iter().filter(|fact| matches!(fact.what, Deploy::Applied { .. }));
        facts.map(|fact| fact.revision.to_string()).collect()
    }

    /// The newest state of a Sync.
    pub fn state(&self, sync: &str) -> Option<SyncReport> {
        let state = self.shared.state.lock().unwrap();
        let mut all = state.reports.iter().flat_map(|report| &report.syncs);
        all.rfind(|state| state.sync.name == sync).cloned()
    }

    /// Every state of a Sync that was told, in order.
    pub fn states(&self, sync: &str) -> Vec<SyncReport> {
        let state = self.shared.state.lock().unwrap();
        let all = state.reports.iter().flat_map(|report| &report.syncs);
        all.filter(|state| state.sync.name == sync).cloned().collect()
    }

    /// The Syncs that are there, as they were told last.
    pub fn present(&self) -> Vec<SyncName> {
        let state = self.shared.state.lock().unwrap();
        state.reports.iter().rev().find_map(|report| report.present.clone()).unwrap_or_default()
    }

    /// All that was ever sent, as text.
    pub fn everything(&self) -> String {
        self.shared.state.lock().unwrap().raw.join("\n")
    }
}

async fn enroll() -> Json<EnrollResponse> {
    Json(EnrollResponse { cluster_id: ClusterId(Uuid::new_v4()), key_id: ClusterKeyId(Uuid::new_v4()) })
}

async fn report(State(shared): State<Arc<Shared>>, headers: axum::http::HeaderMap, body: Bytes) -> Response {
    let mut state = shared.state.lock().unwrap();
    if state.away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let text = match headers.get("content-encoding") {
        Some(_) => {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&body[..]), &mut text).unwrap();
            text
        }
        None => String::from_utf8(body.to_vec()).unwrap(),
    };
    let report: Report = serde_json::from_str(&text).unwrap();
    let taken = *state.sequences.entry(report.epoch).or_default();
    let acknowledged = taken.max(report.sequence);
    if report.sequence > taken {
        assert_eq!(report.sequence, taken + 1, "a report is missing");
        state.sequences.insert(report.epoch, report.sequence);
        state.raw.push(text);
        state.reports.push(report);
    }
    if std::mem::take(&mut state.lose_answer) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(ReportResponse { acknowledged, resync: false }).into_response()
}

async fn hints(State(shared): State<Arc<Shared>>) -> Json<HintsResponse> {
    // A hint that came before the question answers it at once.
    if shared.state.lock().unwrap().hints.is_empty() {
        let _none = tokio::time::timeout(Duration::from_secs(10), shared.hinted.notified()).await;
    }
    Json(HintsResponse { hints: std::mem::take(&mut shared.state.lock().unwrap().hints) })
}

async fn git_token(State(shared): State<Arc<Shared>>) -> Response {
    let is_refused = {
        let state = shared.state.lock().unwrap();
        state.away || state.refuse_git
    };
    if is_refused {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let expires_at = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let token = heddle_wire::secret::WireSecret(shared.token.clone());
    Json(GitTokenResponse { username: "x-access-token".into(), token, expires_at }).into_response()
}
