//! Commits and comparisons.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use serde_json::{Value, json};

use super::{InRepository, Page, Parameters, RepositoryPath};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    git::Git,
    model::Level,
};

/// The most commits that a comparison shows, and the most files.
/// <https://docs.github.com/rest/commits/commits#compare-two-commits>
const COMPARED_COMMITS: usize = 250;
const COMPARED_FILES: usize = 300;

/// `GET /repos/{owner}/{repo}/commits`: everything that `sha` reaches, newest first.
pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let page = Page::from(&parameters, 30);
    let start = parameters.get("sha").unwrap_or(&repository.default_branch);
    let Some(head) = commit_named(&repository.git, start).await? else {
        let empty = repository.git.refs("refs/heads").await?.is_empty();
        let gone = ApiError::new(StatusCode::CONFLICT, "Git Repository is empty.");
        return Err(if empty { gone } else { ApiError::not_found() });
    };
    let total = usize::try_from(repository.git.count(&[&head]).await?).unwrap_or(usize::MAX);
    let (skip, take) = (format!("--skip={}", (page.number - 1) * page.size), format!("-{}", page.size));
    let commits = repository.git.log(&[&head], &[&skip, &take]).await?;
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let repository = state.repositories.get(&repository.id).ok_or_else(ApiError::not_found)?;
    Ok(page.answer(&shared, &uri, total, commits.iter().map(|c| bodies.commit(repository, c)).collect()))
}

/// `GET /repos/{owner}/{repo}/commits/{ref}`
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, reference)): InRepository,
) -> ApiResult {
    // A branch may have slashes in its name, so that this one route takes all that begins like it.
    if let Some(sha) = reference.strip_suffix("/pulls") {
        return pulls(&shared, &caller, &format!("{owner}/{name}"), sha).await;
    }
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let git = &repository.git;
    let Some(sha) = commit_named(git, &reference).await? else {
        return Err(ApiError::unprocessable(format!("No commit found for SHA: {reference}")));
    };
    let commit = git.commit(&sha).await?;
    let files = match commit.parents.first() {
        Some(parent) => git.diff(parent, &sha).await?,
        None => Vec::new(),
    };
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let stored = state.repositories.get(&repository.id).ok_or_else(ApiError::not_found)?;
    let mut body = bodies.commit(stored, &commit);
    let (additions, deletions) = files.iter().fold((0, 0), |(a, d), f| (a + f.additions, d + f.deletions));
    body["stats"] = json!({"additions": additions, "deletions": deletions, "total": additions + deletions});
    body["files"] = files.iter().map(|f| bodies.file(stored, &sha, f)).collect();
    Ok(Json(body).into_response())
}

/// `GET /repos/{owner}/{repo}/commits/{sha}/pulls`: the merged pull request that brought a commit to the default branch; of
/// another commit those that are open or merged with it.
/// <https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit>
async fn pulls(shared: &Shared, caller: &Caller, full_name: &str, sha: &str) -> ApiResult {
    let repository = caller.need(&shared.state(), full_name, "pull_requests", Level::Read)?;
    let git = &repository.git;
    let Some(sha) = commit_named(git, sha).await? else {
        return Err(ApiError::unprocessable(format!("No commit found for SHA: {sha}")));
    };
    let on_default = match git.resolve(&format!("refs/heads/{}", repository.default_branch)).await? {
        Some(head) => git.is_ancestor(&sha, &head).await?,
        None => false,
    };
    let mut bringing = Vec::new();
    for pull in repository.pulls.values() {
        let commits = git.log(&[&format!("{}..{}", pull.base_sha, pull.head_sha)], &[]).await?;
        let is_merge = pull.merged.as_ref().is_some_and(|merge| merge.sha == sha);
        let has_it = is_merge || commits.iter().any(|commit| commit.sha == sha);
        if has_it && (pull.merged.is_some() || (pull.is_open() && !on_default)) {
            bringing.push(pull);
        }
    }
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let shown: Vec<Value> = bringing.into_iter().map(|pull| bodies.pull(&repository, pull, None)).collect();
    Ok(Json(Value::from(shown)).into_response())
}

/// `GET /repos/{owner}/{repo}/compare/{base}...{head}`: commits oldest first, files on the first page.
pub(super) async fn compare(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, range)): InRepository,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let git = &repository.git;
    let (base, head) = range.split_once("...").ok_or_else(ApiError::not_found)?;
    let base = commit_named(git, base).await?.ok_or_else(ApiError::not_found)?;
    let head = commit_named(git, head).await?.ok_or_else(ApiError::not_found)?;
    let merge_base = git.merge_base(&base, &head).await?.ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, format!("No common ancestor between {base} and {head}."))
    })?;
    let ahead = git.log(&[&format!("{base}..{head}")], &["--reverse", "--topo-order"]).await?;
    let behind = git.count(&[&format!("{head}..{base}")]).await?;
    let page = Page::from(&parameters, COMPARED_COMMITS);
    let files = if page.number == 1 { git.diff(&merge_base, &head).await? } else { Vec::new() };
    let (base_commit, merge_base_commit) = (git.commit(&base).await?, git.commit(&merge_base).await?);

    let total = ahead.len();
    let status = match (total, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let stored = state.repositories.get(&repository.id).ok_or_else(ApiError::not_found)?;
    let html = format!("{}/{}/compare/{base}...{head}", shared.at.pages, repository.full_name());
    let files: Vec<Value> = files.iter().take(COMPARED_FILES).map(|f| bodies.file(stored, &head, f)).collect();
    let commits: Vec<Value> = page.cut(ahead).iter().map(|c| bodies.commit(stored, c)).collect();
    let body = json!({
        "url": format!("{}/repos/{}/compare/{base}...{head}", shared.at.api, repository.full_name()),
        "html_url": html, "permalink_url": html, "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
        "base_commit": bodies.commit(stored, &base_commit), "merge_base_commit": bodies.commit(stored, &merge_base_commit),
        "status": status, "ahead_by": total, "behind_by": behind, "total_commits": total, "commits": commits, "files": files,
    });
    Ok(page.answer(&shared, &uri, total, body))
}

/// A commit by branch, full reference or id, in GitHub's order.
pub(super) async fn commit_named(git: &Git, name: &str) -> ApiResult<Option<String>> {
    let name = name.strip_prefix("refs/").unwrap_or(name);
    for reference in [format!("refs/heads/{name}"), format!("refs/{name}")] {
        if let Some(sha) = git.resolve(&reference).await? {
            return Ok(Some(sha));
        }
    }
    let is_id = name.len() >= 7 && name.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(if is_id { git.find(name, "commit").await? } else { None })
}
