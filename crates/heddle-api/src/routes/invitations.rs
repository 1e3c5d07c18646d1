//! Invitations to an organization.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use heddle_core::id::OrganizationId;
use heddle_db::{DbError, audit, invitations, organizations};
use heddle_wire::{
    secret::WireSecret,
    view::{AcceptInvitation, CreateInvitation, InvitationCreated, InvitationView, OrganizationView, Role},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Routes, accounts::is_email};
use crate::{
    app::App,
    extract::{Json, Path},
    permission::{Permission, parse_role, role_word},
    principal::{Member, Person},
    problem::{ApiError, ApiResult},
    quotas,
    secret::{self, Purpose},
};

const GOOD_FOR_DAYS: i64 = 7;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Admin), routes!(list_invitations))
        .add(Permission::Organization(Role::Owner), routes!(create_invitation))
        .add(Permission::Organization(Role::Owner), routes!(delete_invitation))
        .add(Permission::Session, routes!(accept_invitation))
}

/// Invites somebody by address. Heddle sends no mail: hand the code over.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/invitations", tag = "organizations",
    params(("organization" = OrganizationId, Path)), request_body = CreateInvitation,
    responses((status = 201, body = InvitationCreated))
)]
async fn create_invitation(
    app: App,
    member: Member,
    Json(request): Json<CreateInvitation>,
) -> ApiResult<(StatusCode, Json<InvitationCreated>)> {
    let email = request.email.trim().to_lowercase();
    if !is_email(&email) {
        return Err(ApiError::invalid("email", "write an address, such as ada@example.com"));
    }
    let code = secret::generate(Purpose::Invitation)?;
    let expires_at = Utc::now() + Duration::days(GOOD_FOR_DAYS);
    let invitation = invitations::Invitation {
        id: Uuid::now_v7(),
        organization: member.organization,
        email: email.clone(),
        role: role_word(request.role).to_owned(),
    };
    let mut tx = app.db.organization(member.organization).await?;
    let turn = quotas::INVITATIONS.take_turn(&mut tx, member.organization.0).await?;
    let open = invitations::list_pending(&mut *tx, member.organization).await?.len();
    turn.refuse_more(open)?;
    invitations::insert(&mut *tx, &invitation, &secret::hash(code.expose_secret()), expires_at).await?;
    let details = json!({ "role": invitation.role });
    audit::record(&mut *tx, Some(member.organization), &member.author(), "member.invite", &email, details).await?;
    tx.commit().await?;
    let created =
        InvitationCreated { id: invitation.id, email, role: request.role, code: WireSecret(code), expires_at };
    Ok((StatusCode::CREATED, Json(created)))
}

/// The invitations that may still be taken, newest first. Their codes are not told again.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/invitations", tag = "organizations",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<InvitationView>))
)]
async fn list_invitations(app: App, member: Member) -> ApiResult<Json<Vec<InvitationView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = invitations::list_pending(&mut *tx, member.organization).await?;
    tx.commit().await?;
    let view = |one: invitations::Pending| {
        let role = parse_role(&one.role)?;
        let invitations::Pending { id, email, created_at, expires_at, .. } = one;
        Ok(InvitationView { id, email, role, created_at, expires_at })
    };
    found.into_iter().map(view).collect::<ApiResult<_>>().map(Json)
}

/// Takes back an invitation that nobody took; its code opens nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/invitations/{invitation}", tag = "organizations",
    params(("organization" = OrganizationId, Path), ("invitation" = Uuid, Path)),
    responses((status = 204))
)]
async fn delete_invitation(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let email = invitations::delete_pending(&mut *tx, member.organization, id)
        .await?
        .ok_or_else(|| ApiError::not_found("the organization has no such invitation, or it was taken"))?;
    audit::record(&mut *tx, Some(member.organization), &member.author(), "invitation.delete", &email, json!({}))
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Joins an organization with the account that asks; the invitation must be for its address.
#[utoipa::path(
    post, path = "/api/v1/invitations/accept", tag = "organizations", request_body = AcceptInvitation,
    responses((status = 200, body = OrganizationView))
)]
async fn accept_invitation(
    app: App,
    person: Person,
    Json(request): Json<AcceptInvitation>,
) -> ApiResult<Json<OrganizationView>> {
    let mut tx = app.db.routing().await?;
    let found = invitations::find(&mut *tx, &secret::hash(request.code.expose().trim())).await?;
    tx.commit().await?;
    let invitation = found
        .filter(|invitation| invitation.email == person.label)
        .ok_or_else(|| ApiError::invalid("code", "this invitation is not for you, was used, or has ended"))?;
    let mut tx = app.db.member(invitation.organization, person.user).await?;
    invitations::accept(&mut *tx, invitation.id).await?;
    match organizations::insert_member(&mut *tx, invitation.organization, person.user, &invitation.role).await {
        Err(DbError::Exists { .. }) => {
            return Err(ApiError::conflict("member-already", "you belong to this organization already"));
        }
        other => other?,
    }
    audit::record(&mut *tx, Some(invitation.organization), &person.author(), "member.join", &person.label, json!({}))
        .await?;
    let known = organizations::find_membership(&mut *tx, invitation.organization, person.user)
        .await?
        .ok_or_else(|| ApiError::internal(anyhow::anyhow!("a new member is none")))?;
    tx.commit().await?;
    Ok(Json(OrganizationView { id: known.id, name: known.name, role: parse_role(&known.role)? }))
}
