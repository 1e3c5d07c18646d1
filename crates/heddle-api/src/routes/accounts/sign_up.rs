//! Making an account: who may, and with what.

use axum::{
    Extension,
    http::{HeaderMap, StatusCode},
    response::{AppendHeaders, IntoResponse},
};
use heddle_core::id::UserId;
use heddle_db::{Tx, audit, audit::Author, organizations, users};
use heddle_wire::view::{Me, SignUpRequest};
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{super::Routes, read_me, session::begin_session};
use crate::{
    address::ClientAddress,
    app::App,
    attempts::{self, Limit},
    config::Signup,
    extract::Json,
    layers::RequestId,
    password,
    permission::Permission,
    problem::{ApiError, ApiResult, FieldChecks},
    secret::{self},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Public, routes!(sign_up))
}

/// Makes an account and signs in.
#[utoipa::path(
    post, path = "/api/v1/sign-up", tag = "accounts", request_body = SignUpRequest,
    responses((status = 201, body = Me, description = "Signed in by cookie."))
)]
async fn sign_up(
    app: App,
    Extension(RequestId(request_id)): Extension<RequestId>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(request): Json<SignUpRequest>,
) -> ApiResult<impl IntoResponse> {
    attempts::count(&app, Limit::SignUpAddress, &address).await?;
    let email = request.email.trim().to_lowercase();
    check_sign_up(&request, &email)?;
    let invitation = find_invitation(&app, &request, &email).await?;

    if invitation.is_none() {
        refuse_closed(&app).await?;
    }
    // No connection waits while it is hashed.
    let hash = app.hasher.hash(request.password.0).await?;
    let id = UserId(Uuid::now_v7());
    let author = Author { user: Some(id), actor: email.clone(), via: "session", request_id };
    let mut tx = match &invitation {
        Some(invitation) => app.db.member(invitation.organization, id).await?,
        None => app.db.user(id).await?,
    };
    if invitation.is_none() {
        check_open(&mut tx, app.config.signup).await?;
    }
    match users::insert(&mut *tx, id, &email, request.name.trim(), &hash).await {
        Err(heddle_db::DbError::Exists { .. }) => {
            return Err(ApiError::conflict("email-taken", "this address has an account; sign in instead"));
        }
        other => other?,
    }
    if let Some(invitation) = invitation {
        heddle_db::invitations::accept(&mut *tx, invitation.id).await?;
        organizations::insert_member(&mut *tx, invitation.organization, id, &invitation.role).await?;
        audit::record(&mut *tx, Some(invitation.organization), &author, "member.join", &email, json!({})).await?;
    }
    audit::record(&mut *tx, None, &author, "account.create", &email, json!({})).await?;
    let cookies = begin_session(&mut tx, id, &headers, None).await?;
    let me = read_me(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, AppendHeaders(cookies), Json(me)))
}

fn check_sign_up(request: &SignUpRequest, email: &str) -> ApiResult<()> {
    let mut checks = FieldChecks::default();
    checks.check(is_email(email), "email", "write an address, such as ada@example.com");
    checks.check((1..=100).contains(&request.name.trim().chars().count()), "name", "a name takes 1 to 100 characters");
    let fault = password::fault(request.password.expose(), email);
    checks.check(fault.is_none(), "password", fault.unwrap_or_default());
    checks.finish()
}

/// One `@` with something on both sides, no blanks: the rest only a mail would show.
pub(in crate::routes) fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host))
}

/// The invitation that the sign-up comes with, if any.
async fn find_invitation(
    app: &App,
    request: &SignUpRequest,
    email: &str,
) -> ApiResult<Option<heddle_db::invitations::Invitation>> {
    let mut tx = app.db.routing().await?;
    let found = match &request.invitation {
        Some(code) => heddle_db::invitations::find(&mut *tx, &secret::hash(code.trim())).await?,
        None => None,
    };
    tx.commit().await?;
    match found {
        Some(invitation) if invitation.email == email => Ok(Some(invitation)),
        Some(_) => Err(ApiError::invalid("email", "this invitation is for another address")),
        None if request.invitation.is_some() => {
            Err(ApiError::invalid("invitation", "this invitation is not known, was used, or has ended"))
        }
        None => Ok(None),
    }
}

/// Before anything is hashed for somebody who may not come in anyway.
async fn refuse_closed(app: &App) -> ApiResult<()> {
    let mut tx = app.db.routing().await?;
    let closed = match app.config.signup {
        Signup::Open => false,
        Signup::FirstUser => users::exist(&mut *tx).await?,
        Signup::Invite => true,
    };
    tx.commit().await?;
    if closed { Err(invitation_needed()) } else { Ok(()) }
}

fn invitation_needed() -> ApiError {
    ApiError::forbidden("invitation-needed", "sign-up needs an invitation here; ask an owner for one")
}

/// Whether somebody without an invitation may come in. Of two who would be the first, the second waits here and is told.
async fn check_open(tx: &mut Tx, signup: Signup) -> ApiResult<()> {
    let is_open = match signup {
        Signup::Open => true,
        Signup::FirstUser => {
            users::lock_first(&mut **tx).await?;
            !users::exist(&mut **tx).await?
        }
        Signup::Invite => false,
    };
    if is_open {
        return Ok(());
    }
    Err(invitation_needed())
}
