//! Takes connections and requests: TLS, scripted faults, entity tags, GitHub's common headers.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use aws_lc_rs::digest;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::{
    Shared,
    error::ApiError,
    fault::{Action, Dropped, Exchange, Fault, Seen, When, answer},
    graphql,
};

/// GitHub refuses larger bodies; a pushed pack may be as large.
const LARGEST_BODY: usize = 64 << 20;

/// Serves until the task is aborted. Without `tls` the connections are plain.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    router: Router,
    shared: Shared,
) {
    let tls = tls.map(TlsAcceptor::from);
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let (router, shared, tls) = (router.clone(), shared.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => connection(stream, peer, router, shared).await,
                    Err(error) => tracing::debug!("no TLS with {peer}: {error}"),
                },
                None => connection(stream, peer, router, shared).await,
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    shared: Shared,
) {
    let service = tower::service_fn(move |request: axum::http::Request<hyper::body::Incoming>| {
        answer_request(request.map(Body::new), router.clone(), shared.clone())
    });
    let connection = Builder::new(TokioExecutor::new()).http1_only();
    if let Err(error) = connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await {
        tracing::debug!("the connection of {peer} ended: {error}");
    }
}

async fn answer_request(request: Request, router: Router, shared: Shared) -> Result<Response, Dropped> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Ok(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large").into_response());
    };
    let operation = (parts.uri.path() == "/api/graphql").then(|| graphql::operation(&body)).flatten();
    let action = shared.faults.take(Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        operation,
        authenticated: parts.headers.contains_key(header::AUTHORIZATION),
    });
    let mut after = None;
    match action {
        Some(Action::Hold(point)) if point.when == When::Before => point.wait().await?,
        Some(Action::Hold(point)) => after = Some(Action::Hold(point)),
        Some(Action::Fail(Fault::DropBefore)) => return Err(Dropped),
        Some(Action::Fail(Fault::Status(status))) => return Ok(answer(status, None)),
        Some(Action::Fail(Fault::RateLimited { status, retry_after })) => return Ok(answer(status, Some(retry_after))),
        Some(Action::Fail(fault)) => after = Some(Action::Fail(fault)),
        None => {}
    }
    let wants = parts.headers.get(header::IF_NONE_MATCH).cloned();
    let kept = shared.keep_exchanges.then(|| body.clone());
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    // A task of its own: what has begun is brought to its end even when the asker goes away.
    let work = tokio::spawn(router.oneshot(Request::from_parts(parts, Body::from(body))));
    let response = match work.await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => infallible(never),
        Err(error) => ApiError::from(anyhow::anyhow!("a handler panicked: {error}")).into_response(),
    };
    match after {
        Some(Action::Hold(point)) => point.wait().await?,
        Some(Action::Fail(Fault::StatusAfter(status))) => return Ok(answer(status, None)),
        Some(Action::Fail(_)) => return Err(Dropped),
        None => {}
    }
    if !path.starts_with("/api/") {
        return Ok(response);
    }
    let (response, answered) = finish(&method, wants, response).await;
    if let Some(asked) = kept {
        let json = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
        let (status, request, answered) = (response.status().as_u16(), json(&asked), json(&answered));
        shared.faults.keep(Exchange { method: method.to_string(), path, request, status, response: answered });
    }
    Ok(response)
}

fn infallible(never: Infallible) -> Response {
    match never {}
}

/// Adds what every answer of the API carries, and turns an unchanged one into 304.
/// <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate>
async fn finish(method: &Method, wants: Option<HeaderValue>, response: Response) -> (Response, Bytes) {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_else(|_| Bytes::new());
    for (name, value) in [
        ("x-github-media-type", "github.v3; format=json"),
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", "4999"),
        ("x-ratelimit-resource", "core"),
    ] {
        parts.headers.insert(name, HeaderValue::from_static(value));
    }
    let reset = chrono::Utc::now().timestamp() + 3600;
    parts.headers.insert("x-ratelimit-reset", reset.into());
    if method == Method::GET && parts.status == StatusCode::OK {
        let tag = format!("W/\"{}\"", hex::encode(digest::digest(&digest::SHA256, &bytes)));
        let unchanged = wants.is_some_and(|wants| wants.as_bytes() == tag.as_bytes());
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            parts.headers.insert(header::ETAG, tag);
        }
        if unchanged {
            parts.status = StatusCode::NOT_MODIFIED;
            parts.headers.remove(header::CONTENT_TYPE);
            parts.headers.remove(header::CONTENT_LENGTH);
            return (Response::from_parts(parts, Body::empty()), Bytes::new());
        }
    }
    (Response::from_parts(parts, Body::from(bytes.clone())), bytes)
}
