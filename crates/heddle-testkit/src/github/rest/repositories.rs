//! Repositories and branches.

use axum::{
    Json,
    extract::{Path, State},
    response::IntoResponse,
};
use serde_json::json;

use super::{InRepository, RepositoryPath};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    model::Level,
};

/// `GET /repos/{owner}/{repo}`
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "metadata", Level::Read)?;
    let role = match &caller {
        Caller::User { login, .. } => state.role(login, &repository),
        _ => None,
    };
    Ok(Json(shared.bodies(&state).full_repository(&repository, role)).into_response())
}

/// `GET /repos/{owner}/{repo}/branches/{branch}`
pub(super) async fn branch(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, branch)): InRepository,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let head = repository.git.resolve(&format!("refs/heads/{branch}")).await?;
    let head = head.ok_or_else(|| ApiError::new(axum::http::StatusCode::NOT_FOUND, "Branch not found"))?;
    let commit = repository.git.commit(&head).await?;
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let url = format!("{}/repos/{}/branches/{branch}", shared.at.api, repository.full_name());
    Ok(Json(json!({
        "name": branch, "commit": bodies.commit(&repository, &commit), "protected": false,
        "protection": {"enabled": false}, "protection_url": format!("{url}/protection"),
        "_links": {"self": url, "html": format!("{}/{}/tree/{branch}", shared.at.pages, repository.full_name())},
    }))
    .into_response())
}

/// `GET /repos/{owner}/{repo}/collaborators/{user}/permission`
pub(super) async fn permission(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, user)): InRepository,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "metadata", Level::Read)?;
    let account = state.account(&user).ok_or_else(ApiError::not_found)?;
    let role = state.role(&account.login, &repository);
    let word = role.map_or("none", Level::word);
    let mut body = shared.bodies(&state).user(&account.login);
    body["role_name"] = word.into();
    Ok(Json(json!({"permission": word, "role_name": word, "user": body})).into_response())
}
