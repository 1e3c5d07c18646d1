//! API tokens of the asker.

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use heddle_db::{audit, organizations, tokens};
use heddle_wire::{
    secret::WireSecret,
    view::{CreateToken, TokenCreated, TokenView},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    permission::{Permission, parse_role, role_word},
    principal::Person,
    problem::{ApiError, ApiResult, FieldChecks},
    quotas,
    secret::{self, Purpose},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Session, routes!(list_tokens))
        .add(Permission::Session, routes!(create_token))
        .add(Permission::Session, routes!(delete_token))
}

/// The asker's own API tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "accounts", responses((status = 200, body = Vec<TokenView>)))]
async fn list_tokens(app: App, person: Person) -> ApiResult<Json<Vec<TokenView>>> {
    let mut tx = app.db.user(person.user).await?;
    let found = tokens::list(&mut *tx, person.user).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(view_token).collect::<ApiResult<_>>()?))
}

/// Makes an API token; its text is shown this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "accounts", request_body = CreateToken,
    responses((status = 201, body = TokenCreated))
)]
async fn create_token(
    app: App,
    person: Person,
    Json(request): Json<CreateToken>,
) -> ApiResult<(StatusCode, Json<TokenCreated>)> {
    let mut checks = FieldChecks::default();
    let name = request.name.trim().to_owned();
    checks.check((1..=100).contains(&name.chars().count()), "name", "a name takes 1 to 100 characters");
    checks.check((1..=365).contains(&request.expires_in_days), "expires_in_days", "a token lives 1 to 365 days");
    checks.finish()?;
    let mut tx = app.db.member(request.organization, person.user).await?;
    let membership = organizations::find_membership(&mut *tx, request.organization, person.user)
        .await?
        .ok_or_else(|| ApiError::invalid("organization", "you belong to no such organization"))?;
    if parse_role(&membership.role)? < request.role {
        return Err(ApiError::invalid("role", "a token may not do more than you may"));
    }
    let turn = quotas::TOKENS.take_turn(&mut tx, person.user.0).await?;
    turn.refuse_more(tokens::list(&mut *tx, person.user).await?.len())?;
    let text = secret::generate(Purpose::ApiToken)?;
    let now = Utc::now();
    let token = tokens::Token {
        id: Uuid::now_v7(),
        name,
        organization: request.organization,
        role: role_word(request.role).to_owned(),
        created_at: now,
        expires_at: now + Duration::days(request.expires_in_days.into()),
        last_used_at: None,
    };
    tokens::insert(&mut *tx, &token, person.user, &secret::hash(text.expose_secret())).await?;
    let details = json!({ "role": token.role, "expires_at": token.expires_at });
    audit::record(&mut *tx, Some(request.organization), &person.author(), "token.create", &token.name, details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(TokenCreated { token: view_token(token)?, secret: WireSecret(text) })))
}

/// Ends one of the asker's own API tokens.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token}", tag = "accounts",
    params(("token" = Uuid, Path)), responses((status = 204))
)]
async fn delete_token(app: App, person: Person, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    let mut tx = app.db.user(person.user).await?;
    let known = tokens::list(&mut *tx, person.user).await?.into_iter().find(|token| token.id == id);
    tx.commit().await?;
    let token = known.ok_or_else(|| ApiError::not_found("you have no such token"))?;
    let mut tx = app.db.member(token.organization, person.user).await?;
    tokens::delete(&mut *tx, person.user, id).await?;
    audit::record(&mut *tx, Some(token.organization), &person.author(), "token.delete", &token.name, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view_token(token: tokens::Token) -> ApiResult<TokenView> {
    Ok(TokenView {
        id: token.id,
        name: token.name,
        organization: token.organization,
        role: parse_role(&token.role)?,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    })
}
