//! What all pieces of work share.

use anyhow::Context as _;
use heddle_client::{AutomatorClient, Http};
use heddle_github::Transport;
use heddle_registry::{Access, Clouds, Endpoints};
use heddle_source::{Store, limits::MAX_STORE_BYTES};

use crate::{config::Config, lists::Lists, pull_secrets::PullSecrets, share::Share};

/// The edges of the automator. Clones share them.
#[derive(Clone)]
pub(crate) struct Context {
    pub api: AutomatorClient,
    /// Names this process in the API's logs.
    pub name: String,
    pub store: Store,
    /// Connections to registries, kept between pieces of work. What a registry takes as a login is not.
    pub registries: Access,
    /// Short-lived logins that clouds gave, kept between pieces of work for the login they were given to.
    pub clouds: Clouds,
    /// Logins that this process has with itself.
    pub pull_secrets: PullSecrets,
    /// The slots of this process.
    pub share: Share,
    /// Lists of tags that need several scans.
    pub lists: Lists,
    /// Connections to GitHub, kept between pieces of work.
    pub github: Transport,
    pub ca_pem: Option<Vec<u8>>,
}

impl Context {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let http = Http::new(config.api_url.clone(), config.ca_pem.clone()).context("HEDDLE_API_URL")?;
        let registries = Access::new(&config.allow_registries, config.ca_pem.as_deref());
        let registries = registries.context("HEDDLE_ALLOW_REGISTRIES, HEDDLE_CA_FILE")?;
        let registries = registries.with_mirrors(&config.registry_mirrors).context("HEDDLE_REGISTRY_MIRRORS")?;
        let endpoints = Endpoints::new(&config.cloud_endpoints).context("HEDDLE_CLOUD_ENDPOINTS")?;
        Ok(Self {
            api: AutomatorClient::new(http, config.token.clone()),
            name: format!("automator-{}", uuid::Uuid::new_v4().simple()),
            store: Store::open(config.cache_dir.join("clones")).holding(MAX_STORE_BYTES),
            clouds: Clouds::new(registries.clone(), endpoints),
            registries,
            pull_secrets: PullSecrets::new(config.docker_config.clone(), config.token_servers.clone()),
            share: Share::new(config.concurrency),
            lists: Lists::default(),
            github: Transport::new(config.ca_pem.as_deref()).context("HEDDLE_CA_FILE")?,
            ca_pem: config.ca_pem.clone(),
        })
    }
}
