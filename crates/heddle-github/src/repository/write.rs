//! Commits in. Safety comes from compare-and-swap: every write says where its branch must stand.

use base64::{Engine, engine::general_purpose::STANDARD};
use heddle_core::{
    Timestamp,
    git::{BranchName, Revision},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RepositoryClient;
use crate::{
    call::GraphQlError,
    error::{CommitError, GitHubError},
    message::CommitMessage,
};

/// The mode of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileMode {
    /// 100644
    Regular,
    /// 100755
    Executable,
}

/// The new content of a file. A symbolic link is never named here, but the file that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// Path from the root, with `/`.
    pub path: String,
    /// The mode that the file has and keeps.
    pub mode: FileMode,
    /// The whole new content; `None` removes the file.
    pub content: Option<Vec<u8>>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMade {
    /// The commit.
    pub revision: Revision,
    /// When, by GitHub's clock.
    pub at: Timestamp,
    /// Whether GitHub signed it.
    pub verified: bool,
}

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid committedDate signature { isValid } } }
}";

const UPDATE_REFS: &str = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MutationData {
    create_commit_on_branch: Payload,
}

#[derive(Deserialize)]
struct Payload {
    commit: MadeBody,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MadeBody {
    oid: Revision,
    committed_date: Timestamp,
    signature: Option<SignatureBody>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignatureBody {
    is_valid: bool,
}

#[derive(Deserialize)]
struct GitCommitBody {
    sha: Revision,
    tree: ShaBody,
    committer: DateBody,
    verification: VerificationBody,
}

#[derive(Deserialize)]
struct ShaBody {
    sha: String,
}

#[derive(Deserialize)]
struct DateBody {
    date: Timestamp,
}

#[derive(Deserialize)]
struct VerificationBody {
    verified: bool,
}

impl From<GitCommitBody> for CommitMade {
    fn from(body: GitCommitBody) -> Self {
        Self { revision: body.sha, at: body.committer.date, verified: body.verification.verified }
    }
}

impl RepositoryClient {
    /// Adds one commit to a branch that stands at `expected`.
    ///
    /// # Errors
    /// [`CommitError::Moved`] when the branch stands elsewhere or is gone. After [`GitHubError::Unavailable`] the
    /// commit may have been made: [`RepositoryClient::find_intent`] tells.
    pub async fn commit_on_branch(
        &self,
        branch: &BranchName,
        expected: &Revision,
        edits: &[FileEdit],
        message: &CommitMessage,
    ) -> Result<CommitMade, CommitError> {
        // The mutation writes every file with mode 100644.
        if edits.iter().all(|edit| edit.mode == FileMode::Regular) {
            return self.commit_by_mutation(branch, expected, edits, message).await;
        }
        let made = self.write_commit(expected, edits, message).await?;
        self.swap(branch, expected, &made.revision, false).await?;
        Ok(made)
    }

    async fn commit_by_mutation(
        &self,
        branch: &BranchName,
        expected: &Revision,
        edits: &[FileEdit],
        message: &CommitMessage,
    ) -> Result<CommitMade, CommitError> {
        let addition = |edit: &FileEdit| {
            edit.content.as_ref().map(|content| json!({"path": edit.path, "contents": STANDARD.encode(content)}))
        };
        let deletion = |edit: &FileEdit| edit.content.is_none().then(|| json!({"path": edit.path}));
        let input = json!({
            "branch": {"repositoryNameWithOwner": self.name().as_str(), "branchName": branch.as_str()},
            "expectedHeadOid": expected.as_str(),
            "message": {"headline": message.headline(), "body": message.rest()},
            "fileChanges": {
                "additions": edits.iter().filter_map(addition).collect::<Vec<_>>(),
                "deletions": edits.iter().filter_map(deletion).collect::<Vec<_>>(),
            },
        });
        match self.client.graphql(COMMIT, json!({"input": input})).await? {
            Ok(data) => {
                let what = || "createCommitOnBranch".to_owned();
                let data: MutationData =
                    serde_json::from_value(data).map_err(|source| GitHubError::Unreadable { what: what(), source })?;
                let commit = data.create_commit_on_branch.commit;
                let verified = commit.signature.is_some_and(|signature| signature.is_valid);
                Ok(CommitMade { revision: commit.oid, at: commit.committed_date, verified })
            }
            Err(errors) => Err(self.why_not(branch, expected, &errors).await),
        }
    }

    /// Makes a branch with one commit on top of `base`, in this order: objects first, then the branch, so that it never
    /// equals its base.
    ///
    /// # Errors
    /// [`CommitError::Exists`] when there is such a branch, [`CommitError::NothingChanged`] when the edits are empty.
    pub async fn open_branch_with_commit(
        &self,
        base: &Revision,
        branch: &BranchName,
        edits: &[FileEdit],
        message: &CommitMessage,
    ) -> Result<CommitMade, CommitError> {
        let made = self.write_commit(base, edits, message).await?;
        let body = json!({"ref": format!("refs/heads/{branch}"), "sha": made.revision.as_str()});
        match self.client.post::<Value>(&self.path(&["git", "refs"]), &body).await {
            Ok(_) => Ok(made),
            Err(GitHubError::Refused { status: 422, .. }) if self.branch_head(branch).await?.is_some() => {
                Err(CommitError::Exists { branch: branch.clone() })
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Replaces what a branch holds by one commit on top of `new_base`, in one forced swap.
    ///
    /// # Errors
    /// [`CommitError::Moved`] when the branch is not at `expected`, [`CommitError::NothingChanged`] when the new base
    /// carries the edits already: GitHub closes a pull request for good whose branch equals its base.
    pub async fn move_branch(
        &self,
        branch: &BranchName,
        expected: &Revision,
        new_base: &Revision,
        edits: &[FileEdit],
        message: &CommitMessage,
    ) -> Result<CommitMade, CommitError> {
        let made = self.write_commit(new_base, edits, message).await?;
        self.swap(branch, expected, &made.revision, true).await?;
        Ok(made)
    }

    /// A commit on `parent` that no branch holds yet. It names no author, so that GitHub signs it as the App's.
    /// <https://docs.github.com/authentication/managing-commit-signature-verification/about-commit-signature-verification#signature-verification-for-bots>
    async fn write_commit(
        &self,
        parent: &Revision,
        edits: &[FileEdit],
        message: &CommitMessage,
    ) -> Result<CommitMade, CommitError> {
        let path = self.path(&["git", "commits", parent.as_str()]);
        let base: GitCommitBody = self.client.get(&path).await?;
        let mut entries = Vec::with_capacity(edits.len());
        for edit in edits {
            entries.push(self.tree_entry(edit).await?);
        }
        let body = json!({"base_tree": base.tree.sha, "tree": entries});
        let tree: ShaBody = self.client.post(&self.path(&["git", "trees"]), &body).await?;
        if tree.sha == base.tree.sha {
            return Err(CommitError::NothingChanged);
        }
        let body = json!({"message": message.whole(), "tree": tree.sha, "parents": [parent.as_str()]});
        let made: GitCommitBody = self.client.post(&self.path(&["git", "commits"]), &body).await?;
        Ok(made.into())
    }

    async fn tree_entry(&self, edit: &FileEdit) -> Result<Value, GitHubError> {
        let mode = match edit.mode {
            FileMode::Regular => "100644",
            FileMode::Executable => "100755",
        };
        let entry = |field: &str, value: Value| json!({"path": edit.path, "mode": mode, "type": "blob", field: value});
        let Some(content) = &edit.content else { return Ok(entry("sha", Value::Null)) };
        if let Ok(text) = std::str::from_utf8(content) {
            return Ok(entry("content", text.into()));
        }
        let body = json!({"content": STANDARD.encode(content), "encoding": "base64"});
        let blob: ShaBody = self.client.post(&self.path(&["git", "blobs"]), &body).await?;
        Ok(entry("sha", blob.sha.into()))
    }

    /// Moves a branch from one commit to another, or not at all.
    async fn swap(&self, branch: &BranchName, from: &Revision, to: &Revision, force: bool) -> Result<(), CommitError> {
        let update = json!({
            "name": format!("refs/heads/{branch}"), "beforeOid": from.as_str(), "afterOid": to.as_str(), "force": force,
        });
        let input = json!({"repositoryId": self.node_id().await?, "refUpdates": [update]});
        match self.client.graphql(UPDATE_REFS, json!({"input": input})).await? {
            Ok(_) => Ok(()),
            Err(errors) => Err(self.why_not(branch, from, &errors).await),
        }
    }

    /// Reads the errors of a mutation that moves `branch`. Their types are hardly documented, so the branch itself is
    /// looked at before anything but a moved branch is believed.
    async fn why_not(&self, branch: &BranchName, expected: &Revision, errors: &[GraphQlError]) -> CommitError {
        let moved = || CommitError::Moved { branch: branch.clone(), expected: expected.clone() };
        if errors.iter().any(|error| error.kind == "STALE_DATA") {
            return moved();
        }
        match self.branch_head(branch).await {
            Ok(head) if head.as_ref() != Some(expected) => return moved(),
            Err(GitHubError::RateLimited { retry_at }) => return CommitError::RateLimited { retry_at },
            Ok(_) | Err(_) => {}
        }
        // They come as paragraphs.
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = errors.iter().map(|error| line(&error.message)).collect::<Vec<_>>().join("; ");
        let has = |kind: &str| errors.iter().any(|error| error.kind == kind);
        CommitError::Other(match () {
            () if has("FORBIDDEN") => GitHubError::Forbidden { message },
            () if has("NOT_FOUND") => GitHubError::NotFound { what: message },
            () => GitHubError::Refused { status: 200, message },
        })
    }
}
