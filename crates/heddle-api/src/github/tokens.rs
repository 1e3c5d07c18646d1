//! Installation tokens: one repository, the least permissions, an hour. Each replica keeps its own until they are old.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::{TimeDelta, Utc};
use heddle_core::git::RepoName;
use heddle_github::{App, AppConfig, GitHubError, Host, Permissions, Token};
use url::Url;

use crate::{
    config::GitHubApp,
    problem::{ApiError, ApiResult},
};

/// A token is handed out while it is good for at least this long: longer than what it is for takes. GitHub's are good for
/// an hour, so that a fetch's is minted each 50 minutes at most.
const fn least_life(permissions: Permissions) -> TimeDelta {
    match permissions {
        Permissions::Fetch => TimeDelta::minutes(10),
        Permissions::Read | Permissions::Write => TimeDelta::minutes(20),
    }
}

/// Makes installation tokens with the App's key.
pub struct Tokens {
    app: App,
    host: Host,
    kept: Mutex<HashMap<(i64, RepoName, Permissions), Token>>,
}

impl Tokens {
    /// The tokens of `github`. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the key, an address or the extra authority cannot be used.
    pub fn new(github: &GitHubApp, ca_pem: Option<Vec<u8>>) -> Result<Self, GitHubError> {
        let host = Host::new(github.api_url.clone(), ca_pem)?;
        let app = App::new(AppConfig {
            app_id: github.app_id,
            private_key_pem: github.private_key.clone(),
            host: host.clone(),
        })?;
        Ok(Self { app, host, kept: Mutex::default() })
    }

    /// The address of the GraphQL API.
    pub fn graphql_url(&self) -> &Url {
        &self.host.graphql_url
    }

    /// A token for one repository.
    ///
    /// # Errors
    /// 502 when GitHub does not give one.
    pub async fn mint(&self, installation: i64, repository: &RepoName, permissions: Permissions) -> ApiResult<Token> {
        let key = (installation, repository.clone(), permissions);
        if let Some(token) = self.find(&key) {
            return Ok(token);
        }
        let minted = self.app.mint_token(installation.unsigned_abs(), repository, permissions).await;
        let token = minted.map_err(|error| {
            let message = format!("GitHub gave no token for {repository}: {error}");
            ApiError::upstream("github-refused", message, error.into())
        })?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(key, token.clone());
        Ok(token)
    }

    fn find(&self, key: &(i64, RepoName, Permissions)) -> Option<Token> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Utc::now();
        kept.retain(|(_, _, permissions), token| token.expires_at - now > least_life(*permissions));
        kept.get(key).cloned()
    }
}
