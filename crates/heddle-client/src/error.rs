//! What can come back instead of an answer, and the one place that decides which of it it is.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_wire::problem::Problem;
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, LOCATION, RETRY_AFTER},
};

/// Why a call gave no answer. Variants exist for callers who act on them.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The lease belongs to somebody else now: drop the work, report nothing more.
    #[error("the lease was lost to another automator")]
    LeaseLost,
    /// Token, key or session are unknown, expired or revoked. The same call will not succeed with the same credential.
    #[error("the API does not accept the credential: {message}")]
    Unauthorized {
        /// The API's sentence.
        message: String,
    },
    /// This program is too old for the API: update it.
    #[error("{message}")]
    Gone {
        /// The API's sentence, meant to be shown.
        message: String,
    },
    /// The repository is not connected to the organization; someone must do that in the dashboard.
    #[error("{message}")]
    NotConnected {
        /// The API's sentence, with the link that mends it.
        message: String,
    },
    /// Too many calls. Nothing was done.
    #[error("the API asks for fewer calls")]
    RateLimited {
        /// How long to wait, where the API says.
        retry_after: Option<Duration>,
    },
    /// The API is away or fails. Whether the call took effect is not known; the same call may succeed later.
    #[error("{0}")]
    Unavailable(Unavailable),
    /// The call is larger than the API, or something on the way to it, takes. Nothing was done.
    #[error("{message}")]
    TooLarge {
        /// Why, in a sentence.
        message: String,
    },
    /// The API refused the call for a reason that only a person or a different call can mend.
    #[error("{} (code {}, request {})", .0.message, .0.code, .0.request_id)]
    Problem(Problem),
    /// Something that is not our API answered, or an API of another age.
    #[error("the answer of {api} is not one of Heddle's: {fault}")]
    Foreign {
        /// The address.
        api: String,
        /// What was odd about the answer, without its body.
        fault: String,
    },
}

/// The API is away or fails.
#[derive(Debug, thiserror::Error)]
pub struct Unavailable {
    /// The API's address.
    pub api: String,
    /// The status, where something answered.
    pub status: Option<u16>,
    /// The id of the request in the API's log, where it gave one.
    pub request_id: Option<String>,
    /// How long to wait, where the API says.
    pub retry_after: Option<Duration>,
    /// What failed, where nothing answered.
    #[source]
    pub source: Option<reqwest::Error>,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            Some(status) => write!(f, "{} cannot answer now (status {status})", self.api)?,
            None => write!(f, "{} cannot be reached", self.api)?,
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id}"),
            None => Ok(()),
        }
    }
}

impl ClientError {
    /// Whether the same call may succeed later without anybody's doing.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }

    /// How long the API asks to wait before the next call.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            Self::Unavailable(unavailable) => unavailable.retry_after,
            _ => None,
        }
    }

    /// The stable word of a refusal, such as `not-found`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// Nothing answered.
    pub(crate) fn unreachable(api: &str, source: reqwest::Error) -> Self {
        Self::Unavailable(Unavailable {
            api: api.to_owned(),
            status: None,
            request_id: None,
            retry_after: None,
            source: Some(source.without_url()),
        })
    }

    /// Nothing came on an open stream for too long.
    pub(crate) fn silent(api: &str) -> Self {
        Self::Unavailable(Unavailable {
            api: api.to_owned(),
            status: None,
            request_id: None,
            retry_after: None,
            source: None,
        })
    }

    /// The error that an answer with a status other than 2xx stands for.
    pub(crate) fn from_answer(api: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let retry_after = read_retry_after(headers, Utc::now());
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::RateLimited { retry_after };
        }
        if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
            return Self::Unavailable(Unavailable {
                api: api.to_owned(),
                status: Some(status.as_u16()),
                request_id: problem.map(|p| p.request_id),
                retry_after,
                source: None,
            });
        }
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            let by_another = || format!("something on the way to {api} takes no call of this size (status 413)");
            return Self::TooLarge { message: problem.map_or_else(by_another, |problem| problem.message) };
        }
        let Some(problem) = problem else {
            return Self::Foreign { api: api.to_owned(), fault: describe(status, headers) };
        };
        match (status, problem.code.as_str()) {
            (StatusCode::UNAUTHORIZED, _) => Self::Unauthorized { message: problem.message },
            (StatusCode::GONE, _) => Self::Gone { message: problem.message },
            (StatusCode::CONFLICT, "lease-lost") => Self::LeaseLost,
            (_, "repository-not-connected") => Self::NotConnected { message: problem.message },
            _ => Self::Problem(problem),
        }
    }
}

fn describe(status: StatusCode, headers: &HeaderMap) -> String {
    match headers.get(LOCATION).and_then(|value| value.to_str().ok()) {
        Some(target) if status.is_redirection() => {
            // A redirect's query may carry a one-time code; the path is enough to see where it leads.
            let target = target.split(['?', '#']).next().unwrap_or_default();
            format!("it leads to `{target}` (status {status}); set the API's own address")
        }
        _ => format!("status {status} without a problem document; is this the API's address?"),
    }
}

/// `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3), a date by the server's own clock.
pub(crate) fn read_retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    let server_now = headers
        .get(DATE)
        .and_then(|value| DateTime::parse_from_rfc2822(value.to_str().ok()?).ok())
        .map_or(now, |date| date.with_timezone(&Utc));
    Some((until.with_timezone(&Utc) - server_now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests;
