//! One question to a registry: with the login that it wants, and nothing of its answer taken on trust.

use chrono::{DateTime, Duration, Utc};
use heddle_core::image::ImageRepository;
use reqwest::{
    Method, Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use url::Url;

use crate::session::{Session, SessionError};

/// The longest wait that a registry may ask for.
const MAX_WAIT: Duration = Duration::hours(24);

/// Why a registry could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence without secrets, and without text of the registry.
    pub reason: String,
    /// When the registry allows the next try, where it says.
    pub retry_at: Option<DateTime<Utc>>,
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

    /// Asks; logs in once when the registry wants that.
    pub(crate) async fn ask(
        &self,
        method: Method,
        image: &ImageRepository,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        let answer = self.send(method.clone(), image, url, headers).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.log_in(image).await?;
        self.send(method, image, url, headers).await
    }

    async fn send(
        &self,
        method: Method,
        image: &ImageRepository,
        url: &Url,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        let request = self.access().http.request(method, url.clone()).headers(headers.clone());
        let request = self.authorize(request, image.path()).await;
        request.send().await.map_err(|error| unreachable(image, &error))
    }
}

/// Fails for every answer that is not 200.
pub(crate) fn check_status(answer: &Response, image: &ImageRepository) -> Result<(), Failure> {
    let status = answer.status();
    let registry = image.registry();
    let reason = match status {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => {
            format!("`{registry}` has no image `{}`, or does not show it to this login", image.path())
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("`{registry}` does not let this login read `{}`", image.path())
        }
        StatusCode::TOO_MANY_REQUESTS => format!("`{registry}` asks for fewer requests"),
        status => format!("`{registry}` answered with status {}", status.as_u16()),
    };
    Err(Failure { reason, retry_at: retry_at(answer.headers(), Utc::now()) })
}

/// The body of an answer; fails when it has more than `limit` bytes.
pub(crate) async fn read_body(mut answer: Response, limit: usize, what: &str) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| failed("the registry cut its answer short"))? {
        if body.len() + chunk.len() > limit {
            return Err(failed(format!("{what} is too large")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_at(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let at = match text.parse::<i64>() {
        Ok(seconds) => now + Duration::try_seconds(seconds.clamp(0, MAX_WAIT.num_seconds()))?,
        Err(_) => DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc),
    };
    Some(at.clamp(now, now + MAX_WAIT))
}

fn unreachable(image: &ImageRepository, error: &reqwest::Error) -> Failure {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<crate::guard::Refused>() {
            return failed(refused.to_string());
        }
        source = cause.source();
    }
    let registry = image.registry();
    failed(if error.is_timeout() {
        format!("`{registry}` did not answer in time")
    } else {
        format!("`{registry}` cannot be reached")
    })
}

pub(crate) fn failed(reason: impl Into<String>) -> Failure {
    Failure { reason: reason.into(), retry_at: None }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
