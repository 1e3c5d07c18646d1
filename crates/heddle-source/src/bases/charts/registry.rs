//! Charts of OCI registries.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use heddle_core::image::{Digest, ImageRepository};
use heddle_registry::{Credential as RegistryCredential, Failure, Keys, LoginFault, Session, TagPage};
use url::Url;

use super::{
    fault::{Fault, LOGINS},
    reference::RemoteChart,
    repositories::{Buyer, Offer, Place},
};
use crate::{
    Credential,
    bases::{fetcher::Fetcher, hosts::Login},
    limits::MAX_CHART_BYTES,
};

/// How helm marks a chart in a registry. Source: https://helm.sh/docs/topics/registries/, "Helm chart manifest".
const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

impl Fetcher {
    /// The version that is meant, as its registry has it, or had it a moment ago.
    pub(super) async fn find_in_registry(
        &self,
        chart: &RemoteChart,
        image: &str,
        buyer: Buyer<'_>,
    ) -> Result<Offer, Fault> {
        let parsed: ImageRepository = image.parse().map_err(|error| format!("{error}"))?;
        if parsed.as_str() != image {
            return Err(Fault::Told(format!("`{image}` names no registry: write its host with a dot or a port")));
        }
        let (what, memory) = (chart.to_string(), &self.charts.memory);
        let asker = buyer.at(&chart.address());
        if let Some(offer) = memory.offers.find(&what, asker.owners()) {
            return Ok(offer);
        }
        let led = Arc::default();
        let mut found = look_in(&self.session(&parsed, buyer, None, &led), chart, &parsed).await;
        if let Some(host) = found.as_ref().err().and_then(|failing| failing.token_server(&parsed, buyer)) {
            found = look_in(&self.session(&parsed, buyer, Some(host), &led), chart, &parsed).await;
        }
        let offer = found.map_err(Fault::from)?;
        memory.offers.keep(&what, &asker.owner_of(led.load(Ordering::Relaxed)), offer.clone());
        Ok(offer)
    }

    /// The content of a digest, and whether only the Sync's own list of hosts let the registry lead to it.
    pub(super) async fn pull(
        &self,
        image: &ImageRepository,
        digest: &Digest,
        buyer: Buyer<'_>,
    ) -> Result<(Vec<u8>, bool), Fault> {
        let (most, led) = (usize::try_from(MAX_CHART_BYTES).unwrap_or(usize::MAX), Arc::default());
        let session = self.session(image, buyer, None, &led);
        let mut pulled = session.pull(image, digest, most).await.map_err(Failing::Registry);
        if let Some(host) = pulled.as_ref().err().and_then(|failing| failing.token_server(image, buyer)) {
            let session = self.session(image, buyer, Some(host), &led);
            pulled = session.pull(image, digest, most).await.map_err(Failing::Registry);
        }
        Ok((pulled.map_err(Fault::from)?, led.load(Ordering::Relaxed)))
    }

    /// Speaks to a registry, with the login for it, which goes to the token server that is named besides. `led` becomes true once
    /// it leads on to where the Sync's own list of hosts lets it lead alone.
    fn session(
        &self,
        image: &ImageRepository,
        buyer: Buyer<'_>,
        auth_host: Option<String>,
        led: &Arc<AtomicBool>,
    ) -> Session {
        let url = address_of(image);
        let credential = url.as_ref().and_then(|url| Login::find(buyer.logins, url));
        let login = credential.map(|credential| heddle_registry::Login { keys: keys(credential), auth_host });
        let (hosts, own) = (buyer.asker.hosts.clone(), url.as_ref().map(Url::origin));
        let led = Arc::clone(led);
        let may_lead = move |next: &Url| {
            let is_own = Some(next.origin()) == own;
            let is_led = !is_own && hosts.allow(next);
            led.fetch_or(is_led, Ordering::Relaxed);
            is_own || is_led
        };
        Session::new(self.charts.registries.clone(), image.registry(), login).leading_to(may_lead)
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

fn keys(credential: &Credential) -> Keys {
    let Credential { username, password } = credential;
    Keys::Own(RegistryCredential::Password { username: username.clone(), password: password.clone() })
}
