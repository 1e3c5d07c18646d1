//! `createCommitOnBranch` and `updateRefs`.

use chrono::Utc;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{GraphError, GraphResult};
use crate::github::{
    Shared,
    auth::Caller,
    body::instant,
    error::ApiError,
    git::ZERO,
    model::{Level, PULL_REQUEST_ONLY, Repository},
    moves::Move,
    rest::decode,
};

fn input<T: DeserializeOwned>(value: &Value) -> GraphResult<T> {
    serde_json::from_value(value.clone()).map_err(|error| {
        GraphError::new("argumentLiteralsIncompatible", format!("Variable $input was provided invalid value: {error}"))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CommitInput {
    branch: BranchInput,
    expected_head_oid: String,
    message: MessageInput,
    #[serde(default)]
    file_changes: FileChanges,
    client_mutation_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BranchInput {
    repository_name_with_owner: String,
    branch_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageInput {
    headline: String,
    body: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileChanges {
    #[serde(default)]
    additions: Vec<Addition>,
    #[serde(default)]
    deletions: Vec<Deletion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Addition {
    path: String,
    contents: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deletion {
    path: String,
}

/// One signed commit on a branch that must be where the caller thinks it is. Every added file gets mode 100644.
/// <https://docs.github.com/graphql/reference/mutations#createcommitonbranch>
pub(super) async fn create_commit_on_branch(shared: &Shared, caller: &Caller, arguments: &Value) -> GraphResult {
    let input: CommitInput = input(arguments)?;
    let name = &input.branch.repository_name_with_owner;
    let repository = writable(shared, caller, |state| state.repository(name).map(Repository::full_name))?;
    let git = &repository.git;
    let reference = format!("refs/heads/{}", input.branch.branch_name);
    let _moving = repository.moving.lock().await;
    let Some(head) = git.resolve(&reference).await? else {
        let words = format!("Could not resolve to a Ref with the name '{}'.", input.branch.branch_name);
        return Err(GraphError::new("NOT_FOUND", words));
    };
    if head != input.expected_head_oid {
        let words =
            format!("Expected branch to point to \"{}\" but it did not. Pull and try again.", input.expected_head_oid);
        return Err(GraphError::new("STALE_DATA", words));
    }
    check_rules(&repository, &reference)?;
    let mut contents = Vec::new();
    for addition in &input.file_changes.additions {
        contents.push(decode(&addition.contents).ok_or_else(|| {
            GraphError::new("UNPROCESSABLE", format!("A file's contents are not valid Base64: {}", addition.path))
        })?);
    }
    let blobs = git.write_blobs(&contents.iter().map(Vec::as_slice).collect::<Vec<_>>()).await?;
    let added = input
        .file_changes
        .additions
        .iter()
        .zip(blobs)
        .map(|(a, sha)| (a.path.clone(), Some(("100644".to_owned(), sha))));
    let deleted = input.file_changes.deletions.iter().map(|d| (d.path.clone(), None));
    let edits: Vec<_> = added.chain(deleted).collect();
    let tree = git.write_tree(Some(&head), &edits).await.map_err(|_| {
        GraphError::new("UNPROCESSABLE", "A path was requested for deletion which does not exist, or cannot be added.")
    })?;
    let now = Utc::now();
    let author = shared.signature_of(caller.login().unwrap_or_default(), now)?;
    let body = input.message.body.filter(|body| !body.is_empty()).map(|body| format!("\n\n{body}")).unwrap_or_default();
    let message = format!("{}{body}", input.message.headline);
    let sha = git.write_commit(&tree, std::slice::from_ref(&head), &author, &shared.web_flow(now), &message).await?;
    if let Some(stored) = shared.state().repositories.get_mut(&repository.id) {
        stored.signed.insert(sha.clone());
    }
    git.update_refs(&[(reference.clone(), sha.clone(), Some(head.clone()))]).await?;
    let moved = Move { reference: reference.clone(), before: head, after: sha.clone() };
    shared.follow(&repository, &[moved], caller.login().unwrap_or_default()).await?;
    let commit = json!({
        "oid": sha, "abbreviatedOid": &sha[..7], "committedDate": instant(now), "authoredDate": instant(now),
        "url": format!("{}/{}/commit/{sha}", shared.at.pages, repository.full_name()), "message": message,
        "messageHeadline": input.message.headline, "signature": {"isValid": true, "wasSignedByGitHub": true},
    });
    let reference = json!({"name": input.branch.branch_name, "prefix": "refs/heads/", "target": {"oid": sha}});
    Ok(json!({"clientMutationId": input.client_mutation_id, "commit": commit, "ref": reference}))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefsInput {
    repository_id: String,
    ref_updates: Vec<RefUpdate>,
    client_mutation_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefUpdate {
    name: String,
    after_oid: String,
    before_oid: Option<String>,
    #[serde(default)]
    force: bool,
}

/// Moves references all together or not at all; each may say where it must stand before.
/// <https://docs.github.com/graphql/reference/mutations#updaterefs>
pub(super) async fn update_refs(shared: &Shared, caller: &Caller, arguments: &Value) -> GraphResult {
    let input: RefsInput = input(arguments)?;
    let repository = writable(shared, caller, |state| {
        state.repositories.values().find(|r| r.node_id() == input.repository_id).map(Repository::full_name)
    })?;
    let git = &repository.git;
    let _moving = repository.moving.lock().await;
    let (mut updates, mut moves) = (Vec::new(), Vec::new());
    for update in &input.ref_updates {
        if !update.name.starts_with("refs/heads/") && !update.name.starts_with("refs/tags/") {
            return Err(GraphError::new("UNPROCESSABLE", format!("'{}' is not a valid ref name.", update.name)));
        }
        let before = git.resolve(&update.name).await?.unwrap_or_else(|| ZERO.to_owned());
        if update.before_oid.as_ref().is_some_and(|wanted| *wanted != before) {
            let words = format!("Reference update failed: {} is at {before} but expected another commit.", update.name);
            return Err(GraphError::new("STALE_DATA", words));
        }
        check_rules(&repository, &update.name)?;
        let deletes = update.after_oid == ZERO;
        if !deletes && git.find(&update.after_oid, "commit").await?.is_none() {
            return Err(GraphError::new(
                "NOT_FOUND",
                format!("Could not resolve to a commit with the oid of '{}'.", update.after_oid),
            ));
        }
        let forward = before == ZERO || deletes || git.is_ancestor(&before, &update.after_oid).await?;
        if !forward && !update.force {
            return Err(GraphError::new("UNPROCESSABLE", "Reference update is not a fast forward."));
        }
        updates.push((update.name.clone(), update.after_oid.clone(), Some(before.clone())));
        moves.push(Move { reference: update.name.clone(), before, after: update.after_oid.clone() });
    }
    if !git.update_refs(&updates).await? {
        return Err(GraphError::new("STALE_DATA", "Reference update failed: a reference moved."));
    }
    moves.retain(|moved| moved.before != moved.after);
    shared.follow(&repository, &moves, caller.login().unwrap_or_default()).await?;
    Ok(json!({"clientMutationId": input.client_mutation_id}))
}

/// <https://docs.github.com/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets#require-a-pull-request-before-merging>
fn check_rules(repository: &Repository, reference: &str) -> GraphResult<()> {
    if repository.is_protected(reference) {
        return Err(GraphError::new("UNPROCESSABLE", PULL_REQUEST_ONLY));
    }
    Ok(())
}

fn writable(
    shared: &Shared,
    caller: &Caller,
    find: impl FnOnce(&crate::github::model::State) -> Option<String>,
) -> GraphResult<Repository> {
    let state = shared.state();
    let name = find(&state).ok_or_else(ApiError::not_found)?;
    Ok(caller.need(&state, &name, "contents", Level::Write)?)
}
