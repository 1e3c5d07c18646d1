//! The Git database: blobs, trees, commits, references.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, InRepository, Parameters, RepositoryPath};
use crate::github::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    git::{Signature, ZERO},
    model::{Level, PULL_REQUEST_ONLY, signature},
    moves::Move,
};

/// `GET …/git/ref/{ref}`
pub(super) async fn show_ref(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, reference)): InRepository,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let reference = format!("refs/{reference}");
    let sha = repository.git.resolve(&reference).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&shared.state()).reference(&repository, &reference, &sha)).into_response())
}

#[derive(Deserialize)]
pub(super) struct NewRef {
    #[serde(rename = "ref")]
    reference: String,
    sha: String,
}

/// `POST …/git/refs`: 422 when it exists or the commit does not.
/// <https://docs.github.com/rest/git/refs#create-a-reference>
pub(super) async fn create_ref(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    Body(new): Body<NewRef>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    if !new.reference.starts_with("refs/") || new.reference.matches('/').count() < 2 {
        return Err(ApiError::unprocessable("Reference name must start with 'refs/' and have at least two slashes"));
    }
    if repository.git.find(&new.sha, "commit").await?.is_none() {
        return Err(ApiError::unprocessable("Object does not exist"));
    }
    let _moving = repository.moving.lock().await;
    let update = (new.reference.clone(), new.sha.clone(), Some(ZERO.to_owned()));
    if !repository.git.update_refs(&[update]).await? {
        return Err(ApiError::unprocessable("Reference already exists"));
    }
    let moved = Move { reference: new.reference.clone(), before: ZERO.into(), after: new.sha.clone() };
    shared.follow(&repository, &[moved], caller.login().unwrap_or_default()).await?;
    let body = shared.bodies(&shared.state()).reference(&repository, &new.reference, &new.sha);
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

#[derive(Deserialize)]
pub(super) struct RefUpdate {
    sha: String,
    #[serde(default)]
    force: bool,
}

/// `PATCH …/git/refs/{ref}`: without `force` only forward.
/// <https://docs.github.com/rest/git/refs#update-a-reference>
pub(super) async fn update_ref(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, reference)): InRepository,
    Body(update): Body<RefUpdate>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let git = &repository.git;
    let reference = format!("refs/{reference}");
    let _moving = repository.moving.lock().await;
    let Some(before) = git.resolve(&reference).await? else {
        return Err(ApiError::unprocessable("Reference does not exist"));
    };
    if git.find(&update.sha, "commit").await?.is_none() {
        return Err(ApiError::unprocessable("Object does not exist"));
    }
    if repository.is_protected(&reference) {
        return Err(ApiError::unprocessable(PULL_REQUEST_ONLY));
    }
    if !update.force && !git.is_ancestor(&before, &update.sha).await? {
        return Err(ApiError::unprocessable("Update is not a fast forward"));
    }
    git.update_refs(&[(reference.clone(), update.sha.clone(), Some(before.clone()))]).await?;
    if before != update.sha {
        let moved = Move { reference: reference.clone(), before, after: update.sha.clone() };
        shared.follow(&repository, &[moved], caller.login().unwrap_or_default()).await?;
    }
    Ok(Json(shared.bodies(&shared.state()).reference(&repository, &reference, &update.sha)).into_response())
}

/// `DELETE …/git/refs/{ref}`
pub(super) async fn delete_ref(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, reference)): InRepository,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let reference = format!("refs/{reference}");
    let _moving = repository.moving.lock().await;
    let Some(before) = repository.git.resolve(&reference).await? else {
        return Err(ApiError::unprocessable("Reference does not exist"));
    };
    repository.git.update_refs(&[(reference.clone(), ZERO.to_owned(), Some(before.clone()))]).await?;
    let moved = Move { reference, before, after: ZERO.into() };
    shared.follow(&repository, &[moved], caller.login().unwrap_or_default()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
pub(super) struct NewBlob {
    content: String,
    #[serde(default)]
    encoding: Option<String>,
}

/// `POST …/git/blobs`
pub(super) async fn create_blob(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    Body(new): Body<NewBlob>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let content = match new.encoding.as_deref() {
        Some("base64") => decode(&new.content).ok_or_else(|| ApiError::unprocessable("content is not valid Base64"))?,
        _ => new.content.into_bytes(),
    };
    let sha = repository.git.write_blobs(&[&content]).await?.remove(0);
    let url = format!("{}/repos/{}/git/blobs/{sha}", shared.at.api, repository.full_name());
    Ok((StatusCode::CREATED, Json(json!({"sha": sha, "url": url}))).into_response())
}

/// `GET …/git/blobs/{sha}`
pub(super) async fn show_blob(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, sha)): InRepository,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let sha = repository.git.find(&sha, "blob").await?.ok_or_else(ApiError::not_found)?;
    let content = repository.git.read_blob(&sha).await?;
    Ok(Json(json!({
        "sha": sha, "node_id": format!("B_{sha}"), "size": content.len(), "encoding": "base64", "content": STANDARD.encode(content),
        "url": format!("{}/repos/{}/git/blobs/{sha}", shared.at.api, repository.full_name()),
    }))
    .into_response())
}

#[derive(Deserialize)]
pub(super) struct NewTree {
    base_tree: Option<String>,
    tree: Vec<NewEntry>,
}

#[derive(Deserialize)]
struct NewEntry {
    path: String,
    mode: String,
    #[serde(default, deserialize_with = "present")]
    sha: Option<Option<String>>,
    content: Option<String>,
}

/// Tells `"sha": null`, which deletes, from no `sha`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `POST …/git/trees`
/// <https://docs.github.com/rest/git/trees#create-a-tree>
pub(super) async fn create_tree(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    Body(new): Body<NewTree>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let git = &repository.git;
    let base = match &new.base_tree {
        Some(base) => Some(
            git.find(base, "tree").await?.ok_or_else(|| ApiError::unprocessable("base_tree is not a valid tree"))?,
        ),
        None => None,
    };
    let mut edits = Vec::new();
    for entry in new.tree {
        if !["100644", "100755", "120000", "160000"].contains(&entry.mode.as_str()) {
            return Err(ApiError::unprocessable("Must supply a valid tree.mode"));
        }
        let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part != ".git";
        if !entry.path.split('/').all(plain) {
            return Err(ApiError::unprocessable("tree.path contains a malformed path component"));
        }
        let object = match (entry.sha, entry.content) {
            (Some(None), _) => None,
            (Some(Some(sha)), _) => Some((entry.mode, sha)),
            (None, content) => {
                let content =
                    content.ok_or_else(|| ApiError::unprocessable("Must supply either tree.sha or tree.content"))?;
                Some((entry.mode, git.write_blobs(&[content.as_bytes()]).await?.remove(0)))
            }
        };
        edits.push((entry.path, object));
    }
    let tree =
        git.write_tree(base.as_deref(), &edits).await.map_err(|_| ApiError::unprocessable("GitRPC::BadObjectState"))?;
    Ok((StatusCode::CREATED, Json(tree_body(&shared, &repository, &tree, false).await?)).into_response())
}

/// `GET …/git/trees/{sha}`
pub(super) async fn show_tree(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, sha)): InRepository,
    Query(parameters): Parameters,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let tree = repository.git.find(&sha, "tree").await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(tree_body(&shared, &repository, &tree, parameters.contains_key("recursive")).await?).into_response())
}

async fn tree_body(
    shared: &Shared,
    repository: &crate::github::model::Repository,
    tree: &str,
    recursive: bool,
) -> ApiResult<Value> {
    let git = format!("{}/repos/{}/git", shared.at.api, repository.full_name());
    let mut entries = Vec::new();
    for entry in repository.git.list_tree(tree, recursive).await? {
        let folder = if entry.kind == "tree" { "trees" } else { "blobs" };
        let mut body = json!({
            "path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha,
            "url": format!("{git}/{folder}/{}", entry.sha),
        });
        if entry.kind == "blob" {
            body["size"] = repository.git.read_blob(&entry.sha).await?.len().into();
        }
        entries.push(body);
    }
    Ok(json!({"sha": tree, "url": format!("{git}/trees/{tree}"), "tree": entries, "truncated": false}))
}

#[derive(Deserialize)]
pub(super) struct NewCommit {
    message: String,
    tree: String,
    #[serde(default)]
    parents: Vec<String>,
    author: Option<NewSignature>,
    committer: Option<NewSignature>,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct NewSignature {
    name: String,
    email: String,
    date: Option<DateTime<Utc>>,
}

/// `POST …/git/commits`: GitHub signs for a bot that names no author, committer or signature.
/// <https://docs.github.com/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>
pub(super) async fn create_commit(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name)): RepositoryPath,
    Body(new): Body<NewCommit>,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Write)?;
    let git = &repository.git;
    let tree = git.find(&new.tree, "tree").await?.ok_or_else(|| ApiError::unprocessable("Tree SHA does not exist"))?;
    for parent in &new.parents {
        if git.find(parent, "commit").await?.is_none() {
            return Err(ApiError::unprocessable("Parent SHA does not exist or is not a commit object"));
        }
    }
    let signs = caller.is_bot() && new.author.is_none() && new.committer.is_none() && new.signature.is_none();
    let now = Utc::now();
    let own = shared.signature_of(caller.login().unwrap_or_default(), now)?;
    let given = |s: NewSignature| Signature { name: s.name, email: s.email, at: s.date.unwrap_or(now) };
    let author = new.author.map_or(own, given);
    let committer = new.committer.map(given);
    let committer = committer.unwrap_or_else(|| if signs { shared.web_flow(now) } else { author.clone() });
    let sha = git.write_commit(&tree, &new.parents, &author, &committer, &new.message).await?;
    let commit = git.commit(&sha).await?;
    let mut state = shared.state();
    let stored = state.repositories.get_mut(&repository.id).ok_or_else(ApiError::not_found)?;
    if signs {
        stored.signed.insert(sha);
    }
    let stored = stored.clone();
    Ok((StatusCode::CREATED, Json(shared.bodies(&state).git_commit(&stored, &commit))).into_response())
}

/// `GET …/git/commits/{sha}`
pub(super) async fn show_commit(
    State(shared): State<Shared>,
    caller: Caller,
    Path((owner, name, sha)): InRepository,
) -> ApiResult {
    let repository = caller.need(&shared.state(), &format!("{owner}/{name}"), "contents", Level::Read)?;
    let sha = repository.git.find(&sha, "commit").await?.ok_or_else(ApiError::not_found)?;
    let commit = repository.git.commit(&sha).await?;
    let state = shared.state();
    let stored = state.repositories.get(&repository.id).ok_or_else(ApiError::not_found)?;
    Ok(Json(shared.bodies(&state).git_commit(stored, &commit)).into_response())
}

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.bytes().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<u8>>()).ok()
}

/// Signs as an account.
impl Shared {
    pub(crate) fn signature_of(&self, login: &str, at: DateTime<Utc>) -> ApiResult<Signature> {
        self.state().account(login).map(|account| signature(account, at)).ok_or_else(ApiError::forbidden)
    }

    /// Who commits what is made on the web or by the API.
    pub(crate) fn web_flow(&self, at: DateTime<Utc>) -> Signature {
        Signature { name: "GitHub".into(), email: "noreply@github.com".into(), at }
    }
}
