//! Watches image registries and brings new tags into config repositories.
//!
//! It leases work from the API (`work`), decides in plain functions (`plan`), and acts at the edges: git, registries,
//! GitHub. It must not reach a database or a cluster.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod config;
mod context;
mod error;
mod github;
mod keys;
mod lent;
pub mod limits;
mod lists;
mod plan;
mod pull_secrets;
mod read;
mod repository;
mod scan;
mod settle;
mod share;
mod text;
mod update;
mod work;
mod write;

use anyhow::Context as _;
use heddle_service::{probes::Probes, telemetry};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, context::Context};

/// Runs until `shutdown`: each of the configured tasks leases one piece of work after the other.
///
/// # Errors
/// When something that it needs cannot be set up.
pub async fn run(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let context = Context::new(&config)?;
    let metrics = telemetry::init_metrics()?;
    let probes = Probes::new(metrics, || async { Ok(()) });
    probes.serve(config.metrics_listen, shutdown.clone()).await?;
    tracing::info!(api = %config.api_url, concurrency = config.concurrency, "leasing work from {}", config.api_url);
    let mut tasks = JoinSet::new();
    for _ in 0..config.concurrency {
        tasks.spawn(work::run(context.clone(), shutdown.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a task of the automator ended with a fault")?;
    }
    Ok(())
}
