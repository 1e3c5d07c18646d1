//! All parts together, as a newcomer has them after the first quarter of an hour.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use heddle_client::UserClient;
use heddle_core::id::{ClusterId, OrganizationId, RepositoryId};
use heddle_testkit::{cluster::Cluster, github::GitHub, hold::Proxy, postgres::Database, registry::Registry};
use tempfile::TempDir;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use crate::service::Service;

mod acts;
mod gate;
mod ground;
mod hub;
mod looks;
mod newcomer;

pub use gate::{Gate, Place};
pub use ground::Ground;
pub use looks::{Seen, describe, has_reached};
pub use newcomer::connect;

/// The config repository at the stand-in.
pub const REPOSITORY: &str = "acme/config";
/// The image's path in the registry.
pub const IMAGE_PATH: &str = "acme/api";
/// The path of another image in the same registry, which is there when a test pushes it.
pub const SECOND_PATH: &str = "acme/second";
/// The tag that runs before anything is pushed.
pub const FIRST_TAG: &str = "1.4.0";
/// The person at GitHub.
pub const PERSON: &str = "ada";
/// The person at Heddle.
pub const EMAIL: &str = "ada@example.com";
/// The person's password at Heddle.
pub const PASSWORD: &str = "lift each thread at its moment";

/// Where the API keeps its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Store {
    /// A database of its own on the server that all tests share.
    #[default]
    Shared,
    /// The server that the API starts itself.
    Embedded,
}

/// How a World is made.
#[derive(Clone)]
pub struct WorldOptions {
    /// Where the API keeps its rows.
    pub store: Store,
    /// Whether the registry tells the API of pushes; else scans find them.
    pub notices: bool,
    /// How often registries and repositories are asked without notices and webhooks.
    pub poll: &'static str,
    /// Whether requests of the programs go through proxies that a test can stop.
    pub proxies: bool,
    /// Whether the cluster writes down each request.
    pub audit: bool,
    /// The built dashboard, where one is to be served.
    pub web_dir: Option<std::path::PathBuf>,
    /// Files that replace or join those of the config repository before anybody reads it. `IMAGE` in them is the image's
    /// name, `SECOND` that of the other image in its registry.
    pub files: Vec<(String, String)>,
    /// Further registries on this machine, `host:port`, that the automator may ask.
    pub registries: Vec<String>,
    /// Is told of each step.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            store: Store::Shared,
            notices: true,
            poll: "2s",
            proxies: true,
            audit: false,
            web_dir: None,
            files: Vec::new(),
            registries: Vec::new(),
            tell: Arc::new(|_| ()),
        }
    }
}

/// Proxies in front of the parts; `None` where the World was made without.
pub struct Proxies {
    /// In front of the registry: pushes, and what the automator reads.
    pub registry: Option<Proxy>,
    /// In front of the API, for the automator.
    pub automator: Option<Proxy>,
    /// In front of the API, for the agent.
    pub agent: Option<Proxy>,
    /// In front of the Kubernetes API, for the agent.
    pub cluster: Option<Proxy>,
}

/// Everything that runs, and who is at home in it.
pub struct World {
    // Fields are dropped in this order: the programs before what they talk to.
    /// The agent, as a process with the rights of the manifest's service account and no other.
    pub agent: Service,
    /// The automator.
    pub automator: Service,
    /// The API.
    pub api: Service,
    /// The address of the API and the dashboard.
    pub api_url: Url,
    /// The person's client.
    pub user: UserClient,
    /// The person's organization.
    pub organization: OrganizationId,
    /// The config repository, as Heddle knows it.
    pub repository: RepositoryId,
    /// The cluster, as Heddle knows it.
    pub cluster_id: ClusterId,
    /// The install manifest that was applied.
    pub manifest: String,
    /// What stands between the parts.
    pub proxies: Proxies,
    /// The GitHub stand-in.
    pub github: GitHub,
    /// The registry.
    pub registry: Registry,
    /// The Kubernetes control plane.
    pub cluster: Cluster,
    /// How it was made.
    pub options: WorldOptions,
    database: Option<Database>,
    folder: TempDir,
    _room: OwnedSemaphorePermit,
}

impl World {
    /// A World with the usual settings.
    pub async fn start() -> Result<Self> {
        Self::start_with(WorldOptions::default()).await
    }

    /// Starts the parts and does what a newcomer does, up to both environments being healthy at [`FIRST_TAG`].
    pub async fn start_with(options: WorldOptions) -> Result<Self> {
        let mut ground = Ground::start(options).await?;
        let home = newcomer::settle(&mut ground).await?;
        let Ground { hub, registry_proxy, github, registry, cluster, options, database, folder, room } = ground;
        let world = Self {
            agent: home.agent,
            automator: hub.automator,
            api: hub.api,
            api_url: hub.url,
            user: home.user,
            organization: home.organization,
            repository: home.repository,
            cluster_id: home.cluster_id,
            manifest: home.manifest,
            proxies: Proxies {
                registry: registry_proxy,
                automator: hub.automator_proxy,
                agent: hub.agent_proxy,
                cluster: home.cluster_proxy,
            },
            github,
            registry,
            cluster,
            options,
            database,
            folder,
            _room: room,
        };
        (world.options.tell)("waiting until both environments run");
        for environment in ["staging", "prod"] {
            let healthy = world.wait_until_image_runs(environment, FIRST_TAG).await;
            healthy.with_context(|| world.complaints())?;
        }
        Ok(world)
    }

    /// The image without tag, as manifests name it.
    pub fn image(&self) -> String {
        ground::image(&self.registry, self.proxies.registry.as_ref())
    }

    /// Where the World's files and logs lie, until it is dropped.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database, where it is not the API's own server.
    pub fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    /// What the programs complained about last, for error messages.
    pub fn complaints(&self) -> String {
        [&self.api, &self.automator, &self.agent].map(Service::complaints).join("\n")
    }

    /// Stops everything in order. Dropping it does the same with less courtesy.
    pub async fn stop(mut self) -> Result<()> {
        self.agent.stop().await?;
        self.automator.stop().await?;
        self.api.stop().await?;
        self.registry.stop().await?;
        self.cluster.stop().await
    }
}
