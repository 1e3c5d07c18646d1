//! What every handler reaches: the store, the configuration, the clients of outside systems.

use std::{ops::Deref, sync::Arc};

use heddle_db::Db;

use crate::{
    config::{Config, GitHubApp},
    flow::token::Tokens,
    github::SignIn,
    password::Hasher,
    problem::{ApiError, ApiResult},
};

/// Shared by all requests. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The store.
    pub db: Db,
    /// Hashes passwords, a few at a time.
    pub hasher: Hasher,
    /// The sign-in of people at GitHub, when an App is set up.
    pub github: Option<SignIn>,
    /// The tokens of the App's installations, when an App is set up.
    pub tokens: Option<Tokens>,
    /// Hash of the token that automators show, if one is set.
    pub automator_token_hash: Option<Vec<u8>>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
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
        match (&self.0.tokens, &self.0.config.github) {
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
        &self.0
    }
}
