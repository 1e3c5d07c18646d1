//! Organizations and the audit record.

use axum::http::StatusCode;
use heddle_core::id::OrganizationId;
use heddle_db::{audit, organizations};
use heddle_wire::view::{AuditEntry, AuditPage, CreateOrganization, OrganizationView, Role};
use serde::Deserialize;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Query},
    permission::{Permission, role_word},
    principal::{Member, Person},
    problem::{ApiError, ApiResult},
    quotas,
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Session, routes!(create_organization))
        .add(Permission::Organization(Role::Viewer), routes!(list_audit))
}

/// Makes an organization; the asker is its owner.
#[utoipa::path(
    post, path = "/api/v1/organizations", tag = "organizations", request_body = CreateOrganization,
    responses((status = 201, body = OrganizationView))
)]
async fn create_organization(
    app: App,
    person: Person,
    Json(request): Json<CreateOrganization>,
) -> ApiResult<(StatusCode, Json<OrganizationView>)> {
    let name = request.name.trim().to_owned();
    if !(1..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name", "a name takes 1 to 60 characters"));
    }
    let id = OrganizationId(Uuid::now_v7());
    let mut tx = app.db.member(id, person.user).await?;
    let turn = quotas::ORGANIZATIONS.take_turn(&mut tx, person.user.0).await?;
    let own = organizations::list_of(&mut *tx, person.user).await?;
    let owned = own.iter().filter(|one| one.role == role_word(Role::Owner)).count();
    turn.refuse_more(owned)?;
    organizations::insert(&mut tx, id, &name, person.user).await?;
    audit::record(&mut *tx, Some(id), &person.author(), "organization.create", &name, json!({})).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(OrganizationView { id, name, role: Role::Owner })))
}

#[derive(Debug, Deserialize)]
struct AuditQuery {
    after: Option<Uuid>,
    limit: Option<i64>,
}

/// Who did what, newest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/audit", tag = "organizations",
    params(
        ("organization" = OrganizationId, Path),
        ("after" = Option<Uuid>, Query, description = "The page before's `next`."),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 when left out."),
    ),
    responses((status = 200, body = AuditPage))
)]
async fn list_audit(app: App, member: Member, Query(query): Query<AuditQuery>) -> ApiResult<Json<AuditPage>> {
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let mut tx = app.db.organization(member.organization).await?;
    let found = audit::list(&mut *tx, member.organization, query.after, limit).await?;
    tx.commit().await?;
    let full = i64::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|entry| entry.id.to_string());
    let items = found.into_iter().map(|entry| AuditEntry {
        id: entry.id,
        at: entry.at,
        actor: entry.actor,
        via: entry.via,
        action: entry.action,
        object: entry.object,
        details: entry.details,
        request_id: entry.request_id,
    });
    Ok(Json(AuditPage { items: items.collect(), next }))
}
