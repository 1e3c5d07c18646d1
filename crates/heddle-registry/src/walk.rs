//! Lists all tags of an image, page by page.
//!
//! Why not `list_tags` of `oci-distribution`: it hides the `Link` header, without which ECR, GHCR and Quay cannot be read
//! to the end. Source of the protocol: OCI distribution specification 1.1, "Listing tags".

use std::collections::HashSet;

use heddle_core::image::{ImageRepository, Tag};
use reqwest::{
    Response, StatusCode,
    header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LINK},
};
use serde::Deserialize;
use url::Url;

use crate::{
    ask::{Failure, check_status, failed, read_body},
    session::Session,
};

/// How many tags are asked for at once. ECR refuses more; others give what they like.
const PAGE_SIZE: u32 = 1000;

/// A list longer than this is cut, which is a failure: it is never silent.
const MAX_PAGES: usize = 1000;

/// The largest list in bytes, over all pages.
const MAX_BYTES: usize = 64 << 20;

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
        let mut url = self.address(image, "tags/list").await?;
        url.set_query(Some(&format!("n={PAGE_SIZE}")));
        let mut walk = Walk::default();
        loop {
            if !walk.seen.insert(url.to_string()) {
                return Err(failed("the registry's pages lead in a circle"));
            }
            if walk.seen.len() > MAX_PAGES {
                return Err(failed(format!("the list of tags has more than {MAX_PAGES} pages")));
            }
            let first = walk.seen.len() == 1;
            let answer = self.get(image, &url, &known(etag.filter(|_| first))).await?;
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
    async fn take(&mut self, answer: Response) -> Result<(), Failure> {
        let body = read_body(answer, MAX_BYTES.saturating_sub(self.bytes), "the list of tags").await?;
        self.bytes += body.len();
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

/// Asks for the list only if it is another than the one that is known.
fn known(etag: Option<&str>) -> HeaderMap {
    let known = etag.and_then(|etag| HeaderValue::from_str(etag).ok());
    known.map(|etag| (IF_NONE_MATCH, etag)).into_iter().collect()
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

#[cfg(test)]
mod tests;
