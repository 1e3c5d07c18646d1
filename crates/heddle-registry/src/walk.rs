//! Lists all tags of an image, page by page.
//!
//! Why not `list_tags` of `oci-distribution`: it hides the `Link` header, without which ECR, GHCR and Quay cannot be read
//! to the end. Source of the protocol: OCI distribution specification 1.1, "Listing tags".

use std::collections::HashSet;

use heddle_core::image::{ImageRepository, Tag};
use reqwest::{
    StatusCode,
    header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK},
};
use tokio::time::timeout;
use url::Url;

use crate::{
    ask::{Failure, failed},
    limits::{LIST_DEADLINE, MAX_HEADER_BYTES, MAX_PAGES},
    page::Gathered,
    quirks::{self, Link},
    session::Session,
};

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

/// A list that is being read, whole pages of it. Where the time ran out the next walk goes on behind them.
#[derive(Debug, Default)]
pub struct Begun {
    gathered: Gathered,
    seen: HashSet<String>,
    next: Option<Url>,
}

impl Begun {
    /// How many pages were read so far.
    pub fn pages(&self) -> usize {
        self.seen.len()
    }

    /// How many tags were read so far.
    pub fn count(&self) -> usize {
        self.gathered.tags.len()
    }
}

impl Session {
    /// Lists all tags of an image of this session's registry. With `etag` the registry may answer that nothing changed.
    ///
    /// Part of a list is never given: it is whole, or it failed. Limits: [`crate::limits`].
    pub async fn list_tags(&self, image: &ImageRepository, etag: Option<&str>) -> TagPage {
        self.list_on(image, etag, &mut Begun::default()).await
    }

    /// As [`Self::list_tags`], from where an earlier call stopped: one that took longer than [`LIST_DEADLINE`] failed, and
    /// so did one that was dropped, and `begun` has the pages that they read.
    pub async fn list_on(&self, image: &ImageRepository, etag: Option<&str>, begun: &mut Begun) -> TagPage {
        let late = || {
            let seconds = LIST_DEADLINE.as_secs();
            failed(format!("`{}` did not give the whole list of tags within {seconds} s", image.registry()))
        };
        match timeout(LIST_DEADLINE, self.walk(image, etag, begun)).await {
            Ok(Ok(page)) => page,
            Ok(Err(failure)) => {
                // Whatever is wrong may be wrong with the place where it stopped.
                *begun = Begun::default();
                TagPage::Failed(failure)
            }
            Err(_) => TagPage::Failed(late()),
        }
    }

    async fn walk(&self, image: &ImageRepository, etag: Option<&str>, begun: &mut Begun) -> Result<TagPage, Failure> {
        if let Some((file, chart)) = image.chart_index() {
            return self.list_versions(image, file, chart, etag).await;
        }
        let mut url = match begun.next.clone() {
            Some(next) => next,
            None => {
                let mut first = self.address(image, "tags/list").await?;
                first.set_query(Some(&format!("n={}", quirks::of(image.registry()).page_size)));
                first
            }
        };
        loop {
            let first = begun.seen.is_empty();
            let answer = self.get(image, &url, &known(etag.filter(|_| first))).await?;
            if answer.status() == StatusCode::NOT_MODIFIED && first && etag.is_some() {
                return Ok(TagPage::Unchanged);
            }
            self.check_status(&answer, image)?;
            let link = quirks::of_answer(image.registry(), answer.headers()).link;
            let next = next_page(answer.headers(), (answer.url(), &url), link, self.base().await?)?;
            // The tag of a first page says nothing of the pages after it.
            let etag = entity_tag(answer.headers()).filter(|_| first && next.is_none());
            let page = begun.gathered.next_page().take(answer).await?;
            begun.gathered.append(page);
            begun.seen.insert(url.to_string());
            let Some(next) = next else {
                return Ok(TagPage::Complete { tags: std::mem::take(&mut begun.gathered.tags), etag });
            };
            if begun.seen.contains(next.as_str()) {
                return Err(failed("the registry's pages lead in a circle"));
            }
            if begun.seen.len() >= MAX_PAGES {
                return Err(failed(format!("the list of tags has more than {MAX_PAGES} pages")));
            }
            begun.next = Some(next.clone());
            url = next;
        }
    }
}

/// Asks for the list only if it is another than the one that is known.
pub(crate) fn known(etag: Option<&str>) -> HeaderMap {
    let known = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
    known.map(|etag| (IF_NONE_MATCH, etag)).into_iter().collect()
}

pub(crate) fn entity_tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG).filter(|tag| tag.len() <= MAX_HEADER_BYTES)?;
    tag.to_str().ok().map(str::to_owned)
}

/// The address of the page after the one that was `asked` for, as that page writes it, at `current`. It must lie at the
/// registry itself, also where a redirect led to the page: the next page is asked with the login.
pub(crate) fn next_page(
    headers: &HeaderMap,
    (current, asked): (&Url, &Url),
    link: Link,
    registry: &Url,
) -> Result<Option<Url>, Failure> {
    if headers.get_all(LINK).iter().any(|value| value.len() > MAX_HEADER_BYTES) {
        return Err(failed(format!("the address of the registry's next page has more than {MAX_HEADER_BYTES} bytes")));
    }
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let Some(next) = links.flat_map(links_of).find(|(_, parameters)| is_next(parameters)) else { return Ok(None) };
    let mut url = current.join(next.0).map_err(|_| failed("the registry's next page has no address"))?;
    if link == Link::QueryAlone {
        let query = url.query().map(str::to_owned);
        url = asked.clone();
        url.set_query(query.as_deref());
    }
    if url.origin() != registry.origin() {
        return Err(failed("the registry's next page lies at another host, which is not followed"));
    }
    Ok(Some(url))
}

/// The links of a `Link` header, each with its parameters (RFC 8288, section 3). A comma may stand within an address.
fn links_of(value: &str) -> impl Iterator<Item = (&str, &str)> {
    value.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

fn is_next(parameters: &str) -> bool {
    let own = parameters.split(',').next().unwrap_or_default();
    own.split(';').any(|parameter| parameter.trim().replace('"', "").eq_ignore_ascii_case("rel=next"))
}

#[cfg(test)]
mod tests;
