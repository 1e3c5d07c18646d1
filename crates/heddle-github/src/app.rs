//! The App with its own key: tokens narrowed to one repository, installations, webhook deliveries.

use std::time::Duration;

use heddle_core::{Timestamp, git::RepoName};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    call::{Client, path, query},
    error::GitHubError,
    host::{Credentials, Host},
    user::{Installation, InstallationBody, InstallationRepository, Repositories},
};

/// A fresh token may be unknown to some of GitHub's servers for a moment.
const FRESH_TOKEN_TRIES: u32 = 4;
const FRESH_TOKEN_PAUSE: Duration = Duration::from_millis(250);

/// What makes an App's client.
pub struct AppConfig {
    /// The App's number.
    pub app_id: u64,
    /// Its private key, PEM.
    pub private_key_pem: SecretString,
    /// Where GitHub is.
    pub host: Host,
}

/// What a token is for. Each is the least that its use needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permissions {
    /// An agent fetches files.
    Fetch,
    /// An automator reads files, commits and pull requests.
    Read,
    /// An automator writes commits and pull requests.
    Write,
}

impl Permissions {
    fn body(self) -> Value {
        match self {
            Self::Fetch => json!({"contents": "read"}),
            Self::Read => json!({"contents": "read", "pull_requests": "read"}),
            Self::Write => json!({"contents": "write", "pull_requests": "write"}),
        }
    }
}

/// An installation's token. It is opaque text of any length.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: SecretString,
    /// When it ends: an hour after it was made.
    pub expires_at: Timestamp,
}

/// A webhook that GitHub could not deliver; it does not try again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedDelivery {
    /// Names it for [`App::redeliver`].
    pub id: u64,
    /// The delivery id that the webhook carries.
    pub guid: String,
    /// The event.
    pub event: String,
    /// When it was tried.
    pub delivered_at: Timestamp,
}

/// The App.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) client: Client,
    host: Host,
}

#[derive(Deserialize)]
struct TokenBody {
    token: SecretString,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct DeliveryBody {
    id: u64,
    guid: String,
    event: String,
    delivered_at: Timestamp,
    status_code: u16,
}

impl App {
    /// A client of the App. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the key or the authority cannot be used.
    pub fn new(config: AppConfig) -> Result<Self, GitHubError> {
        let credentials = Credentials::App { id: config.app_id, private_key_pem: &config.private_key_pem };
        Ok(Self { client: Client::new(&config.host, &credentials)?, host: config.host })
    }

    /// Makes a token for one repository with one purpose's permissions, and waits until GitHub knows it.
    ///
    /// # Errors
    /// [`GitHubError::Refused`] with 422 when the installation does not cover the repository or lacks a permission.
    pub async fn mint_token(
        &self,
        installation: u64,
        repository: &RepoName,
        permissions: Permissions,
    ) -> Result<Token, GitHubError> {
        let body = json!({"repositories": [repository.name()], "permissions": permissions.body()});
        let token = self.request_token(installation, &body).await?;
        self.settle(&token, repository).await?;
        Ok(token)
    }

    async fn request_token(&self, installation: u64, body: &Value) -> Result<Token, GitHubError> {
        let path = path(&["app", "installations", &installation.to_string(), "access_tokens"]);
        let made: TokenBody = self.client.post(&path, body).await?;
        Ok(Token { secret: made.token, expires_at: made.expires_at })
    }

    async fn settle(&self, token: &Token, repository: &RepoName) -> Result<(), GitHubError> {
        let client = Client::new(&self.host, &Credentials::Token(&token.secret))?;
        let path = path(&["repos", repository.owner(), repository.name()]);
        for attempt in 1.. {
            match client.get::<Value>(&path).await {
                Err(GitHubError::NotFound { .. } | GitHubError::Unauthorized) if attempt < FRESH_TOKEN_TRIES => {
                    tokio::time::sleep(FRESH_TOKEN_PAUSE * attempt).await;
                }
                other => return other.map(drop),
            }
        }
        Ok(())
    }

    /// The repositories of an installation.
    ///
    /// # Errors
    /// When GitHub does not answer, or the installation is gone.
    pub async fn list_installation_repositories(
        &self,
        installation: u64,
    ) -> Result<Vec<InstallationRepository>, GitHubError> {
        let token = self.request_token(installation, &json!({"permissions": {"metadata": "read"}})).await?;
        let client = Client::new(&self.host, &Credentials::Token(&token.secret))?;
        let path = "/installation/repositories?per_page=100";
        let bodies = client.pages(path, |page: Repositories| page.repositories, |_| false).await?;
        Ok(bodies.into_iter().filter_map(|body| body.into_repository()).collect())
    }

    /// Every installation of the App.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn list_installations(&self) -> Result<Vec<Installation>, GitHubError> {
        let items = |page: Vec<InstallationBody>| page;
        let bodies = self.client.pages("/app/installations?per_page=100", items, |_| false).await?;
        Ok(bodies.into_iter().map(Installation::from).collect())
    }

    /// An installation, or `None` when it was removed.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn find_installation(&self, installation: u64) -> Result<Option<Installation>, GitHubError> {
        let path = path(&["app", "installations", &installation.to_string()]);
        match self.client.get::<InstallationBody>(&path).await {
            Ok(body) => Ok(Some(body.into())),
            Err(GitHubError::NotFound { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The webhooks since `since` whose last try failed, newest first. GitHub keeps three days.
    ///
    /// # Errors
    /// When GitHub does not answer.
    pub async fn list_failed_deliveries(&self, since: Timestamp) -> Result<Vec<FailedDelivery>, GitHubError> {
        let path = format!("/app/hook/deliveries?{}", query(&[("per_page", "100")]));
        let old = |seen: &[DeliveryBody]| seen.last().is_some_and(|last| last.delivered_at < since);
        let all = self.client.pages(&path, |page: Vec<DeliveryBody>| page, old).await?;
        let arrived: std::collections::HashSet<&str> =
            all.iter().filter(|d| (200..400).contains(&d.status_code)).map(|d| d.guid.as_str()).collect();
        let failed = all.iter().filter(|d| d.delivered_at >= since && !arrived.contains(d.guid.as_str()));
        Ok(failed
            .map(|d| FailedDelivery {
                id: d.id,
                guid: d.guid.clone(),
                event: d.event.clone(),
                delivered_at: d.delivered_at,
            })
            .collect())
    }

    /// Asks GitHub to deliver a webhook once more.
    ///
    /// # Errors
    /// When GitHub does not answer, or no longer has it.
    pub async fn redeliver(&self, delivery: u64) -> Result<(), GitHubError> {
        let path = path(&["app", "hook", "deliveries", &delivery.to_string(), "attempts"]);
        self.client.post::<Value>(&path, &json!({})).await.map(drop)
    }
}
