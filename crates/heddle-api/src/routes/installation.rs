//! The installation as a whole, for who looks after it.

use heddle_wire::view::DoctorReport;
use utoipa_axum::routes;

use super::Routes;
use crate::{app::App, doctor, extract::Json, permission::Permission, problem::ApiResult};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Administrator, routes!(examine))
}

/// What is right and wrong with the installation: settings, clock, database, keys, automators, GitHub and its webhooks. It asks
/// GitHub, so that an answer may take a minute.
#[utoipa::path(
    get, path = "/api/v1/installation/doctor", tag = "installation",
    responses(
        (status = 200, body = DoctorReport),
        (status = 403, description = "The asker does not look after the installation."),
    )
)]
async fn examine(app: App) -> ApiResult<Json<DoctorReport>> {
    Ok(Json(doctor::examine(&app).await))
}
