//! The connections to registries, and the one way in which a request is sent over them.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use heddle_core::registry::RegistryHost;
use reqwest::{
    Certificate, Client, ClientBuilder, Method, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
    redirect,
};
use url::{Url, form_urlencoded};

use crate::{
    guard::{Guard, PublicOnly, Refused, Route},
    limits::{CONNECT_TIMEOUT, MAX_HEADER_LIST_BYTES, MAX_HEADERS, MAX_REDIRECTS, READ_TIMEOUT},
};

const USER_AGENT: &str = concat!("heddle/", env!("CARGO_PKG_VERSION"));

/// How long it is known whether an allowed registry speaks TLS.
const SCHEME_TERM: Duration = Duration::from_secs(600);

/// How many allowed registries are remembered. An entry without a port allows every port of its host.
const MAX_SCHEMES: usize = 100;

/// Why registries cannot be reached at all. Found at start.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// An entry of the allow list is no host.
    #[error("`{0}` is no `host` or `host:port`")]
    Allowed(String),
    /// An entry of the mirrors is none.
    #[error("`{0}` is no mirror; write REGISTRY=ADDRESS, such as docker.io=https://mirror.example.com")]
    Mirror(String),
    /// The extra certificate authority cannot be read.
    #[error("the extra certificate authority holds no certificate in PEM form")]
    Certificate,
    /// The HTTP client could not be set up.
    #[error("the HTTP client for registries could not be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

/// What all sessions share: the allow list, the trusted authorities, the connections. Clones share them.
#[derive(Debug, Clone)]
pub struct Access {
    guard: Arc<Guard>,
    /// Connects to public addresses alone, whatever a name resolves to.
    public: Client,
    /// Connects anywhere; for what the operator listed.
    listed: Client,
    schemes: Arc<Mutex<HashMap<String, (Url, Instant)>>>,
    /// What is asked in the place of a registry.
    mirrors: Arc<HashMap<String, Url>>,
}

/// A request that has no answer.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// It, or one that a redirect asks for, is not allowed.
    Refused(Refused),
    /// It failed on its way.
    Failed(reqwest::Error),
}

impl Access {
    /// Prepares connections; connects to nothing yet. Hosts of `allowed` (`host` or `host:port`) may be plain HTTP or on
    /// private addresses. `ca_pem` is trusted beside the system's authorities.
    ///
    /// # Errors
    /// When an entry is no host, or `ca_pem` holds no certificate.
    pub fn new(allowed: &[String], ca_pem: Option<&[u8]>) -> Result<Self, AccessError> {
        let guard = Guard::new(allowed).map_err(AccessError::Allowed)?;
        let certificates = match ca_pem.map(Certificate::from_pem_bundle) {
            None => Vec::new(),
            Some(Ok(certificates)) if !certificates.is_empty() => certificates,
            Some(_) => return Err(AccessError::Certificate),
        };
        let build = |builder: ClientBuilder| builder.build().map_err(|error| AccessError::Setup(error.into()));
        Ok(Self {
            guard: Arc::new(guard),
            public: build(client(&certificates).dns_resolver(Arc::new(PublicOnly)))?,
            listed: build(client(&certificates))?,
            schemes: Arc::default(),
            mirrors: Arc::default(),
        })
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

    /// Sends a request without a body, and follows redirects to where requests may go. `login` goes to the host of `url`
    /// and to none that a redirect names.
    pub(crate) async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        login: Option<&HeaderValue>,
    ) -> Result<Response, Unsent> {
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client_for(&at)?.request(method.clone(), at.clone()).headers(headers.clone());
            if let Some(login) = login.filter(|_| at.origin() == url.origin()) {
                request = request.header(AUTHORIZATION, login.clone());
            }
            let answer = request.send().await.map_err(Unsent::Failed)?;
            match redirect_of(&answer)? {
                Some(next) => at = next,
                None => return Ok(answer),
            }
        }
        Err(Unsent::Refused(Refused(format!("the registry leads on more than {MAX_REDIRECTS} times"))))
    }

    /// Posts a form, and follows no redirect: the form may hold a secret.
    pub(crate) async fn post_form(&self, url: &Url, form: &[(&str, &str)]) -> Result<Response, Unsent> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.post(url, headers, form.into_bytes()).await
    }

    /// Posts a body, and follows no redirect.
    pub(crate) async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Response, Unsent> {
        let request = self.client_for(url)?.post(url.clone()).headers(headers).body(body);
        request.send().await.map_err(Unsent::Failed)
    }

    fn client_for(&self, url: &Url) -> Result<&Client, Unsent> {
        Ok(match self.guard.route(url).map_err(Unsent::Refused)? {
            Route::Public => &self.public,
            Route::Listed => &self.listed,
        })
    }

    /// Whether the operator allows the host of the address to be where others may not.
    pub(crate) fn lists(&self, url: &Url) -> bool {
        self.guard.route(url) == Ok(Route::Listed)
    }

    /// The address of the API of a registry at `host`: over TLS, or without where the operator allows that and the
    /// registry speaks no TLS. `None` when the host makes no address.
    pub(crate) async fn base(&self, host: &str) -> Option<Url> {
        let parse = |scheme: &str| Url::parse(&format!("{scheme}://{host}/v2/")).ok();
        let (secure, plain) = (parse("https")?, parse("http")?);
        if !self.lists(&plain) {
            return Some(secure);
        }
        if let Some(known) = self.known_scheme(host) {
            return Some(known);
        }
        // Whatever it says to this, it says it over TLS.
        let headers = HeaderMap::new();
        let asked = self.send(&Method::GET, &secure, &headers, None);
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

fn client(certificates: &[Certificate]) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_HEADER_LIST_BYTES)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .tls_certs_merge(certificates.iter().cloned())
}

/// Where an answer leads on to.
fn redirect_of(answer: &Response) -> Result<Option<Url>, Unsent> {
    let leads_on = matches!(
        answer.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(to) = answer.headers().get(LOCATION).filter(|_| leads_on) else { return Ok(None) };
    let next = to.to_str().ok().and_then(|to| answer.url().join(to).ok());
    next.map(Some).ok_or_else(|| Unsent::Refused(Refused("the registry leads on to what is no address".into())))
}
