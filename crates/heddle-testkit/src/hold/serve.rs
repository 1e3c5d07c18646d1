//! The proxy's own listener: axum's would always answer, and a cut connection must not.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result};
use axum::{Router, body::Body, extract::Request, response::Response};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;
use tower::{ServiceExt, service_fn};

/// Marks an answer that must not be sent: the connection closes instead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut;

/// Serves on a free port of this address until the task is aborted; its connections end with it.
pub(crate) async fn start(
    address: IpAddr,
    app: Router,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((address, 0)).await.with_context(|| format!("no free port at {address}"))?;
    let address = listener.local_addr()?;
    let acceptor = tls.map(TlsAcceptor::from);
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let (app, acceptor) = (app.clone(), acceptor.clone());
            connections.spawn(async move {
                match acceptor {
                    None => serve(stream, app).await,
                    Some(acceptor) => {
                        // A handshake that fails is the client's to report.
                        if let Ok(stream) = acceptor.accept(stream).await {
                            serve(stream, app).await;
                        }
                    }
                }
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((address, task))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, app: Router) {
    let service = service_fn(move |request: axum::http::Request<hyper::body::Incoming>| {
        let app = app.clone();
        async move {
            let request: Request = request.map(Body::new);
            let Ok(response): std::result::Result<Response, _> = app.oneshot(request).await;
            match response.extensions().get::<Cut>() {
                Some(Cut) => Err(io::Error::other("cut by the test")),
                None => Ok(response),
            }
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    // Also the cut ends here, as an error that was asked for.
    let _ = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await;
}
