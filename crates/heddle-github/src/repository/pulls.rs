//! Pull requests and their comments.

use std::fmt;

use heddle_core::{
    Timestamp,
    git::{BranchName, Revision},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::RepositoryClient;
use crate::{call::query, error::GitHubError};

/// A pull request to open.
#[derive(Debug, Clone)]
pub struct NewPullRequest {
    /// Its branch, in this repository.
    pub head: BranchName,
    /// The branch that it goes to.
    pub base: BranchName,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// New words for a pull request; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct PullRequestUpdate {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub body: Option<String>,
}

/// Who is asked to review a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reviewers {
    /// Logins.
    pub users: Vec<String>,
    /// Slugs of teams of the repository's organization.
    pub teams: Vec<String>,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Its branch.
    pub head: BranchName,
    /// The head of its branch, the last one where the branch is gone.
    pub head_revision: Revision,
    /// The branch that it goes to.
    pub base: BranchName,
    /// When it was opened.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: PullRequestState,
}

/// Open, merged or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestState {
    /// Open.
    Open {
        /// What it waits for beside a person's decision, where GitHub says.
        waits_for: Option<WaitsFor>,
    },
    /// Merged.
    Merged {
        /// The commit that merged it.
        revision: Revision,
        /// Who merged.
        by: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Closed and not merged.
    Closed {
        /// Who closed.
        by: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// What keeps an open pull request from being merged. Its text is a sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// Its author says that it is not ready.
    Ready,
    /// It cannot be merged into its base as that is now.
    Conflict,
    /// The base's rules want a review or a check that is not there.
    Review,
    /// The base's rules want it brought up to the base first.
    Behind,
    /// A check that is not required failed or is running.
    Checks,
}

impl fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ready => "it is a draft",
            Self::Conflict => "it conflicts with its base",
            Self::Review => "a required review or check is missing",
            Self::Behind => "it must be brought up to its base",
            Self::Checks => "a check failed or is running",
        })
    }
}

impl PullRequest {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, PullRequestState::Open { .. })
    }
}

#[derive(Deserialize)]
struct PullBody {
    number: u64,
    html_url: String,
    state: String,
    title: String,
    body: Option<String>,
    head: EndBody,
    base: EndBody,
    created_at: Timestamp,
    merged_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    merge_commit_sha: Option<Revision>,
    merged_by: Option<Account>,
    mergeable_state: Option<String>,
    #[serde(default)]
    draft: bool,
}

#[derive(Deserialize)]
struct EndBody {
    #[serde(rename = "ref")]
    branch: BranchName,
    sha: Revision,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

#[derive(Deserialize)]
struct IssueBody {
    closed_by: Option<Account>,
}

#[derive(Deserialize)]
struct NumberBody {
    number: u64,
    state: String,
}

#[derive(Deserialize)]
struct CommentBody {
    body: Option<String>,
}

/// <https://docs.github.com/graphql/reference/enums#mergestatestatus>
fn waits_for(state: Option<&str>, draft: bool) -> Option<WaitsFor> {
    match state {
        _ if draft => Some(WaitsFor::Ready),
        Some("dirty") => Some(WaitsFor::Conflict),
        Some("blocked") => Some(WaitsFor::Review),
        Some("behind") => Some(WaitsFor::Behind),
        Some("unstable") => Some(WaitsFor::Checks),
        _ => None,
    }
}

impl RepositoryClient {
    /// A pull request with everything that is known of it.
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when there is none of this number.
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, GitHubError> {
        let body: PullBody = self.client.get(&self.path(&["pulls", &number.to_string()])).await?;
        self.read_pull(body).await
    }

    async fn read_pull(&self, body: PullBody) -> Result<PullRequest, GitHubError> {
        let state = match (body.merged_at, body.closed_at) {
            (Some(at), _) => PullRequestState::Merged {
                revision: body.merge_commit_sha.unwrap_or_else(|| body.head.sha.clone()),
                by: body.merged_by.map(|account| account.login),
                at,
            },
            (None, Some(at)) if body.state == "closed" => {
                PullRequestState::Closed { by: self.closed_by(body.number).await?, at }
            }
            _ => PullRequestState::Open { waits_for: waits_for(body.mergeable_state.as_deref(), body.draft) },
        };
        Ok(PullRequest {
            number: body.number,
            url: body.html_url,
            title: body.title,
            body: body.body.unwrap_or_default(),
            head: body.head.branch,
            head_revision: body.head.sha,
            base: body.base.branch,
            created_at: body.created_at,
            state,
        })
    }

    /// Only the issue says who closed a pull request.
    async fn closed_by(&self, number: u64) -> Result<Option<String>, GitHubError> {
        match self.client.get::<IssueBody>(&self.path(&["issues", &number.to_string()])).await {
            Ok(issue) => Ok(issue.closed_by.map(|account| account.login)),
            Err(GitHubError::NotFound { .. } | GitHubError::Forbidden { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The pull request of a branch, whatever became of it: an open one, else the newest.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn find_pull_request(&self, head: &BranchName) -> Result<Option<PullRequest>, GitHubError> {
        let head = format!("{}:{head}", self.name().owner());
        let path =
            format!("{}?{}", self.path(&["pulls"]), query(&[("head", &head), ("state", "all"), ("per_page", "100")]));
        let found = self.client.pages(&path, |page: Vec<NumberBody>| page, |_| false).await?;
        let newest = found.iter().max_by_key(|pull| (pull.state == "open", pull.number));
        match newest {
            Some(pull) => self.pull_request(pull.number).await.map(Some),
            None => Ok(None),
        }
    }

    /// Opens a pull request. Where its branch has one already, that one is the answer, also when it was merged or
    /// closed: a branch is never proposed twice.
    ///
    /// # Errors
    /// [`GitHubError::Refused`] when a branch is missing or there is nothing to merge.
    pub async fn open_pull_request(&self, new: &NewPullRequest) -> Result<PullRequest, GitHubError> {
        if let Some(found) = self.find_pull_request(&new.head).await? {
            return Ok(found);
        }
        let body = json!({
            "head": new.head.as_str(), "base": new.base.as_str(), "title": new.title, "body": new.body,
            "maintainer_can_modify": false,
        });
        match self.client.post::<PullBody>(&self.path(&["pulls"]), &body).await {
            Ok(made) => self.read_pull(made).await,
            // Another try of ours may have come first.
            Err(refused @ GitHubError::Refused { status: 422, .. }) => {
                self.find_pull_request(&new.head).await?.ok_or(refused)
            }
            Err(other) => Err(other),
        }
    }

    /// Gives a pull request new words.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn update_pull_request(&self, number: u64, update: &PullRequestUpdate) -> Result<(), GitHubError> {
        let mut body = json!({});
        for (field, value) in [("title", &update.title), ("body", &update.body)] {
            if let Some(value) = value {
                body[field] = value.as_str().into();
            }
        }
        self.client.patch::<Value>(&self.path(&["pulls", &number.to_string()]), &body).await.map(drop)
    }

    /// Adds labels to a pull request; those that the repository does not have yet are made.
    ///
    /// # Errors
    /// When GitHub refuses one.
    pub async fn add_labels(&self, number: u64, labels: &[String]) -> Result<(), GitHubError> {
        let path = self.path(&["issues", &number.to_string(), "labels"]);
        self.client.post::<Value>(&path, &json!({"labels": labels})).await.map(drop)
    }

    /// Asks people and teams to review a pull request. Who was asked before is asked again.
    ///
    /// # Errors
    /// [`GitHubError::Refused`] when one of them may not review it: then nobody is asked.
    pub async fn request_reviewers(&self, number: u64, reviewers: &Reviewers) -> Result<(), GitHubError> {
        let path = self.path(&["pulls", &number.to_string(), "requested_reviewers"]);
        let body = json!({"reviewers": reviewers.users, "team_reviewers": reviewers.teams});
        self.client.post::<Value>(&path, &body).await.map(drop)
    }

    /// Closes a pull request; one that is closed already stays so.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn close_pull_request(&self, number: u64) -> Result<(), GitHubError> {
        let path = self.path(&["pulls", &number.to_string()]);
        self.client.patch::<Value>(&path, &json!({"state": "closed"})).await.map(drop)
    }

    /// Comments on a pull request, unless a comment with this marker is there. The marker is hidden from readers and
    /// must not hold `--`. Answers whether a comment was made.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn comment_once(&self, number: u64, marker: &str, text: &str) -> Result<bool, GitHubError> {
        let marker = format!("<!-- {marker} -->");
        let path = self.path(&["issues", &number.to_string(), "comments"]);
        let is_there =
            |comments: &[CommentBody]| comments.iter().any(|c| c.body.as_ref().is_some_and(|b| b.contains(&marker)));
        let comments =
            self.client.pages(&format!("{path}?per_page=100"), |page: Vec<CommentBody>| page, is_there).await?;
        if is_there(&comments) {
            return Ok(false);
        }
        self.client.post::<Value>(&path, &json!({"body": format!("{text}\n\n{marker}")})).await?;
        Ok(true)
    }
}
