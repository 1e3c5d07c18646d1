//! Where GitHub is: the public one, or an Enterprise server with an authority of its own.

use std::time::Duration;

use octocrab::{Octocrab, OctocrabBuilder, models::AppId};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::GitHubError;

const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);

/// Connections. Clones share them, whatever host, repository or token they serve.
#[derive(Debug, Clone)]
pub struct Transport {
    http: reqwest::Client,
}

impl Transport {
    /// Connections that trust the system's authorities and this extra one, PEM.
    ///
    /// # Errors
    /// When the authority cannot be used.
    pub fn new(ca_pem: Option<&[u8]>) -> Result<Self, GitHubError> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent(concat!("heddle/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = ca_pem {
            let bundle = reqwest::Certificate::from_pem_bundle(pem);
            let bundle = bundle.map_err(|error| setup("the extra certificate authority", error.to_string()))?;
            builder = builder.tls_certs_merge(bundle);
        }
        let http = builder.build().map_err(|error| setup("the HTTP client", error.without_url().to_string()))?;
        Ok(Self { http })
    }

    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }
}

/// A GitHub host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Base address of REST: `https://api.github.com`, or `https://<host>/api/v3`.
    pub api_url: Url,
    /// Address of GraphQL: `https://api.github.com/graphql`, or `https://<host>/api/graphql`.
    pub graphql_url: Url,
    /// The connections to it.
    pub transport: Transport,
}

/// Who asks.
pub(crate) enum Credentials<'a> {
    App { id: u64, private_key_pem: &'a SecretString },
    Token(&'a SecretString),
}

impl Host {
    /// The host whose REST API is at `api_url`; GraphQL is beside it, as on Enterprise, when the path ends in `/api/v3`.
    ///
    /// # Errors
    /// When the address cannot be a base.
    pub fn new(api_url: Url, ca_pem: Option<Vec<u8>>) -> Result<Self, GitHubError> {
        let mut graphql_url = api_url.clone();
        let base = api_url.path().trim_end_matches('/');
        let path = base.strip_suffix("/v3").filter(|rest| rest.ends_with("/api")).unwrap_or(base);
        graphql_url.set_path(&format!("{path}/graphql"));
        if api_url.cannot_be_a_base() || api_url.host_str().is_none() {
            return Err(setup("the API's address", "it has no host"));
        }
        Ok(Self { api_url, graphql_url, transport: Transport::new(ca_pem.as_deref())? })
    }

    /// A client for REST and one for GraphQL: `octocrab` joins every path to its one base address.
    pub(crate) fn clients(&self, credentials: &Credentials<'_>) -> Result<(Octocrab, Octocrab), GitHubError> {
        let http = self.transport.http();
        let graphql = self.graphql_url.as_str().trim_end_matches('/');
        let graphql = graphql
            .strip_suffix("/graphql")
            .ok_or_else(|| setup("GraphQL's address", "it does not end in /graphql"))?;
        let rest = self.api_url.as_str().trim_end_matches('/');
        Ok((client(rest, http.clone(), credentials)?, client(graphql, http, credentials)?))
    }
}

fn client(base: &str, http: reqwest::Client, credentials: &Credentials<'_>) -> Result<Octocrab, GitHubError> {
    // The feature `retry` is off: `octocrab` would repeat writes.
    let builder = OctocrabBuilder::new().base_uri(base).map_err(|_| setup("the API's address", "it is no URI"))?;
    let builder = match credentials {
        Credentials::App { id, private_key_pem } => builder
            .app_from_rsa_pem(AppId(*id), private_key_pem.expose_secret())
            .map_err(|_| setup("the App's private key", "it is no RSA key in PEM"))?,
        Credentials::Token(token) => {
            // `octocrab` panics on a token that no header can carry.
            if token.expose_secret().is_empty() || !token.expose_secret().bytes().all(|b| b.is_ascii_graphic()) {
                return Err(setup("the token", "it is empty or holds other characters than tokens have"));
            }
            builder.personal_token((*token).clone())
        }
    };
    builder.build_with_reqwest(http).map_err(|_| setup("the client of GitHub", "it cannot be built"))
}

pub(crate) fn setup(what: &'static str, reason: impl Into<String>) -> GitHubError {
    GitHubError::Setup { what, reason: reason.into() }
}
