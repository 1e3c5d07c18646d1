//! Commits: a branch's own line, comparisons, and the search for an intent.

use std::collections::HashMap;

use heddle_core::{
    Timestamp,
    git::{BranchName, Revision},
    id::IntentId,
    pull_request::{BringingPullRequest, PullRequestFate},
};
use serde::Deserialize;

use super::RepositoryClient;
use crate::{call::query, error::GitHubError, message::intents};

/// Commits that are searched for an intent when its base is gone.
const SEARCH_WITHOUT_BASE: usize = 300;

/// Of a pull request's title so many characters are kept; GitHub takes 256.
const MAX_TITLE_CHARS: usize = 300;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub revision: Revision,
    /// Its parents, first parent first.
    pub parents: Vec<Revision>,
    /// The login of its author where GitHub knows the account, else the name it gives.
    pub author: String,
    /// The login of its author's account, which a name in the commit cannot imitate.
    pub author_login: Option<String>,
    /// Its committer's time.
    pub committed_at: Timestamp,
    /// The first line of its message.
    pub subject: String,
    /// The intents that its message names.
    pub intents: Vec<IntentId>,
    /// Whether GitHub vouches for its signature.
    pub verified: bool,
}

/// A part of a branch's first-parent line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commits {
    /// Newest first, without the known revision.
    pub commits: Vec<Commit>,
    /// Whether the line reached the known revision. It does not when history was rewritten, or the limit came first.
    pub reached: bool,
}

/// How two commits stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComparisonStatus {
    /// The same.
    Identical,
    /// The head has commits that the base has not, and not the other way round.
    Ahead,
    /// The base has commits that the head has not, and not the other way round.
    Behind,
    /// Both have.
    Diverged,
}

/// A comparison of a head with a base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// How they stand to each other.
    pub status: ComparisonStatus,
    /// Commits that the head has more.
    pub ahead_by: u64,
    /// Commits that the base has more.
    pub behind_by: u64,
    /// Their best common ancestor.
    pub merge_base: Revision,
    /// The commits that the head has more, oldest first.
    pub commits: Vec<Commit>,
    /// Whether `commits` holds all of them.
    pub complete: bool,
}

#[derive(Deserialize)]
pub(super) struct CommitBody {
    sha: Revision,
    commit: InnerCommit,
    author: Option<Account>,
    parents: Vec<Parent>,
}

#[derive(Deserialize)]
struct InnerCommit {
    message: String,
    author: Option<Signature>,
    committer: Option<Signature>,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Signature {
    name: Option<String>,
    date: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
}

/// GitHub answers `{}` for an author that it does not know.
#[derive(Deserialize)]
struct Account {
    login: Option<String>,
}

#[derive(Deserialize)]
struct Parent {
    sha: Revision,
}

impl From<CommitBody> for Commit {
    fn from(body: CommitBody) -> Self {
        let login = body.author.and_then(|author| author.login);
        let (author, committer) = (body.commit.author, body.commit.committer);
        let date = committer.and_then(|c| c.date).or(author.as_ref().and_then(|a| a.date));
        Self {
            revision: body.sha,
            parents: body.parents.into_iter().map(|parent| parent.sha).collect(),
            author: login.clone().or(author.and_then(|a| a.name)).unwrap_or_default(),
            author_login: login,
            committed_at: date.unwrap_or_default(),
            subject: body.commit.message.lines().next().unwrap_or_default().to_owned(),
            intents: intents(&body.commit.message),
            verified: body.commit.verification.is_some_and(|v| v.verified),
        }
    }
}

/// What a head has more than one of its ancestors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// All of it, oldest first.
    All(Vec<Commit>),
    /// More than was asked for.
    TooMany,
}

/// A pull request as lists have it.
#[derive(Deserialize)]
struct BringingBody {
    number: u64,
    title: String,
    html_url: String,
    user: Option<Account>,
    base: BaseBody,
    state: String,
    created_at: Timestamp,
    merged_at: Option<Timestamp>,
    closed_at: Option<Timestamp>,
    merge_commit_sha: Option<Revision>,
}

#[derive(Deserialize)]
struct BaseBody {
    #[serde(rename = "ref")]
    branch: BranchName,
}

impl From<BringingBody> for BringingPullRequest {
    fn from(body: BringingBody) -> Self {
        let end = match (body.merged_at, body.merge_commit_sha) {
            (Some(at), Some(revision)) => PullRequestFate::Merged { revision, at },
            _ if body.state == "open" => PullRequestFate::Open,
            _ => PullRequestFate::Closed { at: body.closed_at },
        };
        Self {
            number: body.number,
            // A stranger wrote it.
            title: body.title.chars().filter(|letter| !letter.is_control()).take(MAX_TITLE_CHARS).collect(),
            url: body.html_url,
            author: body.user.and_then(|user| user.login).unwrap_or_default(),
            base: body.base.branch,
            opened_at: body.created_at,
            end,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ComparisonBody {
    status: ComparisonStatus,
    ahead_by: u64,
    behind_by: u64,
    total_commits: u64,
    merge_base_commit: Parent,
    commits: Vec<CommitBody>,
    #[serde(default)]
    pub(super) files: Vec<FileBody>,
}

/// A changed file.
#[derive(Deserialize)]
pub(super) struct FileBody {
    pub filename: String,
    pub status: String,
    pub sha: Option<String>,
    pub patch: Option<String>,
}

impl RepositoryClient {
    /// The first-parent line from `head` back to `known`, which is left out; `limit` commits at most.
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when the head is gone.
    pub async fn list_commits(
        &self,
        head: &Revision,
        known: Option<&Revision>,
        limit: usize,
    ) -> Result<Commits, GitHubError> {
        let path = format!("{}?{}", self.path(&["commits"]), query(&[("sha", head.as_str()), ("per_page", "100")]));
        // The list goes by date and mixes the commits of merged branches in; the line is picked out of it.
        let ended = |seen: &[CommitBody]| {
            let (line, next) = first_parents(seen, head, known, limit);
            line.len() >= limit || next.is_none() || next == known
        };
        let seen = self.client.pages(&path, |page: Vec<CommitBody>| page, ended).await?;
        let (line, next) = first_parents(&seen, head, known, limit);
        let reached = known.is_some() && next == known;
        let chosen: Vec<Revision> = line.iter().map(|commit| commit.sha.clone()).collect();
        let mut by_id: HashMap<Revision, CommitBody> = seen.into_iter().map(|body| (body.sha.clone(), body)).collect();
        let commits = chosen.iter().filter_map(|id| by_id.remove(id)).map(Commit::from).collect();
        Ok(Commits { commits, reached })
    }

    /// Compares `head` with `base`; a few thousand commits at most are listed.
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when one of them is gone, or they share no history.
    pub async fn compare(&self, base: &Revision, head: &Revision) -> Result<Comparison, GitHubError> {
        let pages = self.comparison_pages(base, head).await?;
        let mut pages = pages.into_iter();
        let Some(first) = pages.next() else { return Err(GitHubError::NotFound { what: "comparison".into() }) };
        let commits: Vec<Commit> =
            first.commits.into_iter().chain(pages.flat_map(|p| p.commits)).map(Commit::from).collect();
        Ok(Comparison {
            status: first.status,
            ahead_by: first.ahead_by,
            behind_by: first.behind_by,
            merge_base: first.merge_base_commit.sha,
            complete: u64::try_from(commits.len()).is_ok_and(|count| count == first.total_commits),
            commits,
        })
    }

    pub(super) async fn comparison_pages(
        &self,
        base: &Revision,
        head: &Revision,
    ) -> Result<Vec<ComparisonBody>, GitHubError> {
        let path = self.path(&["compare", &format!("{base}...{head}")]);
        self.client.pages(&format!("{path}?per_page=100"), |page: ComparisonBody| vec![page], |_| false).await
    }

    /// A commit by its id or the beginning of it; `None` where there is none, or several begin so.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn find_commit(&self, beginning: &str) -> Result<Option<Commit>, GitHubError> {
        let found: Result<CommitBody, _> = self.client.get(&self.path(&["commits", beginning])).await;
        match found {
            // A branch may be named like the beginning of an id.
            Ok(body) => Ok(Some(Commit::from(body)).filter(|commit| commit.revision.as_str().starts_with(beginning))),
            Err(GitHubError::NotFound { .. } | GitHubError::Refused { status: 422, .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// What `head` has more than `base`, where `base` is part of it; `None` where it is not, or one of them is gone.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn list_since(&self, base: &Revision, head: &Revision, limit: u64) -> Result<Option<Since>, GitHubError> {
        let path = self.path(&["compare", &format!("{base}...{head}")]);
        let is_enough = |pages: &[ComparisonBody]| {
            pages.first().is_some_and(|first| first.behind_by > 0 || first.total_commits > limit)
        };
        let pages =
            self.client.pages(&format!("{path}?per_page=100"), |page: ComparisonBody| vec![page], is_enough).await;
        let pages = match pages {
            Ok(pages) => pages,
            Err(GitHubError::NotFound { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        let Some(first) = pages.first().filter(|first| first.behind_by == 0) else { return Ok(None) };
        let total = first.total_commits;
        let commits: Vec<Commit> = pages.into_iter().flat_map(|page| page.commits).map(Commit::from).collect();
        let is_whole = total <= limit && u64::try_from(commits.len()).is_ok_and(|count| count == total);
        Ok(Some(if is_whole { Since::All(commits) } else { Since::TooMany }))
    }

    /// The pull requests that brought a commit, or are to bring it.
    ///
    /// # Errors
    /// When GitHub does not answer. Where there is no such commit there are no pull requests.
    pub async fn list_bringing(&self, revision: &Revision) -> Result<Vec<BringingPullRequest>, GitHubError> {
        let path = format!("{}?per_page=100", self.path(&["commits", revision.as_str(), "pulls"]));
        match self.client.get::<Vec<BringingBody>>(&path).await {
            Ok(pulls) => Ok(pulls.into_iter().map(BringingPullRequest::from).collect()),
            Err(GitHubError::NotFound { .. } | GitHubError::Refused { status: 422, .. }) => Ok(Vec::new()),
            Err(other) => Err(other),
        }
    }

    /// The commit that carries `intent`, between `base` and `head`. Where the base is gone, the newest commits of the
    /// head are searched.
    ///
    /// # Errors
    /// When GitHub does not answer, or the head is gone.
    pub async fn find_intent(
        &self,
        head: &Revision,
        base: &Revision,
        intent: IntentId,
    ) -> Result<Option<Commit>, GitHubError> {
        let carries = |commit: &Commit| commit.intents.contains(&intent);
        match self.compare(base, head).await {
            Ok(comparison) => Ok(comparison.commits.into_iter().find(carries)),
            Err(GitHubError::NotFound { .. }) => {
                let commits = self.list_commits(head, None, SEARCH_WITHOUT_BASE).await?.commits;
                Ok(commits.into_iter().find(carries))
            }
            Err(other) => Err(other),
        }
    }
}

/// The line from `head` within what was seen, and the revision that it goes on with.
fn first_parents<'a>(
    seen: &'a [CommitBody],
    head: &'a Revision,
    known: Option<&Revision>,
    limit: usize,
) -> (Vec<&'a CommitBody>, Option<&'a Revision>) {
    let by_id: HashMap<&Revision, &CommitBody> = seen.iter().map(|body| (&body.sha, body)).collect();
    let (mut line, mut next) = (Vec::new(), Some(head));
    while let Some(body) = next.filter(|id| known != Some(*id) && line.len() < limit).and_then(|id| by_id.get(id)) {
        line.push(*body);
        next = body.parents.first().map(|parent| &parent.sha);
    }
    (line, next)
}
