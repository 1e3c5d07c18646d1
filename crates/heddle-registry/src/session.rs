//! What is known of one registry while an image of it is read: where it answers, and what it takes as a login.
//!
//! A session serves one owner and one piece of work. Nothing of it is kept for another: a token says what its owner may
//! read.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::Utc;
use heddle_core::{image::ImageRepository, registry::pace::Allowance};
use reqwest::{StatusCode, header::HeaderMap};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::{
    access::Access,
    allowance,
    ask::{Failure, LoginFault, failed},
    charts::Indexed,
    cloud::{Cloud, Lent},
    login::{self, Authorization, Challenge, Credential, Desk, wants_login},
    quirks,
};

/// How long a token is used before a new one is asked for: registries promise 60 s at least.
const TOKEN_TERM: Duration = Duration::from_secs(50);

/// How many tokens are kept, one an image.
const MAX_TOKENS: usize = 64;

/// A login for a registry.
#[derive(Debug, Clone)]
pub struct Login {
    /// What is shown, or how that is got.
    pub keys: Keys,
    /// The token server at another host that somebody confirmed, as `host` or `host:port`.
    pub auth_host: Option<String>,
}

/// Where a credential comes from.
#[derive(Debug, Clone)]
pub enum Keys {
    /// It is there.
    Own(Credential),
    /// A cloud gives one that lives for some hours.
    Cloud(Cloud),
}

/// To which of the hosts that the operator listed a registry may lead: by a redirect, or by the name of a token server.
#[derive(Clone, Default)]
pub(crate) struct Leads(Option<Arc<Allow>>);

type Allow = dyn Fn(&Url) -> bool + Send + Sync;

impl Leads {
    pub(crate) fn allow(&self, url: &Url) -> bool {
        self.0.as_ref().is_none_or(|allow| allow(url))
    }
}

impl fmt::Debug for Leads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Leads")
    }
}

/// A registry with one login.
#[derive(Debug)]
pub struct Session {
    access: Access,
    registry: String,
    login: Option<Login>,
    leads: Leads,
    base: OnceCell<Url>,
    logins: Mutex<HashMap<String, (Authorization, Instant)>>,
    /// What the cloud gave last, and whether another one was asked for already.
    lent: Mutex<Option<Lent>>,
    renewed: AtomicBool,
    /// Whether a token server gave a token for the login: it is known, whatever the registry shows to it.
    known: AtomicBool,
    /// Whether the registry took the login.
    works: AtomicBool,
    /// The answer so far that left the least of the registry's limit.
    allowance: std::sync::Mutex<Option<Allowance>>,
    /// What the indexes of charts said that were read.
    pub(crate) indexed: std::sync::Mutex<HashMap<ImageRepository, Indexed>>,
}

impl Session {
    /// A session that has not spoken to the registry yet. `registry` is [`ImageRepository::registry`].
    pub fn new(access: Access, registry: &str, login: Option<Login>) -> Self {
        Self {
            access,
            registry: registry.to_owned(),
            login,
            leads: Leads::default(),
            base: OnceCell::new(),
            logins: Mutex::default(),
            lent: Mutex::default(),
            renewed: AtomicBool::new(false),
            known: AtomicBool::new(false),
            works: AtomicBool::new(false),
            allowance: std::sync::Mutex::default(),
            indexed: std::sync::Mutex::default(),
        }
    }

    /// The same, led on to those alone of the hosts that the operator listed of which `allow` says so.
    #[must_use]
    pub fn leading_to(self, allow: impl Fn(&Url) -> bool + Send + Sync + 'static) -> Self {
        Self { leads: Leads(Some(Arc::new(allow))), ..self }
    }

    /// Whether the registry asked for the login and took it.
    pub fn login_works(&self) -> bool {
        self.works.load(Ordering::Relaxed)
    }

    /// What the registry said of its limit so far.
    pub fn allowance(&self) -> Option<Allowance> {
        *self.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_allowance(&self, headers: &HeaderMap) {
        let told = allowance::allowance(headers, Utc::now());
        let mut known = self.allowance.lock().unwrap_or_else(PoisonError::into_inner);
        *known = allowance::least(*known, told);
    }

    pub(crate) fn leads(&self) -> &Leads {
        &self.leads
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The address of the registry's API, with its scheme.
    pub(crate) async fn base(&self) -> Result<&Url, Failure> {
        if let Some(mirror) = self.access.mirror(&self.registry) {
            return Ok(mirror);
        }
        let find = || async {
            let base = self.access.base(self.host(), &self.leads).await;
            base.ok_or_else(|| failed(format!("`{}` is no address of a registry", self.registry)))
        };
        self.base.get_or_try_init(find).await
    }

    /// The host that answers for the registry. Docker Hub's goes by another name.
    pub(crate) fn host(&self) -> &str {
        quirks::of(&self.registry).answers_at.unwrap_or(&self.registry)
    }

    /// What the registry took as a login for an image.
    pub(crate) async fn authorization(&self, image: &ImageRepository) -> Option<Authorization> {
        let logins = self.logins.lock().await;
        logins.get(image.path()).filter(|(_, until)| *until > Instant::now()).map(|(login, _)| login.clone())
    }

    /// Logs in after a 401 with the headers of that answer, or, where they do not say how, with those of the registry's root.
    /// What a cloud gave and the registry does not take any more is got anew, once in a session.
    pub(crate) async fn log_in(&self, image: &ImageRepository, headers: &HeaderMap) -> Result<(), Failure> {
        let challenge = match login::challenge(headers) {
            Some(challenge) => Some(challenge),
            None => {
                let root = self.access.get(self.base().await?, None, &self.leads).await;
                root.ok().and_then(|answer| login::challenge(answer.headers()))
            }
        };
        let challenge = challenge.ok_or_else(|| self.refused(image, StatusCode::UNAUTHORIZED))?;
        let desk = Desk {
            access: &self.access,
            base: self.base().await?,
            auth_host: self.login.as_ref().and_then(|login| login.auth_host.as_deref()),
            image,
            leads: &self.leads,
        };
        let credential = self.credential().await?;
        let login = match desk.log_in(&challenge, credential.as_ref()).await {
            Err(failure) if failure.login == Some(LoginFault::Refused) && self.renew().await? => {
                desk.log_in(&challenge, self.credential().await?.as_ref()).await?
            }
            other => other?,
        };
        let by_server =
            matches!(challenge, Challenge::Bearer { .. }) && !matches!(credential, Some(Credential::Bearer(_)));
        if credential.is_some() && by_server {
            self.known.store(true, Ordering::Relaxed);
        }
        let mut logins = self.logins.lock().await;
        if logins.len() >= MAX_TOKENS {
            logins.clear();
        }
        logins.insert(image.path().to_owned(), (login, Instant::now() + TOKEN_TERM));
        Ok(())
    }

    async fn credential(&self) -> Result<Option<Credential>, Failure> {
        let Some(login) = &self.login else { return Ok(None) };
        match &login.keys {
            Keys::Own(credential) => Ok(Some(credential.clone())),
            Keys::Cloud(cloud) => {
                let mut lent = self.lent.lock().await;
                if lent.is_none() {
                    *lent = Some(cloud.credential(None).await?);
                }
                Ok(lent.as_ref().map(|lent| lent.credential.clone()))
            }
        }
    }

    /// Gets another credential from the cloud; false where there is none, or this session has done so before.
    pub(crate) async fn renew(&self) -> Result<bool, Failure> {
        let Some(Login { keys: Keys::Cloud(cloud), .. }) = &self.login else { return Ok(false) };
        if self.renewed.swap(true, Ordering::Relaxed) {
            return Ok(false);
        }
        let mut lent = self.lent.lock().await;
        let refused = lent.as_ref().map(|lent| lent.number);
        *lent = Some(cloud.credential(refused).await?);
        Ok(true)
    }

    /// Notes that an answer was given to the login.
    pub(crate) fn note_works(&self) {
        if self.login.is_some() {
            self.works.store(true, Ordering::Relaxed);
        }
    }

    /// The words for an image that the registry does not show.
    pub(crate) fn refused(&self, image: &ImageRepository, status: StatusCode) -> Failure {
        let (registry, path) = (&self.registry, image.path());
        if self.login.is_none() {
            return wants_login(image);
        }
        let quirk = quirks::of(registry);
        // Where no token server stands between, a 401 is all that a registry says of a wrong password; where one does, it is
        // what a token without rights is answered.
        let known = self.known.load(Ordering::Relaxed) || self.login_works();
        let (fault, reason) = if status == StatusCode::UNAUTHORIZED && !known {
            let remedy = quirk.when_refused;
            (LoginFault::Refused, format!("`{registry}` does not take this login for `{path}`; {remedy}"))
        } else {
            let remedy = quirk.when_denied;
            (LoginFault::Denied, format!("`{registry}` knows this login, but does not let it read `{path}`: {remedy}"))
        };
        Failure { login: Some(fault), ..failed(reason) }
    }
}
