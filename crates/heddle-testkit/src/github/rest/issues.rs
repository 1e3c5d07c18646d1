//! Comments on pull requests, which are issues.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use chrono::Utc;
use serde::Deserialize;

use super::{Body, InRepository, Page, Parameters};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    model::{Comment, Level},
};

fn number(text: &str) -> ApiResult<u64> {
    text.parse().map_err(|_| ApiError::not_found())
}

/// `GET …/issues/{number}`: a pull request seen as an issue, which alone says who closed it.
pub(super) async fn show_issue(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, issue)): InRepository,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Read)?;
    let pull = repository.pulls.get(&number(&issue)?).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).issue(&repository, pull)).into_response())
}

/// `GET …/issues/{number}/comments`, oldest first.
pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, issue)): InRepository,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Read)?;
    let issue = number(&issue)?;
    if !repository.pulls.contains_key(&issue) {
        return Err(ApiError::not_found());
    }
    let page = Page::from(&parameters, 30);
    let all: Vec<&Comment> = repository.comments.values().filter(|c| c.number == issue).collect();
    let total = all.len();
    let bodies = shared.bodies(&state);
    Ok(page.answer(&shared, &uri, total, page.cut(all).into_iter().map(|c| bodies.comment(&repository, c)).collect()))
}

#[derive(Deserialize)]
pub(super) struct NewLabels {
    labels: Vec<String>,
}

/// `POST …/issues/{number}/labels`: all labels of it, those that are new to the repository too.
/// <https://docs.github.com/rest/issues/labels#add-labels-to-an-issue>
pub(super) async fn add_labels(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, issue)): InRepository,
    Body(new): Body<NewLabels>,
) -> ApiResult {
    let mut state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Write)?;
    if new.labels.iter().any(|label| label.is_empty() || label.chars().count() > 50) {
        return Err(ApiError::validation("Label", "invalid", Some("name"), None));
    }
    let stored = state.repositories.get_mut(&repository.id).ok_or_else(ApiError::not_found)?;
    let pull = stored.pulls.get_mut(&number(&issue)?).ok_or_else(ApiError::not_found)?;
    for label in new.labels {
        if !pull.labels.contains(&label) {
            pull.labels.push(label);
        }
    }
    let labels = pull.labels.clone();
    Ok(Json(shared.bodies(&state).labels(&repository, &labels)).into_response())
}

#[derive(Deserialize)]
pub(super) struct Text {
    body: String,
}

/// `POST …/issues/{number}/comments`
pub(super) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, issue)): InRepository,
    Body(text): Body<Text>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "pull_requests", Level::Write)?;
    let comment = shared.add_comment(repository.id, number(&issue)?, caller.login().unwrap_or_default(), text.body)?;
    let body = shared.bodies(&shared.state()).comment(&repository, &comment);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// `GET …/issues/comments/{id}`
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, id)): InRepository,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Read)?;
    let comment = repository.comments.get(&number(&id)?).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).comment(&repository, comment)).into_response())
}

/// `PATCH …/issues/comments/{id}`
pub(super) async fn update(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, id)): InRepository,
    Body(text): Body<Text>,
) -> ApiResult {
    let mut state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Write)?;
    let stored = state.repositories.get_mut(&repository.id).ok_or_else(ApiError::not_found)?;
    let comment = stored.comments.get_mut(&number(&id)?).ok_or_else(ApiError::not_found)?;
    comment.body = text.body;
    comment.updated_at = Utc::now();
    let comment = comment.clone();
    Ok(Json(shared.bodies(&state).comment(&repository, &comment)).into_response())
}

/// `DELETE …/issues/comments/{id}`
pub(super) async fn delete(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, id)): InRepository,
) -> ApiResult {
    let mut state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Write)?;
    let stored = state.repositories.get_mut(&repository.id).ok_or_else(ApiError::not_found)?;
    stored.comments.remove(&number(&id)?).ok_or_else(ApiError::not_found)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl Shared {
    /// Adds a comment to a pull request.
    pub(crate) fn add_comment(&self, repository: u64, number: u64, login: &str, body: String) -> ApiResult<Comment> {
        let mut state = self.state();
        let id = state.next_id();
        let stored = state.repositories.get_mut(&repository).ok_or_else(ApiError::not_found)?;
        if !stored.pulls.contains_key(&number) {
            return Err(ApiError::not_found());
        }
        let now = Utc::now();
        let comment = Comment { id, number, user: login.to_owned(), body, created_at: now, updated_at: now };
        stored.comments.insert(id, comment.clone());
        Ok(comment)
    }
}
