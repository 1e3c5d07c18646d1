//! What a test or the demo sets up before anybody asks anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context;
use chrono::{TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::json;

use super::{
    GitHub, app_key,
    git::{Git, Signature},
    model::{Account, AccountKind, App, Grant, Installation, Level, Permissions, Repository, Selection, Token},
    secret,
};

/// An App as its owner sees it.
#[derive(Debug, Clone)]
pub struct AppCredentials {
    /// Its number.
    pub id: u64,
    /// Its name in addresses.
    pub slug: String,
    /// The login of its bot: `<slug>[bot]`.
    pub bot_login: String,
    /// Its private key, PKCS#1 PEM.
    pub private_key_pem: String,
    /// Signs its webhooks.
    pub webhook_secret: String,
    /// Names it in the web sign-in.
    pub client_id: String,
    /// Proves it in the web sign-in.
    pub client_secret: String,
}

/// What an App asks for. The default is what Heddle's App has.
#[derive(Debug, Clone)]
pub struct AppPlan {
    /// Its name in addresses.
    pub slug: String,
    /// The login of its owner, made where there is none.
    pub owner: String,
    /// Permission and level.
    pub permissions: Vec<(&'static str, Level)>,
    /// Events that it subscribes to, beside `installation` and `installation_repositories`, which every App gets.
    pub events: Vec<&'static str>,
}

impl AppPlan {
    /// An App called `slug` with Heddle's permissions.
    pub fn new(slug: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            owner: "heddle-makers".to_owned(),
            permissions: vec![
                ("metadata", Level::Read),
                ("contents", Level::Write),
                ("pull_requests", Level::Write),
                ("statuses", Level::Write),
            ],
            events: vec!["push", "pull_request"],
        }
    }
}

impl GitHub {
    /// Adds a person.
    pub fn add_user(&self, login: &str) {
        self.add_account(login, AccountKind::User, BTreeSet::new());
    }

    /// Adds an organization that `owner`, a person, owns.
    pub fn add_organization(&self, login: &str, owner: &str) {
        self.add_account(login, AccountKind::Organization, BTreeSet::from([owner.to_owned()]));
    }

    fn add_account(&self, login: &str, kind: AccountKind, owners: BTreeSet<String>) {
        let mut state = self.shared.state();
        let id = state.next_id();
        let email = match kind {
            AccountKind::Bot => format!("{id}+{login}@users.noreply.github.com"),
            _ => format!("{login}@example.com"),
        };
        let account = Account {
            id,
            login: login.to_owned(),
            kind,
            email,
            name: login.to_owned(),
            owners,
            created_at: Utc::now(),
        };
        state.accounts.entry(login.to_lowercase()).or_insert(account);
    }

    /// Makes an App with keys and secrets of its own.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn create_app(&self, plan: AppPlan) -> anyhow::Result<AppCredentials> {
        let (private_key_pem, public_key) = app_key::generate()?;
        if self.shared.state().account(&plan.owner).is_none() {
            self.add_account(&plan.owner, AccountKind::Organization, BTreeSet::new());
        }
        self.add_account(&format!("{}[bot]", plan.slug), AccountKind::Bot, BTreeSet::new());
        let mut state = self.shared.state();
        let app = App {
            id: state.next_id(),
            slug: plan.slug,
            owner: plan.owner,
            client_id: format!("Iv23li{}", secret(14)),
            client_secret: secret(40),
            webhook_secret: secret(32),
            webhook_url: None,
            callback_url: None,
            public_key,
            permissions: plan.permissions.into_iter().map(|(name, level)| (name.to_owned(), level)).collect(),
            events: plan.events.into_iter().map(str::to_owned).collect(),
            created_at: Utc::now(),
        };
        let credentials = AppCredentials {
            id: app.id,
            slug: app.slug.clone(),
            bot_login: app.bot_login(),
            private_key_pem,
            webhook_secret: app.webhook_secret.clone(),
            client_id: app.client_id.clone(),
            client_secret: app.client_secret.clone(),
        };
        state.apps.insert(app.id, app);
        Ok(credentials)
    }

    /// Where every App's webhooks go.
    pub fn set_webhook_target(&self, url: &str) {
        for app in self.shared.state().apps.values_mut() {
            app.webhook_url = Some(url.to_owned());
        }
    }

    /// Where every App's web sign-in may go back to: this address and what lies below it.
    pub fn set_callback_url(&self, url: &str) {
        for app in self.shared.state().apps.values_mut() {
            app.callback_url = Some(url.to_owned());
        }
    }

    /// Makes a private repository `owner/name` with these files in one commit on `main`; answers that commit.
    ///
    /// # Errors
    /// When the owner is unknown, the repository exists, or Git fails.
    pub async fn create_repository(&self, full_name: &str, files: &[(&str, &str)]) -> anyhow::Result<String> {
        let (owner, name) = full_name.split_once('/').context("a repository is called owner/name")?;
        let (id, owner) = {
            let mut state = self.shared.state();
            anyhow::ensure!(state.repository(full_name).is_none(), "{full_name} exists");
            let owner = state.account(owner).with_context(|| format!("nobody is called {owner}"))?.clone();
            (state.next_id(), owner)
        };
        let git = Git::create(self.shared.dir.join(format!("{id}.git")), "main").await?;
        let blobs = git.write_blobs(&files.iter().map(|(_, content)| content.as_bytes()).collect::<Vec<_>>()).await?;
        let edits: Vec<_> = files
            .iter()
            .zip(blobs)
            .map(|((path, _), sha)| ((*path).to_owned(), Some(("100644".to_owned(), sha))))
            .collect();
        let tree = git.write_tree(None, &edits).await?;
        let now = Utc::now();
        let author = Signature { name: owner.name.clone(), email: owner.email.clone(), at: now };
        let sha = git.write_commit(&tree, &[], &author, &author, "Initial commit\n").await?;
        git.update_refs(&[("refs/heads/main".to_owned(), sha.clone(), None)]).await?;
        let repository = Repository {
            id,
            owner: owner.login,
            name: name.to_owned(),
            private: true,
            default_branch: "main".to_owned(),
            git,
            collaborators: BTreeMap::new(),
            pulls: BTreeMap::new(),
            comments: BTreeMap::new(),
            next_number: 0,
            signed: BTreeSet::new(),
            created_at: now,
            pushed_at: now,
            protected: BTreeSet::new(),
            moving: Arc::default(),
        };
        self.shared.state().repositories.insert(id, repository);
        Ok(sha)
    }

    /// Sets or takes away the rule that a branch changes through pull requests only, with nobody to bypass it.
    pub fn set_protected(&self, repository: &str, branch: &str, protected: bool) {
        self.with_repository(repository, |r| {
            if protected {
                r.protected.insert(branch.to_owned());
            } else {
                r.protected.remove(branch);
            }
        });
    }

    /// Opens a repository to the world, or closes it.
    pub fn set_private(&self, repository: &str, private: bool) {
        self.with_repository(repository, |r| r.private = private);
    }

    /// Lets a person read, write or administer a repository.
    pub fn add_collaborator(&self, repository: &str, login: &str, level: Level) {
        self.with_repository(repository, |r| {
            r.collaborators.insert(login.to_owned(), level);
        });
    }

    fn with_repository(&self, full_name: &str, change: impl FnOnce(&mut Repository)) {
        let mut state = self.shared.state();
        let found = state.repositories.values_mut().find(|r| r.full_name().eq_ignore_ascii_case(full_name));
        if let Some(repository) = found {
            change(repository);
        }
    }

    /// Installs an App on an account, for these repositories or, with none named, for all of them. Answers the
    /// installation's number. A person does this on GitHub's own pages.
    ///
    /// # Errors
    /// When App, account or repository is unknown.
    pub fn install(&self, app: u64, account: &str, repositories: &[&str]) -> anyhow::Result<u64> {
        let installation = {
            let mut state = self.shared.state();
            let id = state.next_id();
            let permissions = state.apps.get(&app).context("no such App")?.permissions.clone();
            let account = state.account(account).with_context(|| format!("nobody is called {account}"))?.login.clone();
            let find = |name: &&str| state.repository(name).map(|r| r.id).with_context(|| format!("{name} is unknown"));
            let chosen = repositories.iter().map(find).collect::<anyhow::Result<BTreeSet<u64>>>()?;
            let selection = if chosen.is_empty() { Selection::All } else { Selection::Only(chosen) };
            let installation =
                Installation { id, app, account, selection, permissions, suspended_at: None, created_at: Utc::now() };
            state.installations.insert(id, installation.clone());
            installation
        };
        self.announce_installation(&installation, "created");
        Ok(installation.id)
    }

    /// Removes an installation with its tokens.
    pub fn uninstall(&self, installation: u64) {
        let removed = self.shared.state().installations.remove(&installation);
        if let Some(removed) = removed {
            self.announce_installation(&removed, "deleted");
        }
    }

    /// Suspends an installation: its tokens stop working, and nothing is told about its repositories.
    pub fn suspend(&self, installation: u64) {
        let suspended = {
            let mut state = self.shared.state();
            let found = state.installations.get_mut(&installation);
            found.map(|installation| {
                installation.suspended_at = Some(Utc::now());
                installation.clone()
            })
        };
        if let Some(suspended) = suspended {
            self.announce_installation(&suspended, "suspend");
        }
    }

    /// Takes a permission from an installation, or gives it.
    pub fn set_permission(&self, installation: u64, name: &str, level: Option<Level>) {
        let mut state = self.shared.state();
        let permissions: Option<&mut Permissions> =
            state.installations.get_mut(&installation).map(|i| &mut i.permissions);
        match (permissions, level) {
            (Some(permissions), Some(level)) => drop(permissions.insert(name.to_owned(), level)),
            (Some(permissions), None) => drop(permissions.remove(name)),
            (None, _) => {}
        }
    }

    fn announce_installation(&self, installation: &Installation, action: &str) {
        let payload = {
            let state = self.shared.state();
            let bodies = self.shared.bodies(&state);
            let short = |r: &Repository| json!({"id": r.id, "node_id": r.node_id(), "name": r.name, "full_name": r.full_name(), "private": r.private});
            let mut body = bodies.installation(installation);
            if let Some(body) = body.as_object_mut() {
                body.remove("client_id");
            }
            json!({
                "action": action, "installation": body, "requester": null,
                "repositories": state.covered(installation).into_iter().map(short).collect::<Vec<_>>(),
                "sender": bodies.user(&installation.account),
            })
        };
        self.shared.post(installation.app, "installation", Some(installation.id), None, payload);
    }

    /// A token with which a person pushes and calls the API, as from their settings page.
    pub fn personal_token(&self, login: &str) -> SecretString {
        let token = format!("ghp_{}", secret(36));
        let grant = Grant::User { login: login.to_owned(), app: None };
        let stored = Token { grant, expires_at: Utc::now() + TimeDelta::days(30) };
        self.shared.state().tokens.insert(token.clone(), stored);
        token.into()
    }

    /// Installation tokens made from now on live this long, instead of one hour.
    pub fn set_token_life(&self, life: TimeDelta) {
        self.shared.set_token_life(life);
    }
}
