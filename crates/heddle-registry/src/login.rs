//! A login after a 401: the registry takes the credential itself, or names a token server that takes it.
//!
//! Source: "Token Authentication Specification" and "OAuth2 token authentication" of the distribution project, which
//! registries share. The challenge is read by `http-auth`. Why not the login of `oci-distribution`: it reads the answer of
//! whatever server a registry names without a limit, and goes where the guard of this crate would not.

use std::fmt;

use heddle_core::image::ImageRepository;
use heddle_egress::Unsent;
use http_auth::{ChallengeParser, ChallengeRef};
use oci_distribution::token_cache::RegistryToken;
use reqwest::{
    Response, StatusCode,
    header::{GetAll, HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    access::Access,
    ask::{Failure, LoginFault, asks_for_fewer, failed, read_body, retry_at, within},
    limits::{LOGIN_DEADLINE, MAX_HEADER_BYTES, MAX_LOGIN_BYTES, MAX_TOKEN_BYTES},
    quirks,
    session::Leads,
};

/// What a registry, or its token server, takes as a login.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A user's name with a password or token.
    Password {
        /// The user's name.
        username: String,
        /// The password or token.
        password: SecretString,
    },
    /// A refresh token, which a token server takes.
    IdentityToken(SecretString),
    /// A token that the registry takes as it is.
    Bearer(SecretString),
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

impl Authorization {
    fn new(text: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(text).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// As the `Basic` scheme writes it (RFC 7617).
    fn basic(username: &str, password: &SecretString) -> Option<Self> {
        Self::new(&http_auth::basic::encode_credentials(username, password.expose_secret()))
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

/// Where a login is made.
pub(crate) struct Desk<'a> {
    pub access: &'a Access,
    /// The address of the registry's API.
    pub base: &'a Url,
    /// The token server at another host that somebody confirmed.
    pub auth_host: Option<&'a str>,
    pub image: &'a ImageRepository,
    /// To which hosts that the operator listed a registry may lead.
    pub leads: &'a Leads,
}

impl Desk<'_> {
    /// Answers a challenge. The error says nothing that the login server wrote: it may be an address that only we can reach.
    pub async fn log_in(
        &self,
        challenge: &Challenge,
        credential: Option<&Credential>,
    ) -> Result<Authorization, Failure> {
        let unusable = || self.failed("the credential holds what cannot be sent");
        match (challenge, credential) {
            (_, Some(Credential::Bearer(token))) => {
                Authorization::new(&format!("Bearer {}", token.expose_secret())).ok_or_else(unusable)
            }
            (Challenge::Basic, None) => Err(wants_login(self.image)),
            (Challenge::Basic, Some(Credential::Password { username, password })) => {
                Authorization::basic(username, password).ok_or_else(unusable)
            }
            (Challenge::Basic, Some(Credential::IdentityToken(_))) => {
                Err(self
                    .refused("it takes a user name and a password and no identity token; enter the login with those"))
            }
            (Challenge::Bearer { realm, service }, credential) => {
                let late = || self.failed("the login server did not answer in time");
                within(LOGIN_DEADLINE, self.request_token(realm, service.as_deref(), credential), late).await
            }
        }
    }

    async fn request_token(
        &self,
        realm: &Url,
        service: Option<&str>,
        credential: Option<&Credential>,
    ) -> Result<Authorization, Failure> {
        let mut url = realm.clone();
        // What the registry writes before the `@` is no login of ours.
        let bare = url.set_username("").and_then(|()| url.set_password(None));
        bare.map_err(|()| self.failed("the login server has no address"))?;
        if url.origin() != self.base.origin() && self.access.lists(&url) && !self.leads.allow(&url) {
            return Err(self.failed("the login server cannot be reached, or is not allowed"));
        }
        if credential.is_some() && !self.may_take(&url) {
            return Err(self.other_server(&url));
        }
        let scope = format!("repository:{}:pull", self.image.path());
        let answer = match credential {
            Some(Credential::IdentityToken(token)) => {
                let mut form = vec![
                    ("grant_type", "refresh_token"),
                    ("refresh_token", token.expose_secret()),
                    ("client_id", "heddle"),
                    ("scope", scope.as_str()),
                ];
                form.extend(service.map(|service| ("service", service)));
                self.access.post_form(&url, &form).await
            }
            other => {
                url.query_pairs_mut().append_pair("scope", &scope);
                if let Some(service) = service {
                    url.query_pairs_mut().append_pair("service", service);
                }
                let basic = match other {
                    Some(Credential::Password { username, password }) => Some(
                        Authorization::basic(username, password)
                            .ok_or_else(|| self.failed("the credential holds what cannot be sent"))?,
                    ),
                    _ => None,
                };
                let login = basic.as_ref().map(|basic| &basic.0);
                self.access.get(&url, login, self.leads).await
            }
        };
        self.read_token(answer, credential.is_some()).await
    }

    async fn read_token(&self, answer: Result<Response, Unsent>, logged_in: bool) -> Result<Authorization, Failure> {
        let answer = answer.map_err(|error| match error {
            Unsent::Failed(error) if error.is_timeout() => self.failed("the login server did not answer in time"),
            // Whether it may not be reached or cannot be reached is not told apart.
            Unsent::Failed(_) | Unsent::Refused(_) => {
                self.failed("the login server cannot be reached, or is not allowed")
            }
        })?;
        let status = answer.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if !logged_in => {
                return Err(wants_login(self.image));
            }
            // OAuth 2 says `invalid_grant` with 400.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST if logged_in => {
                let remedy = quirks::of(self.image.registry()).when_refused;
                return Err(self.refused(&format!("the credential was not accepted; {remedy}")));
            }
            status if asks_for_fewer(status, answer.headers()) => {
                let retry_at = retry_at(answer.headers(), chrono::Utc::now());
                let failure = self.failed("the login server asks for fewer requests");
                return Err(Failure { retry_at, throttled: true, ..failure });
            }
            _ => return Err(self.failed("the login server gave no token")),
        }
        let body = read_body(answer, MAX_LOGIN_BYTES).await.map_err(|fault| {
            let reason = fault.map_or_else(
                || "the login server cut its answer short".to_owned(),
                |limit| format!("the answer of the login server has more than {limit} bytes"),
            );
            self.failed(&reason)
        })?;
        let token: RegistryToken =
            serde_json::from_slice(&body).map_err(|_| self.failed("the login server gave no token"))?;
        if token.token().is_empty() || token.token().len() > MAX_TOKEN_BYTES {
            let reason = format!("the login server gave a token that is empty or longer than {MAX_TOKEN_BYTES} bytes");
            return Err(self.failed(&reason));
        }
        Authorization::new(&token.bearer_token())
            .ok_or_else(|| self.failed("the login server gave a token that cannot be sent"))
    }

    /// Whether a secret may go to this token server: the registry itself, one that the table of quirks names, or one that
    /// somebody confirmed; and to another host over HTTPS alone, or where the operator allows plain HTTP.
    fn may_take(&self, realm: &Url) -> bool {
        if realm.origin() == self.base.origin() {
            return true;
        }
        let is_safe = realm.scheme() == "https" || self.access.lists(realm);
        let host = host_of(realm);
        let known = quirks::of(self.image.registry()).token_servers.contains(&host.as_str());
        is_safe && (self.auth_host == Some(host.as_str()) || (known && realm.scheme() == "https"))
    }

    fn other_server(&self, realm: &Url) -> Failure {
        let host = host_of(realm);
        let registry = self.image.registry();
        let reason = if realm.scheme() == "https" || self.access.lists(realm) {
            format!(
                "`{registry}` names the token server `{host}`, which the login does not go to; if that is right, enter the \
                 login again with `{host}` as its token server"
            )
        } else {
            format!("`{registry}` names a token server without HTTPS, which no login goes to")
        };
        Failure { login: Some(LoginFault::TokenServer { host }), ..failed(reason) }
    }

    fn failed(&self, reason: &str) -> Failure {
        let failure = failed(format!("the login at `{}` failed: {reason}", self.image.registry()));
        Failure { login: Some(LoginFault::Failed), ..failure }
    }

    fn refused(&self, reason: &str) -> Failure {
        Failure { login: Some(LoginFault::Refused), ..self.failed(reason) }
    }
}

/// The host as somebody would write it: with its port where it is not that of the scheme.
fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A registry that shows nothing without a login.
pub(crate) fn wants_login(image: &ImageRepository) -> Failure {
    let (registry, path) = (image.registry(), image.path());
    let reason = format!("`{registry}` wants a login, and there is none for `{path}`; add one (Settings, Registries)");
    Failure { login: Some(LoginFault::Missing), ..failed(reason) }
}

#[cfg(test)]
mod tests;
