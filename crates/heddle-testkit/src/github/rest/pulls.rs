//! Pull requests within one repository.

use axum::{
    Json,
    extract::{OriginalUri, Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;

use super::{Body, InRepository, Page, Parameters, RepositoryPath};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    model::{Level, Merge, PullRequest, Repository},
    moves::Move,
};

/// `GET …/pulls`, newest first; `head` is `owner:branch`.
pub(super) async fn list(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let state = shared.state();
    let repository = caller.need(&state, &format!("{owner}/{name}"), "pull_requests", Level::Read)?;
    let wanted = parameters.get("state").map_or("open", String::as_str);
    let label = |branch: &str| format!("{}:{branch}", repository.owner);
    let fits = |pull: &&PullRequest| {
        (wanted == "all" || (wanted == "open") == pull.is_open())
            && parameters.get("head").is_none_or(|head| head.eq_ignore_ascii_case(&label(&pull.head)))
            && parameters.get("base").is_none_or(|base| *base == pull.base)
    };
    let page = Page::from(&parameters, 30);
    let all: Vec<&PullRequest> = repository.pulls.values().rev().filter(fits).collect();
    let total = all.len();
    let bodies = shared.bodies(&state);
    Ok(page.answer(
        &shared,
        &uri,
        total,
        page.cut(all).into_iter().map(|p| bodies.pull(&repository, p, None)).collect(),
    ))
}

#[derive(Deserialize)]
pub(crate) struct NewPull {
    pub title: String,
    pub head: String,
    pub base: String,
    pub body: Option<String>,
    #[serde(default)]
    pub draft: bool,
}

/// `POST …/pulls`: 422 on a duplicate, on a missing branch, and where there is nothing to merge.
/// <https://docs.github.com/rest/pulls/pulls#create-a-pull-request>
pub(super) async fn create(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    Body(new): Body<NewPull>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "pull_requests", Level::Write)?;
    let login = caller.login().unwrap_or_default();
    let number = shared.open_pull(&repository, new, login).await?;
    let body = shared.pull_body(&repository, number).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
pub(super) struct AskedReviewers {
    #[serde(default)]
    reviewers: Vec<String>,
    #[serde(default)]
    team_reviewers: Vec<String>,
}

/// `POST …/pulls/{number}/requested_reviewers`: who has no right of their own in the repository cannot be asked, and
/// neither can who opened it. There are no teams here, so each is unknown.
/// <https://docs.github.com/rest/pulls/review-requests#request-reviewers-for-a-pull-request>
pub(super) async fn request_reviewers(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
    Body(asked): Body<AskedReviewers>,
) -> ApiResult {
    let (repository, pull) = pull_of(&shared, &caller, &owner, &name, &number, Level::Write)?;
    let mut state = shared.state();
    let is_collaborator = |login: &String| {
        let own = repository.collaborators.contains_key(login);
        own || state.account(&repository.owner).is_some_and(|owner| owner.owners.contains(login))
    };
    if !asked.team_reviewers.is_empty() || !asked.reviewers.iter().all(is_collaborator) {
        return Err(ApiError::unprocessable(format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a \
             collaborator of the {} repository.",
            repository.full_name()
        )));
    }
    if asked.reviewers.contains(&pull.user) {
        return Err(ApiError::unprocessable("Review cannot be requested from pull request author."));
    }
    let stored = state.repositories.get_mut(&repository.id).and_then(|found| found.pulls.get_mut(&pull.number));
    let stored = stored.ok_or_else(ApiError::not_found)?;
    stored.reviewers.extend(asked.reviewers);
    let pull = stored.clone();
    Ok((StatusCode::CREATED, Json(shared.bodies(&state).pull(&repository, &pull, None))).into_response())
}

/// `GET …/pulls/{number}`
pub(super) async fn show(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
) -> ApiResult {
    let (repository, pull) = pull_of(&shared, &caller, &owner, &name, &number, Level::Read)?;
    Ok(Json(shared.pull_body(&repository, pull.number).await?).into_response())
}

#[derive(Deserialize)]
pub(super) struct Update {
    title: Option<String>,
    body: Option<String>,
    state: Option<String>,
    base: Option<String>,
}

/// `PATCH …/pulls/{number}`
/// <https://docs.github.com/rest/pulls/pulls#update-a-pull-request>
pub(super) async fn update(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
    Body(update): Body<Update>,
) -> ApiResult {
    let (repository, pull) = pull_of(&shared, &caller, &owner, &name, &number, Level::Write)?;
    let login = caller.login().unwrap_or_default();
    let action = match update.state.as_deref() {
        Some("closed") if pull.is_open() => Some("closed"),
        Some("open") if !pull.is_open() => Some("reopened"),
        None | Some("open" | "closed") => None,
        Some(_) => return Err(ApiError::validation("PullRequest", "invalid", Some("state"), None)),
    };
    if action == Some("reopened") {
        may_reopen(&repository, &pull).await?;
    }
    let edited = update.title.is_some() || update.body.is_some() || update.base.is_some();
    let base_sha = match &update.base {
        Some(base) => Some(head_of(&repository, base, "base").await?),
        None => None,
    };
    {
        let mut state = shared.state();
        let stored = state.repositories.get_mut(&repository.id).and_then(|r| r.pulls.get_mut(&pull.number));
        let stored = stored.ok_or_else(ApiError::not_found)?;
        stored.updated_at = Utc::now();
        stored.title = update.title.unwrap_or_else(|| stored.title.clone());
        stored.body = update.body.or_else(|| stored.body.clone());
        stored.base = update.base.unwrap_or_else(|| stored.base.clone());
        stored.base_sha = base_sha.unwrap_or_else(|| stored.base_sha.clone());
        match action {
            Some("closed") => (stored.closed_at, stored.closed_by) = (Some(Utc::now()), Some(login.to_owned())),
            Some("reopened") => (stored.closed_at, stored.closed_by) = (None, None),
            _ => {}
        }
    }
    if let Some(action) = action {
        shared.announce_pull(repository.id, pull.number, action, login, json!({})).await?;
    } else if edited {
        shared.announce_pull(repository.id, pull.number, "edited", login, json!({"changes": {}})).await?;
    }
    Ok(Json(shared.pull_body(&repository, pull.number).await?).into_response())
}

/// A merged pull request stays closed, and so does one whose branch is gone or was replaced.
async fn may_reopen(repository: &Repository, pull: &PullRequest) -> ApiResult<()> {
    let refuse = |words: &str| {
        let message = format!("state cannot be changed. {words}");
        Err(ApiError::validation("PullRequest", "invalid", Some("state"), Some(message)))
    };
    let head = repository.git.resolve(&format!("refs/heads/{}", pull.head)).await?;
    match head {
        _ if pull.merged.is_some() => refuse("The pull request cannot be reopened."),
        None => refuse(&format!("The {} branch has been deleted.", pull.head)),
        Some(head) if head != pull.head_sha => {
            refuse(&format!("The {} branch was force-pushed or recreated.", pull.head))
        }
        Some(head) if repository.git.is_ancestor(&head, &pull.base_sha).await? => {
            refuse(&format!("There are no new commits on the {} branch.", pull.head))
        }
        Some(_) => Ok(()),
    }
}

#[derive(Default, Deserialize)]
pub(crate) struct MergeRequest {
    pub commit_title: Option<String>,
    pub commit_message: Option<String>,
    pub sha: Option<String>,
    pub merge_method: Option<String>,
}

/// `PUT …/pulls/{number}/merge`
pub(super) async fn merge_route(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
    Body(request): Body<MergeRequest>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let number = number.parse().map_err(|_| ApiError::not_found())?;
    let sha = merge(&shared, &repository, number, caller.login().unwrap_or_default(), request).await?;
    Ok(Json(json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"})).into_response())
}

/// Merges: 405 when it cannot be, 409 when the head is not the one that was looked at.
/// <https://docs.github.com/rest/pulls/pulls#merge-a-pull-request>
pub(crate) async fn merge(
    shared: &Shared,
    repository: &Repository,
    number: u64,
    login: &str,
    request: MergeRequest,
) -> ApiResult<String> {
    let git = &repository.git;
    let _moving = repository.moving.lock().await;
    let pull = {
        let state = shared.state();
        let stored = state.repositories.get(&repository.id).and_then(|r| r.pulls.get(&number));
        stored.ok_or_else(ApiError::not_found)?.clone()
    };
    let not_mergeable = || ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Pull Request is not mergeable");
    if !pull.is_open() || pull.draft {
        return Err(not_mergeable());
    }
    if request.sha.as_ref().is_some_and(|sha| *sha != pull.head_sha) {
        return Err(ApiError::new(StatusCode::CONFLICT, "Head branch was modified. Review and try the merge again."));
    }
    let tree = git.merge_tree(&pull.base_sha, &pull.head_sha).await?.ok_or_else(not_mergeable)?;
    let now = Utc::now();
    let author = shared.signature_of(login, now)?;
    let (parents, title, message) = match request.merge_method.as_deref() {
        None | Some("merge") => (
            vec![pull.base_sha.clone(), pull.head_sha.clone()],
            format!("Merge pull request #{number} from {}/{}", repository.owner, pull.head),
            pull.title.clone(),
        ),
        Some("squash") => {
            let commits = git.log(&[&format!("{}..{}", pull.base_sha, pull.head_sha)], &["--reverse"]).await?;
            let messages: Vec<&str> = commits.iter().map(|c| c.message.as_str()).collect();
            (vec![pull.base_sha.clone()], format!("{} (#{number})", pull.title), messages.join("\n\n"))
        }
        Some(_) => {
            return Err(ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "Rebase merges are not allowed on this repository.",
            ));
        }
    };
    let (title, message) = (request.commit_title.unwrap_or(title), request.commit_message.unwrap_or(message));
    let sha =
        git.write_commit(&tree, &parents, &author, &shared.web_flow(now), &format!("{title}\n\n{message}\n")).await?;
    let reference = format!("refs/heads/{}", pull.base);
    if !git.update_refs(&[(reference.clone(), sha.clone(), Some(pull.base_sha.clone()))]).await? {
        return Err(ApiError::new(StatusCode::CONFLICT, "Base branch was modified. Review and try the merge again."));
    }
    {
        let mut state = shared.state();
        if let Some(stored) = state.repositories.get_mut(&repository.id) {
            stored.signed.insert(sha.clone());
            if let Some(pull) = stored.pulls.get_mut(&number) {
                pull.merged = Some(Merge { sha: sha.clone(), by: login.to_owned(), at: now });
                (pull.closed_at, pull.closed_by, pull.updated_at) = (Some(now), Some(login.to_owned()), now);
            }
        }
    }
    let moved = Move { reference, before: pull.base_sha, after: sha.clone() };
    shared.follow(repository, &[moved], login).await?;
    shared.announce_pull(repository.id, number, "closed", login, json!({})).await?;
    Ok(sha)
}

/// `GET …/pulls/{number}/files`
pub(super) async fn files(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let (repository, pull) = pull_of(&shared, &caller, &owner, &name, &number, Level::Read)?;
    let facts = shared.pull_facts(repository.id, pull.number).await?;
    let page = Page::from(&parameters, 30);
    let total = facts.files.len();
    let state = shared.state();
    let bodies = shared.bodies(&state);
    let shown = page.cut(facts.files).iter().map(|f| bodies.file(&repository, &pull.head_sha, f)).collect();
    Ok(page.answer(&shared, &uri, total, shown))
}

/// `GET …/pulls/{number}/commits`, oldest first.
pub(super) async fn commits(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, number)): InRepository,
    OriginalUri(uri): OriginalUri,
    Query(parameters): Parameters,
) -> ApiResult {
    let (repository, pull) = pull_of(&shared, &caller, &owner, &name, &number, Level::Read)?;
    let range = format!("{}..{}", pull.base_sha, pull.head_sha);
    let all = repository.git.log(&[&range], &["--reverse", "--topo-order"]).await?;
    let page = Page::from(&parameters, 30);
    let total = all.len();
    let state = shared.state();
    let bodies = shared.bodies(&state);
    Ok(page.answer(&shared, &uri, total, page.cut(all).iter().map(|c| bodies.commit(&repository, c)).collect()))
}

fn pull_of(
    shared: &Shared,
    caller: &Caller,
    owner: &str,
    name: &str,
    number: &str,
    level: Level,
) -> ApiResult<(Repository, PullRequest)> {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "pull_requests", level)?;
    let number: u64 = number.parse().map_err(|_| ApiError::not_found())?;
    let pull = repository.pulls.get(&number).ok_or_else(ApiError::not_found)?.clone();
    Ok((repository, pull))
}

async fn head_of(repository: &Repository, branch: &str, field: &str) -> ApiResult<String> {
    let head = repository.git.resolve(&format!("refs/heads/{branch}")).await?;
    head.ok_or_else(|| ApiError::validation("PullRequest", "invalid", Some(field), None))
}

impl Shared {
    /// Opens a pull request; answers its number.
    pub(crate) async fn open_pull(&self, repository: &Repository, new: NewPull, login: &str) -> ApiResult<u64> {
        let _moving = repository.moving.lock().await;
        let head = match new.head.split_once(':') {
            Some((owner, branch)) if owner.eq_ignore_ascii_case(&repository.owner) => branch.to_owned(),
            Some(_) => return Err(ApiError::validation("PullRequest", "invalid", Some("head"), None)),
            None => new.head,
        };
        let head_sha = head_of(repository, &head, "head").await?;
        let base_sha = head_of(repository, &new.base, "base").await?;
        let custom = |message: String| ApiError::validation("PullRequest", "custom", None, Some(message));
        if repository.git.is_ancestor(&head_sha, &base_sha).await? {
            return Err(custom(format!("No commits between {} and {head}", new.base)));
        }
        let number = {
            let mut state = self.state();
            let id = state.next_id();
            let stored = state.repositories.get_mut(&repository.id).ok_or_else(ApiError::not_found)?;
            if stored.pulls.values().any(|p| p.is_open() && p.head == head && p.base == new.base) {
                return Err(custom(format!("A pull request already exists for {}:{head}.", stored.owner)));
            }
            stored.next_number += 1;
            let (number, now) = (stored.next_number, Utc::now());
            let pull = PullRequest {
                id,
                number,
                title: new.title,
                body: new.body,
                user: login.to_owned(),
                head,
                head_sha: head_sha.clone(),
                base: new.base,
                base_sha,
                draft: new.draft,
                labels: Vec::new(),
                reviewers: Vec::new(),
                closed_at: None,
                closed_by: None,
                merged: None,
                created_at: now,
                updated_at: now,
            };
            stored.pulls.insert(number, pull);
            number
        };
        repository.git.update_refs(&[(format!("refs/pull/{number}/head"), head_sha, None)]).await?;
        self.announce_pull(repository.id, number, "opened", login, json!({})).await?;
        Ok(number)
    }

    pub(crate) async fn pull_body(&self, repository: &Repository, number: u64) -> ApiResult<serde_json::Value> {
        let facts = self.pull_facts(repository.id, number).await?;
        let state = self.state();
        let stored = state.repositories.get(&repository.id).ok_or_else(ApiError::not_found)?;
        let pull = stored.pulls.get(&number).ok_or_else(ApiError::not_found)?;
        Ok(self.bodies(&state).pull(stored, pull, Some(&facts)))
    }
}
