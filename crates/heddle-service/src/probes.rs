//! `/livez`, `/readyz` and `/metrics` on a port of their own, which is not for the public.

use std::{future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, extract::State, http::StatusCode, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

type Check = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// What the probes show.
#[derive(Clone)]
pub struct Probes {
    ready: Arc<Check>,
    metrics: PrometheusHandle,
}

impl Probes {
    /// `ready` says why the program cannot serve now, if it cannot; it is asked with each probe.
    pub fn new<F, Fut>(metrics: PrometheusHandle, ready: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        Self { ready: Arc::new(move || Box::pin(ready())), metrics }
    }

    /// Serves the probes until `shutdown` and returns the address at once.
    ///
    /// # Errors
    /// When `listen` cannot be had.
    pub async fn serve(self, listen: SocketAddr, shutdown: CancellationToken) -> anyhow::Result<SocketAddr> {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen} for probes"))?;
        let address = listener.local_addr().context("the probes' socket has no address")?;
        tokio::spawn(keep_up(self.metrics.clone(), shutdown.clone()));
        let served = axum::serve(listener, self.router()).with_graceful_shutdown(shutdown.cancelled_owned());
        tokio::spawn(served.into_future());
        info!(%address, "probes and metrics on {address}");
        Ok(address)
    }

    fn router(self) -> Router {
        Router::new()
            .route("/livez", get(|| async { "ok" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn readyz(State(probes): State<Probes>) -> (StatusCode, String) {
    match (probes.ready)().await {
        Ok(()) => (StatusCode::OK, "ok".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
    }
}

async fn metrics(State(probes): State<Probes>) -> String {
    probes.metrics.render()
}

/// The recorder keeps samples until somebody drains them.
async fn keep_up(metrics: PrometheusHandle, shutdown: CancellationToken) {
    crate::ticker::run(Duration::from_secs(5), shutdown, || async { metrics.run_upkeep() }).await;
}
