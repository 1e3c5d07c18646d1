//! The signed-in user, and the installations they may see.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{Page, Parameters};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    model::{Installation, State as Stored},
};

/// `GET /user`
pub(super) async fn me(State(shared): State<Shared>, caller: Caller) -> ApiResult {
    let Caller::User { login, .. } = &caller else { return Err(refused(&caller)) };
    let state = shared.state();
    let account = state.account(login).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).full_user(account)).into_response())
}

/// `GET /user/installations`: those of this App on accounts or repositories that the user has a right to.
/// <https://docs.github.com/rest/apps/installations#list-app-installations-accessible-to-the-user-access-token>
pub(super) async fn installations(
    State(shared): State<Shared>,
    caller: Caller,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let (login, app) = app_user(&caller)?;
    let page = Page::from(&parameters, 30);
    let state = shared.state();
    let visible: Vec<&Installation> =
        state.installations.values().filter(|i| i.app == app && sees(&state, login, i)).collect();
    let total = visible.len();
    let shown: Vec<_> = page.cut(visible).into_iter().map(|i| shared.bodies(&state).installation(i)).collect();
    Ok(page.answer(&shared, &uri, total, json!({"total_count": total, "installations": shown})))
}

/// `GET /user/installations/{id}/repositories`: those that both the installation and the user may reach.
/// <https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-user-access-token>
pub(super) async fn repositories(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<u64>,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult<Response> {
    let (login, app) = app_user(&caller)?;
    let page = Page::from(&parameters, 30);
    let state = shared.state();
    let installation = state.installations.get(&id).filter(|i| i.app == app && sees(&state, login, i));
    let installation = installation.ok_or_else(ApiError::not_found)?;
    let all: Vec<_> =
        state.covered(installation).into_iter().filter_map(|r| Some((r, state.role(login, r)?))).collect();
    let total = all.len();
    let bodies = shared.bodies(&state);
    let shown: Vec<_> = page.cut(all).into_iter().map(|(r, role)| bodies.repository(r, Some(role))).collect();
    Ok(page.answer(&shared, &uri, total, json!({"total_count": total, "repositories": shown})))
}

fn sees(state: &Stored, login: &str, installation: &Installation) -> bool {
    let own = installation.account.eq_ignore_ascii_case(login)
        || state.account(&installation.account).is_some_and(|account| account.owners.contains(login));
    own || state.covered(installation).into_iter().any(|r| r.collaborators.contains_key(login))
}

fn app_user(caller: &Caller) -> ApiResult<(&str, u64)> {
    match caller {
        Caller::User { login, app: Some(app) } => Ok((login, *app)),
        Caller::User { app: None, .. } => {
            let words =
                "You must authenticate with an access token authorized to a GitHub App in order to list installations";
            Err(ApiError::new(StatusCode::FORBIDDEN, words))
        }
        other => Err(refused(other)),
    }
}

fn refused(caller: &Caller) -> ApiError {
    match caller {
        Caller::Anonymous => ApiError::new(StatusCode::UNAUTHORIZED, "Requires authentication"),
        _ => ApiError::forbidden(),
    }
}
