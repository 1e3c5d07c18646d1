//! All routes in one service: the API, and the dashboard for everything else.

use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{App, Document, Shutdown},
    layers, openapi, routes, web,
};

/// The whole service. `shutdown` ends streams, long polls, and the task that wakes automators.
pub fn build(app: App, shutdown: CancellationToken) -> Router {
    let (router, paths) = routes::all().split();
    let (bell, notices, ended) = (app.bell.clone(), app.db.notices(), shutdown.clone());
    tokio::spawn(async move { bell.run(notices, ended).await });
    let document = Document(openapi::text(&openapi::complete(paths)).into());
    let router = router
        .fallback_service(web::service(app.config.web_dir.as_deref()))
        .layer(Extension(Shutdown(shutdown)))
        .layer(Extension(document));
    layers::apply(router, app)
}
