//! What a person does with pull requests.

use chrono::{DateTime, Utc};

use super::{
    super::{
        GitHub, Shared,
        error::{ApiError, ApiResult},
        model::{PullRequest, Repository},
        rest::{MergeRequest, NewPull, merge},
    },
    api_error,
};

/// A pull request as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Who opened it.
    pub user: String,
    /// Its branch.
    pub head: String,
    /// The head of its branch.
    pub head_revision: String,
    /// The branch that it goes to.
    pub base: String,
    /// Whether it is open.
    pub open: bool,
    /// Its merge commit, once it is merged.
    pub merged: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who is asked to review it.
    pub reviewers: Vec<String>,
    /// Its comments: author and text, oldest first.
    pub comments: Vec<(String, String)>,
}

impl GitHub {
    /// Every pull request, oldest first.
    ///
    /// # Errors
    /// When the repository is unknown.
    pub fn pulls(&self, repository: &str) -> anyhow::Result<Vec<Pull>> {
        let repository = self.repository(repository)?;
        Ok(repository.pulls.values().map(|pull| seen(&repository, pull)).collect())
    }

    /// Opens a pull request as a person.
    ///
    /// # Errors
    /// When GitHub refuses.
    pub async fn open_pull(
        &self,
        repository: &str,
        head: &str,
        base: &str,
        title: &str,
        person: &str,
    ) -> anyhow::Result<u64> {
        let repository = self.repository(repository)?;
        let new =
            NewPull { title: title.to_owned(), head: head.to_owned(), base: base.to_owned(), body: None, draft: false };
        self.shared.open_pull(&repository, new, person).await.map_err(api_error)
    }

    /// Merges a pull request as a person; answers the merge commit.
    ///
    /// # Errors
    /// When GitHub refuses.
    pub async fn merge(&self, repository: &str, number: u64, person: &str) -> anyhow::Result<String> {
        let repository = self.repository(repository)?;
        merge(&self.shared, &repository, number, person, MergeRequest::default()).await.map_err(api_error)
    }

    /// Squashes and merges a pull request as a person; answers the commit.
    ///
    /// # Errors
    /// When GitHub refuses.
    pub async fn squash(&self, repository: &str, number: u64, person: &str) -> anyhow::Result<String> {
        let repository = self.repository(repository)?;
        let request = MergeRequest { merge_method: Some("squash".to_owned()), ..MergeRequest::default() };
        merge(&self.shared, &repository, number, person, request).await.map_err(api_error)
    }

    /// Closes a pull request as a person.
    ///
    /// # Errors
    /// When GitHub refuses.
    pub async fn close(&self, repository: &str, number: u64, person: &str) -> anyhow::Result<()> {
        let repository = self.repository(repository)?;
        self.shared.close_pull(&repository, number, person).await.map_err(api_error)
    }

    /// Comments on a pull request as a person.
    ///
    /// # Errors
    /// When GitHub refuses.
    pub fn comment(&self, repository: &str, number: u64, person: &str, text: &str) -> anyhow::Result<()> {
        let repository = self.repository(repository)?;
        self.shared.add_comment(repository.id, number, person, text.to_owned()).map(drop).map_err(api_error)
    }
}

impl Shared {
    /// Closes a pull request.
    pub(crate) async fn close_pull(&self, repository: &Repository, number: u64, login: &str) -> ApiResult<()> {
        {
            let mut state = self.state();
            let stored = state.repositories.get_mut(&repository.id).and_then(|r| r.pulls.get_mut(&number));
            let pull = stored.ok_or_else(ApiError::not_found)?;
            if !pull.is_open() {
                return Err(ApiError::unprocessable("the pull request is closed"));
            }
            let now = Utc::now();
            (pull.closed_at, pull.closed_by, pull.updated_at) = (Some(now), Some(login.to_owned()), now);
        }
        Ok(self.announce_pull(repository.id, number, "closed", login, serde_json::json!({})).await?)
    }
}

fn seen(repository: &Repository, pull: &PullRequest) -> Pull {
    let comments = repository.comments.values().filter(|c| c.number == pull.number);
    Pull {
        number: pull.number,
        title: pull.title.clone(),
        body: pull.body.clone().unwrap_or_default(),
        user: pull.user.clone(),
        head: pull.head.clone(),
        head_revision: pull.head_sha.clone(),
        base: pull.base.clone(),
        open: pull.is_open(),
        merged: pull.merged.as_ref().map(|m| m.sha.clone()),
        created_at: pull.created_at,
        labels: pull.labels.clone(),
        reviewers: pull.reviewers.clone(),
        comments: comments.map(|c| (c.user.clone(), c.body.clone())).collect(),
    }
}
