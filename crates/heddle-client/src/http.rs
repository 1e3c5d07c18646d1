//! The connection to one API: where it is and whom to trust.

use std::{sync::Arc, time::Duration};

use reqwest::{Certificate, Method, redirect};
use url::{Host, Url};

use crate::call::Call;

/// Longest wait for the TCP and TLS handshakes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why no connection could be set up. Nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Plain HTTP to another machine would show every token on the way.
    #[error("`{0}` is plain HTTP to another machine, which would show tokens on the way: write `https://`")]
    PlainHttp(Url),
    /// Neither `https://` nor `http://`, or with parts that do not belong in a base address.
    #[error("`{url}` is no base address of an API: {fault}")]
    Base {
        /// The address, without the part that may be secret.
        url: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The extra certificate authority cannot be read.
    #[error("the extra certificate authority holds no certificate in PEM form")]
    Certificate(#[source] Option<reqwest::Error>),
    /// The TLS set-up failed.
    #[error("the HTTP client could not be set up")]
    Setup(#[source] reqwest::Error),
}

/// A connection pool to one API. Clones share it.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    base: Arc<Url>,
}

impl Http {
    /// Prepares calls to the API at `base`; connects to nothing yet.
    ///
    /// `ca_pem` is trusted beside the system's authorities. Redirects are not followed, because a token must not travel
    /// to an address that nobody wrote down. Proxies from the environment are used for other machines only.
    ///
    /// # Errors
    /// When `base` is plain HTTP to anything but loopback, or no base address; when `ca_pem` holds no certificate.
    pub fn new(base: Url, ca_pem: Option<Vec<u8>>) -> Result<Self, HttpError> {
        check_base(&base)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("heddle/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT);
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if let Some(pem) = ca_pem {
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| HttpError::Certificate(Some(e)))?;
            if certificates.is_empty() {
                return Err(HttpError::Certificate(None));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        Ok(Self { client: builder.build().map_err(HttpError::Setup)?, base: Arc::new(base) })
    }

    /// The address of the API.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Begins a call to `path`, which is relative to the base and holds no more than words and ids.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        let mut url = Url::clone(&self.base);
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        Call::new(self.client.clone(), self.base.clone(), method, url)
    }
}

fn check_base(base: &Url) -> Result<(), HttpError> {
    let refuse = |fault| {
        let mut shown = base.clone();
        // Both fail only on addresses without a host, which hold no password either.
        let _ = shown.set_password(None);
        shown.set_query(None);
        Err(HttpError::Base { url: shown.into(), fault })
    };
    if !matches!(base.scheme(), "https" | "http") || base.host().is_none() {
        return refuse("write `https://host`, or `http://127.0.0.1:port` on the same machine");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refuse("leave user name and password out; the token has a setting of its own");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return refuse("leave out what follows `?` or `#`");
    }
    if base.scheme() == "http" && !is_loopback(base) {
        return Err(HttpError::PlainHttp(base.clone()));
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
