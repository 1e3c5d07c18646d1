//! What happens to every request and answer: an id, a log line, problems as JSON, headers that browsers obey, limits.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use heddle_wire::problem::Problem;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, decompression::RequestDecompressionLayer,
    sensitive_headers::SetSensitiveRequestHeadersLayer, set_header::SetResponseHeaderLayer, timeout::TimeoutLayer,
};
use tracing::{Instrument, info, info_span};
use uuid::Uuid;

use crate::{app::App, problem::ApiError};

/// Longer than the longest poll; streams are not cut, since their answer has begun.
const LONGEST: Duration = Duration::from_secs(75);

/// The dashboard loads nothing from elsewhere and is shown in no frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Names a request in answers and logs.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Wraps the finished router.
pub fn apply(router: Router, app: App) -> Router {
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let router = router
        .layer(RequestDecompressionLayer::new())
        .layer(Extension(app.clone()))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
        .layer(from_fn(finish))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION, header::COOKIE]))
        .layer(CompressionLayer::new())
        .layer(set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"));
    if app.config.public_url.scheme() == "https" {
        return router.layer(set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
    }
    router
}

/// Gives the request an id, writes one log line, and makes every error one problem.
pub async fn finish(mut request: Request, next: Next) -> Response {
    // Never the client's own id: it would stand in our log and in the audit record.
    let id = Uuid::now_v7().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = known_method(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = info_span!("request", request_id = %id, method, route);
    async move {
        let started = Instant::now();
        let mut response = next.run(request).await;
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        if response.status().is_client_error() || response.status().is_server_error() {
            response = as_problem(response, id);
        }
        // What a person may see is for them alone; the dashboard's files say otherwise themselves.
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        let status = response.status();
        let seconds = started.elapsed().as_secs_f64();
        let labels = [("route", route.clone()), ("method", method.to_owned()), ("status", status.as_u16().to_string())];
        metrics::histogram!("heddle_http_request_seconds", &labels).record(seconds);
        info!(status = status.as_u16(), seconds, "{method} {route} {}", status.as_u16());
        response
    }
    .instrument(span)
    .await
}

/// The method for logs and metrics: a stranger may invent any number of them. Source: RFC 9110, section 9, and RFC 5789.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn as_problem(response: Response, request_id: String) -> Response {
    let status = response.status();
    let (mut parts, _) = response.into_parts();
    let told = parts.extensions.remove::<Arc<ApiError>>();
    let problem = match &told {
        Some(error) => {
            error.log();
            Problem {
                status: status.as_u16(),
                code: error.code.to_string(),
                message: error.message.to_string(),
                request_id,
                fields: error.fields.clone(),
            }
        }
        None => library_problem(status, request_id),
    };
    if let Some(after) = told.and_then(|error| error.retry_after) {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let body = Json(problem).into_response().into_body();
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Response::from_parts(parts, Body::new(body))
}

/// Errors that axum and tower-http make by themselves.
fn library_problem(status: StatusCode, request_id: String) -> Problem {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => ("not-found", "there is no such route"),
        StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "this route does not take this method; see `Allow`"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body-too-large", "the body is larger than this route takes"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "the body's encoding is not taken here"),
        StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "this took too long; try again"),
        status if status.is_client_error() => ("bad-request", "the request cannot be read"),
        _ => ("internal", "something went wrong on our side; try again, and if it stays, name the request id"),
    };
    Problem {
        status: status.as_u16(),
        code: code.to_owned(),
        message: message.to_owned(),
        request_id,
        fields: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
