//! Who asks, and what they may do.

use axum::{extract::FromRequestParts, http::HeaderMap, http::request::Parts};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::{
    Shared,
    error::{ApiError, ApiResult},
    model::{Grant, Installation, Level, Permissions, Repository, State},
};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Anonymous,
    /// An App with its own JWT.
    App(u64),
    /// An App with an installation's token.
    Installation {
        installation: Installation,
        bot: String,
        repositories: Option<Vec<u64>>,
        permissions: Permissions,
    },
    /// A person; through an App only where it is installed.
    User {
        login: String,
        app: Option<u64>,
    },
}

#[derive(Deserialize)]
struct Claims {
    iss: serde_json::Value,
    iat: i64,
    exp: i64,
}

impl Caller {
    /// Reads `Authorization`. Git sends Basic with the token as password.
    pub fn identify(state: &State, headers: &HeaderMap) -> ApiResult<Self> {
        let Some(header) = headers.get("authorization") else { return Ok(Self::Anonymous) };
        let text = header.to_str().map_err(|_| ApiError::bad_credentials())?;
        let (scheme, value) = text.split_once(' ').ok_or_else(ApiError::bad_credentials)?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" | "token" if value.matches('.').count() == 2 && value.starts_with("ey") => app(state, value),
            "bearer" | "token" => token(state, value),
            "basic" => {
                let pair = STANDARD.decode(value).map_err(|_| ApiError::bad_credentials())?;
                let pair = String::from_utf8(pair).map_err(|_| ApiError::bad_credentials())?;
                token(state, pair.split_once(':').map_or("", |(_, password)| password))
            }
            _ => Err(ApiError::bad_credentials()),
        }
    }

    /// The login that what they do is put down to.
    pub fn login(&self) -> Option<&str> {
        match self {
            Self::User { login, .. } => Some(login),
            Self::Installation { bot, .. } => Some(bot),
            Self::Anonymous | Self::App(_) => None,
        }
    }

    pub fn is_bot(&self) -> bool {
        matches!(self, Self::Installation { .. })
    }

    /// What the caller may do with `permission` in a repository; `None` when they do not see it.
    pub fn level(&self, state: &State, repository: &Repository, permission: &str) -> Option<Option<Level>> {
        let public = (!repository.private).then_some(Level::Read);
        match self {
            Self::Anonymous | Self::App(_) => public.map(Some),
            Self::Installation { installation, repositories, permissions, .. } => {
                let chosen = repositories.as_ref().is_none_or(|ids| ids.contains(&repository.id));
                if chosen && state.covers(installation, repository) {
                    let metadata = permission == "metadata";
                    return Some(permissions.get(permission).copied().or(metadata.then_some(Level::Read)));
                }
                public.map(Some)
            }
            Self::User { login, app: None } => state.role(login, repository).map(Some),
            Self::User { login, app: Some(app) } => {
                let role = state.role(login, repository)?;
                let installed = state.installations.values().find(|i| i.app == *app && state.covers(i, repository));
                let Some(installation) = installed else { return public.map(Some) };
                if permission == "metadata" {
                    return Some(Some(Level::Read));
                }
                Some(installation.permissions.get(permission).map(|level| role.min(*level)))
            }
        }
    }

    /// The repository, when the caller may do this in it: 404 where they do not see it, 403 where they see but may not.
    pub fn need(&self, state: &State, full_name: &str, permission: &str, level: Level) -> ApiResult<Repository> {
        let repository = state.repository(full_name).ok_or_else(ApiError::not_found)?;
        let granted = self.level(state, repository, permission).ok_or_else(ApiError::not_found)?;
        if matches!(self, Self::Anonymous) && level > Level::Read {
            return Err(ApiError::new(axum::http::StatusCode::UNAUTHORIZED, "Requires authentication"));
        }
        if granted.is_none_or(|granted| granted < level) {
            return Err(ApiError::forbidden());
        }
        Ok(repository.clone())
    }
}

/// An App's JWT: RS256, issued in the past, good for ten minutes at most.
/// <https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
fn app(state: &State, jwt: &str) -> ApiResult<Caller> {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_required_spec_claims(&["exp"]);
    validation.validate_aud = false;
    validation.leeway = 0;
    for app in state.apps.values() {
        let key = DecodingKey::from_rsa_der(&app.public_key);
        let Ok(data) = jsonwebtoken::decode::<Claims>(jwt, &key, &validation) else { continue };
        let issuer = data.claims.iss.as_str().map_or_else(|| data.claims.iss.to_string(), str::to_owned);
        let now = Utc::now().timestamp();
        let unauthorized = |message: &str| ApiError::new(axum::http::StatusCode::UNAUTHORIZED, message);
        if issuer != app.id.to_string() && issuer != app.client_id {
            return Err(unauthorized("A JSON web token could not be decoded"));
        }
        if data.claims.iat > now {
            return Err(unauthorized("'Issued at' claim ('iat') must be an Integer representing a time in the past"));
        }
        if data.claims.exp > now + TimeDelta::minutes(10).num_seconds() {
            return Err(unauthorized("'Expiration time' claim ('exp') is too far in the future"));
        }
        return Ok(Caller::App(app.id));
    }
    Err(ApiError::new(axum::http::StatusCode::UNAUTHORIZED, "A JSON web token could not be decoded"))
}

fn token(state: &State, value: &str) -> ApiResult<Caller> {
    let token = state.tokens.get(value).filter(|t| t.expires_at > Utc::now()).ok_or_else(ApiError::bad_credentials)?;
    match &token.grant {
        Grant::User { login, app } => Ok(Caller::User { login: login.clone(), app: *app }),
        Grant::Installation { installation, repositories, permissions } => {
            let installation = state.installations.get(installation).ok_or_else(ApiError::bad_credentials)?;
            if installation.suspended_at.is_some() {
                let words = "This installation has been suspended";
                return Err(ApiError::new(axum::http::StatusCode::FORBIDDEN, words));
            }
            let app = state.apps.get(&installation.app).ok_or_else(ApiError::bad_credentials)?;
            Ok(Caller::Installation {
                bot: app.bot_login(),
                repositories: repositories.as_ref().map(|ids| ids.iter().copied().collect()),
                // A permission that the installation lost is lost to its tokens too.
                permissions: permissions
                    .iter()
                    .filter_map(|(name, level)| Some((name.clone(), *installation.permissions.get(name)?.min(level))))
                    .collect(),
                installation: installation.clone(),
            })
        }
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, ApiError> {
        Self::identify(&shared.state(), &parts.headers)
    }
}
