//! What the stand-in remembers beside its Git repositories. Plain data; knows nothing of HTTP.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::git::Git;

/// A user, a bot or an organization.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub id: u64,
    pub login: String,
    pub kind: AccountKind,
    pub email: String,
    pub name: String,
    /// For an organization its owners.
    pub owners: BTreeSet<String>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountKind {
    User,
    Organization,
    Bot,
}

impl AccountKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Organization => "Organization",
            Self::Bot => "Bot",
        }
    }
}

/// How much of a thing someone may do; the order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Look.
    Read,
    /// Change.
    Write,
    /// Change settings.
    Admin,
}

impl Level {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Write, Self::Admin].into_iter().find(|level| level.word() == text)
    }
}

/// Permissions by name (`contents`, `pull_requests`, …).
pub(crate) type Permissions = BTreeMap<String, Level>;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub id: u64,
    pub slug: String,
    pub owner: String,
    pub client_id: String,
    pub client_secret: String,
    pub webhook_secret: String,
    pub webhook_url: Option<String>,
    pub callback_url: Option<String>,
    /// PKCS#1.
    pub public_key: Vec<u8>,
    pub permissions: Permissions,
    pub events: Vec<String>,
    pub created_at: DateTime<Utc>,
}

impl App {
    pub fn bot_login(&self) -> String {
        format!("{}[bot]", self.slug)
    }
}

/// The repositories an installation covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    Only(BTreeSet<u64>),
}

#[derive(Debug, Clone)]
pub(crate) struct Installation {
    pub id: u64,
    pub app: u64,
    pub account: String,
    pub selection: Selection,
    pub permissions: Permissions,
    pub suspended_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Repository {
    pub id: u64,
    pub owner: String,
    pub name: String,
    pub private: bool,
    pub default_branch: String,
    pub git: Git,
    pub collaborators: BTreeMap<String, Level>,
    pub pulls: BTreeMap<u64, PullRequest>,
    pub comments: BTreeMap<u64, Comment>,
    pub next_number: u64,
    /// Commits that GitHub signed.
    pub signed: BTreeSet<String>,
    pub created_at: DateTime<Utc>,
    pub pushed_at: DateTime<Utc>,
    /// Branches that change through pull requests only.
    pub protected: BTreeSet<String>,
    /// Held while a reference moves, so that what follows from it is seen in the same order by all.
    pub moving: Arc<tokio::sync::Mutex<()>>,
}

/// What GitHub says of a branch that changes through pull requests only.
pub(crate) const PULL_REQUEST_ONLY: &str =
    "Repository rule violations found\n\nChanges must be made through a pull request.\n\n";

impl Repository {
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Whether a rule keeps a reference from moving by anything but the merge of a pull request.
    pub fn is_protected(&self, reference: &str) -> bool {
        reference.strip_prefix("refs/heads/").is_some_and(|branch| self.protected.contains(branch))
    }

    pub fn node_id(&self) -> String {
        format!("R_{}", self.id)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct PullRequest {
    pub id: u64,
    pub number: u64,
    pub title: String,
    pub body: Option<String>,
    pub user: String,
    pub head: String,
    pub head_sha: String,
    pub base: String,
    pub base_sha: String,
    pub draft: bool,
    pub labels: Vec<String>,
    /// Logins.
    pub reviewers: Vec<String>,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<String>,
    pub merged: Option<Merge>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl PullRequest {
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub sha: String,
    pub by: String,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub id: u64,
    pub number: u64,
    pub user: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What a bearer of a token may do.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    Installation {
        installation: u64,
        repositories: Option<BTreeSet<u64>>,
        permissions: Permissions,
    },
    /// A user, through an App's sign-in or, with no App, with a token of their own.
    User {
        login: String,
        app: Option<u64>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub grant: Grant,
    pub expires_at: DateTime<Utc>,
}

/// A code of the web sign-in, good for one exchange.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub app: u64,
    pub login: String,
    pub redirect_uri: Option<String>,
    pub challenge: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// One try to deliver a webhook.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub id: u64,
    pub app: u64,
    pub guid: String,
    pub event: String,
    pub action: Option<String>,
    pub installation: Option<u64>,
    pub repository: Option<u64>,
    pub delivered_at: DateTime<Utc>,
    pub redelivery: bool,
    pub status_code: u16,
    pub status: String,
    pub request_headers: Value,
    pub payload: Value,
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct State {
    last_id: u64,
    pub accounts: BTreeMap<String, Account>,
    pub apps: BTreeMap<u64, App>,
    pub installations: BTreeMap<u64, Installation>,
    pub repositories: BTreeMap<u64, Repository>,
    pub tokens: HashMap<String, Token>,
    pub refresh_tokens: HashMap<String, (u64, String)>,
    pub codes: HashMap<String, Code>,
    pub sessions: HashMap<String, String>,
    pub deliveries: BTreeMap<u64, Delivery>,
}

impl State {
    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        // Numbers as large as GitHub's: none fits 16 bits.
        1_000_000 + self.last_id
    }

    pub fn account(&self, login: &str) -> Option<&Account> {
        self.accounts.get(&login.to_lowercase())
    }

    pub fn account_of_email(&self, email: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.email.eq_ignore_ascii_case(email))
    }

    pub fn repository(&self, full_name: &str) -> Option<&Repository> {
        self.repositories.values().find(|r| r.full_name().eq_ignore_ascii_case(full_name))
    }

    /// What `login` may do in a repository by their own right.
    pub fn role(&self, login: &str, repository: &Repository) -> Option<Level> {
        let owns = repository.owner.eq_ignore_ascii_case(login)
            || self.account(&repository.owner).is_some_and(|owner| owner.owners.contains(login));
        let own = if owns { Some(Level::Admin) } else { repository.collaborators.get(login).copied() };
        own.or((!repository.private).then_some(Level::Read))
    }

    pub fn covers(&self, installation: &Installation, repository: &Repository) -> bool {
        installation.account.eq_ignore_ascii_case(&repository.owner)
            && match &installation.selection {
                Selection::All => true,
                Selection::Only(ids) => ids.contains(&repository.id),
            }
    }

    /// The repositories that an installation covers.
    pub fn covered(&self, installation: &Installation) -> Vec<&Repository> {
        self.repositories.values().filter(|r| self.covers(installation, r)).collect()
    }
}

/// Signs as an account does in a commit.
pub(crate) fn signature(account: &Account, at: DateTime<Utc>) -> super::git::Signature {
    super::git::Signature { name: account.name.clone(), email: account.email.clone(), at }
}
