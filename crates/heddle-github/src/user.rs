//! A person who signed in, and what they may reach.

use std::collections::BTreeMap;

use heddle_core::git::{BranchName, RepoName};
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use crate::{
    call::{Client, path},
    error::GitHubError,
    host::{Credentials, Host},
};

/// A person on GitHub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// Their number; it stays when the login changes.
    pub id: u64,
    /// Their login.
    pub login: String,
    /// Their name, where they gave one.
    pub name: Option<String>,
}

/// An App installed on an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Its number.
    pub id: u64,
    /// The login of the person or organization.
    pub account: String,
    /// Whether the account's owner suspended it: its tokens do not work.
    pub suspended: bool,
    /// The rights that the account granted, by name: `read`, `write` or `admin`.
    pub permissions: BTreeMap<String, String>,
    /// Its page of settings.
    pub html_url: String,
}

/// A repository that an installation covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallationRepository {
    /// Its number; it stays when the repository is renamed.
    pub id: u64,
    /// `owner/name`.
    pub name: RepoName,
    /// The address for `git clone`.
    pub clone_url: Url,
    /// Its page.
    pub html_url: Url,
    /// Its default branch.
    pub default_branch: BranchName,
    /// Whether only some see it.
    pub private: bool,
    /// Whether the person who asked may push; `None` when an App asked.
    pub may_push: Option<bool>,
    /// Whether the person who asked administers it; `None` when an App asked.
    pub may_administer: Option<bool>,
}

#[derive(Deserialize)]
pub(crate) struct Repositories {
    pub repositories: Vec<RepositoryBody>,
}

#[derive(Deserialize)]
pub(crate) struct RepositoryBody {
    id: u64,
    full_name: String,
    clone_url: Url,
    html_url: Url,
    default_branch: String,
    private: bool,
    permissions: Option<RepositoryRights>,
}

#[derive(Deserialize)]
struct RepositoryRights {
    #[serde(default)]
    push: bool,
    #[serde(default)]
    admin: bool,
}

impl RepositoryBody {
    /// `None` when GitHub names it in a way that no address can carry.
    pub fn into_repository(self) -> Option<InstallationRepository> {
        Some(InstallationRepository {
            id: self.id,
            name: self.full_name.parse().ok()?,
            clone_url: self.clone_url,
            html_url: self.html_url,
            default_branch: self.default_branch.parse().ok()?,
            private: self.private,
            may_push: self.permissions.as_ref().map(|rights| rights.push),
            may_administer: self.permissions.map(|rights| rights.admin),
        })
    }
}

#[derive(Deserialize)]
struct Installations {
    installations: Vec<InstallationBody>,
}

#[derive(Deserialize)]
pub(crate) struct InstallationBody {
    id: u64,
    account: Option<AccountBody>,
    suspended_at: Option<String>,
    permissions: BTreeMap<String, String>,
    html_url: String,
}

#[derive(Deserialize)]
struct AccountBody {
    login: String,
}

impl From<InstallationBody> for Installation {
    fn from(body: InstallationBody) -> Self {
        let account = body.account.map(|account| account.login).unwrap_or_default();
        Self {
            id: body.id,
            account,
            suspended: body.suspended_at.is_some(),
            permissions: body.permissions,
            html_url: body.html_url,
        }
    }
}

/// GitHub as a signed-in person sees it, through the App.
#[derive(Debug, Clone)]
pub struct UserClient {
    client: Client,
}

impl UserClient {
    /// A client with the person's token. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the authority or the token cannot be used.
    pub fn new(host: &Host, token: &SecretString) -> Result<Self, GitHubError> {
        Ok(Self { client: Client::new(host, &Credentials::Token(token))? })
    }

    /// Who they are.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn user(&self) -> Result<User, GitHubError> {
        self.client.get("/user").await
    }

    /// The installations of the App that they may see.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn list_installations(&self) -> Result<Vec<Installation>, GitHubError> {
        let items = |page: Installations| page.installations;
        let bodies = self.client.pages("/user/installations?per_page=100", items, |_| false).await?;
        Ok(bodies.into_iter().map(Installation::from).collect())
    }

    /// The repositories of an installation that they may reach, with their rights in each.
    ///
    /// # Errors
    /// [`GitHubError::NotFound`] when they may not see the installation.
    pub async fn list_installation_repositories(
        &self,
        installation: u64,
    ) -> Result<Vec<InstallationRepository>, GitHubError> {
        let path = path(&["user", "installations", &installation.to_string(), "repositories"]);
        let items = |page: Repositories| page.repositories;
        let bodies = self.client.pages(&format!("{path}?per_page=100"), items, |_| false).await?;
        Ok(bodies.into_iter().filter_map(RepositoryBody::into_repository).collect())
    }
}
