//! Takes connections: so many, so many from one address, and none that says nothing.
//!
//! HTTP/1.1 alone: whoever speaks HTTP/2 speaks it with the proxy that ends TLS.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, warn};

use crate::address;

/// Connections at once. Further ones wait until one ends.
pub const MOST_CONNECTIONS: usize = 8192;

/// Connections at once from one address, or from one IPv6 network of 64 bits, that is not this machine's own. Behind a
/// proxy all come from its address, so it does not count there.
pub const MOST_FROM_AN_ADDRESS: usize = 512;

/// How long a connection may take for the head of its next request. It is longer than the 60 s after which the common load
/// balancers close a connection that is idle: who closes first must not be us, since a request may be on its way.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>.
pub const LONGEST_HEAD: Duration = Duration::from_secs(75);

/// The head of a request.
pub const HEAD_LIMIT_BYTES: usize = 64 << 10;

/// Header fields of a request.
pub const MOST_HEADERS: usize = 100;

/// What is answered to when the program ends may take so long. Long polls are cut short: who waits asks the next replica.
const LONGEST_END: Duration = Duration::from_secs(5);

/// Serves `router` until `shutdown`. With `behind_proxy` no address has a share of its own.
pub async fn serve(router: Router, listener: TcpListener, behind_proxy: bool, shutdown: CancellationToken) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let peers = Arc::new(Peers::default());
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, peer, turn)) => {
                let shared = behind_proxy || peer.ip().is_loopback();
                let Some(share) = peers.enter(peer.ip(), shared) else {
                    debug!(%peer, "a connection was not taken: its address has enough of them");
                    continue;
                };
                let (router, shutdown) = (router.clone(), shutdown.clone());
                connections.spawn(async move {
                    serve_connection(router, stream, peer, shutdown).await;
                    drop((share, turn));
                });
            }
            Err(error) => {
                warn!(%error, "a connection was not taken");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LONGEST_END, ended).await;
}

type Turn = tokio::sync::OwnedSemaphorePermit;

/// The next connection, when there is room for it; until then it waits in the system's queue.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> std::io::Result<(TcpStream, SocketAddr, Turn)> {
    let turn = Arc::clone(room).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    // Answers are small and each is awaited.
    let _ = stream.set_nodelay(true);
    Ok((stream, peer, turn))
}

async fn serve_connection(router: Router, stream: TcpStream, peer: SocketAddr, shutdown: CancellationToken) {
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(LONGEST_HEAD);
    server.max_buf_size(HEAD_LIMIT_BYTES).max_headers(MOST_HEADERS);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away early are no news.
        debug!(%peer, %error, "a connection ended: {error}");
    }
}

/// How many connections each address has.
#[derive(Default)]
struct Peers(Mutex<HashMap<IpAddr, usize>>);

/// A connection's share of its address. Dropping it gives it back.
struct Share {
    peers: Arc<Peers>,
    network: Option<IpAddr>,
}

impl Peers {
    fn enter(self: &Arc<Self>, peer: IpAddr, shared: bool) -> Option<Share> {
        let network = (!shared).then(|| address::network(peer));
        if let Some(network) = network {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(network).or_default();
            if *count >= MOST_FROM_AN_ADDRESS {
                return None;
            }
            *count += 1;
        }
        Some(Share { peers: Arc::clone(self), network })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(network) = self.network else { return };
        let mut counts = self.peers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&network);
            }
        }
    }
}
