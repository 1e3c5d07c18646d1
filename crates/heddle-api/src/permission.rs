//! Who may call a route.
//!
//! Each route is added with its [`Permission`] (see [`crate::routes::Routes`]; there is no other way to add one), and
//! [`crate::guard`] proves it before the handler runs. A thing that the asker may not see is answered like one that does
//! not exist.

use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::CookieJar;
use heddle_wire::view::Role;

use crate::problem::{ApiError, ApiResult};

/// The cookie of a browser's session.
pub const SESSION_COOKIE: &str = "__Host-heddle";

/// Bodies are larger only where a route says so.
pub const BODY_LIMIT_BYTES: usize = 256 << 10;

/// Bodies of strangers: a log-in, a sign-up, an enrollment.
pub const STRANGERS_BODY_LIMIT_BYTES: usize = crate::bodies::UNCOUNTED_BYTES;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Anybody: what it tells is public, or the handler itself proves who asks (a login, a signed webhook).
    Public,
    /// A person by session or API token. The handler takes [`crate::principal::Person`].
    Person,
    /// A person by session alone: a token must not make tokens. The handler takes [`crate::principal::Person`].
    Session,
    /// Who looks after the installation (`heddle-api admin add`), by session or by an API token with the role admin or more. The
    /// handler takes [`crate::principal::Person`], and gives nothing of an organization.
    Administrator,
    /// A member of the organization `{organization}` in the path with at least this role. The handler takes
    /// [`crate::principal::Member`].
    Organization(Role),
    /// A member who may ask for something to be written: an admin, or an operator with a grant for each environment that it
    /// touches. The handler takes [`crate::principal::Member`] and asks [`crate::rights`] as soon as it knows which.
    Granted,
    /// The agent of a cluster. The handler takes [`crate::principal::Agent`].
    Agent,
    /// An automator. The handler takes [`crate::principal::Automator`].
    Automator,
    /// A registry with the secret of the receiver `{receiver}` in the path. The handler takes
    /// [`crate::principal::Receiver`].
    Receiver,
    /// Whoever reports one record of drift, by its token. The handler takes [`crate::principal::Reporter`].
    Reporter,
    /// GitHub, by its signature over the body.
    GitHub,
}

impl Permission {
    /// The words in the OpenAPI document's `x-heddle-permission`: of a member's route its kind, the least role, and what an
    /// operator needs beside it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Person => "person",
            Self::Session => "session",
            Self::Administrator => "administrator",
            Self::Organization(Role::Viewer) => "organization:viewer",
            Self::Organization(Role::Operator) => "organization:operator",
            Self::Granted => "organization:operator:granted",
            Self::Organization(Role::Admin) => "organization:admin",
            Self::Organization(Role::Owner) => "organization:owner",
            Self::Agent => "agent",
            Self::Automator => "automator",
            Self::Receiver => "receiver",
            Self::Reporter => "reporter",
            Self::GitHub => "github",
        }
    }

    /// The least role that it asks of a member of the path's organization.
    pub const fn least_role(self) -> Option<Role> {
        match self {
            Self::Organization(role) => Some(role),
            Self::Granted => Some(Role::Operator),
            _ => None,
        }
    }

    /// The largest body of its routes where a route says nothing else. What a stranger sends is not counted against any
    /// share of memory, so it is small.
    pub const fn body_limit_bytes(self) -> usize {
        match self {
            Self::Public => STRANGERS_BODY_LIMIT_BYTES,
            _ => BODY_LIMIT_BYTES,
        }
    }

    /// The OpenAPI security schemes, of which any one is enough.
    pub const fn schemes(self) -> &'static [&'static str] {
        match self {
            // Senders of notices sign or show a secret in ways of their own.
            Self::Public | Self::Receiver | Self::GitHub => &[],
            Self::Person | Self::Administrator | Self::Organization(_) | Self::Granted => &["session", "token"],
            Self::Session => &["session"],
            Self::Agent => &["agent"],
            Self::Automator => &["automator"],
            Self::Reporter => &["reporter"],
        }
    }
}

/// The text after `Authorization: Bearer`.
///
/// # Errors
/// 401 when there is none.
pub fn bearer(headers: &HeaderMap) -> ApiResult<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| ApiError::unauthorized("send a token in the header `Authorization: Bearer`"))
}

/// The word of a role in requests, answers and rows.
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

/// The role of a stored word.
///
/// # Errors
/// When it is none.
pub fn parse_role(word: &str) -> ApiResult<Role> {
    [Role::Viewer, Role::Operator, Role::Admin, Role::Owner]
        .into_iter()
        .find(|role| role_word(*role) == word)
        .ok_or_else(|| ApiError::internal(anyhow::anyhow!("`{word}` is no role")))
}

/// The text of a cookie, if the browser sent it.
pub fn find_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    CookieJar::from_headers(headers).get(name).map(|cookie| cookie.value().to_owned())
}
