//! The web sign-in.
//! <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app>

use chrono::{TimeDelta, Utc};
use heddle_core::Timestamp;
use reqwest::header::ACCEPT;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{
    call::refusal,
    error::GitHubError,
    host::{Host, setup},
};

/// The sign-in of an App's users.
#[derive(Debug, Clone)]
pub struct OAuth {
    http: reqwest::Client,
    web_url: Url,
    client_id: String,
    client_secret: SecretString,
}

/// A person's token.
#[derive(Debug, Clone)]
pub struct UserToken {
    /// The token.
    pub secret: SecretString,
    /// When it ends; `None` where the App's tokens do not.
    pub expires_at: Option<Timestamp>,
}

/// GitHub answers 200 also for a wrong code.
#[derive(Deserialize)]
#[serde(untagged)]
enum Exchanged {
    Token { access_token: SecretString, expires_in: Option<i64> },
    Error { error: String, error_description: Option<String> },
}

impl OAuth {
    /// The sign-in at `web_url` (`https://github.com`).
    ///
    /// # Errors
    /// When the web address cannot be a base.
    pub fn new(host: &Host, web_url: Url, client_id: String, client_secret: SecretString) -> Result<Self, GitHubError> {
        if web_url.cannot_be_a_base() {
            return Err(setup("GitHub's web address", "it has no host"));
        }
        Ok(Self { http: host.transport.http(), web_url, client_id, client_secret })
    }

    fn address(&self, step: &str) -> Result<Url, GitHubError> {
        let base = self.web_url.as_str().trim_end_matches('/');
        format!("{base}/login/oauth/{step}").parse().map_err(|_| setup("GitHub's web address", "it is no URL"))
    }

    /// Where to send the person's browser. `state` comes back with it and must be compared; `challenge` is the S256
    /// code challenge of a verifier that [`OAuth::exchange_code`] is given.
    ///
    /// # Errors
    /// When the web address is broken.
    pub fn authorize_url(&self, state: &str, challenge: &str, redirect_uri: &Url) -> Result<Url, GitHubError> {
        let mut url = self.address("authorize")?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", redirect_uri.as_str())
            .append_pair("state", state)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// Exchanges the code that the browser came back with, once.
    ///
    /// # Errors
    /// [`GitHubError::Refused`] when the code is wrong, used or old.
    pub async fn exchange_code(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        redirect_uri: &Url,
    ) -> Result<UserToken, GitHubError> {
        let form = [
            ("client_id", self.client_id.as_str()),
            ("client_secret", self.client_secret.expose_secret()),
            ("code", code.expose_secret()),
            ("code_verifier", verifier.expose_secret()),
            ("redirect_uri", redirect_uri.as_str()),
        ];
        let broken = |error: reqwest::Error| GitHubError::Unavailable { reason: error.without_url().to_string() };
        let request = self.http.post(self.address("access_token")?).header(ACCEPT, "application/json").form(&form);
        let response = request.send().await.map_err(broken)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.text().await.map_err(broken)?;
        if !status.is_success() {
            return Err(refusal(status, &headers, &body, "/login/oauth/access_token", Utc::now()));
        }
        match serde_json::from_str(&body) {
            Ok(Exchanged::Token { access_token, expires_in }) => {
                let expires_at =
                    expires_in.map(|seconds| Utc::now() + TimeDelta::seconds(seconds.clamp(0, 31_536_000)));
                Ok(UserToken { secret: access_token, expires_at })
            }
            Ok(Exchanged::Error { error, error_description }) => {
                Err(GitHubError::Refused { status: 400, message: error_description.unwrap_or(error) })
            }
            Err(source) => Err(GitHubError::Unreadable { what: "a sign-in".into(), source }),
        }
    }
}
