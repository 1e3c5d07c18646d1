//! The JSON that GitHub answers: every field its published description requires, and those that clients use.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    Addresses,
    git::{Commit, FileChange, Signature},
    model::{
        Account, AccountKind, App, Comment, Delivery, Installation, Level, Permissions, PullRequest, Repository, State,
    },
};

/// Writes bodies for one state of affairs.
pub(crate) struct Bodies<'a> {
    pub at: &'a Addresses,
    pub state: &'a State,
}

/// What is known of a pull request only by asking Git.
#[derive(Debug, Clone, Default)]
pub(crate) struct PullFacts {
    pub mergeable: Option<bool>,
    pub commits: u64,
    pub files: Vec<FileChange>,
}

/// An instant as GitHub writes it.
pub(crate) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn permissions(permissions: &Permissions) -> Value {
    permissions.iter().map(|(name, level)| (name.clone(), Value::from(level.word()))).collect()
}

impl Bodies<'_> {
    fn api(&self, path: std::fmt::Arguments<'_>) -> String {
        format!("{}{path}", self.at.api)
    }

    fn html(&self, path: std::fmt::Arguments<'_>) -> String {
        format!("{}{path}", self.at.pages)
    }

    /// `simple-user`; a login that is gone is GitHub's "ghost".
    pub fn user(&self, login: &str) -> Value {
        let Some(account) = self.state.account(login) else { return Value::Null };
        let login = &account.login;
        // The brackets of a bot's login are escaped in addresses, and its page is the App's.
        let user = self.api(format_args!("/users/{}", login.replace('[', "%5B").replace(']', "%5D")));
        let page = login.strip_suffix("[bot]").map_or_else(|| login.clone(), |slug| format!("apps/{slug}"));
        json!({
            "login": login, "id": account.id, "node_id": format!("U_{}", account.id), "type": account.kind.word(),
            "avatar_url": self.html(format_args!("/avatars/{}", account.id)), "gravatar_id": "",
            "url": user, "html_url": self.html(format_args!("/{page}")), "site_admin": false,
            "followers_url": format!("{user}/followers"), "following_url": format!("{user}/following{{/other_user}}"),
            "gists_url": format!("{user}/gists{{/gist_id}}"), "starred_url": format!("{user}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{user}/subscriptions"), "organizations_url": format!("{user}/orgs"),
            "repos_url": format!("{user}/repos"), "events_url": format!("{user}/events{{/privacy}}"),
            "received_events_url": format!("{user}/received_events"),
        })
    }

    /// `public-user`, the answer to `GET /user`.
    pub fn full_user(&self, account: &Account) -> Value {
        let more = json!({
            "name": account.name, "company": null, "blog": "", "location": null, "email": account.email,
            "hireable": null, "bio": null, "twitter_username": null, "public_repos": 0, "public_gists": 0,
            "followers": 0, "following": 0, "notification_email": account.email,
            "created_at": instant(account.created_at), "updated_at": instant(account.created_at),
        });
        merged(self.user(&account.login), more)
    }

    /// `organization-simple`, in webhooks.
    pub fn organization(&self, login: &str) -> Option<Value> {
        let account = self.state.account(login).filter(|a| a.kind == AccountKind::Organization)?;
        let url = self.api(format_args!("/orgs/{}", account.login));
        Some(json!({
            "login": account.login, "id": account.id, "node_id": format!("O_{}", account.id), "url": url,
            "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events"),
            "hooks_url": format!("{url}/hooks"), "issues_url": format!("{url}/issues"),
            "members_url": format!("{url}/members{{/member}}"),
            "public_members_url": format!("{url}/public_members{{/member}}"),
            "avatar_url": self.html(format_args!("/avatars/{}", account.id)), "description": null,
        }))
    }

    /// `integration`, an App.
    pub fn app(&self, app: &App) -> Value {
        json!({
            "id": app.id, "slug": app.slug, "client_id": app.client_id, "node_id": format!("A_{}", app.id),
            "owner": self.user(&app.owner), "name": app.slug, "description": null,
            "external_url": self.html(format_args!("/apps/{}", app.slug)),
            "html_url": self.html(format_args!("/apps/{}", app.slug)),
            "created_at": instant(app.created_at), "updated_at": instant(app.created_at),
            "permissions": permissions(&app.permissions), "events": app.events,
            "installations_count": self.state.installations.values().filter(|i| i.app == app.id).count(),
        })
    }

    /// `installation`.
    pub fn installation(&self, installation: &Installation) -> Value {
        let app = self.state.apps.get(&installation.app);
        let account = self.state.account(&installation.account);
        let selected = matches!(installation.selection, super::model::Selection::Only(_));
        let url = self.api(format_args!("/app/installations/{}", installation.id));
        json!({
            "id": installation.id, "app_id": installation.app, "app_slug": app.map(|a| &a.slug),
            "client_id": app.map(|a| &a.client_id), "target_id": account.map(|a| a.id),
            "target_type": account.map(|a| a.kind.word()), "account": self.user(&installation.account),
            "repository_selection": if selected { "selected" } else { "all" },
            "access_tokens_url": format!("{url}/access_tokens"),
            "repositories_url": self.api(format_args!("/installation/repositories")),
            "html_url": self.html(format_args!("/settings/installations/{}", installation.id)),
            "permissions": permissions(&installation.permissions), "events": app.map(|a| &a.events),
            "single_file_name": null, "has_multiple_single_files": false, "single_file_paths": [],
            "created_at": instant(installation.created_at), "updated_at": instant(installation.created_at),
            "suspended_by": null, "suspended_at": installation.suspended_at.map(instant),
        })
    }

    /// `full-repository`, the answer to `GET /repos/{owner}/{repo}`.
    pub fn full_repository(&self, repository: &Repository, role: Option<Level>) -> Value {
        merged(self.repository(repository, role), json!({"network_count": 0, "subscribers_count": 0}))
    }

    /// `repository`; `role` fills `permissions`.
    pub fn repository(&self, repository: &Repository, role: Option<Level>) -> Value {
        let name = repository.full_name();
        let url = self.api(format_args!("/repos/{name}"));
        let html = self.html(format_args!("/{name}"));
        let open = repository.pulls.values().filter(|p| p.is_open()).count();
        let mut body = json!({
            "id": repository.id, "node_id": repository.node_id(), "name": repository.name, "full_name": name,
            "owner": self.user(&repository.owner), "private": repository.private, "html_url": html,
            "description": null, "fork": false, "url": url, "default_branch": repository.default_branch,
            "clone_url": format!("{}/{name}.git", self.at.git), "svn_url": html, "mirror_url": null,
            "git_url": format!("git://{}/{name}.git", self.at.host), "ssh_url": format!("git@{}:{name}.git", self.at.host),
        });
        let more = json!({
            "homepage": null, "language": null, "license": null, "forks": 0, "forks_count": 0, "topics": [],
            "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 0, "custom_properties": {}, "open_issues": open, "open_issues_count": open, "is_template": false,
            "has_issues": true, "has_projects": true, "has_wiki": false, "has_pages": false, "has_downloads": true,
            "has_discussions": false, "archived": false, "disabled": false, "web_commit_signoff_required": false,
            "visibility": if repository.private { "private" } else { "public" }, "allow_forking": true,
            "pushed_at": instant(repository.pushed_at), "created_at": instant(repository.created_at),
            "updated_at": instant(repository.pushed_at),
        });
        body = merged(body, more);
        for (field, path) in REPOSITORY_URLS {
            body[*field] = format!("{url}{path}").into();
        }
        if let Some(role) = role {
            body["permissions"] = json!({
                "admin": role >= Level::Admin, "maintain": role >= Level::Admin, "push": role >= Level::Write,
                "triage": role >= Level::Write, "pull": true,
            });
        }
        body
    }

    /// `commit`, as in lists and comparisons.
    pub fn commit(&self, repository: &Repository, commit: &Commit) -> Value {
        let (name, sha) = (repository.full_name(), &commit.sha);
        let git = self.api(format_args!("/repos/{name}/git"));
        let url = self.api(format_args!("/repos/{name}/commits/{sha}"));
        let html = self.html(format_args!("/{name}/commit/{sha}"));
        let parents: Vec<Value> = commit.parents.iter().map(|parent| self.parent(repository, parent)).collect();
        json!({
            "sha": sha, "node_id": format!("C_{sha}"), "url": url, "html_url": html,
            "comments_url": format!("{url}/comments"), "parents": parents,
            "author": self.author(&commit.author), "committer": self.author(&commit.committer),
            "commit": {
                "url": format!("{git}/commits/{sha}"), "message": commit.message, "comment_count": 0,
                "author": signature(&commit.author), "committer": signature(&commit.committer),
                "tree": {"sha": commit.tree, "url": format!("{git}/trees/{}", commit.tree)},
                "verification": self.verification(repository, commit),
            },
        })
    }

    /// `git-commit`, of the Git database.
    pub fn git_commit(&self, repository: &Repository, commit: &Commit) -> Value {
        let (name, sha) = (repository.full_name(), &commit.sha);
        let git = self.api(format_args!("/repos/{name}/git"));
        let parent = |sha: &String| json!({"sha": sha, "url": format!("{git}/commits/{sha}"), "html_url": self.html(format_args!("/{name}/commit/{sha}"))});
        json!({
            "sha": sha, "node_id": format!("C_{sha}"), "url": format!("{git}/commits/{sha}"),
            "html_url": self.html(format_args!("/{name}/commit/{sha}")), "message": commit.message,
            "author": signature(&commit.author), "committer": signature(&commit.committer),
            "tree": {"sha": commit.tree, "url": format!("{git}/trees/{}", commit.tree)},
            "parents": commit.parents.iter().map(parent).collect::<Vec<_>>(),
            "verification": self.verification(repository, commit),
        })
    }

    fn parent(&self, repository: &Repository, sha: &str) -> Value {
        let name = repository.full_name();
        json!({
            "sha": sha, "url": self.api(format_args!("/repos/{name}/commits/{sha}")),
            "html_url": self.html(format_args!("/{name}/commit/{sha}")),
        })
    }

    fn author(&self, signature: &Signature) -> Value {
        self.state.account_of_email(&signature.email).map_or(Value::Null, |account| self.user(&account.login))
    }

    fn verification(&self, repository: &Repository, commit: &Commit) -> Value {
        let verified = repository.signed.contains(&commit.sha);
        json!({
            "verified": verified, "reason": if verified { "valid" } else { "unsigned" },
            "signature": verified.then_some("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----"),
            "payload": verified.then(|| format!("tree {}", commit.tree)),
            "verified_at": verified.then(|| instant(commit.committer.at)),
        })
    }

    /// `diff-entry`.
    pub fn file(&self, repository: &Repository, commit: &str, change: &FileChange) -> Value {
        let (name, path) = (repository.full_name(), &change.path);
        let status = match change.status {
            'A' => "added",
            'D' => "removed",
            'R' => "renamed",
            'T' => "changed",
            _ => "modified",
        };
        let mut body = json!({
            "sha": change.sha, "filename": path, "status": status, "additions": change.additions,
            "deletions": change.deletions, "changes": change.additions + change.deletions,
            "blob_url": self.html(format_args!("/{name}/blob/{commit}/{path}")),
            "raw_url": self.html(format_args!("/{name}/raw/{commit}/{path}")),
            "contents_url": self.api(format_args!("/repos/{name}/contents/{path}?ref={commit}")),
        });
        if let Some(patch) = &change.patch {
            body["patch"] = patch.as_str().into();
        }
        if let Some(previous) = &change.previous {
            body["previous_filename"] = previous.as_str().into();
        }
        body
    }

    /// `git-ref`.
    pub fn reference(&self, repository: &Repository, reference: &str, sha: &str) -> Value {
        let git = self.api(format_args!("/repos/{}/git", repository.full_name()));
        json!({
            "ref": reference, "node_id": format!("REF_{}_{reference}", repository.id), "url": format!("{git}/{reference}"),
            "object": {"type": "commit", "sha": sha, "url": format!("{git}/commits/{sha}")},
        })
    }

    /// A list of `label`.
    pub fn labels(&self, repository: &Repository, labels: &[String]) -> Value {
        let label = |(id, name): (u64, &String)| {
            let url = self.api(format_args!("/repos/{}/labels/{id}", repository.full_name()));
            json!({
                "id": id, "node_id": format!("LA_{id}"), "url": url, "name": name, "description": "",
                "color": "ededed", "default": false,
            })
        };
        (1..).zip(labels).map(label).collect()
    }

    /// `pull-request-simple`, as in lists; with `facts` the whole `pull-request`.
    pub fn pull(&self, repository: &Repository, pull: &PullRequest, facts: Option<&PullFacts>) -> Value {
        let (name, number) = (repository.full_name(), pull.number);
        let url = self.api(format_args!("/repos/{name}/pulls/{number}"));
        let issue = self.api(format_args!("/repos/{name}/issues/{number}"));
        let html = self.html(format_args!("/{name}/pull/{number}"));
        let statuses = self.api(format_args!("/repos/{name}/statuses/{}", pull.head_sha));
        let end = |branch: &str, sha: &str| {
            json!({
                "label": format!("{}:{branch}", repository.owner), "ref": branch, "sha": sha,
                "user": self.user(&repository.owner), "repo": self.repository(repository, None),
            })
        };
        let merge_commit = pull.merged.as_ref().map(|m| m.sha.clone());
        let head = json!({
            "id": pull.id, "node_id": format!("PR_{}", pull.id), "number": number, "url": url, "html_url": html,
            "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"), "issue_url": issue,
            "commits_url": format!("{url}/commits"), "review_comments_url": format!("{url}/comments"),
            "review_comment_url": self.api(format_args!("/repos/{name}/pulls/comments{{/number}}")),
            "comments_url": format!("{issue}/comments"), "statuses_url": statuses,
            "state": if pull.is_open() { "open" } else { "closed" }, "locked": false, "draft": pull.draft,
        });
        let rest = json!({
            "title": pull.title, "body": pull.body, "user": self.user(&pull.user),
            "labels": self.labels(repository, &pull.labels), "milestone": null,
            "active_lock_reason": null, "created_at": instant(pull.created_at), "updated_at": instant(pull.updated_at),
            "closed_at": pull.closed_at.map(instant), "merged_at": pull.merged.as_ref().map(|m| instant(m.at)),
            "merge_commit_sha": merge_commit,
            "assignee": null, "assignees": [],
            "requested_reviewers": pull.reviewers.iter().map(|login| self.user(login)).collect::<Vec<_>>(),
            "requested_teams": [],
            "head": end(&pull.head, &pull.head_sha), "base": end(&pull.base, &pull.base_sha),
            "author_association": "NONE", "auto_merge": null,
            "_links": {
                "self": {"href": url}, "html": {"href": html}, "issue": {"href": issue},
                "comments": {"href": format!("{issue}/comments")}, "statuses": {"href": statuses},
                "review_comments": {"href": format!("{url}/comments")}, "commits": {"href": format!("{url}/commits")},
                "review_comment": {"href": self.api(format_args!("/repos/{name}/pulls/comments{{/number}}"))},
            },
        });
        let body = merged(head, rest);
        let Some(facts) = facts else { return body };
        let comments = repository.comments.values().filter(|c| c.number == number).count();
        let sum = |count: fn(&FileChange) -> u64| facts.files.iter().map(count).sum::<u64>();
        let state = match (pull.is_open(), facts.mergeable) {
            (true, Some(true)) => "clean",
            (true, Some(false)) => "dirty",
            _ => "unknown",
        };
        let more = json!({
            "merged": pull.merged.is_some(), "mergeable": facts.mergeable, "rebaseable": facts.mergeable,
            "mergeable_state": state, "merged_by": pull.merged.as_ref().map(|m| self.user(&m.by)),
            "comments": comments, "review_comments": 0, "maintainer_can_modify": false, "commits": facts.commits,
            "additions": sum(|f| f.additions), "deletions": sum(|f| f.deletions), "changed_files": facts.files.len(),
        });
        merged(body, more)
    }

    /// `issue`.
    pub fn issue(&self, repository: &Repository, pull: &PullRequest) -> Value {
        let (name, number) = (repository.full_name(), pull.number);
        let url = self.api(format_args!("/repos/{name}/issues/{number}"));
        let html = self.html(format_args!("/{name}/pull/{number}"));
        json!({
            "id": pull.id, "node_id": format!("PR_{}", pull.id), "number": number, "url": url, "html_url": html,
            "repository_url": self.api(format_args!("/repos/{name}")), "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"),
            "state": if pull.is_open() { "open" } else { "closed" }, "state_reason": null, "title": pull.title,
            "body": pull.body, "user": self.user(&pull.user),
            "labels": self.labels(repository, &pull.labels), "assignee": null, "assignees": [],
            "milestone": null, "locked": false, "active_lock_reason": null, "author_association": "NONE",
            "comments": repository.comments.values().filter(|c| c.number == number).count(),
            "created_at": instant(pull.created_at), "updated_at": instant(pull.updated_at),
            "closed_at": pull.closed_at.map(instant),
            "closed_by": pull.closed_by.as_ref().map(|login| self.user(login)),
            "pull_request": {
                "url": self.api(format_args!("/repos/{name}/pulls/{number}")), "html_url": html,
                "diff_url": format!("{html}.diff"), "patch_url": format!("{html}.patch"),
                "merged_at": pull.merged.as_ref().map(|m| instant(m.at)),
            },
        })
    }

    /// `issue-comment`.
    pub fn comment(&self, repository: &Repository, comment: &Comment) -> Value {
        let name = repository.full_name();
        json!({
            "id": comment.id, "node_id": format!("IC_{}", comment.id), "user": self.user(&comment.user),
            "url": self.api(format_args!("/repos/{name}/issues/comments/{}", comment.id)),
            "html_url": self.html(format_args!("/{name}/pull/{}#issuecomment-{}", comment.number, comment.id)),
            "issue_url": self.api(format_args!("/repos/{name}/issues/{}", comment.number)),
            "body": comment.body, "author_association": "NONE", "performed_via_github_app": null,
            "created_at": instant(comment.created_at), "updated_at": instant(comment.updated_at),
        })
    }

    /// `hook-delivery-item`; with `whole` also request and response.
    pub fn delivery(&self, delivery: &Delivery, whole: bool) -> Value {
        let mut body = json!({
            "id": delivery.id, "guid": delivery.guid, "delivered_at": instant(delivery.delivered_at),
            "redelivery": delivery.redelivery, "duration": 0.01, "status": delivery.status,
            "status_code": delivery.status_code, "event": delivery.event, "action": delivery.action,
            "installation_id": delivery.installation, "repository_id": delivery.repository, "throttled_at": null,
        });
        if whole {
            body["request"] = json!({"headers": delivery.request_headers, "payload": delivery.payload});
            body["response"] = json!({"headers": null, "payload": null});
        }
        body
    }
}

fn signature(signature: &Signature) -> Value {
    json!({"name": signature.name, "email": signature.email, "date": instant(signature.at)})
}

/// The fields of both objects.
pub(crate) fn merged(mut body: Value, more: Value) -> Value {
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body
}

const REPOSITORY_URLS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];
