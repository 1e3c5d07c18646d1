//! Addresses that take push notices of registries.

use axum::http::StatusCode;
use heddle_core::id::OrganizationId;
use heddle_db::{audit, receivers};
use heddle_wire::{
    secret::WireSecret,
    view::{CreateReceiver, ReceiverCreated, ReceiverView, Role},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
    quotas,
    secret::{self, Purpose},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_receivers))
        .add(Permission::Organization(Role::Admin), routes!(create_receiver))
        .add(Permission::Organization(Role::Admin), routes!(delete_receiver))
}

/// The organization's receivers by name.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/receivers", tag = "receivers",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<ReceiverView>))
)]
async fn list_receivers(app: App, member: Member) -> ApiResult<Json<Vec<ReceiverView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = receivers::list(&mut *tx, member.organization).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(|receiver| view(&app, receiver)).collect()))
}

/// Makes a receiver; its secret is shown this once.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/receivers", tag = "receivers",
    params(("organization" = OrganizationId, Path)), request_body = CreateReceiver,
    responses((status = 201, body = ReceiverCreated))
)]
async fn create_receiver(
    app: App,
    member: Member,
    Json(request): Json<CreateReceiver>,
) -> ApiResult<(StatusCode, Json<ReceiverCreated>)> {
    let name = request.name.trim().to_owned();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name", "a name takes 1 to 100 characters"));
    }
    let (id, text) = (Uuid::now_v7(), secret::generate(Purpose::Receiver)?);
    let mut tx = app.db.organization(member.organization).await?;
    let turn = quotas::RECEIVERS.take_turn(&mut tx, member.organization.0).await?;
    let there = receivers::count(&mut *tx, member.organization).await?;
    turn.refuse_more(there)?;
    receivers::insert(&mut *tx, member.organization, id, &name, &secret::hash(text.expose_secret())).await?;
    audit::record(&mut *tx, Some(member.organization), &member.author(), "receiver.create", &name, json!({})).await?;
    tx.commit().await?;
    let receiver = view(&app, receivers::Receiver { id, name, last_notice_at: None });
    let configuration = distribution_block(&receiver.url, text.expose_secret());
    Ok((StatusCode::CREATED, Json(ReceiverCreated { receiver, secret: WireSecret(text), configuration })))
}

/// Deletes a receiver; notices with its secret are refused from now on.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/receivers/{receiver}", tag = "receivers",
    params(("organization" = OrganizationId, Path), ("receiver" = Uuid, Path)),
    responses((status = 204))
)]
async fn delete_receiver(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let name = receivers::delete(&mut *tx, member.organization, id)
        .await?
        .ok_or_else(|| ApiError::not_found("the organization has no such receiver"))?;
    audit::record(&mut *tx, Some(member.organization), &member.author(), "receiver.delete", &name, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(app: &App, receiver: receivers::Receiver) -> ReceiverView {
    ReceiverView {
        id: receiver.id,
        name: receiver.name,
        url: app.public_url(&format!("webhooks/registry/{}", receiver.id)),
        last_notice_at: receiver.last_notice_at,
    }
}

/// Source: <https://distribution.github.io/distribution/about/notifications/>.
fn distribution_block(url: &str, secret: &str) -> String {
    format!(
        "notifications:\n  endpoints:\n    - name: heddle\n      url: {url}\n      headers:\n        \
         Authorization: [Bearer {secret}]\n      timeout: 5s\n      threshold: 5\n      backoff: 10s\n"
    )
}
