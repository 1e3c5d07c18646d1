//! Apps, their installations, their tokens and their webhook deliveries.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{Body, Page, Parameters, RepositoryPath};
use crate::github::{
    Shared,
    auth::Caller,
    body::{instant, permissions},
    error::{ApiError, ApiResult},
    model::{Grant, Installation, Level, Permissions, Repository, State as Stored, Token},
    secret,
};

/// How long an installation's token lives.
/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);

fn app_of(caller: &Caller) -> ApiResult<u64> {
    match caller {
        Caller::App(id) => Ok(*id),
        _ => Err(ApiError::new(StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded")),
    }
}

/// `GET /app`
pub(super) async fn app(State(shared): State<Shared>, caller: Caller) -> ApiResult {
    let id = app_of(&caller)?;
    let state = shared.state();
    let app = state.apps.get(&id).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).app(app)).into_response())
}

/// `GET /app/installations`
pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let app = app_of(&caller)?;
    let page = Page::from(&parameters, 30);
    let state = shared.state();
    let all: Vec<&Installation> = state.installations.values().filter(|i| i.app == app).collect();
    let total = all.len();
    let bodies = shared.bodies(&state);
    Ok(page.answer(&shared, &uri, total, page.cut(all).into_iter().map(|i| bodies.installation(i)).collect()))
}

/// `GET /app/installations/{id}`
pub(super) async fn show(State(shared): State<Shared>, caller: Caller, Path(id): Path<u64>) -> ApiResult {
    let app = app_of(&caller)?;
    let state = shared.state();
    let installation = state.installations.get(&id).filter(|i| i.app == app).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).installation(installation)).into_response())
}

/// `GET /repos/{owner}/{repo}/installation`
pub(super) async fn of_repository(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
) -> ApiResult {
    let app = app_of(&caller)?;
    let state = shared.state();
    let repository = state.repository(&format!("{owner}/{name}")).ok_or_else(ApiError::not_found)?;
    let installation = state.installations.values().find(|i| i.app == app && state.covers(i, repository));
    Ok(Json(shared.bodies(&state).installation(installation.ok_or_else(ApiError::not_found)?)).into_response())
}

#[derive(Default, Deserialize)]
pub(super) struct TokenRequest {
    #[serde(default)]
    repositories: Vec<String>,
    #[serde(default)]
    repository_ids: Vec<u64>,
    permissions: Option<std::collections::BTreeMap<String, String>>,
}

/// `POST /app/installations/{id}/access_tokens`: narrowed to repositories and permissions where the caller asks.
/// <https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app>
pub(super) async fn create_token(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<u64>,
    Body(request): Body<TokenRequest>,
) -> ApiResult {
    let app = app_of(&caller)?;
    let mut state = shared.state();
    let installation = state.installations.get(&id).filter(|i| i.app == app).ok_or_else(ApiError::not_found)?.clone();
    if installation.suspended_at.is_some() {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "This installation has been suspended"));
    }
    let repositories = chosen(&state, &installation, &request)?;
    let granted = narrowed(&installation, request.permissions)?;
    // Tokens of this form are 520 characters long since 2026-04.
    let token = format!("ghs_{app}_{}.{}.{}", secret(60), secret(300), secret(150));
    let expires_at = Utc::now() + shared.token_life().unwrap_or(TOKEN_LIFE);
    let grant =
        Grant::Installation { installation: id, repositories: repositories.clone(), permissions: granted.clone() };
    state.tokens.insert(token.clone(), Token { grant, expires_at });
    let mut body = json!({
        "token": token, "expires_at": instant(expires_at), "permissions": permissions(&granted),
        "repository_selection": shared.bodies(&state).installation(&installation)["repository_selection"],
    });
    if let Some(ids) = repositories {
        body["repository_selection"] = "selected".into();
        let chosen = state.repositories.values().filter(|r| ids.contains(&r.id));
        body["repositories"] = chosen.map(|r| shared.bodies(&state).repository(r, None)).collect();
    }
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

fn chosen(state: &Stored, installation: &Installation, request: &TokenRequest) -> ApiResult<Option<BTreeSet<u64>>> {
    if request.repositories.is_empty() && request.repository_ids.is_empty() {
        return Ok(None);
    }
    let covered = state.covered(installation);
    let find = |test: &dyn Fn(&Repository) -> bool| covered.iter().find(|r| test(r)).map(|r| r.id);
    let by_name = request.repositories.iter().map(|name| find(&|r| r.name.eq_ignore_ascii_case(name)));
    let by_id = request.repository_ids.iter().map(|id| find(&|r| r.id == *id));
    by_name.chain(by_id).collect::<Option<BTreeSet<u64>>>().map(Some).ok_or_else(|| {
        ApiError::unprocessable(
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    })
}

fn narrowed(
    installation: &Installation,
    wanted: Option<std::collections::BTreeMap<String, String>>,
) -> ApiResult<Permissions> {
    let Some(wanted) = wanted else { return Ok(installation.permissions.clone()) };
    let mut granted = Permissions::new();
    for (name, level) in wanted {
        let level = Level::parse(&level).ok_or_else(|| ApiError::unprocessable("Invalid permission level"))?;
        if installation.permissions.get(&name).is_none_or(|own| *own < level) {
            return Err(ApiError::unprocessable("The permissions requested are not granted to this installation."));
        }
        granted.insert(name, level);
    }
    granted.insert("metadata".into(), Level::Read);
    Ok(granted)
}

/// `GET /installation/repositories`
pub(super) async fn repositories(
    State(shared): State<Shared>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let Caller::Installation { installation, repositories, .. } = &caller else { return Err(ApiError::forbidden()) };
    let page = Page::from(&parameters, 30);
    let state = shared.state();
    let mut all = state.covered(installation);
    all.retain(|r| repositories.as_ref().is_none_or(|ids| ids.contains(&r.id)));
    let total = all.len();
    let bodies = shared.bodies(&state);
    let shown: Vec<_> = page.cut(all).into_iter().map(|r| bodies.repository(r, None)).collect();
    let selection = bodies.installation(installation)["repository_selection"].clone();
    Ok(page.answer(
        &shared,
        &uri,
        total,
        json!({"total_count": total, "repository_selection": selection, "repositories": shown}),
    ))
}

/// `DELETE /installation/token`
pub(super) async fn revoke_token(State(shared): State<Shared>, caller: Caller, headers: HeaderMap) -> ApiResult {
    let Caller::Installation { .. } = caller else { return Err(ApiError::forbidden()) };
    let header = headers.get("authorization").and_then(|h| h.to_str().ok()).and_then(|h| h.split_once(' '));
    if let Some((_, token)) = header {
        shared.state().tokens.remove(token);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /app/hook/config`
pub(super) async fn hook(State(shared): State<Shared>, caller: Caller) -> ApiResult {
    let app = app_of(&caller)?;
    let state = shared.state();
    let app = state.apps.get(&app).ok_or_else(ApiError::not_found)?;
    let Some(url) = &app.webhook_url else { return Err(ApiError::not_found()) };
    let body = json!({"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": url});
    Ok(Json(body).into_response())
}

/// `GET /app/hook/deliveries`, newest first.
pub(super) async fn deliveries(
    State(shared): State<Shared>,
    caller: Caller,
    Query(parameters): Parameters,
) -> ApiResult {
    let app = app_of(&caller)?;
    let page = Page::from(&parameters, 30);
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let all: Vec<_> =
        state.deliveries.values().rev().filter(|d| d.app == app).map(|d| bodies.delivery(d, false)).collect();
    Ok(Json(page.cut(all)).into_response())
}

/// `GET /app/hook/deliveries/{id}`
pub(super) async fn delivery(State(shared): State<Shared>, caller: Caller, Path(id): Path<u64>) -> ApiResult {
    let app = app_of(&caller)?;
    let state = shared.state();
    let delivery = state.deliveries.get(&id).filter(|d| d.app == app).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).delivery(delivery, true)).into_response())
}

/// `POST /app/hook/deliveries/{id}/attempts`: the same delivery id, sent once more.
/// <https://docs.github.com/rest/apps/webhooks#redeliver-a-delivery-for-an-app-webhook>
pub(super) async fn redeliver(State(shared): State<Shared>, caller: Caller, Path(id): Path<u64>) -> ApiResult {
    let app = app_of(&caller)?;
    let mut state = shared.state();
    let mut again = state.deliveries.get(&id).filter(|d| d.app == app).ok_or_else(ApiError::not_found)?.clone();
    again.id = state.next_id();
    again.redelivery = true;
    let id = again.id;
    state.deliveries.insert(id, again);
    drop(state);
    shared.webhooks.send(id);
    Ok((StatusCode::ACCEPTED, Json(json!({}))).into_response())
}
