//! What people's programs call, under `/api/v1`: the command line, CI, tests.

mod account;
mod cluster;
mod drift;
mod organization;
mod pipeline;
mod registry;
mod repository;
mod request;
mod revision;

use heddle_core::{id::OrganizationId, name::EnvironmentName};
use heddle_wire::view::{LoginRequest, ResetPassword, SignUpRequest};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue, SET_COOKIE},
};
use secrecy::SecretString;
use serde::{Serialize, de::DeserializeOwned};

use crate::{call::Call, error::ClientError, http::Http};

pub use drift::DriftQuery;

/// How the session's cookie is named; the prefix makes browsers keep it to one host.
const COOKIE_PREFIX: &str = "__Host-";

/// The API as one person, or a token made by one, calls it.
#[derive(Debug, Clone)]
pub struct UserClient {
    http: Http,
    credential: Credential,
}

#[derive(Debug, Clone)]
enum Credential {
    Token(SecretString),
    /// The cookie as `name=value`.
    Session(SecretString),
}

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct PageQuery {
    /// The `next` of the page before; `None` for the first.
    pub after: Option<String>,
    /// Only this environment.
    pub environment: Option<EnvironmentName>,
    /// How many at most, 1 to 200; 50 when left out.
    pub limit: Option<u16>,
}

impl UserClient {
    /// A client that shows an API token with each call.
    pub fn new(http: Http, token: SecretString) -> Self {
        Self { http, credential: Credential::Token(token) }
    }

    /// `POST /sign-up`: makes an account and a session of it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with the fields at fault when the address or the password is refused.
    pub async fn sign_up(http: Http, request: &SignUpRequest) -> Result<Self, ClientError> {
        Self::begin_session(http, "sign-up", request).await
    }

    /// `POST /password/reset`: chooses a new password by a link, which is good once. Every session of the account ends.
    ///
    /// # Errors
    /// [`ClientError::Problem`] with `link-ended` when the link was used, has ended or is none.
    pub async fn reset_password(http: &Http, request: &ResetPassword) -> Result<(), ClientError> {
        with_origin(http.call(Method::POST, &api("password/reset")), http).json(request).send().await.map(drop)
    }

    /// `POST /login`: makes a session.
    ///
    /// # Errors
    /// [`ClientError::Unauthorized`] when address and password do not match an account.
    pub async fn login(http: Http, request: &LoginRequest) -> Result<Self, ClientError> {
        Self::begin_session(http, "login", request).await
    }

    async fn begin_session(http: Http, path: &str, request: &impl Serialize) -> Result<Self, ClientError> {
        let answer = with_origin(http.call(Method::POST, &api(path)), &http).json(request).send().await?;
        let cookie = find_session(&answer.headers).ok_or_else(|| ClientError::Foreign {
            api: http.base().to_string(),
            fault: format!("`{path}` gave no session cookie"),
        })?;
        Ok(Self { http, credential: Credential::Session(cookie) })
    }

    /// `POST /logout`: ends the session.
    ///
    /// # Errors
    /// As every call.
    pub async fn logout(&self) -> Result<(), ClientError> {
        self.call(Method::POST, "logout").send().await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path).send().await?.json()
    }

    async fn page<T: DeserializeOwned>(&self, path: &str, page: &PageQuery) -> Result<T, ClientError> {
        self.call(Method::GET, path)
            .query_if("after", page.after.as_deref())
            .query_if("environment", page.environment.as_ref().map(EnvironmentName::as_str))
            .query_if("limit", page.limit.map(|limit| limit.to_string()).as_deref())
            .send()
            .await?
            .json()
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.call(Method::POST, path).json(body).send().await?.json()
    }

    async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.call(Method::DELETE, path).send().await.map(drop)
    }

    fn call(&self, method: Method, path: &str) -> Call {
        let call = self.http.call(method, &api(path));
        match &self.credential {
            Credential::Token(token) => call.bearer(token),
            Credential::Session(cookie) => with_origin(call, &self.http).cookie(cookie),
        }
    }
}

fn api(path: &str) -> String {
    format!("api/v1/{path}")
}

fn within(organization: OrganizationId, path: &str) -> String {
    format!("organizations/{organization}/{path}")
}

/// What a browser sends by itself, and what the API asks of a session against forged requests.
fn with_origin(call: Call, http: &Http) -> Call {
    let origin = http.base().origin().ascii_serialization();
    match HeaderValue::try_from(origin) {
        Ok(origin) => call.header("origin", origin),
        Err(_) => call,
    }
}

fn find_session(headers: &HeaderMap) -> Option<SecretString> {
    headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .find(|pair| pair.starts_with(COOKIE_PREFIX))
        .map(|pair| pair.to_owned().into())
}
