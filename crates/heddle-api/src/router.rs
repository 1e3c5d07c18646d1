//! All routes in one service: the API, and the dashboard for everything else.

use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;

use crate::{app::App, layers, openapi, routes, web};

/// The whole service. `shutdown` ends streams and long polls.
pub fn build(app: App, shutdown: CancellationToken) -> Router {
    let (router, paths) = routes::all().split();
    let document = openapi::Document::new(&openapi::complete(paths));
    let router = router
        .fallback_service(web::service(app.config.web_dir.as_deref()))
        .layer(Extension(Shutdown(shutdown)))
        .layer(Extension(document))
        .with_state(app.clone());
    layers::apply(router, app)
}

/// Tells handlers that wait when the program ends.
#[derive(Debug, Clone)]
pub struct Shutdown(pub CancellationToken);
