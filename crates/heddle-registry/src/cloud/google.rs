//! An access token for Artifact Registry from the key of a service account.
//!
//! Source: "Using OAuth 2.0 for Server to Server Applications" (JWT bearer, RFC 7523) and "Configure authentication to
//! Artifact Registry for Docker" (`oauth2accesstoken`) of Google.

use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Caller, Endpoint, Given, ends_in};
use crate::{
    ask::{Failure, LoginFault},
    login::Credential,
};

/// Where tokens come from, whatever a key's file says.
const TOKEN_SERVER: &str = "https://oauth2.googleapis.com/token";

/// Reading alone.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform.read-only";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'static str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: u64,
}

pub(super) async fn token(
    caller: &Caller<'_>,
    account: &str,
    key_id: &str,
    key: &SecretString,
) -> Result<Given, Failure> {
    if !caller.host.is_google() {
        return Err(caller.failed("it is no registry of Google"));
    }
    let now = Utc::now().timestamp();
    // A clock of ours that goes before theirs would make a proof of the future.
    let claims = Claims { iss: account, scope: SCOPE, aud: TOKEN_SERVER, iat: now - 30, exp: now + 1800 };
    let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::RS256) };
    let unusable = || caller.failed("the service account's key cannot be used");
    let key = EncodingKey::from_rsa_pem(key.expose_secret().as_bytes()).map_err(|_| unusable())?;
    let proof = jsonwebtoken::encode(&header, &claims, &key).map_err(|_| unusable())?;
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", proof.as_str())];
    let server = caller.endpoints.at(Endpoint::Google, TOKEN_SERVER)?;
    let body = caller.read(caller.access.post_form(&server, &form).await, class).await?;
    let answer: Answer = caller.parse(&body)?;
    let password = caller.check(answer.access_token)?;
    let credential = Credential::Password { username: "oauth2accesstoken".to_owned(), password };
    Ok(Given { credential, ends_at: ends_in(answer.expires_in) })
}

fn class(status: StatusCode, _: &str) -> Option<(LoginFault, &'static str)> {
    let refused = matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let words =
        "Google does not take the key: it was deleted, or its service account is disabled; make a new key and enter it";
    refused.then_some((LoginFault::Refused, words))
}
