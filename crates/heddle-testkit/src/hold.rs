//! A reverse proxy that can be told what to do with requests: hold one before it is passed on or before its answer is
//! passed back, drop it, answer in its place; and that counts what it saw.
//!
//! It stands in front of a real part (registry, our API, the Kubernetes API), so that a test can stop time at a place
//! where a program must not lose anything.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use crate::tls::Authority;

pub(crate) mod serve;
#[cfg(test)]
mod tests;

/// Largest request body that is passed on.
const BODY_LIMIT_BYTES: usize = 64 << 20;

/// Which requests are meant.
#[derive(Debug, Clone)]
pub struct Match {
    method: Method,
    path: String,
    body: Option<String>,
}

impl Match {
    /// Requests of this method whose path and query contain `path`.
    pub fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), body: None }
    }

    /// Only those whose body contains `text`.
    pub fn body(mut self, text: &str) -> Self {
        self.body = Some(text.to_owned());
        self
    }

    fn fits(&self, request: &Seen, body: &[u8]) -> bool {
        let holds = |text: &String| body.windows(text.len().max(1)).any(|window| window == text.as_bytes());
        request.is(&self.method, &self.path) && self.body.as_ref().is_none_or(holds)
    }
}

/// A request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its method.
    pub method: Method,
    /// Its path with its query.
    pub target: String,
}

impl Seen {
    fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.target.contains(path)
    }
}

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection ends; nothing was passed on.
    DropRequest,
    /// It is passed on, and the connection ends instead of an answer.
    DropAnswer,
    /// It is answered with this; nothing was passed on.
    Answer {
        /// The status.
        status: StatusCode,
        /// Headers.
        headers: HeaderMap,
        /// The body.
        body: String,
    },
}

impl Fault {
    /// Answers with a status and an empty body.
    pub fn status(status: StatusCode) -> Self {
        Self::Answer { status, headers: HeaderMap::new(), body: String::new() }
    }
}

/// Where a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was passed on yet.
    BeforeRequest,
    /// The part behind has done its work; the answer has not been passed back.
    BeforeAnswer,
}

/// A running proxy. Dropping it closes its port.
pub struct Proxy {
    url: Url,
    state: Arc<Inner>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Stands in front of `upstream`. `ca_pem` is the authority of an upstream that serves HTTPS; with `serve_as` the
    /// proxy serves HTTPS itself.
    pub async fn start(upstream: Url, ca_pem: Option<&str>, serve_as: Option<&Authority>) -> Result<Self> {
        Self::start_at(IpAddr::V4(Ipv4Addr::LOCALHOST), upstream, ca_pem, serve_as).await
    }

    /// As [`Proxy::start`], at another address of this machine.
    pub async fn start_at(
        address: IpAddr,
        upstream: Url,
        ca_pem: Option<&str>,
        serve_as: Option<&Authority>,
    ) -> Result<Self> {
        let mut client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        client = client.no_gzip().http1_only().pool_max_idle_per_host(0);
        if let Some(pem) = ca_pem {
            client = client.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes())?]);
        }
        let state = Arc::new(Inner { upstream, client: client.build()?, table: Mutex::default() });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&state));
        let tls = serve_as.map(Authority::server_config).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (address, task) = serve::start(address, app, tls).await?;
        Ok(Self { url: Url::parse(&format!("{scheme}://{address}/"))?, state, task })
    }

    /// Its address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.url.port().unwrap_or_default())
    }

    /// Holds the next request that fits, and only that one.
    pub fn hold(&self, which: Match, when: When) -> Held {
        let (reach, reached) = watch::channel(false);
        let (decide, verdict) = watch::channel(None);
        self.state.table().holds.push(Hold { which, when, reach, verdict });
        Held { reached, decide }
    }

    /// Does this to every request that fits, until [`Proxy::heal`].
    pub fn fail(&self, which: Match, fault: Fault) {
        self.state.table().faults.push(Rule { which, fault, left: None });
    }

    /// Does this to the next `times` requests that fit.
    pub fn fail_times(&self, which: Match, fault: Fault, times: usize) {
        self.state.table().faults.push(Rule { which, fault, left: Some(times) });
    }

    /// Ends every fault.
    pub fn heal(&self) {
        self.state.table().faults.clear();
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.table().seen.clone()
    }

    /// How many requests of this method had a path and query that contain `path`.
    pub fn count(&self, method: Method, path: &str) -> usize {
        self.state.table().seen.iter().filter(|seen| seen.is(&method, path)).count()
    }

    /// What those requests were answered by the part behind, oldest answer first.
    pub fn answers(&self, method: Method, path: &str) -> Vec<StatusCode> {
        let table = self.state.table();
        table.answers.iter().filter(|(seen, _)| seen.is(&method, path)).map(|(_, status)| *status).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A hold that was asked for. Dropping it lets the request go on.
#[derive(Debug)]
pub struct Held {
    reached: watch::Receiver<bool>,
    decide: watch::Sender<Option<Verdict>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Release,
    Cut,
}

impl Held {
    /// Waits until a request is held.
    ///
    /// # Errors
    /// When none came within `limit`.
    pub async fn reached(&mut self, limit: Duration) -> Result<()> {
        let wait = tokio::time::timeout(limit, self.reached.wait_for(|reached| *reached)).await;
        wait.context("no request came to be held")?.context("the proxy is gone")?;
        Ok(())
    }

    /// Whether a request is or was held.
    pub fn is_reached(&self) -> bool {
        *self.reached.borrow()
    }

    /// Lets the request go on.
    pub fn release(self) {
        self.decide.send_replace(Some(Verdict::Release));
    }

    /// Ends the request's connection. What was not passed on yet never is, and no answer is passed back.
    pub fn cut(self) {
        self.decide.send_replace(Some(Verdict::Cut));
    }
}

struct Inner {
    upstream: Url,
    client: reqwest::Client,
    table: Mutex<Table>,
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct Table {
    seen: Vec<Seen>,
    answers: Vec<(Seen, StatusCode)>,
    holds: Vec<Hold>,
    faults: Vec<Rule>,
}

struct Rule {
    which: Match,
    fault: Fault,
    left: Option<usize>,
}

struct Hold {
    which: Match,
    when: When,
    reach: watch::Sender<bool>,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Hold {
    /// What is to become of the request; it goes on when nobody is there any more to say.
    async fn wait(mut self) -> Verdict {
        self.reach.send_replace(true);
        let verdict = self.verdict.wait_for(Option::is_some).await;
        verdict.ok().and_then(|verdict| *verdict).unwrap_or(Verdict::Release)
    }
}

impl Table {
    fn note(&mut self, seen: Seen, body: &[u8]) -> (Option<Hold>, Option<Fault>) {
        let hold = self.holds.iter().position(|hold| hold.which.fits(&seen, body));
        let hold = hold.map(|index| self.holds.remove(index));
        let rule = self.faults.iter_mut().find(|rule| rule.left != Some(0) && rule.which.fits(&seen, body));
        let fault = rule.map(|rule| {
            rule.left = rule.left.map(|left| left - 1);
            rule.fault.clone()
        });
        self.seen.push(seen);
        (hold, fault)
    }
}

async fn pass(State(state): State<Arc<Inner>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let seen = Seen { method: head.method.clone(), target: target.clone() };
    let (hold, fault) = state.table().note(seen.clone(), &body);
    let (before, after) = match hold {
        Some(hold) if hold.when == When::BeforeRequest => (Some(hold), None),
        other => (None, other),
    };
    if let Some(hold) = before
        && hold.wait().await == Verdict::Cut
    {
        return cut();
    }
    match &fault {
        Some(Fault::DropRequest) => return cut(),
        Some(Fault::Answer { status, headers, body }) => {
            return (*status, headers.clone(), body.clone()).into_response();
        }
        Some(Fault::DropAnswer) | None => {}
    }
    let answer = forward(&state, head.method, &target, &head.headers, body).await;
    if let Ok(answer) = &answer {
        state.table().answers.push((seen, answer.status()));
    }
    if let Some(hold) = after
        && hold.wait().await == Verdict::Cut
    {
        return cut();
    }
    match (answer, fault) {
        (_, Some(Fault::DropAnswer)) | (Err(_), _) => cut(),
        (Ok(answer), _) => answer,
    }
}

async fn forward(state: &Inner, method: Method, target: &str, headers: &HeaderMap, body: Bytes) -> Result<Response> {
    let url = state.upstream.join(target)?;
    let mut request = state.client.request(method, url).body(body);
    for (name, value) in headers.iter().filter(|(name, _)| !is_hop_by_hop(name)) {
        request = request.header(name, value);
    }
    // What the part behind builds addresses from is the name that the caller used.
    if let Some(host) = headers.get(header::HOST) {
        request = request.header(header::HOST, host);
    }
    let answer = request.send().await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers().iter().filter(|(name, _)| !is_hop_by_hop(name)) {
        response = response.header(name, value);
    }
    Ok(response.body(Body::from_stream(answer.bytes_stream()))?)
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::UPGRADE]
        .contains(name)
}

/// An answer whose body fails before its first byte: the server closes the connection.
fn cut() -> Response {
    let failed = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut by the test")) });
    let mut response = Response::new(Body::from_stream(failed));
    response.extensions_mut().insert(serve::Cut);
    response
}
