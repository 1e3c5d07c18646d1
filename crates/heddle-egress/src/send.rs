//! The connections, and the one way in which a request is sent over them.

use std::{error::Error, sync::Arc};

use reqwest::{
    Certificate, Client, ClientBuilder, Method, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION},
    redirect,
};
use url::Url;

use crate::{
    guard::{Guard, PublicOnly, Refused, Route},
    limits::{CONNECT_TIMEOUT, MAX_HEADER_LIST_BYTES, MAX_HEADERS, MAX_REDIRECTS, READ_TIMEOUT},
};

const USER_AGENT: &str = concat!("heddle/", env!("CARGO_PKG_VERSION"));

/// Why nothing can be reached at all. Found at start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An entry of the allow list is no host.
    #[error("`{0}` is no `host` or `host:port`")]
    Allowed(String),
    /// The extra certificate authority cannot be read.
    #[error("the extra certificate authority holds no certificate in PEM form")]
    Certificate,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] Box<dyn Error + Send + Sync>),
}

/// A request that has no answer.
#[derive(Debug)]
pub enum Unsent {
    /// It, or one that a redirect asks for, is not allowed.
    Refused(Refused),
    /// It failed on its way.
    Failed(reqwest::Error),
}

/// Connections to where requests may go. Clones share them.
#[derive(Debug, Clone)]
pub struct Egress {
    guard: Arc<Guard>,
    /// Connects to public addresses alone, whatever a name resolves to.
    public: Client,
    /// Connects anywhere; for what the operator listed.
    listed: Client,
}

impl Egress {
    /// Prepares connections; connects to nothing yet. Hosts of `allowed` (`host` or `host:port`) may be plain HTTP or on
    /// private addresses. `ca_pem` is trusted beside the system's authorities.
    ///
    /// # Errors
    /// When an entry is no host, or `ca_pem` holds no certificate.
    pub fn new(allowed: &[String], ca_pem: Option<&[u8]>) -> Result<Self, SetupError> {
        let guard = Guard::new(allowed).map_err(SetupError::Allowed)?;
        let certificates = match ca_pem.map(Certificate::from_pem_bundle) {
            None => Vec::new(),
            Some(Ok(certificates)) if !certificates.is_empty() => certificates,
            Some(_) => return Err(SetupError::Certificate),
        };
        let build = |builder: ClientBuilder| builder.build().map_err(|error| SetupError::Client(error.into()));
        Ok(Self {
            guard: Arc::new(guard),
            public: build(client(&certificates).dns_resolver(Arc::new(PublicOnly)))?,
            listed: build(client(&certificates))?,
        })
    }

    /// Sends a request without a body, and follows redirects to where requests may go, to what the operator listed only where
    /// `may_lead` says so of it. `login` goes to the origin of `url` and to none that a redirect names.
    ///
    /// # Errors
    /// When it, or one that a redirect asks for, is not allowed or fails, or it is led on more than [`MAX_REDIRECTS`] times.
    pub async fn send(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        login: Option<&HeaderValue>,
        may_lead: impl Fn(&Url) -> bool,
    ) -> Result<Response, Unsent> {
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client_for(&at)?.request(method.clone(), at.clone()).headers(headers.clone());
            if let Some(login) = login.filter(|_| at.origin() == url.origin()) {
                request = request.header(AUTHORIZATION, login.clone());
            }
            let answer = request.send().await.map_err(Unsent::Failed)?;
            match redirect_of(&answer)? {
                Some(next) if self.route(&next).map_err(Unsent::Refused)? == Route::Listed && !may_lead(&next) => {
                    let host = next.host_str().unwrap_or_default();
                    return Err(Unsent::Refused(Refused(format!(
                        "the host leads on to `{host}`, which has to be named too"
                    ))));
                }
                Some(next) => at = next,
                None => return Ok(answer),
            }
        }
        Err(Unsent::Refused(Refused(format!("the host leads on more than {MAX_REDIRECTS} times"))))
    }

    /// Posts a body, and follows no redirect.
    ///
    /// # Errors
    /// When it is not allowed, or fails.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Vec<u8>) -> Result<Response, Unsent> {
        let request = self.client_for(url)?.post(url.clone()).headers(headers).body(body);
        request.send().await.map_err(Unsent::Failed)
    }

    /// How a request to the address may be sent, as far as the written address tells.
    ///
    /// # Errors
    /// When it may not be.
    pub fn route(&self, url: &Url) -> Result<Route, Refused> {
        self.guard.route(url)
    }

    fn client_for(&self, url: &Url) -> Result<&Client, Unsent> {
        Ok(match self.route(url).map_err(Unsent::Refused)? {
            Route::Public => &self.public,
            Route::Listed => &self.listed,
        })
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
    next.map(Some).ok_or_else(|| Unsent::Refused(Refused("the host leads on to what is no address".into())))
}
