//! The parts with nobody at home yet: no account, no organization, no agent.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result};
use heddle_testkit::{
    cluster::{self, Cluster},
    github::GitHub,
    hold::Proxy,
    postgres::Database,
    registry::{Pushed, Registry},
    scratch,
};
use tempfile::TempDir;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::{
    FIRST_TAG, IMAGE_PATH, Store, WorldOptions,
    hub::{self, Hub},
    newcomer,
};
use crate::{config_repository::ENVIRONMENTS, service::Service};

/// Every part but the agent, as they stand when the newcomer opens the dashboard.
pub struct Ground {
    // Fields are dropped in this order: the programs before what they talk to.
    pub(super) hub: Hub,
    pub(super) registry_proxy: Option<Proxy>,
    /// The GitHub stand-in.
    pub github: GitHub,
    pub(super) registry: Registry,
    /// The Kubernetes control plane.
    pub cluster: Cluster,
    pub(super) options: WorldOptions,
    pub(super) database: Option<Database>,
    pub(super) folder: TempDir,
    pub(super) room: OwnedSemaphorePermit,
}

impl Ground {
    /// Starts the parts. The registry holds the image at [`FIRST_TAG`], and the environments' namespaces exist.
    pub async fn start(options: WorldOptions) -> Result<Self> {
        let room = room().await?;
        let folder = scratch::dir("world")?;
        let tell = Arc::clone(&options.tell);

        tell("starting the Kubernetes control plane and the registry");
        let settings = cluster::Settings { audit: options.audit };
        let (cluster, registry) = tokio::join!(Cluster::start(settings), Registry::start());
        let (cluster, registry) = (cluster?, registry?);
        let registry_proxy = match options.proxies {
            true => Some(Proxy::start(registry.url()?, None, None).await?),
            false => None,
        };
        let image = image(&registry, registry_proxy.as_ref());

        tell("starting the GitHub stand-in");
        let (github, app) = hub::start_github(folder.path(), &image, &options).await?;

        tell("starting heddle-api and heddle-automator");
        let database = match options.store {
            Store::Shared => Some(Database::create().await?),
            Store::Embedded => None,
        };
        let hub = hub::start(folder.path(), &github, &app, &image, database.as_ref(), &options).await?;

        registry.push_image(IMAGE_PATH, FIRST_TAG).await?;
        for (_, namespace) in ENVIRONMENTS {
            cluster.kubectl(&["create", "namespace", namespace], "").await?;
        }
        Ok(Self { hub, registry_proxy, github, registry, cluster, options, database, folder, room })
    }

    /// The address of the API and the dashboard.
    pub fn url(&self) -> &Url {
        &self.hub.url
    }

    /// Pushes the image under a new tag, as CI would.
    pub async fn push_tag(&self, tag: &str) -> Result<Pushed> {
        self.registry.push_image(IMAGE_PATH, tag).await
    }

    /// Applies the install manifest and starts the agent that it installs; the proxy stands before the agent's
    /// Kubernetes API, where the options ask for proxies.
    pub async fn install(&self, manifest: &str) -> Result<(Service, Option<Proxy>)> {
        let Self { cluster, options, .. } = self;
        (options.tell)("kubectl apply: the one install manifest");
        cluster.kubectl(&["apply", "-f", "-"], manifest).await?;
        let proxy = match options.proxies {
            true => Some(Proxy::start(cluster.url()?, Some(cluster.ca_pem()), Some(cluster.authority())).await?),
            false => None,
        };
        (options.tell)("starting the agent with the manifest's service account");
        let server = proxy.as_ref().map_or_else(|| cluster.url(), |proxy| Ok(proxy.url().clone()))?;
        let mut agent = newcomer::prepare_agent(cluster, &server, self.folder()).await?;
        agent.start().await.context("the agent did not start")?;
        Ok((agent, proxy))
    }

    /// Where files and logs lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the hosted programs complained about last, for error messages.
    pub fn complaints(&self) -> String {
        [&self.hub.api, &self.hub.automator].map(Service::complaints).join("\n")
    }
}

/// The image without tag, as manifests name it.
pub(super) fn image(registry: &Registry, proxy: Option<&Proxy>) -> String {
    format!("{}/{IMAGE_PATH}", proxy.map_or_else(|| registry.host(), Proxy::host))
}

/// A control plane takes half a gigabyte and both cores while it starts, so only so many Worlds live at once.
async fn room() -> Result<OwnedSemaphorePermit> {
    static ROOM: std::sync::OnceLock<Arc<Semaphore>> = std::sync::OnceLock::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let room = ROOM.get_or_init(|| Arc::new(Semaphore::new(cores.clamp(1, 6))));
    Ok(Arc::clone(room).acquire_owned().await?)
}
