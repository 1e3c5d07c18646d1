//! A login at one registry.
//!
//! `oci-distribution` keeps the first credential it sees for a registry and shares tokens between callers, so each
//! session has a client of its own and serves one owner: one session for each organization, registry and credential.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use heddle_core::image::ImageRepository;
use oci_distribution::{
    Client, Reference, RegistryOperation,
    client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol},
    errors::OciDistributionError,
    secrets::RegistryAuth,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use crate::guard::{Access, CONNECT_TIMEOUT, READ_TIMEOUT, USER_AGENT};

/// How long a token is used before a new one is asked for: registries promise 60 s at least.
const TOKEN_TERM: Duration = Duration::from_secs(50);

/// A login for a registry.
#[derive(Debug, Clone)]
pub struct Credential {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: SecretString,
}

/// Why a registry cannot be spoken to. The message holds nothing that the registry or its login server wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Its name is no address.
    #[error("`{0}` is no address of a registry")]
    Address(String),
    /// The guard refuses it.
    #[error("{0}")]
    Refused(String),
    /// The login failed.
    #[error("the login at `{registry}` failed: {reason}")]
    Login {
        /// The registry.
        registry: String,
        /// Why, in our words.
        reason: &'static str,
    },
}

/// A registry with one credential.
pub struct Session {
    access: Access,
    registry: String,
    credential: Option<Credential>,
    endpoint: OnceCell<Endpoint>,
    tokens: Mutex<HashMap<String, (SecretString, Instant)>>,
}

/// Where the registry answers, found at the first use.
struct Endpoint {
    base: Url,
    oci: Client,
}

impl Session {
    /// A session that has not spoken to the registry yet. `registry` is [`ImageRepository::registry`].
    pub fn new(access: Access, registry: &str, credential: Option<Credential>) -> Self {
        let registry = registry.to_owned();
        Self { access, registry, credential, endpoint: OnceCell::new(), tokens: Mutex::default() }
    }

    /// The client that asks, with what the guard needs.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The address of the registry's API, with its scheme.
    pub(crate) async fn base(&self) -> Result<&Url, SessionError> {
        self.endpoint().await.map(|endpoint| &endpoint.base)
    }

    /// Adds what is known to be accepted: a token that was given, else the login where registries take it plainly.
    pub(crate) async fn authorize(&self, request: reqwest::RequestBuilder, image: &str) -> reqwest::RequestBuilder {
        let known = self.tokens.lock().await.get(image).filter(|(_, until)| *until > Instant::now()).cloned();
        match (known, &self.credential) {
            (Some((token, _)), _) if !token.expose_secret().is_empty() => request.bearer_auth(token.expose_secret()),
            // An empty token stands for a registry that asked for the login itself.
            (Some(_), Some(login)) => request.basic_auth(&login.username, Some(login.password.expose_secret())),
            _ => request,
        }
    }

    /// Logs in after a 401: asks the registry how, and the login server that it names for a token.
    pub(crate) async fn log_in(&self, image: &ImageRepository) -> Result<(), SessionError> {
        let endpoint = self.endpoint().await?;
        let reference = Reference::with_tag(self.registry.clone(), image.path().to_owned(), "latest".to_owned());
        let auth = match &self.credential {
            Some(login) => RegistryAuth::Basic(login.username.clone(), login.password.expose_secret().to_owned()),
            None => RegistryAuth::Anonymous,
        };
        let token = endpoint.oci.auth(&reference, &auth, RegistryOperation::Pull).await;
        let token = token.map_err(|error| self.login_failed(&error))?;
        let token = SecretString::from(token.unwrap_or_default());
        self.tokens.lock().await.insert(image.path().to_owned(), (token, Instant::now() + TOKEN_TERM));
        Ok(())
    }

    /// The text of a failed login is what a stranger's server wrote; it may be the answer of an address that only we can
    /// reach, so it is never passed on.
    fn login_failed(&self, error: &OciDistributionError) -> SessionError {
        let reason = match error {
            OciDistributionError::AuthenticationFailure(_) => "the credential was not accepted",
            OciDistributionError::RequestError(_) => "the login server cannot be reached, or is not allowed",
            OciDistributionError::RegistryTokenDecodeError(_) => "the login server gave no token",
            _ => "the login server gave an answer that is none",
        };
        SessionError::Login { registry: self.registry.clone(), reason }
    }

    async fn endpoint(&self) -> Result<&Endpoint, SessionError> {
        self.endpoint.get_or_try_init(|| self.find_endpoint()).await
    }

    async fn find_endpoint(&self) -> Result<Endpoint, SessionError> {
        let host = match self.registry.as_str() {
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|_| SessionError::Address(self.registry.clone()))
        };
        let (secure, plain) = (parse("https")?, parse("http")?);
        let refused = |error: crate::guard::Refused| SessionError::Refused(error.to_string());
        let base = match self.access.guard.check(&plain) {
            // An allowed registry speaks either; the first answer shows which.
            Ok(()) if self.speaks(&secure).await => secure,
            Ok(()) => plain,
            Err(_) => {
                self.access.guard.check(&secure).map_err(refused)?;
                secure
            }
        };
        let protocol = if base.scheme() == "http" {
            ClientProtocol::HttpsExcept(vec![self.registry.clone()])
        } else {
            ClientProtocol::Https
        };
        let roots =
            self.access.ca_pem.iter().map(|pem| Certificate { encoding: CertificateEncoding::Pem, data: pem.clone() });
        let oci = Client::new(ClientConfig {
            protocol,
            extra_root_certificates: roots.collect(),
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: USER_AGENT,
            https_proxy: Some(self.access.egress.url()),
            http_proxy: Some(self.access.egress.url()),
            ..ClientConfig::default()
        });
        Ok(Endpoint { base, oci })
    }

    async fn speaks(&self, url: &Url) -> bool {
        let answer = self.access.http.get(url.clone()).timeout(CONNECT_TIMEOUT).send().await;
        // Whatever it says, it says it over TLS.
        answer.is_ok()
    }
}
