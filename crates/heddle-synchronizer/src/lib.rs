//! Heddle's agent in a cluster: follows Git by its Syncs and tells the API what came of it.
//!
//! What runs is decided by Git and by the cluster's own `Sync` objects. The API gives hints and takes reports; with the
//! API away everything else goes on.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod config;
mod identity;
mod interval;
mod leader;
pub mod limits;
mod link;
mod metrics;
mod neighbors;
mod outbox;
mod supervisor;
mod sync;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use chrono::Utc;
use heddle_client::Http;
use heddle_kube::{Cluster, FirstSync, KubeError, OwnClient};
use heddle_service::{backoff::Backoff, probes::Probes};
use heddle_source::{Fetcher, RenderTools, Store};
use heddle_wire::agent::AgentInfo;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::Config,
    identity::Identity,
    leader::{Instance, Readiness},
    link::Link,
    neighbors::Neighbors,
    outbox::Outbox,
    supervisor::Supervisor,
    sync::{ClusterFacts, Context, Tokens},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How often the install manifest is compared with the Sync that was made of it.
const COMPARE_EVERY: Duration = Duration::from_secs(300);

/// Runs the agent until `shutdown`.
///
/// # Errors
/// When the configuration cannot be used: no way to the cluster, no place for the outbox, a bad address of the API.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let recorder = heddle_service::telemetry::init_metrics()?;
    metrics::describe();
    let instance = Instance::claim(&config.state_dir, &config.host_name)?;
    let cluster = Cluster::connect(config.kubeconfig.as_deref()).await.context("HEDDLE_KUBECONFIG")?;
    let own = cluster.own(&config.namespace)?;
    let http = Http::new(config.api_url.clone(), config.ca_pem.clone()).context("HEDDLE_API_URL")?;
    let (ready, is_ready) = watch::channel(Err("the cluster was not reached yet"));
    let probe = move || {
        let is_ready = is_ready.borrow().map_err(str::to_owned);
        async move { is_ready }
    };
    Probes::new(recorder, probe).serve(config.metrics_listen, shutdown.clone()).await?;
    let Some(kubernetes_version) = shutdown.run_until_cancelled(ask_version(&cluster)).await else { return Ok(()) };
    info!(kubernetes = %kubernetes_version, "heddle-synchronizer {VERSION} on Kubernetes {kubernetes_version}");
    let election = own.election(instance.name().to_owned(), leader::LEASE);
    let agent = Agent { config, cluster, own, http, kubernetes_version, ready: ready.clone() };
    leader::lead(election, &ready, &shutdown, |term| agent.work(term)).await
}

/// What the agent works with while it holds the Lease.
struct Agent {
    config: Config,
    cluster: Cluster,
    own: OwnClient,
    http: Http,
    kubernetes_version: String,
    ready: Readiness,
}

impl Agent {
    /// Does all the work until the end of its `term`.
    async fn work(&self, term: CancellationToken) -> anyhow::Result<()> {
        let _before = self.ready.send_replace(Err("the Syncs of the cluster are not known yet"));
        let info = AgentInfo {
            version: VERSION.into(),
            kubernetes_version: self.kubernetes_version.as_str().into(),
            started_at: Utc::now(),
        };
        let config = &self.config;
        let outbox = Arc::new(Outbox::open(&config.state_dir, info).context("the outbox cannot be opened")?);
        let (client, client_receiver) = watch::channel(None);
        let (refused, refused_receiver) = watch::channel(None);
        let link = Link { client: client_receiver.clone(), refused: Arc::new(refused) };
        let (hints, hint_receiver) = mpsc::channel(64);
        let (manifest, manifest_receiver) = watch::channel(FirstSync::Absent);
        let ctx = Arc::new(Context {
            cluster: self.cluster.clone(),
            own: self.own.clone(),
            store: Store::open(config.state_dir.join("repositories")),
            fetcher: Fetcher::open(&config.state_dir.join("remote"), config.egress.clone(), config.ca_pem.clone()),
            sops: config.sops.clone(),
            memory_dir: config.memory_dir.clone(),
            tools: RenderTools::new(&config.kustomize, &config.helm),
            ca_pem: config.ca_pem.clone(),
            api: client_receiver,
            outbox: Arc::clone(&outbox),
            sweep_interval: config.sweep_interval,
            neighbors: Neighbors::default(),
            tokens: Tokens::default(),
            cluster_facts: ClusterFacts::default(),
            manifest: manifest_receiver,
        });
        let identity =
            Identity::new(self.own.clone(), self.http.clone(), config.key_life, VERSION, &self.kubernetes_version);

        let mut tasks = JoinSet::new();
        tasks.spawn(identity.provide(client, refused_receiver, term.clone()));
        tasks.spawn(link::send_reports(link.clone(), outbox, term.clone()));
        tasks.spawn(link::receive_hints(link, hints, term.clone()));
        tasks.spawn(create_first_sync(self.own.clone(), manifest, term.clone()));
        tasks.spawn(Supervisor::new(ctx, self.ready.clone()).run(hint_receiver, term.clone()));
        let ended = until_end(&mut tasks, &term).await;
        tasks.shutdown().await;
        ended
    }
}

/// Waits for the end of the term. A task that ends before it leaves work that nobody does, so the process ends too and is
/// started anew.
async fn until_end(tasks: &mut JoinSet<()>, term: &CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        biased;
        () = term.cancelled() => Ok(()),
        Some(ended) = tasks.join_next() => match ended {
            Ok(()) => bail!("a task of the agent ended before its time"),
            Err(error) => Err(error).context("a task of the agent failed"),
        }
    }
}

/// The API server may be on its way up.
async fn ask_version(cluster: &Cluster) -> String {
    let mut backoff = backoff();
    loop {
        match cluster.version().await {
            Ok(version) => return version,
            Err(error) => {
                let wait = backoff.next_wait();
                warn!("the cluster cannot be asked, next try in {} s: {error}", wait.as_secs_f32());
                tokio::time::sleep(wait).await;
            }
        }
    }
}

/// Creates the Sync of the install manifest, once, when its definition is served; from then on says how it compares with
/// the Sync.
async fn create_first_sync(own: OwnClient, manifest: watch::Sender<FirstSync>, shutdown: CancellationToken) {
    let creating = async {
        let mut backoff = backoff();
        loop {
            match own.create_first_sync().await {
                Ok(found) => {
                    if found == FirstSync::Created {
                        info!("created the Sync of the install manifest");
                    }
                    backoff.reset();
                    manifest.send_replace(found);
                    tokio::time::sleep(COMPARE_EVERY).await;
                }
                Err(error @ KubeError::Refused(_)) => {
                    tracing::error!("the Sync of the install manifest cannot be read: {error}");
                    tokio::time::sleep(COMPARE_EVERY).await;
                }
                Err(error) => {
                    let wait = backoff.next_wait();
                    warn!("the first Sync cannot be created yet: {error}");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    };
    let _ended = shutdown.run_until_cancelled(creating).await;
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
}

#[cfg(test)]
mod tests;
