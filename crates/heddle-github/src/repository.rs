//! One repository, with a token that reaches it and no other.

mod commits;
mod ownership;
mod pulls;
mod write;

use heddle_core::git::{BranchName, RepoName, Revision};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::{
    call::{Client, path},
    error::GitHubError,
    host::{Credentials, Host},
};

pub use self::{
    commits::{Commit, Commits, Comparison, ComparisonStatus, Since},
    ownership::BranchOwner,
    pulls::{NewPullRequest, PullRequest, PullRequestState, PullRequestUpdate, Reviewers, WaitsFor},
    write::{CommitMade, FileEdit, FileMode},
};

/// A repository on GitHub.
#[derive(Debug)]
pub struct RepositoryClient {
    client: Client,
    name: RepoName,
    /// GraphQL names the repository by this; it is asked for once.
    node_id: OnceCell<String>,
}

#[derive(Deserialize)]
struct NodeBody {
    node_id: String,
}

#[derive(Deserialize)]
struct RefBody {
    object: ObjectBody,
}

#[derive(Deserialize)]
struct ObjectBody {
    sha: Revision,
}

impl RepositoryClient {
    /// A client of `name`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the authority or the token cannot be used.
    pub fn new(host: &Host, token: &SecretString, name: RepoName) -> Result<Self, GitHubError> {
        let client = Client::new(host, &Credentials::Token(token))?;
        Ok(Self { client, name, node_id: OnceCell::new() })
    }

    /// The repository.
    pub fn name(&self) -> &RepoName {
        &self.name
    }

    fn path(&self, rest: &[&str]) -> String {
        format!("{}{}", path(&["repos", self.name.owner(), self.name.name()]), path(rest))
    }

    async fn node_id(&self) -> Result<&str, GitHubError> {
        let load = async || Ok(self.client.get::<NodeBody>(&self.path(&[])).await?.node_id);
        self.node_id.get_or_try_init(load).await.map(String::as_str)
    }

    /// The head of a branch, or `None` when there is no such branch.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn branch_head(&self, branch: &BranchName) -> Result<Option<Revision>, GitHubError> {
        match self.client.get::<RefBody>(&self.path(&["git", "ref", "heads", branch.as_str()])).await {
            Ok(body) => Ok(Some(body.object.sha)),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
