//! Lists the versions of a chart that a repository serves over HTTP: its `index.yaml`.
//!
//! Source: <https://helm.sh/docs/topics/chart_repository/>, "The index file".

mod index;

use std::{collections::HashMap, sync::PoisonError};

use heddle_core::image::{Digest, ImageRepository, Tag};
use reqwest::StatusCode;

pub use self::index::{Entry, Index};
use crate::{
    ask::{Failure, failed, read_body},
    describe::Description,
    limits::MAX_INDEX_BYTES,
    session::Session,
    walk::{TagPage, entity_tag, known},
};

/// What an index says of the versions of a chart; nothing of one for which it says no digest.
pub(crate) type Indexed = HashMap<Tag, Option<Description>>;

impl Session {
    /// Reads the versions of a chart from the file of its repository. One that no registry could have as a tag, such as one
    /// with build metadata, is passed over, and so is an entry that is none.
    pub(crate) async fn list_versions(
        &self,
        image: &ImageRepository,
        file: &str,
        chart: &str,
        etag: Option<&str>,
    ) -> Result<TagPage, Failure> {
        let host = image.registry();
        let url = self.base().await?.join(&format!("/{file}"));
        let url = url.map_err(|_| failed(format!("`{host}/{file}` is no address")))?;
        let answer = self.get(image, &url, &known(etag)).await?;
        if answer.status() == StatusCode::NOT_MODIFIED && etag.is_some() {
            return Ok(TagPage::Unchanged);
        }
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(failed(format!("`{host}` has no `{file}`, or does not show it to this login")));
        }
        self.check_status(&answer, image)?;
        let etag = entity_tag(answer.headers());
        let unread = || failed(format!("`{host}/{file}` could not be read"));
        let place = self.access().indexes.clone().acquire_owned().await.map_err(|_| unread())?;
        let body = read_body(answer, MAX_INDEX_BYTES).await.map_err(|fault| match fault {
            Some(limit) => failed(format!("`{host}/{file}` has more than {} MiB", limit >> 20)),
            None => failed(format!("`{host}` cut `{file}` short")),
        })?;
        let read = tokio::task::spawn_blocking(move || {
            // A scan that gives up leaves this thread to its end.
            let _place = place;
            Index::read(&body)
        });
        let index = read.await.map_err(|_| unread())?.map_err(|why| failed(format!("`{host}/{file}` {why}")))?;
        let (tags, indexed) = versions(index.of(chart));
        if tags.is_empty() {
            let unread = match index.unread(chart) {
                0 => String::new(),
                unread => format!(" that can be read: {unread} entries of it are none"),
            };
            return Err(failed(format!("`{host}/{file}` lists no version of a chart `{chart}`{unread}")));
        }
        self.indexed.lock().unwrap_or_else(PoisonError::into_inner).insert(image.clone(), indexed);
        Ok(TagPage::Complete { tags, etag })
    }

    /// What the index says of a version of a chart; `None` when the version is gone. The index is read where this session
    /// has not done so.
    pub(crate) async fn told_by_index(
        &self,
        image: &ImageRepository,
        (file, chart): (&str, &str),
        tag: &Tag,
    ) -> Result<Option<Description>, Failure> {
        let known = || {
            let indexed = self.indexed.lock().unwrap_or_else(PoisonError::into_inner);
            indexed.get(image).map(|versions| versions.get(tag).cloned())
        };
        let told = match known() {
            Some(told) => told,
            None => {
                self.list_versions(image, file, chart, None).await?;
                known().flatten()
            }
        };
        match told {
            Some(None) => Err(failed(format!("the index of `{}` says no digest of it", image.registry()))),
            told => Ok(told.flatten()),
        }
    }
}

/// The versions of a chart, each once, in the order of the index, with what that says of them.
fn versions(entries: &[Entry]) -> (Vec<Tag>, Indexed) {
    let (mut tags, mut indexed) = (Vec::new(), Indexed::new());
    for entry in entries {
        let Ok(tag) = entry.version().parse::<Tag>() else { continue };
        if indexed.contains_key(&tag) {
            continue;
        }
        let digest = entry.sha256().and_then(|digits| format!("sha256:{digits}").parse::<Digest>().ok());
        let created_at = entry.created_at();
        let told = digest.map(|digest| Description { digest, created_at, platforms: Vec::new() });
        indexed.insert(tag.clone(), told);
        tags.push(tag);
    }
    (tags, indexed)
}
