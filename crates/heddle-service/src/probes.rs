//! `/livez`, `/readyz` and `/metrics` on a port of their own, which is not for the public.

use std::{convert::Infallible, future::Future, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context;
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a connection may take to say what it wants.
const HEADER_LIMIT: Duration = Duration::from_secs(10);

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
        tokio::spawn(self.accept(listener, shutdown));
        info!(%address, "probes and metrics on {address}");
        Ok(address)
    }

    /// On hyper alone: the agent serves probes too, and a router would be most of its program.
    async fn accept(self, listener: TcpListener, shutdown: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => drop(connections.spawn(self.clone().serve_connection(stream))),
                Err(error) => {
                    warn!(%error, "a connection to the probes was not taken");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    async fn serve_connection(self, stream: TcpStream) {
        let service = service_fn(move |request| {
            let probes = self.clone();
            async move { Ok::<_, Infallible>(probes.answer(request).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT);
        // A prober that goes away early is no news.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<String> {
        let (status, text) = match request.uri().path() {
            "/livez" => (StatusCode::OK, "ok".to_owned()),
            "/readyz" => match (self.ready)().await {
                Ok(()) => (StatusCode::OK, "ok".to_owned()),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
            },
            "/metrics" => (StatusCode::OK, self.metrics.render()),
            _ => (StatusCode::NOT_FOUND, "there are /livez, /readyz and /metrics".to_owned()),
        };
        let mut response = Response::new(text);
        *response.status_mut() = status;
        response
    }
}

/// The recorder keeps samples until somebody drains them.
async fn keep_up(metrics: PrometheusHandle, shutdown: CancellationToken) {
    crate::ticker::run(Duration::from_secs(5), shutdown, || async { metrics.run_upkeep() }).await;
}
