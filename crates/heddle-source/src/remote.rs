//! Where to fetch from, and as whom.

use std::fmt;

use heddle_egress::is_private_on_its_way;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::FetchError;

/// A login for HTTPS basic authentication.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The user name.
    pub username: String,
    /// The password or token.
    pub password: SecretString,
}

impl Credential {
    /// Whether it is the same login.
    pub fn is_the_same_as(&self, other: &Self) -> bool {
        self.username == other.username && self.password.expose_secret() == other.password.expose_secret()
    }
}

/// A repository, and how to reach it.
#[derive(Clone)]
pub struct Remote {
    /// Its `https://` address, without a user; plain `http://` is taken for loopback hosts only, and then without a
    /// credential.
    pub url: Url,
    /// The login; `None` for a public repository.
    pub credential: Option<Credential>,
    /// Certificate authorities in PEM, trusted besides those of the system.
    pub ca_pem: Option<Vec<u8>>,
}

impl Remote {
    /// Whether the other one reaches the same repository, by the same login.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        let is_same_login = match (&self.credential, &other.credential) {
            (Some(own), Some(other)) => own.is_the_same_as(other),
            (None, None) => true,
            _ => false,
        };
        is_same_login && self.url == other.url && self.ca_pem == other.ca_pem
    }

    /// Checks the address before anything is sent.
    pub(crate) fn check(&self) -> Result<(), FetchError> {
        let refuse = |reason: &'static str| Err(FetchError::Address { reason });
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return refuse("it holds a user or a password: these belong in a Secret");
        }
        if self.url.query().is_some() || self.url.fragment().is_some() {
            return refuse("it holds a query or a fragment");
        }
        match self.url.scheme() {
            _ if is_private_on_its_way(&self.url) => Ok(()),
            "http" => refuse("plain http is taken for loopback hosts only: write https"),
            _ => refuse("only https is supported"),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credential = self.credential.as_ref().map(|credential| &credential.username);
        f.debug_struct("Remote").field("url", &self.url.as_str()).field("username", &credential).finish_non_exhaustive()
    }
}
