//! GitHub as this API reaches it for people: their sign-in, and what it proves.

pub mod tokens;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use heddle_db::github_grants::Grant;
use heddle_github::{GitHubError, Host, OAuth, User, UserClient};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{config::GitHubApp, problem::ApiError};

/// The sign-in of the App's users.
pub struct SignIn {
    host: Host,
    oauth: OAuth,
    client_secret: SecretString,
    callback_url: Url,
}

impl SignIn {
    /// The sign-in of `app`; GitHub sends browsers back to `callback_url`.
    ///
    /// # Errors
    /// When an address or the extra authority cannot be used.
    pub fn new(app: &GitHubApp, ca_pem: Option<Vec<u8>>, callback_url: Url) -> Result<Self, GitHubError> {
        let host = Host::new(app.api_url.clone(), ca_pem)?;
        let oauth = OAuth::new(&host, app.web_url.clone(), app.client_id.clone(), app.client_secret.clone())?;
        Ok(Self { host, oauth, client_secret: app.client_secret.clone(), callback_url })
    }

    /// Where to send the browser.
    ///
    /// # Errors
    /// When GitHub's address is broken.
    pub fn authorize_url(&self, state: &str) -> Result<Url, GitHubError> {
        let verifier = self.verifier(state);
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.expose_secret().as_bytes());
        self.oauth.authorize_url(state, &URL_SAFE_NO_PAD.encode(hash), &self.callback_url)
    }

    /// Who came back with `code`, and the repositories that they administer and the App reaches.
    ///
    /// # Errors
    /// When GitHub does not take the code, or does not answer.
    pub async fn prove(&self, state: &str, code: &SecretString) -> Result<(User, Vec<Grant>), GitHubError> {
        let token = self.oauth.exchange_code(code, &self.verifier(state), &self.callback_url).await?;
        let client = UserClient::new(&self.host, &token.secret)?;
        let user = client.user().await?;
        let mut grants = Vec::new();
        for installation in client.list_installations().await?.into_iter().filter(|one| !one.suspended) {
            let Ok(installation_id) = i64::try_from(installation.id) else { continue };
            let repositories = client.list_installation_repositories(installation.id).await?;
            // To read a repository is not enough to bind it to an organization (threat T14).
            grants.extend(repositories.into_iter().filter(|one| one.may_administer == Some(true)).map(|one| Grant {
                installation_id,
                name: one.name,
                default_branch: one.default_branch,
                private: one.private,
            }));
        }
        Ok((user, grants))
    }

    /// The PKCE verifier of a state. It is derived, so that nothing more than the state's hash is kept.
    fn verifier(&self, state: &str) -> SecretString {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.client_secret.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, format!("pkce:{state}").as_bytes())).into()
    }
}

/// What a person hears when GitHub did not do its part.
pub fn refuse(error: GitHubError) -> ApiError {
    match &error {
        GitHubError::Refused { .. } | GitHubError::Unauthorized => ApiError::new(
            axum::http::StatusCode::CONFLICT,
            "github-sign-in-refused",
            "GitHub did not take the sign-in; start it again",
        ),
        _ => ApiError::upstream("github-unavailable", "GitHub does not answer as it should; try again", error.into()),
    }
}
