//! Lists all tags of an image, page by page.
//!
//! Why not `list_tags` of `oci-distribution`: it hides the `Link` header, without which ECR, GHCR and Quay cannot be read
//! to the end. Source of the protocol: OCI distribution specification 1.1, "Listing tags".

use std::collections::HashSet;

use chrono::{DateTime, Duration, Utc};
use heddle_core::image::{ImageRepository, Tag};
use reqwest::{
    Response, StatusCode,
    header::{ETAG, HeaderMap, IF_NONE_MATCH, LINK, RETRY_AFTER},
};
use serde::Deserialize;
use url::Url;

use crate::session::{Session, SessionError};

/// How many tags are asked for at once. ECR refuses more; others give what they like.
const PAGE_SIZE: u32 = 1000;

/// A list longer than this is cut, which is a failure: it is never silent.
const MAX_PAGES: usize = 1000;

/// The largest list in bytes, over all pages.
const MAX_BYTES: usize = 64 << 20;

/// The longest wait that a registry may ask for.
const MAX_WAIT: Duration = Duration::hours(24);

/// What came of listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagPage {
    /// The whole list.
    Complete {
        /// Every tag, in the order of the registry, each once.
        tags: Vec<Tag>,
        /// What to ask with next time, where the registry gave one for the whole list.
        etag: Option<String>,
    },
    /// The registry says that nothing changed.
    Unchanged,
    /// Nothing can be said of the list.
    Failed(Failure),
}

/// Why a list could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A sentence without secrets, and without text of the registry.
    pub reason: String,
    /// When the registry allows the next try, where it says.
    pub retry_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Page {
    /// `null` in a repository whose tags were all deleted.
    tags: Option<Vec<String>>,
}

impl Session {
    /// Lists all tags of an image of this session's registry. With `etag` the registry may answer that nothing changed.
    ///
    /// Part of a list is never given: it is whole, or it failed.
    pub async fn list_tags(&self, image: &ImageRepository, etag: Option<&str>) -> TagPage {
        match self.walk(image, etag).await {
            Ok(page) => page,
            Err(failure) => TagPage::Failed(failure),
        }
    }

    async fn walk(&self, image: &ImageRepository, etag: Option<&str>) -> Result<TagPage, Failure> {
        let mut url = self.first_page(image).await?;
        let mut walk = Walk::default();
        loop {
            if !walk.seen.insert(url.to_string()) {
                return Err(failed("the registry's pages lead in a circle"));
            }
            if walk.seen.len() > MAX_PAGES {
                return Err(failed(format!("the list of tags has more than {MAX_PAGES} pages")));
            }
            let first = walk.seen.len() == 1;
            let answer = self.get(image, &url, etag.filter(|_| first)).await?;
            if answer.status() == StatusCode::NOT_MODIFIED && first && etag.is_some() {
                return Ok(TagPage::Unchanged);
            }
            check_status(&answer, image)?;
            let next = next_page(answer.headers(), answer.url())?;
            let given = answer.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
            walk.take(answer).await?;
            match next {
                Some(next) => url = next,
                // The tag of a first page says nothing of the pages after it.
                None => return Ok(TagPage::Complete { tags: walk.tags, etag: given.filter(|_| first) }),
            }
        }
    }

    async fn first_page(&self, image: &ImageRepository) -> Result<Url, Failure> {
        let base = self.base().await?;
        let mut url = base
            .join(&format!("{}/tags/list", image.path()))
            .map_err(|_| failed("the image's name makes no address"))?;
        url.set_query(Some(&format!("n={PAGE_SIZE}")));
        Ok(url)
    }

    /// Asks for a page; logs in once when the registry wants that.
    async fn get(&self, image: &ImageRepository, url: &Url, etag: Option<&str>) -> Result<Response, Failure> {
        let answer = self.send(image, url, etag).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        self.log_in(image).await?;
        self.send(image, url, etag).await
    }

    async fn send(&self, image: &ImageRepository, url: &Url, etag: Option<&str>) -> Result<Response, Failure> {
        let mut request = self.access().http.get(url.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let request = self.authorize(request, image.path()).await;
        request.send().await.map_err(|error| unreachable(image, &error))
    }
}

/// What was read so far.
#[derive(Default)]
struct Walk {
    seen: HashSet<String>,
    tags: Vec<Tag>,
    known: HashSet<Tag>,
    bytes: usize,
}

impl Walk {
    async fn take(&mut self, mut answer: Response) -> Result<(), Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| failed("the registry cut its answer short"))? {
            self.bytes += chunk.len();
            if self.bytes > MAX_BYTES {
                return Err(failed(format!("the list of tags is larger than {} MiB", MAX_BYTES >> 20)));
            }
            body.extend_from_slice(&chunk);
        }
        let page: Page =
            serde_json::from_slice(&body).map_err(|_| failed("the registry's answer is no list of tags"))?;
        // What is no tag by the grammar cannot be pulled either.
        for tag in page.tags.unwrap_or_default().into_iter().filter_map(|text| text.parse::<Tag>().ok()) {
            if self.known.insert(tag.clone()) {
                self.tags.push(tag);
            }
        }
        Ok(())
    }
}

fn check_status(answer: &Response, image: &ImageRepository) -> Result<(), Failure> {
    let status = answer.status();
    let registry = image.registry();
    let reason = match status {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => {
            format!("`{registry}` has no image `{}`, or does not show it to this login", image.path())
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("`{registry}` does not let this login list the tags")
        }
        StatusCode::TOO_MANY_REQUESTS => format!("`{registry}` asks for fewer requests"),
        status => format!("`{registry}` answered with status {}", status.as_u16()),
    };
    Err(Failure { reason, retry_at: retry_at(answer.headers(), Utc::now()) })
}

/// The address of the page after this one. Only the registry itself may name it: it is asked with the login.
fn next_page(headers: &HeaderMap, current: &Url) -> Result<Option<Url>, Failure> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim().replace('"', "");
            parameter.eq_ignore_ascii_case("rel=next")
        });
        is_next.then(|| target.to_owned())
    });
    let Some(next) = next else { return Ok(None) };
    let url = current.join(&next).map_err(|_| failed("the registry's next page has no address"))?;
    if url.origin() != current.origin() {
        return Err(failed("the registry's next page lies at another host, which is not followed"));
    }
    Ok(Some(url))
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

fn failed(reason: impl Into<String>) -> Failure {
    Failure { reason: reason.into(), retry_at: None }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
