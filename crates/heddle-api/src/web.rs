//! The dashboard's files. Any path that is no file is a page of the dashboard, and no page lies under our own routes.

use std::{convert::Infallible, path::Path};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use tower_http::services::{ServeDir, ServeFile};

use crate::problem::ApiError;

const OUR_ROUTES: [&str; 5] = ["/api", "/agent", "/automator", "/reporter", "/webhooks"];

/// The folder of files whose names change with their content.
const ASSETS: &str = "assets";

/// Serves the built dashboard in `folder`, if there is one.
pub fn service(folder: Option<&Path>) -> Router {
    let router = match folder {
        Some(folder) => {
            let page = ServeFile::new(folder.join("index.html")).precompressed_gzip().precompressed_br();
            let files = ServeDir::new(folder).precompressed_gzip().precompressed_br();
            // A page that an update left open asks for files that are gone: they must not be answered with the page.
            let assets = ServeDir::new(folder.join(ASSETS)).precompressed_gzip().precompressed_br();
            Router::new().nest_service(&format!("/{ASSETS}"), assets).fallback_service(files.fallback(page))
        }
        None => Router::new().fallback(|| async {
            ApiError::not_found(
                "there is no such route, and this server was started without a dashboard (HEDDLE_WEB_DIR)",
            )
        }),
    };
    router.layer(from_fn(around))
}

async fn around(request: Request, next: Next) -> Result<Response, Infallible> {
    let path = request.uri().path().to_owned();
    let ours = OUR_ROUTES.iter().any(|root| path == *root || path.starts_with(&format!("{root}/")));
    if ours || !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(ApiError::not_found("there is no such route").into_response());
    }
    let mut response: Response<Body> = next.run(request).await;
    // Built files carry a hash of their content in their name; the page that names them does not.
    let is_asset = path.strip_prefix('/').is_some_and(|path| path.starts_with(ASSETS));
    let cache =
        if is_asset && response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    Ok(response)
}
