//! One question to a registry: with the login that it wants, and nothing of its answer taken on trust.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::image::ImageRepository;
use heddle_egress::Unsent;
use reqwest::{
    Method, Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use url::Url;

use crate::{limits::MAX_RETRY_AFTER, session::Session};

/// Why a registry could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence without secrets, and without text of the registry.
    pub reason: String,
    /// When the registry allows the next try, where it says.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether the registry, or what gives the login for it, asks for fewer requests. That is said of all of its images.
    pub throttled: bool,
    /// What is wrong with the login, where that is why.
    pub login: Option<LoginFault>,
}

impl Failure {
    /// Whether the next question would fare no better. That one thing is forbidden says nothing of the others: registries
    /// block single images.
    pub fn concerns_all(&self) -> bool {
        let is_of_login = match &self.login {
            Some(LoginFault::Refused | LoginFault::TokenServer { .. } | LoginFault::Failed) => true,
            Some(LoginFault::Missing | LoginFault::Denied) | None => false,
        };
        self.throttled || is_of_login
    }
}

/// What is wrong with a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginFault {
    /// The registry wants one, and there is none.
    Missing,
    /// It is not known, or has expired.
    Refused,
    /// It is known, and may not read the image.
    Denied,
    /// The registry names a token server that the secret does not go to.
    TokenServer {
        /// The server, as `host` or `host:port`.
        host: String,
    },
    /// It could not be tried to the end.
    Failed,
}

impl Session {
    /// The address of something of an image: `tags/list`, `manifests/1.4.2`.
    pub(crate) async fn address(&self, image: &ImageRepository, of: &str) -> Result<Url, Failure> {
        let base = self.base().await?;
        let url = base.join(&format!("{}/{of}", image.path()));
        url.map_err(|_| failed("the image's name makes no address"))
    }

    /// Asks for a body; logs in once when the registry wants that.
    pub(crate) async fn get(
        &self,
        image: &ImageRepository,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        self.ask(Method::GET, image, url, headers).await
    }

    /// Asks; logs in once when the registry wants that. The login goes to the registry's own host, whatever `url` is.
    pub(crate) async fn ask(
        &self,
        method: Method,
        image: &ImageRepository,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        let answer = self.send(&method, image, url, headers).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.is_own(url).await? {
            return Ok(answer);
        }
        self.log_in(image, answer.headers()).await?;
        let mut answer = self.send(&method, image, url, headers).await?;
        if answer.status() == StatusCode::UNAUTHORIZED && self.renew().await? {
            self.log_in(image, answer.headers()).await?;
            answer = self.send(&method, image, url, headers).await?;
        }
        if answer.status().is_success() || answer.status() == StatusCode::NOT_FOUND {
            self.note_works();
        }
        Ok(answer)
    }

    async fn send(
        &self,
        method: &Method,
        image: &ImageRepository,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        let login = if self.is_own(url).await? { self.authorization(image).await } else { None };
        let (egress, may_lead) = (&self.access().egress, |next: &Url| self.leads().allow(next));
        let sent = egress.send(method, url, headers, login.as_ref().map(|login| &login.0), may_lead).await;
        let answer = sent.map_err(|error| self.unreachable(image, url, &error))?;
        if self.is_own(answer.url()).await? {
            self.note_allowance(answer.headers());
        }
        Ok(answer)
    }

    async fn is_own(&self, url: &Url) -> Result<bool, Failure> {
        Ok(self.base().await?.origin() == url.origin())
    }

    /// Where only public addresses are connected to, one that is none and one that does not answer sound the same.
    fn unreachable(&self, image: &ImageRepository, url: &Url, error: &Unsent) -> Failure {
        let registry = image.registry();
        match error {
            Unsent::Refused(refused) => failed(refused.to_string()),
            Unsent::Failed(error) if error.is_timeout() => failed(format!("`{registry}` did not answer in time")),
            Unsent::Failed(_) => {
                self.access().forget_scheme(self.host());
                let hint = "; a registry on a private address needs the operator's leave";
                let hint = if self.access().lists(url) { "" } else { hint };
                failed(format!("`{registry}` cannot be reached{hint}"))
            }
        }
    }

    /// Fails for every answer that is not 200.
    pub(crate) fn check_status(&self, answer: &Response, image: &ImageRepository) -> Result<(), Failure> {
        let status = answer.status();
        let registry = image.registry();
        let failure = match status {
            StatusCode::OK => return Ok(()),
            StatusCode::NOT_FOUND => {
                let reason = format!("`{registry}` has no image `{}`, or does not show it to this login", image.path());
                Failure { login: self.login_works().then_some(LoginFault::Denied), ..failed(reason) }
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.refused(image, status),
            status if asks_for_fewer(status, answer.headers()) => {
                Failure { throttled: true, ..failed(format!("`{registry}` asks for fewer requests")) }
            }
            status => failed(format!("`{registry}` answered with status {}", status.as_u16())),
        };
        Err(Failure { retry_at: retry_at(answer.headers(), Utc::now()), ..failure })
    }
}

/// The body of an answer. The error is the limit that it exceeds, or `None` when it ended early.
pub(crate) async fn read_body(mut answer: Response, limit: usize) -> Result<Vec<u8>, Option<usize>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| None)? {
        if body.len() + chunk.len() > limit {
            return Err(Some(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Fails with `late` when the answer is not there in time.
pub(crate) async fn within<T>(
    deadline: Duration,
    answer: impl Future<Output = Result<T, Failure>>,
    late: impl FnOnce() -> Failure,
) -> Result<T, Failure> {
    tokio::time::timeout(deadline, answer).await.unwrap_or_else(|_| Err(late()))
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_at(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let longest = TimeDelta::from_std(MAX_RETRY_AFTER).ok()?;
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let at = match text.parse::<i64>() {
        Ok(seconds) => now + TimeDelta::try_seconds(seconds.clamp(0, longest.num_seconds()))?,
        Err(_) => httpdate::parse_http_date(text).ok()?.into(),
    };
    Some(at.clamp(now, now + longest))
}

/// Whether an answer asks for fewer requests (RFC 6585, section 4; RFC 9110, section 15.6.4).
pub(crate) fn asks_for_fewer(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::SERVICE_UNAVAILABLE && headers.contains_key(RETRY_AFTER))
}

pub(crate) fn failed(reason: impl Into<String>) -> Failure {
    Failure { reason: reason.into(), retry_at: None, throttled: false, login: None }
}

#[cfg(test)]
mod tests;
