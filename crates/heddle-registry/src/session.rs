//! What is known of one registry while an image of it is read: where it answers, and what it takes as a login.
//!
//! A session serves one owner and one piece of work. Nothing of it is kept for another: a token says what its owner may
//! read.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use heddle_core::image::ImageRepository;
use reqwest::{Method, header::HeaderMap};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::{
    access::Access,
    ask::{Failure, failed},
    login::{self, Authorization, Credential, wants_login},
};

/// How long a token is used before a new one is asked for: registries promise 60 s at least.
const TOKEN_TERM: Duration = Duration::from_secs(50);

/// How many tokens are kept, one an image.
const MAX_TOKENS: usize = 64;

/// A registry with one credential.
#[derive(Debug)]
pub struct Session {
    access: Access,
    registry: String,
    credential: Option<Credential>,
    base: OnceCell<Url>,
    logins: Mutex<HashMap<String, (Authorization, Instant)>>,
}

impl Session {
    /// A session that has not spoken to the registry yet. `registry` is [`ImageRepository::registry`].
    pub fn new(access: Access, registry: &str, credential: Option<Credential>) -> Self {
        Self { access, registry: registry.to_owned(), credential, base: OnceCell::new(), logins: Mutex::default() }
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The address of the registry's API, with its scheme.
    pub(crate) async fn base(&self) -> Result<&Url, Failure> {
        let find = || async {
            let base = self.access.base(self.host()).await;
            base.ok_or_else(|| failed(format!("`{}` is no address of a registry", self.registry)))
        };
        self.base.get_or_try_init(find).await
    }

    /// The host that answers for the registry. Docker Hub's goes by another name.
    pub(crate) fn host(&self) -> &str {
        match self.registry.as_str() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        }
    }

    /// What the registry took as a login for an image.
    pub(crate) async fn authorization(&self, image: &ImageRepository) -> Option<Authorization> {
        let logins = self.logins.lock().await;
        logins.get(image.path()).filter(|(_, until)| *until > Instant::now()).map(|(login, _)| login.clone())
    }

    /// Logs in after a 401 with the headers of that answer, or, where they do not say how, with those of the registry's root.
    pub(crate) async fn log_in(&self, image: &ImageRepository, headers: &HeaderMap) -> Result<(), Failure> {
        let challenge = match login::challenge(headers) {
            Some(challenge) => Some(challenge),
            None => {
                let root = self.access.send(&Method::GET, self.base().await?, &HeaderMap::new(), None).await;
                root.ok().and_then(|answer| login::challenge(answer.headers()))
            }
        };
        let challenge = challenge.ok_or_else(|| failed(self.refused(image)))?;
        let login = login::log_in(&self.access, &challenge, self.credential.as_ref(), image).await?;
        let mut logins = self.logins.lock().await;
        if logins.len() >= MAX_TOKENS {
            logins.clear();
        }
        logins.insert(image.path().to_owned(), (login, Instant::now() + TOKEN_TERM));
        Ok(())
    }

    /// The words for an image that the registry does not show.
    pub(crate) fn refused(&self, image: &ImageRepository) -> String {
        match &self.credential {
            None => wants_login(image),
            Some(_) => format!("`{}` does not let this login read `{}`", self.registry, image.path()),
        }
    }
}
