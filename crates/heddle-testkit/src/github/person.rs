//! What a test does as a person, and what it looks at.

mod pulls;

use std::collections::HashMap;

use anyhow::{Context, anyhow};
use chrono::Utc;
use url::Url;

pub use self::pulls::Pull;
use super::{
    GitHub,
    error::ApiError,
    git::{Commit, ZERO},
    model::{Repository, signature},
    moves::Move,
};

fn api_error(error: ApiError) -> anyhow::Error {
    let details = error.errors.map(|e| e.to_string()).unwrap_or_default();
    anyhow!("GitHub answers {}: {} {details}", error.status, error.message)
}

impl GitHub {
    fn repository(&self, full_name: &str) -> anyhow::Result<Repository> {
        let state = self.shared.state();
        state.repository(full_name).cloned().with_context(|| format!("there is no repository {full_name}"))
    }

    /// Commits files to a branch as `author`, a login; no content removes the file. The branch is made from the
    /// default branch where there is none. Answers the commit.
    ///
    /// # Errors
    /// When repository or author is unknown, or Git fails.
    pub async fn push_files(
        &self,
        repository: &str,
        branch: &str,
        files: &[(&str, Option<&str>)],
        message: &str,
        author: &str,
    ) -> anyhow::Result<String> {
        let repository = self.repository(repository)?;
        let git = &repository.git;
        let _moving = repository.moving.lock().await;
        let reference = format!("refs/heads/{branch}");
        let before = git.resolve(&reference).await?;
        let parent = match &before {
            Some(before) => before.clone(),
            None => git
                .resolve(&format!("refs/heads/{}", repository.default_branch))
                .await?
                .context("an empty repository")?,
        };
        let known = git.list_tree(&parent, true).await?;
        let mode = |path: &str| known.iter().find(|e| e.path == path).map_or("100644", |e| e.mode.as_str()).to_owned();
        let kept: Vec<(&str, &str)> = files.iter().filter_map(|(path, content)| Some((*path, (*content)?))).collect();
        let blobs = git.write_blobs(&kept.iter().map(|(_, content)| content.as_bytes()).collect::<Vec<_>>()).await?;
        let set = kept.iter().zip(blobs).map(|((path, _), sha)| ((*path).to_owned(), Some((mode(path), sha))));
        let removed = files.iter().filter(|(_, content)| content.is_none()).map(|(path, _)| ((*path).to_owned(), None));
        let tree = git.write_tree(Some(&parent), &set.chain(removed).collect::<Vec<_>>()).await?;
        let author_name = author;
        let author = {
            let state = self.shared.state();
            signature(state.account(author).with_context(|| format!("nobody is called {author}"))?, Utc::now())
        };
        let sha = git.write_commit(&tree, &[parent], &author, &author, &format!("{message}\n")).await?;
        self.move_branch(&repository, &reference, before, &sha, author_name).await?;
        Ok(sha)
    }

    /// Stores an object of any content, as a host does that does not check what is pushed. Answers its id.
    ///
    /// # Errors
    /// When the repository is unknown, or Git fails.
    pub async fn write_object(&self, repository: &str, kind: &str, content: &[u8]) -> anyhow::Result<String> {
        self.repository(repository)?.git.write_object(kind, content).await
    }

    /// The tree of a revision, as Git stores it.
    ///
    /// # Errors
    /// When repository or revision is unknown, or Git fails.
    pub async fn read_tree(&self, repository: &str, revision: &str) -> anyhow::Result<Vec<u8>> {
        self.repository(repository)?.git.read_tree(revision).await
    }

    /// Commits a whole tree to a branch as `author`, a login, and tells nobody: no webhook says it, so that no tree is
    /// walked here that was made to be walked without end. Answers the commit.
    ///
    /// # Errors
    /// When repository, branch or author is unknown, or Git fails.
    pub async fn push_tree(
        &self,
        repository: &str,
        branch: &str,
        tree: &str,
        message: &str,
        author: &str,
    ) -> anyhow::Result<String> {
        let repository = self.repository(repository)?;
        let _moving = repository.moving.lock().await;
        let reference = format!("refs/heads/{branch}");
        let before = repository.git.resolve(&reference).await?.context("there is no such branch")?;
        let person = {
            let state = self.shared.state();
            signature(state.account(author).with_context(|| format!("nobody is called {author}"))?, Utc::now())
        };
        let parents = [before.clone()];
        let sha = repository.git.write_commit(tree, &parents, &person, &person, &format!("{message}\n")).await?;
        let update = (reference, sha.clone(), Some(before));
        anyhow::ensure!(repository.git.update_refs(&[update]).await?, "{branch} moved");
        Ok(sha)
    }

    /// Sets a branch to a commit, whatever it was before; `None` deletes it. A person's `git push --force`.
    ///
    /// # Errors
    /// When the repository is unknown, or Git fails.
    pub async fn force_branch(
        &self,
        repository: &str,
        branch: &str,
        revision: Option<&str>,
        author: &str,
    ) -> anyhow::Result<()> {
        let repository = self.repository(repository)?;
        let _moving = repository.moving.lock().await;
        let reference = format!("refs/heads/{branch}");
        let before = repository.git.resolve(&reference).await?;
        self.move_branch(&repository, &reference, before, revision.unwrap_or(ZERO), author).await
    }

    async fn move_branch(
        &self,
        repository: &Repository,
        reference: &str,
        before: Option<String>,
        after: &str,
        author: &str,
    ) -> anyhow::Result<()> {
        let before = before.unwrap_or_else(|| ZERO.to_owned());
        let update = (reference.to_owned(), after.to_owned(), Some(before.clone()));
        anyhow::ensure!(repository.git.update_refs(&[update]).await?, "{reference} moved");
        let moved = Move { reference: reference.to_owned(), before, after: after.to_owned() };
        self.shared.follow(repository, &[moved], author).await
    }

    /// Merges a branch into another by hand, with these files changed in the merge itself; answers the merge commit.
    ///
    /// # Errors
    /// When something is unknown or conflicts, or Git fails.
    pub async fn merge_with(
        &self,
        repository: &str,
        branch: &str,
        from: &str,
        files: &[(&str, &str)],
        author: &str,
    ) -> anyhow::Result<String> {
        let repository = self.repository(repository)?;
        let git = &repository.git;
        let _moving = repository.moving.lock().await;
        let reference = format!("refs/heads/{branch}");
        let before = git.resolve(&reference).await?.with_context(|| format!("there is no branch {branch}"))?;
        let other = git.find(from, "commit").await?.with_context(|| format!("there is no {from}"))?;
        let tree = git.merge_tree(&before, &other).await?.context("a conflict")?;
        let blobs = git.write_blobs(&files.iter().map(|(_, content)| content.as_bytes()).collect::<Vec<_>>()).await?;
        let edits: Vec<_> = files
            .iter()
            .zip(blobs)
            .map(|((path, _), sha)| ((*path).to_owned(), Some(("100644".to_owned(), sha))))
            .collect();
        let tree = git.write_tree(Some(&tree), &edits).await?;
        let signed = self.shared.signature_of(author, Utc::now()).map_err(api_error)?;
        let message = format!("Merge branch '{from}'\n");
        let sha = git.write_commit(&tree, &[before.clone(), other], &signed, &signed, &message).await?;
        self.move_branch(&repository, &reference, Some(before), &sha, author).await?;
        Ok(sha)
    }

    /// Takes one commit back by a new commit, as `git revert` does, on a branch whose head still has its content.
    ///
    /// # Errors
    /// When the commit touches what later ones changed, or Git fails.
    pub async fn revert(&self, repository: &str, branch: &str, revision: &str, author: &str) -> anyhow::Result<String> {
        let found = self.repository(repository)?;
        let git = &found.git;
        let commit = git.commit(revision).await?;
        let parent = commit.parents.first().context("the first commit cannot be reverted")?;
        let mut files: Vec<(String, Option<String>)> = Vec::new();
        for change in git.diff(parent, revision).await? {
            let before = git.list_tree(parent, true).await?.into_iter().find(|e| e.path == change.path);
            let content = match before {
                Some(entry) => Some(String::from_utf8(git.read_blob(&entry.sha).await?)?),
                None => None,
            };
            let here = self.read_file(repository, branch, &change.path).await?;
            let there = self.read_file(repository, revision, &change.path).await?;
            anyhow::ensure!(here == there, "{} was changed since {revision}", change.path);
            files.push((change.path, content));
        }
        let files: Vec<(&str, Option<&str>)> = files.iter().map(|(p, c)| (p.as_str(), c.as_deref())).collect();
        let subject = commit.message.lines().next().unwrap_or_default();
        let message = format!("Revert \"{subject}\"\n\nThis reverts commit {revision}.");
        self.push_files(repository, branch, &files, &message, author).await
    }

    /// A file's text at a branch or commit, where it is there.
    ///
    /// # Errors
    /// When repository or revision is unknown, or the file is no text.
    pub async fn read_file(&self, repository: &str, revision: &str, path: &str) -> anyhow::Result<Option<String>> {
        let git = self.repository(repository)?.git;
        let tree = git.find(revision, "tree").await?.with_context(|| format!("there is no {revision}"))?;
        let entry =
            git.list_tree(&tree, true).await?.into_iter().find(|entry| entry.path == path && entry.kind == "blob");
        match entry {
            Some(entry) => Ok(Some(String::from_utf8(git.read_blob(&entry.sha).await?)?)),
            None => Ok(None),
        }
    }

    /// The mode of a file at a branch or commit: `100644`, `100755`, `120000`.
    ///
    /// # Errors
    /// When repository or revision is unknown.
    pub async fn file_mode(&self, repository: &str, revision: &str, path: &str) -> anyhow::Result<Option<String>> {
        let git = self.repository(repository)?.git;
        let tree = git.find(revision, "tree").await?.with_context(|| format!("there is no {revision}"))?;
        Ok(git.list_tree(&tree, true).await?.into_iter().find(|entry| entry.path == path).map(|entry| entry.mode))
    }

    /// Gives a file another mode, in a commit of `author`: `100755` is executable, `120000` a link to what it held, `160000` a
    /// submodule.
    ///
    /// # Errors
    /// When something is unknown, or Git fails.
    pub async fn set_mode(
        &self,
        repository: &str,
        branch: &str,
        path: &str,
        mode: &str,
        author: &str,
    ) -> anyhow::Result<String> {
        let found = self.repository(repository)?;
        let git = &found.git;
        let _moving = found.moving.lock().await;
        let reference = format!("refs/heads/{branch}");
        let before = git.resolve(&reference).await?.with_context(|| format!("there is no branch {branch}"))?;
        let entry = git.list_tree(&before, true).await?.into_iter().find(|e| e.path == path).context("no such file")?;
        let tree = git.write_tree(Some(&before), &[(path.to_owned(), Some((mode.to_owned(), entry.sha)))]).await?;
        let signed = self.shared.signature_of(author, Utc::now()).map_err(api_error)?;
        let sha = git.write_commit(&tree, std::slice::from_ref(&before), &signed, &signed, "Set the mode\n").await?;
        self.move_branch(&found, &reference, Some(before), &sha, author).await?;
        Ok(sha)
    }

    /// The head of a branch, where it exists.
    ///
    /// # Errors
    /// When the repository is unknown.
    pub async fn head(&self, repository: &str, branch: &str) -> anyhow::Result<Option<String>> {
        self.repository(repository)?.git.resolve(&format!("refs/heads/{branch}")).await
    }

    /// The branches with their heads.
    ///
    /// # Errors
    /// When the repository is unknown.
    pub async fn branches(&self, repository: &str) -> anyhow::Result<Vec<(String, String)>> {
        let refs = self.repository(repository)?.git.refs("refs/heads").await?;
        Ok(refs.into_iter().map(|(name, sha)| (name.trim_start_matches("refs/heads/").to_owned(), sha)).collect())
    }

    /// The commits of a branch or revision, newest first.
    ///
    /// # Errors
    /// When repository or revision is unknown.
    pub async fn log(&self, repository: &str, revision: &str) -> anyhow::Result<Vec<Commit>> {
        self.repository(repository)?.git.log(&[revision], &[]).await
    }

    /// Whether GitHub signed a commit.
    ///
    /// # Errors
    /// When the repository is unknown.
    pub fn is_verified(&self, repository: &str, revision: &str) -> anyhow::Result<bool> {
        Ok(self.repository(repository)?.signed.contains(revision))
    }

    /// Does what a person's browser does on the sign-in page: agrees as `login`, and answers the address that the
    /// browser is sent back to.
    ///
    /// # Errors
    /// When the page refuses.
    pub fn authorize(&self, authorize_url: &str, login: &str) -> anyhow::Result<Url> {
        let url: Url = authorize_url.parse()?;
        let parameters: HashMap<String, String> = url.query_pairs().into_owned().collect();
        self.shared.grant_code(&parameters, login).map_err(|message| anyhow!(message))
    }
}
