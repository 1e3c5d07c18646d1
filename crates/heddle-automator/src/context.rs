//! What all pieces of work share.

use std::sync::Arc;

use anyhow::Context as _;
use heddle_client::{AutomatorClient, Http};
use heddle_github::Transport;
use heddle_registry::Access;
use heddle_source::Store;

use crate::{config::Config, scan::Sessions};

/// The edges of the automator. Clones share them.
#[derive(Clone)]
pub(crate) struct Context {
    pub api: AutomatorClient,
    /// Names this process in the API's logs.
    pub name: String,
    pub store: Store,
    pub sessions: Arc<Sessions>,
    /// Connections to GitHub, kept between pieces of work.
    pub github: Transport,
    pub ca_pem: Option<Vec<u8>>,
}

impl Context {
    pub async fn new(config: &Config) -> anyhow::Result<Self> {
        let http = Http::new(config.api_url.clone(), config.ca_pem.clone()).context("HEDDLE_API_URL")?;
        let access = Access::new(&config.allow_registries, config.ca_pem.clone()).await;
        let access = access.context("HEDDLE_ALLOW_REGISTRIES, HEDDLE_CA_FILE")?;
        Ok(Self {
            api: AutomatorClient::new(http, config.token.clone()),
            name: format!("automator-{}", uuid::Uuid::new_v4().simple()),
            store: Store::open(config.cache_dir.join("clones")),
            sessions: Arc::new(Sessions::new(access)),
            github: Transport::new(config.ca_pem.as_deref()).context("HEDDLE_CA_FILE")?,
            ca_pem: config.ca_pem.clone(),
        })
    }
}
