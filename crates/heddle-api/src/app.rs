//! What every handler reaches: the store, the configuration, the clients of outside systems.

use std::{ops::Deref, sync::Arc};

use axum::{body::Bytes, extract::FromRequestParts, http::request::Parts as RequestParts};
use heddle_db::Db;
use tokio_util::sync::CancellationToken;

use crate::{
    bodies::Rooms,
    config::{Config, GitHubApp},
    flow::bell::Bell,
    github::{SignIn, tokens::Tokens},
    lanes::{Lane, Lanes},
    password::Hasher,
    policies::Policies,
    problem::{ApiError, ApiResult},
    rates::Rates,
    seal::Sealing,
};

/// What a request reaches. Cheap to clone.
///
/// Handlers take it as an argument: [`crate::guard`] hands it to them with the store as their asker may use it. The
/// router has no state, so that there is no other way to the store.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
    /// The store.
    pub db: Db,
}

/// Tells handlers that wait when the program ends.
#[derive(Debug, Clone)]
pub struct Shutdown(pub CancellationToken);

/// The OpenAPI document as it is sent.
#[derive(Debug, Clone)]
pub struct Document(pub Bytes);

/// The parts of an [`App`].
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Hashes passwords, a few at a time.
    pub hasher: Hasher,
    /// The sign-in of people at GitHub, when an App is set up.
    pub github: Option<SignIn>,
    /// The tokens of the App's installations, when an App is set up.
    pub tokens: Option<Tokens>,
    /// Wakes automators that wait for work.
    pub bell: Arc<Bell>,
    /// Hash of the token that automators show, if one is set.
    pub automator_token_hash: Option<Vec<u8>>,
    /// Seals what the store keeps secret.
    pub sealing: Sealing,
    /// Who may hold how much of the store.
    pub lanes: Lanes,
    /// The memory for bodies.
    pub rooms: Rooms,
    /// How often programs may ask.
    pub rates: Rates,
    /// Policies, compiled.
    pub policies: Policies,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts, db: Db) -> Self {
        Self { parts: Arc::new(parts), db }
    }

    /// The same, with the store as `lane` may use it.
    #[must_use]
    pub fn within(&self, lane: Lane) -> Self {
        Self { parts: Arc::clone(&self.parts), db: self.lanes.of(&self.db, lane) }
    }

    /// Scheme, host and port of the public URL, as browsers send it in `Origin`.
    pub fn public_origin(&self) -> String {
        self.config.public_url.origin().ascii_serialization()
    }

    /// The GitHub App with its tokens.
    ///
    /// # Errors
    /// 503 when none is set up.
    pub fn github_app(&self) -> ApiResult<(&Tokens, &GitHubApp)> {
        match (&self.tokens, &self.config.github) {
            (Some(tokens), Some(github)) => Ok((tokens, github)),
            _ => Err(ApiError::unavailable(
                "github-not-configured",
                "no GitHub App is configured here (HEDDLE_GITHUB_APP_ID)",
            )),
        }
    }

    /// A page or route under the public URL; `path` starts without a slash.
    pub fn public_url(&self, path: &str) -> String {
        format!("{}/{path}", self.config.public_url.as_str().trim_end_matches('/'))
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl<S: Send + Sync> FromRequestParts<S> for App {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut RequestParts, _: &S) -> Result<Self, ApiError> {
        let app = parts.extensions.get::<Self>().cloned();
        app.ok_or_else(|| ApiError::internal(anyhow::anyhow!("the guard stands before no handler")))
    }
}
