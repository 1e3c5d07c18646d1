//! One request, one answer: paths, pages, statuses, rate limits, errors of GraphQL.

use chrono::{DateTime, TimeDelta, Utc};
use octocrab::Octocrab;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, LINK, RETRY_AFTER},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use url::Url;

use crate::{
    error::GitHubError,
    host::{Credentials, Host},
};

/// GitHub asks for at least a minute where it names no time.
/// <https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit>
const SECONDARY_PAUSE: TimeDelta = TimeDelta::minutes(1);

/// Pages of a list that are read at most; a hundred entries each.
const LARGEST_LIST: usize = 200;

type Result<T> = std::result::Result<T, GitHubError>;

/// A client with one set of credentials.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    rest: Octocrab,
    graphql: Octocrab,
    /// The path of the REST base, which `octocrab` puts before each path.
    base_path: String,
}

/// An answer with status 2xx.
struct Reply {
    body: String,
    next: Option<String>,
}

/// An entry of `errors` in an answer of GraphQL. `octocrab` drops `type`, the one part that programs can act on.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphQlError {
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub message: String,
}

#[derive(Deserialize)]
struct GraphQlAnswer {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<GraphQlError>,
}

impl Client {
    /// Must be called inside a tokio runtime.
    pub fn new(host: &Host, credentials: &Credentials<'_>) -> Result<Self> {
        let (rest, graphql) = host.clients(credentials)?;
        Ok(Self { rest, graphql, base_path: host.api_url.path().trim_end_matches('/').to_owned() })
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::GET, path, None::<&()>).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<&impl Serialize>) -> Result<T> {
        let reply = self.send(&self.rest, method, path, body).await?;
        serde_json::from_str(&reply.body).map_err(|source| GitHubError::Unreadable { what: what(path), source })
    }

    /// Reads a list page after page, until `enough` says so. `path` carries its query; `items` takes the entries out
    /// of a page.
    pub async fn pages<P: DeserializeOwned, T>(
        &self,
        path: &str,
        items: impl Fn(P) -> Vec<T>,
        mut enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Vec<T>> {
        let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
        let mut pages = 0;
        while let Some(path) = next.take() {
            let reply = self.send(&self.rest, Method::GET, &path, None::<&()>).await?;
            let page = serde_json::from_str(&reply.body);
            let page = page.map_err(|source| GitHubError::Unreadable { what: what(&path), source })?;
            all.extend(items(page));
            pages += 1;
            if pages < LARGEST_LIST && !enough(&all) {
                next = reply.next;
            }
        }
        Ok(all)
    }

    /// Sends a mutation or query; answers `data`, or the errors where there are any.
    pub async fn graphql(
        &self,
        query: &str,
        variables: Value,
    ) -> Result<std::result::Result<Value, Vec<GraphQlError>>> {
        let body = json!({"query": query, "variables": variables});
        let reply = self.send(&self.graphql, Method::POST, "/graphql", Some(&body)).await?;
        let answer: GraphQlAnswer = serde_json::from_str(&reply.body)
            .map_err(|source| GitHubError::Unreadable { what: "a GraphQL request".into(), source })?;
        if answer.errors.is_empty() {
            return Ok(Ok(answer.data.unwrap_or_default()));
        }
        // The status is 200 also when the limit is reached.
        if answer.errors.iter().any(|error| error.kind.contains("RATE_LIMIT")) {
            return Err(GitHubError::RateLimited { retry_at: Utc::now() + SECONDARY_PAUSE });
        }
        Ok(Err(answer.errors))
    }

    async fn send(
        &self,
        client: &Octocrab,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Reply> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let request = client.build_request(request, body).map_err(|error| unavailable(&error))?;
        let response = client.execute(request).await.map_err(|error| unavailable(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = client.body_to_string(response).await.map_err(|error| unavailable(&error))?;
        if !status.is_success() {
            return Err(refusal(status, &headers, &body, path, Utc::now()));
        }
        Ok(Reply { body, next: next_page(&headers, &self.base_path) })
    }
}

/// What went wrong on the way: the kind of failure, and the innermost error's words. Those between print addresses, and
/// `octocrab`'s a backtrace.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> GitHubError {
    let mut kind = "the request could not be sent";
    let (mut innermost, mut next) = (None, error.source());
    while let Some(error) = next {
        match error.downcast_ref::<reqwest::Error>() {
            Some(error) if error.is_timeout() => kind = "no answer in time",
            Some(error) if error.is_connect() => kind = "no connection",
            Some(_) => kind = "the connection broke",
            None if !error.is::<octocrab::Error>() => innermost = Some(error),
            None => {}
        }
        next = error.source();
    }
    let reason = innermost.map_or_else(|| kind.to_owned(), |error| format!("{kind}: {error}"));
    GitHubError::Unavailable { reason }
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Value,
}

/// Reads a status that is not 2xx.
pub(crate) fn refusal(
    status: StatusCode,
    headers: &HeaderMap,
    body: &str,
    path: &str,
    now: DateTime<Utc>,
) -> GitHubError {
    let limited = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::FORBIDDEN;
    if limited && let Some(retry_at) = retry_at(status, headers, now) {
        return GitHubError::RateLimited { retry_at };
    }
    let refusal: Refusal = serde_json::from_str(body).unwrap_or_default();
    let details: Vec<&str> = refusal
        .errors
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error.as_str().or_else(|| error["message"].as_str()).or_else(|| error["code"].as_str()))
        .collect();
    let message =
        if details.is_empty() { refusal.message } else { format!("{} ({})", refusal.message, details.join("; ")) };
    match status {
        StatusCode::UNAUTHORIZED => GitHubError::Unauthorized,
        StatusCode::FORBIDDEN => GitHubError::Forbidden { message },
        StatusCode::NOT_FOUND | StatusCode::GONE => GitHubError::NotFound { what: what(path) },
        _ if status.is_server_error() => GitHubError::Unavailable { reason: format!("it answers {status}") },
        _ => GitHubError::Refused { status: status.as_u16(), message },
    }
}

/// When a limited request may be sent again; `None` when 403 means something else.
/// <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>
fn retry_at(status: StatusCode, headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    // A broken or hostile header must not stop us for years.
    let bounded = |at: DateTime<Utc>| at.clamp(now, now + TimeDelta::hours(2));
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(bounded(now + TimeDelta::seconds(seconds.clamp(0, 86_400))));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset").and_then(|at| DateTime::from_timestamp(at, 0));
        return Some(bounded(reset.unwrap_or(now + SECONDARY_PAUSE)));
    }
    (status == StatusCode::TOO_MANY_REQUESTS).then(|| now + SECONDARY_PAUSE)
}

/// The next page's path within the API. The `Link` header's address is absolute, and `octocrab` sends credentials to a
/// foreign host of an App's client never, so that page two would go out without them.
fn next_page(headers: &HeaderMap, base_path: &str) -> Option<String> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    let address: Url = address.parse().ok()?;
    let path = address.path().strip_prefix(base_path)?;
    Some(address.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

/// A path of these segments, each made safe. A segment may hold slashes that belong to it, as branches do.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                path.push(char::from(byte));
            } else {
                path.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    path
}

/// A query of these pairs.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// A path for people, without its query.
fn what(path: &str) -> String {
    format!("`{}`", path.split('?').next().unwrap_or(path))
}

#[cfg(test)]
mod tests;
