//! The REST API, under `/api/v3` as on Enterprise.

mod apps;
mod commits;
mod git_data;
mod issues;
mod pulls;
mod repositories;
mod users;

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{FromRequest, Path, Query, Request},
    http::{HeaderValue, StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, patch, post, put},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    Shared,
    error::{ApiError, ApiResult},
};

pub(crate) use git_data::decode;
pub(crate) use pulls::{MergeRequest, NewPull, merge};

/// `owner/name` from the path.
type RepositoryPath = Path<(String, String)>;
/// `owner/name` and one more segment or the rest.
type InRepository = Path<(String, String, String)>;
type Parameters = Query<HashMap<String, String>>;

pub(crate) fn router() -> Router<Shared> {
    let repository = Router::new()
        .route("/", get(repositories::show))
        .route("/installation", get(apps::of_repository))
        .route("/collaborators/{user}/permission", get(repositories::permission))
        .route("/branches/{*branch}", get(repositories::branch))
        .route("/commits", get(commits::list))
        .route("/commits/{*reference}", get(commits::show))
        .route("/compare/{*range}", get(commits::compare))
        .route("/git/ref/{*reference}", get(git_data::show_ref))
        .route("/git/refs", post(git_data::create_ref))
        .route("/git/refs/{*reference}", patch(git_data::update_ref).delete(git_data::delete_ref))
        .route("/git/blobs", post(git_data::create_blob))
        .route("/git/blobs/{sha}", get(git_data::show_blob))
        .route("/git/trees", post(git_data::create_tree))
        .route("/git/trees/{*sha}", get(git_data::show_tree))
        .route("/git/commits", post(git_data::create_commit))
        .route("/git/commits/{sha}", get(git_data::show_commit))
        .route("/pulls", get(pulls::list).post(pulls::create))
        .route("/pulls/{number}", get(pulls::show).patch(pulls::update))
        .route("/pulls/{number}/requested_reviewers", post(pulls::request_reviewers))
        .route("/pulls/{number}/merge", put(pulls::merge_route))
        .route("/pulls/{number}/files", get(pulls::files))
        .route("/pulls/{number}/commits", get(pulls::commits))
        .route("/issues/{number}", get(issues::show_issue))
        .route("/issues/{number}/labels", post(issues::add_labels))
        .route("/issues/{number}/comments", get(issues::list).post(issues::create))
        .route("/issues/comments/{id}", get(issues::show).patch(issues::update).delete(issues::delete));
    Router::new()
        .route("/app", get(apps::app))
        .route("/app/installations", get(apps::list))
        .route("/app/installations/{id}", get(apps::show))
        .route("/app/installations/{id}/access_tokens", post(apps::create_token))
        .route("/app/hook/config", get(apps::hook))
        .route("/app/hook/deliveries", get(apps::deliveries))
        .route("/app/hook/deliveries/{id}", get(apps::delivery))
        .route("/app/hook/deliveries/{id}/attempts", post(apps::redeliver))
        .route("/installation/repositories", get(apps::repositories))
        .route("/installation/token", axum::routing::delete(apps::revoke_token))
        .route("/user", get(users::me))
        .route("/user/installations", get(users::installations))
        .route("/user/installations/{id}/repositories", get(users::repositories))
        .nest("/repos/{owner}/{repo}", repository)
        .fallback(|| async { ApiError::not_found() })
}

/// A JSON body, with GitHub's words for a broken one.
pub(crate) struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
        let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "Problems parsing JSON"))?;
        serde_json::from_value(value)
            .map(Self)
            .map_err(|error| ApiError::unprocessable(format!("Invalid request.\n\n{error}")))
    }
}

/// One page of a list: how many, from where.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    /// 30 a page, 100 at most.
    /// <https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api>
    fn from(parameters: &HashMap<String, String>, usual: usize) -> Self {
        let number = |name: &str| parameters.get(name).and_then(|text| text.parse().ok());
        let size = number("per_page").unwrap_or(usual);
        Self { number: number("page").unwrap_or(1).max(1), size: size.clamp(1, usual.max(100)) }
    }

    fn cut<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip((self.number - 1) * self.size).take(self.size).collect()
    }

    /// The answer, with its `Link` header where there is another page.
    fn answer(self, shared: &Shared, uri: &Uri, total: usize, body: Value) -> Response {
        let last = total.div_ceil(self.size).max(1);
        let mut response = Json(body).into_response();
        let kept: Vec<&str> = uri
            .query()
            .into_iter()
            .flat_map(|q| q.split('&'))
            .filter(|p| !p.is_empty() && !p.starts_with("page="))
            .collect();
        let link = |number: usize, relation: &str| {
            let mut query = kept.clone();
            let page = format!("page={number}");
            query.push(&page);
            format!(
                "<{}{}?{}>; rel=\"{relation}\"",
                shared.at.api,
                uri.path().trim_start_matches("/api/v3"),
                query.join("&")
            )
        };
        let mut links = Vec::new();
        if self.number > 1 {
            links.extend([link(self.number - 1, "prev"), link(1, "first")]);
        }
        if self.number < last {
            links.extend([link(self.number + 1, "next"), link(last, "last")]);
        }
        if let (false, Ok(value)) = (links.is_empty(), HeaderValue::from_str(&links.join(", "))) {
            response.headers_mut().insert("link", value);
        }
        response
    }
}
