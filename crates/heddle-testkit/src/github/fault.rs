//! What a test scripts at the far end of a request: hold points, failures, lost connections.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::sync::oneshot;

/// Which requests are meant.
#[derive(Debug, Clone)]
pub struct Matcher {
    method: Option<String>,
    path: Option<String>,
    mutation: Option<String>,
    skip: usize,
}

impl Matcher {
    /// A REST request. The path starts after `/api/v3`; `*` stands for one segment: `/repos/*/*/pulls`.
    pub fn rest(method: &str, path: &str) -> Self {
        let path = format!("/api/v3{path}");
        Self { method: Some(method.to_owned()), path: Some(path), mutation: None, skip: 0 }
    }

    /// A GraphQL request that names this mutation.
    pub fn graphql(mutation: &str) -> Self {
        Self { method: None, path: Some("/api/graphql".into()), mutation: Some(mutation.into()), skip: 0 }
    }

    /// A request of a Git client to `git-upload-pack` (fetch) or `git-receive-pack` (push).
    pub fn git(service: &str) -> Self {
        Self { method: Some("POST".into()), path: Some(format!("/*/*/{service}")), mutation: None, skip: 0 }
    }

    /// Every request of the API.
    pub fn any() -> Self {
        Self { method: None, path: None, mutation: None, skip: 0 }
    }

    /// The same, but lets the first `count` requests pass.
    #[must_use]
    pub fn after(self, count: usize) -> Self {
        Self { skip: count, ..self }
    }

    fn fits(&self, request: &Seen) -> bool {
        let segments = |pattern: &str| {
            let (pattern, path): (Vec<&str>, Vec<&str>) =
                (pattern.split('/').collect(), request.path.split('/').collect());
            pattern.len() == path.len() && pattern.iter().zip(&path).all(|(want, have)| *want == "*" || want == have)
        };
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.path.as_deref().is_none_or(segments)
            && self.mutation.as_ref().is_none_or(|mutation| request.operation.as_ref() == Some(mutation))
            && (self.path.is_some() || request.path.starts_with("/api/"))
    }
}

/// A request that reached the stand-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// For GraphQL the first field of the operation.
    pub operation: Option<String>,
    /// Whether it carried credentials.
    pub authenticated: bool,
}

/// A request of the API with its answer. Requests that met a scripted fault are none.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The body that was sent; null where there was none.
    pub request: serde_json::Value,
    /// The status.
    pub status: u16,
    /// The body that was answered; null where there was none.
    pub response: serde_json::Value,
}

/// On which side of the work a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was done yet.
    Before,
    /// Everything is done; only the answer is missing.
    After,
}

/// How a request fails.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// 403 or 429 with `retry-after`; nothing is done.
    RateLimited {
        /// 403 or 429.
        status: u16,
        /// When to come again.
        retry_after: Duration,
    },
    /// This status; nothing is done.
    Status(u16),
    /// Everything is done, and then this status.
    StatusAfter(u16),
    /// The connection ends; nothing is done.
    DropBefore,
    /// Everything is done, and then the connection ends.
    DropAfter,
}

/// A request that waits for the test. Dropping the handle lets it go on.
#[derive(Debug)]
pub struct Hold {
    reached: Option<oneshot::Receiver<()>>,
    verdict: Option<oneshot::Sender<Verdict>>,
}

#[derive(Debug)]
enum Verdict {
    Release,
    Drop,
}

impl Hold {
    /// Waits until a request stands at the hold point.
    pub async fn reached(&mut self) {
        if let Some(reached) = self.reached.take() {
            reached.await.ok();
        }
    }

    /// Lets the request go on.
    pub fn release(mut self) {
        self.decide(Verdict::Release);
    }

    /// Ends the request's connection without an answer.
    pub fn drop_connection(mut self) {
        self.decide(Verdict::Drop);
    }

    fn decide(&mut self, verdict: Verdict) {
        if let Some(sender) = self.verdict.take() {
            sender.send(verdict).ok();
        }
    }
}

/// A hold point's other end.
#[derive(Debug)]
pub(crate) struct HoldPoint {
    pub when: When,
    reached: oneshot::Sender<()>,
    verdict: oneshot::Receiver<Verdict>,
}

/// The connection is to end without an answer.
#[derive(Debug, thiserror::Error)]
#[error("a scripted fault ends this connection")]
pub(crate) struct Dropped;

impl HoldPoint {
    pub async fn wait(self) -> Result<(), Dropped> {
        self.reached.send(()).ok();
        match self.verdict.await {
            Ok(Verdict::Drop) => Err(Dropped),
            Ok(Verdict::Release) | Err(_) => Ok(()),
        }
    }
}

/// What is to happen to one request.
#[derive(Debug)]
pub(crate) enum Action {
    Hold(HoldPoint),
    Fail(Fault),
}

#[derive(Debug)]
struct Rule {
    matcher: Matcher,
    action: Action,
}

/// Everything that tests scripted, and everything that was asked.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    seen: Mutex<Vec<Seen>>,
    exchanges: Mutex<Vec<Exchange>>,
}

impl Faults {
    pub fn hold(&self, matcher: Matcher, when: When) -> Hold {
        let (reached_sender, reached) = oneshot::channel();
        let (verdict, verdict_receiver) = oneshot::channel();
        let point = HoldPoint { when, reached: reached_sender, verdict: verdict_receiver };
        self.add(matcher, Action::Hold(point));
        Hold { reached: Some(reached), verdict: Some(verdict) }
    }

    pub fn fail(&self, matcher: Matcher, fault: Fault) {
        self.add(matcher, Action::Fail(fault));
    }

    fn add(&self, matcher: Matcher, action: Action) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(Rule { matcher, action });
    }

    pub fn clear(&self) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn keep(&self, exchange: Exchange) {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }

    /// Notes a request and takes the first rule that is meant for it. Each rule serves one request.
    pub fn take(&self, request: Seen) -> Option<Action> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = None;
        for (number, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| rule.matcher.fits(&request)) {
            if rule.matcher.skip > 0 {
                rule.matcher.skip -= 1;
            } else {
                found = found.or(Some(number));
            }
        }
        let action = found.map(|number| rules.remove(number).action);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        action
    }
}

/// The answer of a scripted status.
pub(crate) fn answer(status: u16, retry_after: Option<Duration>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = match (status.as_u16(), retry_after) {
        (403 | 429, Some(_)) => {
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        }
        (404, _) => "Not Found",
        _ => "Server Error",
    };
    let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.as_u16().to_string()});
    let mut response = (status, Json(body)).into_response();
    if let Some(after) = retry_after {
        response.headers_mut().insert("retry-after", after.as_secs().into());
    }
    response
}
