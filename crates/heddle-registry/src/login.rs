//! A login after a 401: the registry names a login server, and that gives a token.
//!
//! Source: "Token Authentication Specification" of the distribution project, which registries share. The challenge is read
//! by `http-auth`. Why not the login of `oci-distribution`: it reads the answer of whatever server a registry names without
//! a limit, and goes where the guard of this crate would not.

use std::fmt;

use heddle_core::image::ImageRepository;
use http_auth::{ChallengeParser, ChallengeRef};
use oci_distribution::token_cache::RegistryToken;
use reqwest::{
    Method, StatusCode,
    header::{GetAll, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    access::{Access, Unsent},
    ask::{Failure, failed, read_body, retry_at, within},
    limits::{LOGIN_DEADLINE, MAX_HEADER_BYTES, MAX_LOGIN_BYTES, MAX_TOKEN_BYTES},
};

/// A login for a registry.
#[derive(Debug, Clone)]
pub struct Credential {
    /// User name.
    pub username: String,
    /// Password or token.
    pub password: SecretString,
}

/// How a registry wants to be logged in at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// With a token of a login server.
    Bearer {
        /// The login server.
        realm: Url,
        /// What it calls the registry.
        service: Option<String>,
    },
    /// With the credential itself.
    Basic,
}

/// A header that a registry is asked with. It is never shown.
#[derive(Clone)]
pub(crate) struct Authorization(pub HeaderValue);

impl Credential {
    /// As the `Basic` scheme writes it (RFC 7617).
    fn basic(&self) -> Option<Authorization> {
        let text = http_auth::basic::encode_credentials(&self.username, self.password.expose_secret());
        Authorization::new(&text)
    }
}

impl Authorization {
    fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization")
    }
}

/// The challenges of an answer: a token before the credential itself. What is too long, or is none, is passed over.
pub(crate) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let all: GetAll<'_, HeaderValue> = headers.get_all(WWW_AUTHENTICATE);
    let texts = all.iter().filter(|value| value.len() <= MAX_HEADER_BYTES).filter_map(|value| value.to_str().ok());
    let mut takes_credential = false;
    for challenge in texts.flat_map(|text| ChallengeParser::new(text).map_while(Result::ok)) {
        if challenge.scheme.eq_ignore_ascii_case("Bearer")
            && let Some(realm) = parameter(&challenge, "realm").and_then(|realm| Url::parse(&realm).ok())
        {
            return Some(Challenge::Bearer { realm, service: parameter(&challenge, "service") });
        }
        takes_credential |= challenge.scheme.eq_ignore_ascii_case("Basic");
    }
    takes_credential.then_some(Challenge::Basic)
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_unescaped())
}

/// Answers a challenge. The error says nothing that the login server wrote: it may be an address that only we can reach.
pub(crate) async fn log_in(
    access: &Access,
    challenge: &Challenge,
    credential: Option<&Credential>,
    image: &ImageRepository,
) -> Result<Authorization, Failure> {
    let registry = image.registry();
    let unusable = || login_failed(registry, "the credential holds what cannot be sent");
    match (challenge, credential) {
        (Challenge::Basic, None) => Err(failed(wants_login(image))),
        (Challenge::Basic, Some(credential)) => credential.basic().ok_or_else(unusable),
        (Challenge::Bearer { realm, service }, credential) => {
            let basic = credential.map(|credential| credential.basic().ok_or_else(unusable)).transpose()?;
            let token = request_token(access, realm, service.as_deref(), basic.as_ref(), image);
            let late = || login_failed(registry, "the login server did not answer in time");
            within(LOGIN_DEADLINE, token, late).await
        }
    }
}

async fn request_token(
    access: &Access,
    realm: &Url,
    service: Option<&str>,
    basic: Option<&Authorization>,
    image: &ImageRepository,
) -> Result<Authorization, Failure> {
    let registry = image.registry();
    let mut url = realm.clone();
    // What the registry writes before the `@` is no login of ours.
    let bare = url.set_username("").and_then(|()| url.set_password(None));
    bare.map_err(|()| login_failed(registry, "the login server has no address"))?;
    url.query_pairs_mut().append_pair("scope", &format!("repository:{}:pull", image.path()));
    if let Some(service) = service {
        url.query_pairs_mut().append_pair("service", service);
    }
    let login = basic.map(|basic| &basic.0);
    let answer = access.send(&Method::GET, &url, &HeaderMap::new(), login).await;
    let answer = answer.map_err(|error| match error {
        Unsent::Failed(error) if error.is_timeout() => {
            login_failed(registry, "the login server did not answer in time")
        }
        // Whether it may not be reached or cannot be reached is not told apart.
        Unsent::Failed(_) | Unsent::Refused(_) => {
            login_failed(registry, "the login server cannot be reached, or is not allowed")
        }
    })?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if login.is_none() => return Err(failed(wants_login(image))),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(login_failed(registry, "the credential was not accepted"));
        }
        StatusCode::TOO_MANY_REQUESTS => {
            let retry_at = retry_at(answer.headers(), chrono::Utc::now());
            return Err(Failure { retry_at, ..login_failed(registry, "the login server asks for fewer requests") });
        }
        _ => return Err(login_failed(registry, "the login server gave no token")),
    }
    let body = read_body(answer, MAX_LOGIN_BYTES).await.map_err(|fault| {
        let reason = fault.map_or_else(
            || "the login server cut its answer short".to_owned(),
            |limit| format!("the answer of the login server has more than {limit} bytes"),
        );
        login_failed(registry, &reason)
    })?;
    let token: RegistryToken =
        serde_json::from_slice(&body).map_err(|_| login_failed(registry, "the login server gave no token"))?;
    if token.token().is_empty() || token.token().len() > MAX_TOKEN_BYTES {
        let reason = format!("the login server gave a token that is empty or longer than {MAX_TOKEN_BYTES} bytes");
        return Err(login_failed(registry, &reason));
    }
    Authorization::new(&token.bearer_token())
        .ok_or_else(|| login_failed(registry, "the login server gave a token that cannot be sent"))
}

/// The words for a registry that shows nothing without a login.
pub(crate) fn wants_login(image: &ImageRepository) -> String {
    let (registry, path) = (image.registry(), image.path());
    format!("`{registry}` wants a login; Heddle has none for it yet, so `{path}` cannot be read")
}

fn login_failed(registry: &str, reason: &str) -> Failure {
    failed(format!("the login at `{registry}` failed: {reason}"))
}

#[cfg(test)]
mod tests;
