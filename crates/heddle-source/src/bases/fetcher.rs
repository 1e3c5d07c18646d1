//! Fetches what a repository names by an address, within bounds and from nowhere that is not open to it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use heddle_core::git::Revision;
use heddle_egress::{Egress, Route, Unsent};
use reqwest::{
    Method, Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH},
};
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{Instant, timeout},
};
use url::Url;

use super::{
    charts::ChartRepositories,
    files::{KeptFiles, digest_of},
    hosts::Hosts,
    reference::Target,
};
use crate::{
    Credential, FetchError, Remote, Snapshot, Store,
    fetch::{Asked, Want, Way},
    limits::{ANSWER_LIMIT, FETCH_LIMIT, MAX_FILE_BYTES, MAX_KEPT_BASES_BYTES, MAX_KEPT_FILES_BYTES},
};

/// The first request of git's protocol over HTTP. Source: `gitprotocol-http`, "Smart Clients".
const REFERENCES: &str = "/info/refs";

/// What remote bases and charts are fetched with, and where they are kept. Clones share both.
#[derive(Debug, Clone)]
pub struct Fetcher {
    store: Store,
    files: KeptFiles,
    pub(super) charts: ChartRepositories,
    pub(super) egress: Egress,
    ca_pem: Option<Vec<u8>>,
}

/// Who asks: what was fetched with a login is kept for its owner alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) login: Option<&'a Credential>,
    /// To which hosts on private addresses a file may be led.
    pub(super) hosts: &'a Hosts,
    pub(super) deadline: Instant,
    pub(super) owner: &'a str,
}

/// An answer of a host.
pub(super) struct Answer {
    pub(super) response: Response,
    /// Whether the host led on to where the asker's own list of hosts lets it lead alone.
    pub(super) is_led: bool,
}

impl Asker<'_> {
    /// For whom an answer is kept: for all, unless it took a login of the asker, or leave to be led to it. What took a login is
    /// not his any more once that is taken from him.
    pub(super) fn owner_of(&self, is_led: bool) -> String {
        match (self.login, is_led) {
            (Some(_), _) => self.owner.to_owned(),
            (None, true) => format!("{} led", self.owner),
            (None, false) => String::new(),
        }
    }

    /// For whom an answer was kept that he would be given now, the first one first: what others were shown without a login is not
    /// what one with a login is shown.
    pub(super) fn owners(&self) -> [String; 2] {
        [self.owner_of(true), self.owner_of(false)]
    }

    /// For whom content was kept that he may have, where he knows its digest. `has_login` says whether he has one that may have
    /// opened it.
    pub(super) fn all_owners(&self, has_login: bool) -> [String; 3] {
        let without = Asker { login: None, ..*self };
        let with = if has_login { self.owner } else { "" };
        [with.to_owned(), without.owner_of(true), without.owner_of(false)]
    }
}

/// What a name of a repository stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameKind {
    /// It is not meant to move.
    Tag,
    /// It is.
    Branch,
}

impl Fetcher {
    /// Keeps what it fetches in `dir`, which is made when it does not exist, and trusts `ca_pem` besides the system's
    /// authorities.
    pub fn open(dir: &Path, egress: Egress, ca_pem: Option<Vec<u8>>) -> Self {
        let store = Store::open(dir.join("commits")).holding(MAX_KEPT_BASES_BYTES);
        let files = KeptFiles::open(dir.join("files"), MAX_FILE_BYTES, MAX_KEPT_FILES_BYTES);
        let charts = ChartRepositories::open(dir.join("charts"), egress.clone());
        Self { store, files, charts, egress, ca_pem }
    }

    /// The commit that a name of a repository stands for now.
    pub(super) async fn resolve(
        &self,
        url: &Url,
        target: &Target,
        asker: Asker<'_>,
    ) -> Result<(NameKind, Revision), FetchError> {
        // Of one name git itself takes the tag.
        let (names, missing) = match target {
            Target::Commit(commit) => return Ok((NameKind::Tag, commit.clone())),
            Target::Name(name) if name.starts_with("refs/") => (vec![name.clone()], name.as_str()),
            Target::Name(name) => (vec![format!("refs/tags/{name}"), format!("refs/heads/{name}")], name.as_str()),
            Target::Head => (vec!["HEAD".to_owned()], "HEAD"),
        };
        let (remote, way) = self.locate(url, asker).await?;
        let limit = asker.deadline.saturating_duration_since(Instant::now()).min(FETCH_LIMIT);
        let found = Store::list_references(&remote, names.clone(), (way, limit)).await;
        let found = found.map_err(|error| match error {
            FetchError::TooLarge { limit_mib } => FetchError::Refused {
                reason: format!("the list of its branches and tags takes more than {limit_mib} MiB: name a commit"),
            },
            error => error,
        })?;
        let first = names.iter().find_map(|name| found.iter().find(|(other, _)| other == name));
        let (name, commit) = first.ok_or_else(|| FetchError::Refused {
            reason: format!("the repository has no tag or branch `{missing}`"),
        })?;
        let kind = if name.starts_with("refs/tags/") { NameKind::Tag } else { NameKind::Branch };
        Ok((kind, commit.clone()))
    }

    /// One commit of a repository that is kept.
    pub(super) async fn kept_commit(&self, url: &Url, commit: &Revision, asker: Asker<'_>) -> Option<Snapshot> {
        let remote = self.remote(url.clone(), None);
        for owner in asker.all_owners(asker.login.is_some()) {
            if let Some(kept) = self.store.find_commit(&remote, &owner, commit).await {
                return Some(kept);
            }
        }
        None
    }

    /// One commit of a repository.
    pub(super) async fn commit(
        &self,
        url: &Url,
        commit: &Revision,
        asker: Asker<'_>,
        most_bytes: u64,
    ) -> Result<Snapshot, FetchError> {
        let owner = asker.owner_of(false);
        let asked = async || {
            let (remote, way) = self.locate(url, asker).await?;
            Ok((remote, Asked { want: Want::Commit(commit.clone()), way, most_bytes }))
        };
        self.store.fetch_commit(&self.remote(url.clone(), None), &owner, commit, asked).await
    }

    /// A file with a digest that is kept.
    pub(super) fn kept_file(&self, url: &Url, sha256: &str, asker: Asker<'_>) -> Option<Arc<[u8]>> {
        asker.all_owners(asker.login.is_some()).into_iter().find_map(|owner| self.files.find(url, &owner, sha256))
    }

    /// A file, with its digest, which is that which is wanted.
    pub(super) async fn file(
        &self,
        url: &Url,
        sha256: Option<&str>,
        asker: Asker<'_>,
    ) -> Result<(String, Arc<[u8]>), FetchError> {
        let answer = self.ask(url, HeaderMap::new(), asker).await?;
        let owner = asker.owner_of(answer.is_led);
        let bytes = read(answer, MAX_FILE_BYTES).await?;
        let found = digest_of(&bytes);
        if sha256.is_some_and(|sha256| sha256 != found) {
            return Err(FetchError::OtherContent { found });
        }
        self.files.keep(url, &owner, &found, &bytes, |_| false).map_err(FetchError::Store)?;
        Ok((found, bytes.into()))
    }

    /// Where a repository is, and how it is reached: a host may lead on to another of its own addresses, as after a rename
    /// or to one with `.git`. gix is given the last one, and told to follow nothing.
    async fn locate(&self, url: &Url, asker: Asker<'_>) -> Result<(Remote, Way), FetchError> {
        let mut first = url.clone();
        first.set_path(&format!("{}{REFERENCES}", url.path().trim_end_matches('/')));
        first.set_query(Some("service=git-upload-pack"));
        let headers = [(HeaderName::from_static("git-protocol"), HeaderValue::from_static("version=2"))];
        let answer = self.ask(&first, headers.into_iter().collect(), asker).await?;
        let mut last = answer.response.url().clone();
        if last.origin() != url.origin() {
            return Err(FetchError::Redirected { host: last.host_str().unwrap_or_default().to_owned() });
        }
        let path = last
            .path()
            .strip_suffix(REFERENCES)
            .map(str::to_owned)
            .ok_or_else(|| FetchError::Refused { reason: "the host leads to what is no repository".to_owned() })?;
        last.set_path(&path);
        last.set_query(None);
        let route = self.route(&last)?;
        Ok((self.remote(last, asker.login.cloned()), Way::Named(route)))
    }

    fn remote(&self, url: Url, credential: Option<Credential>) -> Remote {
        Remote { url, credential, ca_pem: self.ca_pem.clone() }
    }

    fn route(&self, url: &Url) -> Result<Route, FetchError> {
        self.egress.route(url).map_err(|refused| FetchError::Refused { reason: refused.to_string() })
    }

    pub(super) async fn ask(&self, url: &Url, headers: HeaderMap, asker: Asker<'_>) -> Result<Answer, FetchError> {
        let login = asker.login.map(basic).transpose()?;
        // The list of whoever runs the program opens a private host to those who name it, not to whom they are led by.
        let led = AtomicBool::new(false);
        let may_lead = |next: &Url| {
            let is_own = next.origin() == url.origin();
            let is_led = !is_own && asker.hosts.allow(next);
            led.fetch_or(is_led, Ordering::Relaxed);
            is_own || is_led
        };
        let asked = self.egress.send(&Method::GET, url, &headers, login.as_ref(), may_lead);
        let late = |_| FetchError::TimedOut { limit_secs: ANSWER_LIMIT.as_secs() };
        let response = match timeout(ANSWER_LIMIT, asked).await.map_err(late)? {
            Ok(response) => response,
            Err(Unsent::Refused(refused)) => return Err(FetchError::Refused { reason: refused.to_string() }),
            // What a name resolves to is not told: whoever writes a kustomization would read the network from it.
            Err(Unsent::Failed(_)) if self.route(url)? == Route::Public => {
                let host = url.host_str().unwrap_or_default();
                let reason = format!(
                    "`{host}` does not answer; one on a private address needs the leave of whoever runs the program"
                );
                return Err(FetchError::Unreachable { reason });
            }
            Err(Unsent::Failed(error)) => {
                return Err(FetchError::Unreachable { reason: crate::error::root_cause(&error) });
            }
        };
        let answer = Answer { response, is_led: led.load(Ordering::Relaxed) };
        match answer.response.status() {
            StatusCode::NOT_MODIFIED if headers.contains_key(IF_NONE_MATCH) => Ok(answer),
            StatusCode::UNAUTHORIZED => Err(FetchError::Unauthorized),
            StatusCode::FORBIDDEN => Err(FetchError::Forbidden),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(FetchError::NotFound),
            status if status.is_success() => Ok(answer),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(FetchError::Unreachable { reason: format!("it answered {}", status.as_u16()) })
            }
            status => Err(FetchError::Refused { reason: format!("the host answered {}", status.as_u16()) }),
        }
    }
}

fn basic(credential: &Credential) -> Result<HeaderValue, FetchError> {
    let pair = format!("{}:{}", credential.username, credential.password.expose_secret());
    let header = HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(pair)));
    let mut header = header.map_err(|_| FetchError::Unauthorized)?;
    header.set_sensitive(true);
    Ok(header)
}

/// The content of an answer, as far as it is taken.
pub(super) async fn read(answer: Answer, most_bytes: u64) -> Result<Vec<u8>, FetchError> {
    let mut bytes = Vec::new();
    read_into(answer, most_bytes, &mut bytes).await?;
    Ok(bytes)
}

/// The same, written as it comes.
pub(super) async fn read_into(
    Answer { mut response, .. }: Answer,
    most_bytes: u64,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<(), FetchError> {
    let mut count = 0;
    loop {
        let piece = response.chunk().await;
        let unreachable = |error: reqwest::Error| FetchError::Unreachable { reason: crate::error::root_cause(&error) };
        let Some(piece) = piece.map_err(unreachable)? else { return to.flush().await.map_err(FetchError::Store) };
        count += piece.len() as u64;
        if count > most_bytes {
            return Err(FetchError::TooLarge { limit_mib: most_bytes >> 20 });
        }
        to.write_all(&piece).await.map_err(FetchError::Store)?;
    }
}
