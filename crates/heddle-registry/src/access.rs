//! The connections to registries, and what is asked in the place of one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use heddle_core::registry::RegistryHost;
use heddle_egress::{Egress, Route, SetupError, Unsent, is_private_on_its_way, limits::CONNECT_TIMEOUT};
use reqwest::{
    Method, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use tokio::sync::Semaphore;
use url::{Url, form_urlencoded};

use crate::{limits::MAX_INDEXES_AT_ONCE, session::Leads};

/// How long it is known whether an allowed registry speaks TLS.
const SCHEME_TERM: Duration = Duration::from_secs(600);

/// How many allowed registries are remembered. An entry without a port allows every port of its host.
const MAX_SCHEMES: usize = 100;

/// Why registries cannot be reached at all. Found at start.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// An entry of the mirrors is none.
    #[error("`{0}` is no mirror; write REGISTRY=ADDRESS, such as docker.io=https://mirror.example.com")]
    Mirror(String),
    /// The connections cannot be prepared.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// What all sessions share: the allow list, the trusted authorities, the connections. Clones share them.
#[derive(Debug, Clone)]
pub struct Access {
    pub(crate) egress: Egress,
    schemes: Arc<Mutex<HashMap<String, (Url, Instant)>>>,
    /// What is asked in the place of a registry.
    mirrors: Arc<HashMap<String, Url>>,
    /// Whether a registry without TLS is spoken to on this machine alone, also where the operator allows its host.
    only_private_on_its_way: bool,
    /// Held by whoever has the text of an index of charts in memory.
    pub(crate) indexes: Arc<Semaphore>,
}

impl Access {
    /// Prepares connections; connects to nothing yet. Hosts of `allowed` (`host` or `host:port`) may be plain HTTP or on
    /// private addresses. `ca_pem` is trusted beside the system's authorities.
    ///
    /// # Errors
    /// When an entry is no host, or `ca_pem` holds no certificate.
    pub fn new(allowed: &[String], ca_pem: Option<&[u8]>) -> Result<Self, AccessError> {
        let egress = Egress::new(allowed, ca_pem)?;
        Ok(Self { only_private_on_its_way: false, ..Self::over(egress) })
    }

    /// Over these connections. A registry speaks TLS, or is on a loopback address: what is sent there may be the login of
    /// somebody who has no word in what the operator allows.
    pub fn over(egress: Egress) -> Self {
        let indexes = Arc::new(Semaphore::new(MAX_INDEXES_AT_ONCE));
        Self { egress, schemes: Arc::default(), mirrors: Arc::default(), only_private_on_its_way: true, indexes }
    }

    /// The same, with mirrors that are asked in the place of registries: `REGISTRY=ADDRESS` each. A mirror is shown the
    /// logins of its registry. One on a private address or without TLS must be allowed, too.
    ///
    /// # Errors
    /// For the first that is none.
    pub fn with_mirrors(self, mirrors: &[String]) -> Result<Self, AccessError> {
        let read = |text: &String| {
            let (registry, address) = text.split_once('=')?;
            let registry: RegistryHost = registry.parse().ok()?;
            let address: Url = address.parse().ok()?;
            let plain = matches!(address.scheme(), "http" | "https") && address.has_host() && address.query().is_none();
            plain.then(|| Some((registry.to_string(), address.join("/v2/").ok()?)))?
        };
        let all: Result<_, _> =
            mirrors.iter().map(|text| read(text).ok_or_else(|| AccessError::Mirror(text.clone()))).collect();
        Ok(Self { mirrors: Arc::new(all?), ..self })
    }

    /// The address of the API of what is asked in the place of a registry.
    pub(crate) fn mirror(&self, registry: &str) -> Option<&Url> {
        self.mirrors.get(registry)
    }

    /// Asks at an address; a redirect to what the operator listed is followed where `leads` says so alone. Everything that is not
    /// asked of an image goes this way: each address of it was named by a registry or by what that named.
    pub(crate) async fn get(&self, url: &Url, login: Option<&HeaderValue>, leads: &Leads) -> Result<Response, Unsent> {
        let headers = HeaderMap::new();
        self.egress.send(&Method::GET, url, &headers, login, |next| leads.allow(next)).await
    }

    /// Posts a form, and follows no redirect: the form may hold a secret.
    pub(crate) async fn post_form(&self, url: &Url, form: &[(&str, &str)]) -> Result<Response, Unsent> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.egress.post(url, headers, form.into_bytes()).await
    }

    /// Whether the operator allows the host of the address to be where others may not.
    pub(crate) fn lists(&self, url: &Url) -> bool {
        self.egress.route(url) == Ok(Route::Listed)
    }

    /// The address of the API of a registry at `host`: over TLS, or without where the operator allows that and the
    /// registry speaks no TLS. `None` when the host makes no address.
    pub(crate) async fn base(&self, host: &str, leads: &Leads) -> Option<Url> {
        let parse = |scheme: &str| Url::parse(&format!("{scheme}://{host}/v2/")).ok();
        let (secure, plain) = (parse("https")?, parse("http")?);
        if !self.lists(&plain) || (self.only_private_on_its_way && !is_private_on_its_way(&plain)) {
            return Some(secure);
        }
        if let Some(known) = self.known_scheme(host) {
            return Some(known);
        }
        // Whatever it says to this, it says it over TLS.
        let asked = self.get(&secure, None, leads);
        let speaks = matches!(tokio::time::timeout(CONNECT_TIMEOUT, asked).await, Ok(Ok(_)));
        let base = if speaks { secure } else { plain };
        let mut schemes = self.schemes.lock().unwrap_or_else(PoisonError::into_inner);
        if schemes.len() >= MAX_SCHEMES {
            schemes.clear();
        }
        schemes.insert(host.to_owned(), (base.clone(), Instant::now() + SCHEME_TERM));
        Some(base)
    }

    /// Forgets whether a registry speaks TLS: it could not be reached as it was known.
    pub(crate) fn forget_scheme(&self, host: &str) {
        self.schemes.lock().unwrap_or_else(PoisonError::into_inner).remove(host);
    }

    fn known_scheme(&self, host: &str) -> Option<Url> {
        let schemes = self.schemes.lock().unwrap_or_else(PoisonError::into_inner);
        schemes.get(host).filter(|(_, until)| *until > Instant::now()).map(|(base, _)| base.clone())
    }
}
