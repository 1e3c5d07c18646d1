//! Installation tokens: one repository, the least permissions, an hour.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::git::RepoName;
use heddle_wire::secret::WireSecret;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::{
    app::App,
    problem::{ApiError, ApiResult},
};

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// An agent's fetch.
    Fetch,
    /// A read: the files and the state of pull requests.
    Read,
    /// An update: commits and pull requests.
    Write,
}

/// A fresh token.
#[derive(Debug)]
pub struct Minted {
    /// Its text.
    pub token: WireSecret,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Answer {
    token: WireSecret,
    expires_at: DateTime<Utc>,
}

/// Mints a token for one repository.
///
/// # Errors
/// 502 when GitHub does not give one.
pub async fn mint(app: &App, installation: i64, repository: &RepoName, access: Access) -> ApiResult<Minted> {
    let permissions = match access {
        Access::Fetch => json!({ "contents": "read" }),
        Access::Read => json!({ "contents": "read", "pull_requests": "read" }),
        Access::Write => json!({ "contents": "write", "pull_requests": "write" }),
    };
    let github = app.config.github.as_ref().ok_or_else(|| {
        ApiError::unavailable("github-not-configured", "no GitHub App is configured (HEDDLE_GITHUB_APP_ID)")
    })?;
    let key = EncodingKey::from_rsa_pem(github.private_key.expose_secret().as_bytes()).map_err(ApiError::internal)?;
    let now = Utc::now();
    let claims = json!({
        "iss": github.app_id.to_string(),
        "iat": (now - TimeDelta::seconds(60)).timestamp(),
        "exp": (now + TimeDelta::minutes(9)).timestamp(),
    });
    let jwt = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(ApiError::internal)?;
    let mut client = reqwest::Client::builder().user_agent("heddle").timeout(std::time::Duration::from_secs(20));
    if let Some(pem) = &app.config.ca_pem {
        client = client.add_root_certificate(reqwest::Certificate::from_pem(pem).map_err(ApiError::internal)?);
    }
    let client = client.build().map_err(ApiError::internal)?;
    let url =
        format!("{}/app/installations/{installation}/access_tokens", github.api_url.as_str().trim_end_matches('/'));
    let refused = |cause: anyhow::Error| {
        ApiError::upstream("github-refused", format!("GitHub gave no token for {repository}"), cause)
    };
    let answer = client
        .post(url)
        .bearer_auth(jwt)
        .header("accept", "application/vnd.github+json")
        .json(&json!({ "repositories": [repository.name()], "permissions": permissions }))
        .send()
        .await
        .map_err(|error| refused(error.into()))?;
    let answer = answer.error_for_status().map_err(|error| refused(error.into()))?;
    let answer: Answer = answer.json().await.map_err(|error| refused(error.into()))?;
    Ok(Minted { token: answer.token, expires_at: answer.expires_at })
}

/// `{api}/graphql`, or `{host}/api/graphql` for an Enterprise Server, whose REST API lies at `/api/v3`.
///
/// # Errors
/// When the address cannot be put together.
pub fn graphql_url(api_url: &Url) -> ApiResult<Url> {
    let base = api_url.as_str().trim_end_matches('/');
    let base = base.strip_suffix("/v3").filter(|base| base.ends_with("/api")).unwrap_or(base);
    format!("{base}/graphql").parse().map_err(|error: url::ParseError| ApiError::internal(error))
}
