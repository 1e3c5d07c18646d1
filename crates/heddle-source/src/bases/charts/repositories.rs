//! What repositories of charts have, and their packages: asked for within bounds, and kept on disk.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use heddle_core::image::{Digest, ImageRepository};
use heddle_egress::{Egress, Route, is_private_on_its_way};
use heddle_registry::{Access, Credential as RegistryCredential, Failure, Keys, LoginFault, Session, TagPage};
use reqwest::header::{ETAG, HeaderMap, IF_NONE_MATCH};
use tokio::time::Instant;
use url::Url;

use super::{index::Index, package::ChartTree, reference::RemoteChart};
use crate::{
    Credential, FetchError,
    bases::{
        fetcher::{Asker, Fetcher, read},
        files::{KeptFiles, digest_of},
        hosts::Login,
        patience::Silence,
    },
    limits::{
        INDEX_FRESH, MAX_CHART_BYTES, MAX_INDEX_BYTES, MAX_KEPT_CHARTS_BYTES, MAX_KEPT_OFFERS, MAX_KEPT_VERSIONS,
    },
};

/// How helm marks a chart in a registry. Source: https://helm.sh/docs/topics/registries/, "Helm chart manifest".
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// Repositories of charts, and what is known of them. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::bases) struct ChartRepositories {
    kept: KeptFiles,
    registries: Access,
    memory: Arc<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    indices: Mutex<HashMap<(Url, String), KnownIndex>>,
    offers: Mutex<HashMap<(RemoteChart, String), (Instant, Offer)>>,
    /// Packages that somebody holds unpacked, by their place.
    unpacked: Mutex<HashMap<PathBuf, Weak<ChartTree>>>,
}

#[derive(Debug, Clone)]
struct KnownIndex {
    at: Instant,
    etag: Option<reqwest::header::HeaderValue>,
    index: Arc<Index>,
}

/// The version that a repository has of what is wanted.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) version: String,
    /// The SHA-256 of its package, where the repository says it.
    pub(super) sha256: Option<String>,
    place: Place,
}

/// Where a package lies.
#[derive(Debug, Clone)]
enum Place {
    Address(Url),
    Blob(ImageRepository, Digest),
}

/// Why a repository gave nothing, in a sentence.
pub(super) enum Fault {
    /// It did not answer, or with a fault of its own.
    Silence(String),
    /// Anything else.
    Told(String),
}

impl Fault {
    pub(super) fn said(self) -> String {
        let (Self::Silence(words) | Self::Told(words)) = self;
        words
    }
}

impl Silence for Fault {
    fn is_silence(&self) -> bool {
        matches!(self, Self::Silence(_))
    }
}

impl From<FetchError> for Fault {
    fn from(error: FetchError) -> Self {
        if error.is_silence() { Self::Silence(said(&error)) } else { Self::Told(said(&error)) }
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Self::Told(words)
    }
}

impl Offer {
    /// The host of the package, at which `repository` is to lead.
    pub(super) fn host(&self, repository: &Url) -> Url {
        match &self.place {
            Place::Address(url) => url.clone(),
            Place::Blob(..) => repository.clone(),
        }
    }
}

/// Who asks for a chart: with the logins of a Sync.
#[derive(Clone, Copy)]
pub(super) struct Buyer<'a> {
    pub(super) logins: &'a [Login],
    pub(super) asker: Asker<'a>,
}

impl Buyer<'_> {
    /// For whom what is fetched is kept: where there are logins, one of them may have opened it.
    fn owner(&self) -> String {
        if self.logins.is_empty() { String::new() } else { self.asker.owner.to_owned() }
    }

    fn at(&self, url: &Url) -> Asker<'_> {
        Asker { login: Login::find(self.logins, url), ..self.asker }
    }
}

impl ChartRepositories {
    pub(in crate::bases) fn open(dir: PathBuf, egress: Egress) -> Self {
        let kept = KeptFiles::open(dir, MAX_CHART_BYTES, MAX_KEPT_CHARTS_BYTES);
        Self { kept, registries: Access::over(egress), memory: Arc::default() }
    }
}

impl Fetcher {
    /// The version that is meant, as its repository has it now, or had it a moment ago.
    pub(super) async fn find_chart(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Offer, Fault> {
        let key = (chart.clone(), buyer.owner());
        let known = lock(&self.charts.memory.offers).get(&key).cloned();
        if let Some((_, offer)) = known.filter(|(at, _)| at.elapsed() < INDEX_FRESH) {
            return Ok(offer);
        }
        let offer = match chart.image() {
            Some(image) => self.find_in_registry(chart, &image, buyer).await?,
            None => self.find_in_index(chart, buyer).await?,
        };
        let mut offers = lock(&self.charts.memory.offers);
        if offers.len() >= MAX_KEPT_OFFERS {
            offers.clear();
        }
        offers.insert(key, (Instant::now(), offer.clone()));
        Ok(offer)
    }

    async fn find_in_index(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Offer, Fault> {
        let index = self.index(chart, buyer).await?;
        let versions = index.of(chart.name());
        let version = chart.choose(versions.iter().map(|entry| entry.version.as_str()));
        let entry = version.and_then(|version| versions.iter().find(|entry| entry.version == version));
        let entry = entry.ok_or_else(|| match versions.is_empty() {
            true => "its repository has no chart of this name".to_owned(),
            false => "its repository has no such version of it".to_owned(),
        })?;
        let way = entry.way().ok_or_else(|| "its repository does not say where its package lies".to_owned())?;
        if let Some((repository, _)) = way.strip_prefix("oci://").and_then(|image| image.rsplit_once('/')) {
            return Err(Fault::Told(format!(
                "its package lies in a registry, to which an index does not lead: name `oci://{repository}` as its repository"
            )));
        }
        let url = chart.below(way).ok().filter(is_private_on_its_way);
        let url = url.ok_or_else(|| "its package lies at what is no address of https".to_owned())?;
        let is_led = url.origin() != chart.address().origin() && self.egress.route(&url) == Ok(Route::Listed);
        if is_led && !buyer.asker.hosts.allow(&url) {
            let host = url.host_str().unwrap_or_default();
            let words = format!("its package lies at `{host}`, which `spec.remote.hosts` has to name too");
            return Err(Fault::Told(words));
        }
        Ok(Offer { version: entry.version.clone(), sha256: entry.sha256(), place: Place::Address(url) })
    }

    async fn index(&self, chart: &RemoteChart, buyer: Buyer<'_>) -> Result<Arc<Index>, Fault> {
        let url = chart.below("index.yaml").map_err(|error| format!("its repository is no address: {error}"))?;
        let key = (url.clone(), buyer.owner());
        let known = lock(&self.charts.memory.indices).get(&key).cloned();
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < INDEX_FRESH) {
            return Ok(Arc::clone(&known.index));
        }
        let etag = known.as_ref().and_then(|known| known.etag.clone());
        let headers: HeaderMap = etag.map(|etag| (IF_NONE_MATCH, etag)).into_iter().collect();
        let answer = self.ask(&url, headers, buyer.at(&url)).await?;
        let etag = answer.headers().get(ETAG).cloned();
        let index = match known.filter(|_| answer.status() == reqwest::StatusCode::NOT_MODIFIED) {
            Some(known) => known.index,
            None => {
                let bytes = read(answer, MAX_INDEX_BYTES).await?;
                let parsed = tokio::task::spawn_blocking(move || Index::read(&bytes)).await;
                let parsed = parsed.map_err(|_| "its index could not be read".to_owned())?;
                Arc::new(parsed.map_err(|why| format!("its `index.yaml` {why}"))?)
            }
        };
        let known = KnownIndex { at: Instant::now(), etag, index: Arc::clone(&index) };
        let mut indices = lock(&self.charts.memory.indices);
        indices.insert(key, known);
        if indices.values().map(|known| known.index.count()).sum::<usize>() > MAX_KEPT_VERSIONS {
            indices.clear();
        }
        Ok(index)
    }

    async fn find_in_registry(&self, chart: &RemoteChart, image: &str, buyer: Buyer<'_>) -> Result<Offer, Fault> {
        let parsed: ImageRepository = image.parse().map_err(|error| format!("{error}"))?;
        if parsed.as_str() != image {
            return Err(Fault::Told(format!("`{image}` names no registry: write its host with a dot or a port")));
        }
        let mut found = look_in(&self.session(&parsed, buyer, None), chart, &parsed).await;
        if let Some(host) = found.as_ref().err().and_then(|failing| failing.token_server(&parsed, buyer)) {
            found = look_in(&self.session(&parsed, buyer, Some(host)), chart, &parsed).await;
        }
        found.map_err(Fault::from)
    }

    async fn pull(&self, image: &ImageRepository, digest: &Digest, buyer: Buyer<'_>) -> Result<Vec<u8>, Fault> {
        let most = usize::try_from(MAX_CHART_BYTES).unwrap_or(usize::MAX);
        let mut pulled = self.session(image, buyer, None).pull(image, digest, most).await.map_err(Failing::Registry);
        if let Some(host) = pulled.as_ref().err().and_then(|failing| failing.token_server(image, buyer)) {
            let session = self.session(image, buyer, Some(host));
            pulled = session.pull(image, digest, most).await.map_err(Failing::Registry);
        }
        pulled.map_err(Fault::from)
    }

    /// Speaks to a registry, with the login for it, which goes to the token server that is named besides.
    fn session(&self, image: &ImageRepository, buyer: Buyer<'_>, auth_host: Option<String>) -> Session {
        let url = address_of(image);
        let credential = url.as_ref().and_then(|url| Login::find(buyer.logins, url));
        let login = credential.map(|credential| heddle_registry::Login { keys: keys(credential), auth_host });
        let (hosts, own) = (buyer.asker.hosts.clone(), url.as_ref().map(Url::origin));
        let may_lead = move |next: &Url| Some(next.origin()) == own || hosts.allow(next);
        Session::new(self.charts.registries.clone(), image.registry(), login).leading_to(may_lead)
    }

    /// The package that is offered, with its SHA-256. It is kept.
    pub(super) async fn fetch_chart(
        &self,
        chart: &RemoteChart,
        offer: &Offer,
        buyer: Buyer<'_>,
    ) -> Result<(String, Arc<ChartTree>), Fault> {
        let bytes = match &offer.place {
            Place::Address(url) => {
                let answer = self.ask(url, HeaderMap::new(), buyer.at(url)).await?;
                read(answer, MAX_CHART_BYTES).await?
            }
            Place::Blob(image, digest) => self.pull(image, digest, buyer).await?,
        };
        let sha256 = digest_of(&bytes);
        if let Some(told) = offer.sha256.as_ref().filter(|told| **told != sha256) {
            return Err(Fault::Told(format!(
                "its repository says that its package has the SHA-256 {told}, and what it sent has {sha256}"
            )));
        }
        let (charts, url, owner) = (self.charts.clone(), chart.address(), buyer.owner());
        let name = chart.name().to_owned();
        let done = tokio::task::spawn_blocking(move || -> Result<_, String> {
            let tree = Arc::new(ChartTree::unpack(&bytes).map_err(|why| format!("its package {why}"))?);
            let place = charts.kept.keep(&with_name(url, &name), &owner, &sha256, &bytes);
            let place = place.map_err(|error| FetchError::Store(error).to_string())?;
            charts.memory.hold(place, &tree);
            Ok((sha256, tree))
        });
        Ok(done.await.map_err(|_| "its package could not be unpacked".to_owned())??)
    }

    /// A package that was fetched before, by its SHA-256; none that is not kept any more.
    pub(super) async fn kept_chart(
        &self,
        chart: &RemoteChart,
        sha256: &str,
        buyer: Buyer<'_>,
    ) -> Option<Arc<ChartTree>> {
        let (charts, url, owner) = (self.charts.clone(), with_name(chart.address(), chart.name()), buyer.owner());
        let place = charts.kept.place(&url, &owner, sha256);
        if let Some(held) = lock(&charts.memory.unpacked).get(&place).and_then(Weak::upgrade) {
            return Some(held);
        }
        let sha256 = sha256.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let bytes = charts.kept.find(&url, &owner, &sha256)?;
            let tree = Arc::new(ChartTree::unpack(&bytes).ok()?);
            charts.memory.hold(place, &tree);
            Some(tree)
        });
        read.await.ok().flatten()
    }
}

impl Memory {
    fn hold(&self, place: PathBuf, tree: &Arc<ChartTree>) {
        let mut unpacked = lock(&self.unpacked);
        unpacked.retain(|_, held| held.strong_count() > 0);
        unpacked.insert(place, Arc::downgrade(tree));
    }
}

/// The version that is meant, as a registry has it.
async fn look_in(session: &Session, chart: &RemoteChart, image: &ImageRepository) -> Result<Offer, Failing> {
    let version = match chart.exact() {
        Some(version) => version.to_owned(),
        None => newest(session, chart, image).await?,
    };
    // Source: helm's `pkg/registry/reference.go`: a tag has no `+`.
    let found = session.describe_artifact(image, &version.replace('+', "_")).await?;
    let Some(artifact) = found else {
        return Err(Failing::Words("its registry has no such version of it, or does not show it".to_owned()));
    };
    let content = artifact.layers.into_iter().find(|layer| layer.media_type == CONTENT);
    let digest = content.filter(|_| artifact.config_type == CONFIG).map(|layer| layer.digest);
    let digest = digest.ok_or_else(|| Failing::Words("what its registry has there is no chart".to_owned()))?;
    let sha256 = digest.as_str().strip_prefix("sha256:").map(str::to_ascii_lowercase);
    Ok(Offer { version, sha256, place: Place::Blob(image.clone(), digest) })
}

/// The version that is meant among the tags of a registry.
async fn newest(session: &Session, chart: &RemoteChart, image: &ImageRepository) -> Result<String, Failing> {
    let tags = match session.list_tags(image, None).await {
        TagPage::Complete { tags, .. } => tags,
        TagPage::Unchanged => Vec::new(),
        TagPage::Failed(failure) => return Err(failure.into()),
    };
    let versions: Vec<String> = tags.iter().map(|tag| tag.as_str().replace('_', "+")).collect();
    let chosen = chart.choose(versions.iter().map(String::as_str)).map(str::to_owned);
    chosen.ok_or_else(|| Failing::Words("its registry has no such version of it".to_owned()))
}

fn address_of(image: &ImageRepository) -> Option<Url> {
    Url::parse(&format!("https://{}", image.as_str())).ok()
}

/// Why a registry gave nothing.
enum Failing {
    Registry(Failure),
    Words(String),
}

impl From<Failure> for Failing {
    fn from(failure: Failure) -> Self {
        Self::Registry(failure)
    }
}

impl Failing {
    /// The token server that a registry names and that the login goes to: where the same login is said to be for that host.
    fn token_server(&self, image: &ImageRepository, buyer: Buyer<'_>) -> Option<String> {
        let Self::Registry(Failure { login: Some(LoginFault::TokenServer { host }), .. }) = self else { return None };
        let own = Login::find(buyer.logins, &address_of(image)?)?;
        let other = Login::find(buyer.logins, &Url::parse(&format!("https://{host}/")).ok()?)?;
        own.is_the_same_as(other).then(|| host.clone())
    }
}

impl From<Failing> for Fault {
    fn from(failing: Failing) -> Self {
        let Failure { reason, login, .. } = match failing {
            Failing::Words(words) => return Self::Told(words),
            Failing::Registry(failure) => failure,
        };
        Self::Told(match login {
            // It may be one that answers with a fault at once, which costs no time.
            None | Some(LoginFault::Failed) => return Self::Silence(reason),
            Some(LoginFault::Missing) => format!("its registry wants a login, {LOGINS}"),
            Some(LoginFault::Refused | LoginFault::Denied) => {
                format!(
                    "its registry does not take the login for it, or does not show it to this login: correct it, {LOGINS}"
                )
            }
            Some(LoginFault::TokenServer { host }) => format!(
                "its registry names the token server `{host}`, which the login does not go to: if that is right, name the \
                 same Secret for the prefix `{host}` in `spec.remote.logins`"
            ),
        })
    }
}

const LOGINS: &str = "which belongs in a Secret that `spec.remote.logins` names";

fn said(error: &FetchError) -> String {
    match error {
        FetchError::Unauthorized | FetchError::Forbidden => {
            format!("its repository does not let in: a login is missing, expired or wrong, {LOGINS}")
        }
        FetchError::NotFound => {
            format!("its repository has no such file, or shows it to a login alone (404), {LOGINS}")
        }
        FetchError::Unreachable { reason } => format!("its repository cannot be reached: {reason}"),
        FetchError::TooLarge { limit_mib } => format!("its repository sends more than {limit_mib} MiB"),
        error => error.to_string(),
    }
}

fn keys(credential: &Credential) -> Keys {
    let Credential { username, password } = credential;
    Keys::Own(RegistryCredential::Password { username: username.clone(), password: password.clone() })
}

/// One index is of many charts, and each is kept by itself.
fn with_name(mut url: Url, name: &str) -> Url {
    url.set_fragment(Some(name));
    url
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was just asked for is not asked for again for another chart of the same look.
const _: () = assert!(INDEX_FRESH.as_secs() > Duration::from_secs(60).as_secs());
