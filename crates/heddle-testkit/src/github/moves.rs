//! What follows when a branch moves: webhooks, and the fate of its pull requests.

use chrono::Utc;
use serde_json::{Value, json};

use super::{
    Shared,
    body::{Bodies, PullFacts},
    git::{Commit, Git, ZERO},
    model::{Merge, PullRequest, Repository},
};

/// A reference that moved.
#[derive(Debug, Clone)]
pub(crate) struct Move {
    pub reference: String,
    pub before: String,
    pub after: String,
}

/// What becomes of a pull request.
enum Fate {
    Synchronized { head: String },
    BaseMoved { base: String },
    Closed,
    Merged { sha: String },
}

impl Shared {
    /// Draws the consequences of moves that Git has already made. The caller holds the repository's `moving` lock.
    pub(crate) async fn follow(&self, repository: &Repository, moves: &[Move], actor: &str) -> anyhow::Result<()> {
        for moved in moves {
            if let Some(stored) = self.state().repositories.get_mut(&repository.id) {
                stored.pushed_at = Utc::now();
            }
            self.announce_push(repository, moved, actor).await?;
            let Some(branch) = moved.reference.strip_prefix("refs/heads/") else { continue };
            let pulls: Vec<PullRequest> = {
                let state = self.state();
                let pulls = state.repositories.get(&repository.id).map(|r| r.pulls.values());
                pulls
                    .into_iter()
                    .flatten()
                    .filter(|p| p.is_open() && (p.head == branch || p.base == branch))
                    .cloned()
                    .collect()
            };
            for pull in pulls {
                if let Some(fate) = fate(&repository.git, &pull, branch, moved).await? {
                    self.settle(repository, pull.number, fate, actor).await?;
                }
            }
        }
        Ok(())
    }

    async fn settle(&self, repository: &Repository, number: u64, fate: Fate, actor: &str) -> anyhow::Result<()> {
        let (action, heads) = {
            let mut state = self.state();
            let pulls = state.repositories.get_mut(&repository.id).map(|r| &mut r.pulls);
            let Some(pull) = pulls.and_then(|pulls| pulls.get_mut(&number)) else { return Ok(()) };
            let now = Utc::now();
            pull.updated_at = now;
            match fate {
                Fate::Synchronized { head } => {
                    let before = std::mem::replace(&mut pull.head_sha, head.clone());
                    ("synchronize", Some((before, head)))
                }
                Fate::BaseMoved { base } => {
                    pull.base_sha = base;
                    return Ok(());
                }
                Fate::Closed => {
                    pull.closed_at = Some(now);
                    pull.closed_by = Some(actor.to_owned());
                    ("closed", None)
                }
                Fate::Merged { sha } => {
                    pull.closed_at = Some(now);
                    pull.closed_by = Some(actor.to_owned());
                    pull.merged = Some(Merge { sha, by: actor.to_owned(), at: now });
                    ("closed", None)
                }
            }
        };
        let mut more = json!({});
        if let Some((before, after)) = heads {
            more = json!({"before": before, "after": after});
            repository.git.update_refs(&[(format!("refs/pull/{number}/head"), after, None)]).await?;
        }
        self.announce_pull(repository.id, number, action, actor, more).await
    }

    /// Sends `pull_request`.
    pub(crate) async fn announce_pull(
        &self,
        repository: u64,
        number: u64,
        action: &str,
        actor: &str,
        more: Value,
    ) -> anyhow::Result<()> {
        let facts = self.pull_facts(repository, number).await?;
        self.announce(repository, "pull_request", actor, |bodies, repository| {
            let pull = repository.pulls.get(&number).map(|pull| bodies.pull(repository, pull, Some(&facts)));
            super::body::merged(json!({"action": action, "number": number, "pull_request": pull}), more.clone())
        });
        Ok(())
    }

    /// Asks Git what a pull request looks like now.
    pub(crate) async fn pull_facts(&self, repository: u64, number: u64) -> anyhow::Result<PullFacts> {
        let found = {
            let state = self.state();
            let repository = state.repositories.get(&repository).cloned();
            repository.and_then(|r| Some((r.git.clone(), r.pulls.get(&number)?.clone())))
        };
        let Some((git, pull)) = found else { return Ok(PullFacts::default()) };
        // A merged pull request goes on showing what it was when it was merged.
        let base = pull.base_sha.as_str();
        let merge_base = git.merge_base(base, &pull.head_sha).await?.unwrap_or_else(|| base.to_owned());
        let mut facts = PullFacts {
            commits: git.count(&[&format!("{base}..{}", pull.head_sha)]).await?,
            files: git.diff(&merge_base, &pull.head_sha).await?,
            ..PullFacts::default()
        };
        if pull.is_open() {
            let tree = git.merge_tree(base, &pull.head_sha).await?;
            facts.mergeable = Some(tree.is_some());
        }
        Ok(facts)
    }

    async fn announce_push(&self, repository: &Repository, moved: &Move, actor: &str) -> anyhow::Result<()> {
        let git = &repository.git;
        let (created, deleted) = (moved.before == ZERO, moved.after == ZERO);
        let forced = !created && !deleted && !git.is_ancestor(&moved.before, &moved.after).await?;
        let range = format!("{}..{}", moved.before, moved.after);
        let mut written = Vec::new();
        if !created && !deleted {
            for commit in git.log(&[&range], &["--reverse", "--topo-order", "-2048"]).await? {
                written.push(push_commit(git, commit).await?);
            }
        }
        let mut head = None;
        if !deleted && written.last().is_none_or(|last| last.commit.sha != moved.after) {
            head = Some(push_commit(git, git.commit(&moved.after).await?).await?);
        }
        let last = if deleted { None } else { head.as_ref().or(written.last()) };
        self.announce(repository.id, "push", actor, |bodies, repository| {
            let pusher = bodies.state.account(actor);
            let sign = |commit: &PushedCommit| commit.body(bodies, repository);
            json!({
                "ref": moved.reference, "before": moved.before, "after": moved.after, "base_ref": null,
                "created": created, "deleted": deleted, "forced": forced,
                "compare": format!("{}/{}/compare/{}...{}", bodies.at.pages, repository.full_name(), &moved.before[..12], &moved.after[..12]),
                "commits": written.iter().map(sign).collect::<Vec<_>>(), "head_commit": last.map(sign),
                "pusher": {"name": actor, "email": pusher.map(|p| &p.email)},
                "repository": push_repository(bodies, repository),
            })
        });
        Ok(())
    }
}

/// <https://docs.github.com/pull-requests/collaborating-with-pull-requests/proposing-changes-to-your-work-with-pull-requests/about-pull-requests>
async fn fate(git: &Git, pull: &PullRequest, branch: &str, moved: &Move) -> anyhow::Result<Option<Fate>> {
    if moved.after == ZERO {
        return Ok(Some(Fate::Closed));
    }
    if pull.head == branch {
        let nothing_left = git.is_ancestor(&moved.after, &pull.base_sha).await?;
        return Ok(Some(if nothing_left { Fate::Closed } else { Fate::Synchronized { head: moved.after.clone() } }));
    }
    let contained = git.is_ancestor(&pull.head_sha, &moved.after).await?;
    let (sha, base) = (moved.after.clone(), moved.after.clone());
    Ok(Some(if contained { Fate::Merged { sha } } else { Fate::BaseMoved { base } }))
}

struct PushedCommit {
    commit: Commit,
    added: Vec<String>,
    removed: Vec<String>,
    modified: Vec<String>,
}

async fn push_commit(git: &Git, commit: Commit) -> anyhow::Result<PushedCommit> {
    let paths = match commit.parents.first() {
        Some(parent) => git.changed_paths(parent, &commit.sha).await?,
        None => Vec::new(),
    };
    let of = |wanted: &[char]| paths.iter().filter(|(s, _)| wanted.contains(s)).map(|(_, path)| path.clone()).collect();
    Ok(PushedCommit { added: of(&['A']), removed: of(&['D']), modified: of(&['M', 'T']), commit })
}

impl PushedCommit {
    fn body(&self, bodies: &Bodies<'_>, repository: &Repository) -> Value {
        let commit = &self.commit;
        let person = |s: &super::git::Signature| {
            let account = bodies.state.account_of_email(&s.email);
            let mut body = json!({"name": s.name, "email": s.email, "date": super::body::instant(s.at)});
            if let Some(account) = account {
                body["username"] = account.login.as_str().into();
            }
            body
        };
        json!({
            "id": commit.sha, "tree_id": commit.tree, "distinct": true, "message": commit.message,
            "timestamp": super::body::instant(commit.committer.at),
            "url": format!("{}/{}/commit/{}", bodies.at.pages, repository.full_name(), commit.sha),
            "author": person(&commit.author), "committer": person(&commit.committer),
            "added": self.added, "removed": self.removed, "modified": self.modified,
        })
    }
}

/// In `push` the repository's times are seconds, and the owner has a name and an address.
fn push_repository(bodies: &Bodies<'_>, repository: &Repository) -> Value {
    let mut body = bodies.repository(repository, None);
    body["created_at"] = repository.created_at.timestamp().into();
    body["pushed_at"] = repository.pushed_at.timestamp().into();
    body["stargazers"] = 0.into();
    body["master_branch"] = repository.default_branch.as_str().into();
    if let Some(owner) = bodies.state.account(&repository.owner) {
        body["owner"]["name"] = owner.login.as_str().into();
        body["owner"]["email"] = owner.email.as_str().into();
    }
    body
}
