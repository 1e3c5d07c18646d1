//! What the API says of itself.

use axum::{Extension, http::header, response::IntoResponse};
use utoipa_axum::routes;

use super::Routes;
use crate::{app::Document, permission::Permission};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Public, routes!(openapi))
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "meta", responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn openapi(Extension(Document(text)): Extension<Document>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], text)
}
