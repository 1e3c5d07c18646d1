//! Whether a branch is still ours.

use std::collections::BTreeMap;

use heddle_core::git::Revision;

use super::{
    RepositoryClient,
    commits::{Commit, FileBody},
};
use crate::error::GitHubError;

/// Who owns a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BranchOwner {
    /// We: every commit since the base carries our trailer and our verified authorship, or merges the base and no more.
    Ours,
    /// A person committed to it.
    Person {
        /// The first commit that is not ours.
        revision: Revision,
        /// Its author.
        author: String,
    },
}

impl RepositoryClient {
    /// Whose the commits are that `head` has more than `base` (the base branch's head). `bot_login` is the App's, such
    /// as `heddle[bot]`.
    ///
    /// # Errors
    /// When GitHub does not answer, or one of them is gone.
    pub async fn branch_owner(
        &self,
        base: &Revision,
        head: &Revision,
        bot_login: &str,
    ) -> Result<BranchOwner, GitHubError> {
        let comparison = self.compare(base, head).await?;
        for commit in &comparison.commits {
            if is_made_by(commit, bot_login) || self.merges_the_base_and_no_more(commit, base).await? {
                continue;
            }
            return Ok(BranchOwner::Person { revision: commit.revision.clone(), author: commit.author.clone() });
        }
        if !comparison.complete {
            // No branch of ours grows that long.
            return Ok(BranchOwner::Person { revision: head.clone(), author: String::new() });
        }
        Ok(BranchOwner::Ours)
    }

    /// Whether the commit merges a commit of the base branch, as GitHub's "Update branch" does, and what it changes
    /// over that commit is what its first parent had changed already.
    async fn merges_the_base_and_no_more(&self, commit: &Commit, base: &Revision) -> Result<bool, GitHubError> {
        let [ours, theirs] = commit.parents.as_slice() else { return Ok(false) };
        let from_base = match self.compare(theirs, base).await {
            Ok(comparison) => comparison.behind_by == 0,
            Err(GitHubError::NotFound { .. }) => false,
            Err(other) => return Err(other),
        };
        if !from_base {
            return Ok(false);
        }
        let (Some(before), Some(after)) =
            (self.changes(theirs, ours).await?, self.changes(theirs, &commit.revision).await?)
        else {
            return Ok(false);
        };
        Ok(before == after)
    }

    /// What `head` changed since it left `base`, by file: the lines added and removed, without their place. `None`
    /// when there is more than GitHub shows.
    async fn changes(&self, base: &Revision, head: &Revision) -> Result<Option<BTreeMap<String, String>>, GitHubError> {
        const FILES_SHOWN: usize = 300;
        let mut pages = self.comparison_pages(base, head).await?;
        let files = if pages.is_empty() { Vec::new() } else { pages.swap_remove(0).files };
        Ok((files.len() < FILES_SHOWN)
            .then(|| files.into_iter().map(|f| (f.filename.clone(), change_of(&f))).collect()))
    }
}

fn is_made_by(commit: &Commit, bot_login: &str) -> bool {
    commit.verified && commit.author_login.as_deref() == Some(bot_login) && !commit.intents.is_empty()
}

fn change_of(file: &FileBody) -> String {
    let Some(patch) = &file.patch else { return format!("{} {:?}", file.status, file.sha) };
    let lines: Vec<&str> = patch.lines().filter(|line| line.starts_with(['+', '-'])).collect();
    format!("{} {}", file.status, lines.join("\n"))
}
