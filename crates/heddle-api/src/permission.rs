//! Who may call a route.
//!
//! Each route is added with its [`Permission`] (see [`crate::routes::Routes`]; there is no other way to add one), and
//! [`guard`] proves it before the handler runs. A thing that the asker may not see is answered like one that does not
//! exist.

use std::future::Future;

use axum::{
    Extension,
    extract::{RawPathParams, Request},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use heddle_core::id::{ClusterId, OrganizationId};
use heddle_db::notice::Notice;
use heddle_wire::view::Role;
use tokio::sync::broadcast::error::RecvError;

use crate::{
    agent_auth,
    app::App,
    layers::RequestId,
    principal::{Automator, Credential, Member, Person},
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// The cookie of a browser's session.
pub const SESSION_COOKIE: &str = "__Host-heddle";

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Anybody: what it tells is public, or the handler itself proves who asks (a login, a signed webhook).
    Public,
    /// A person by session or API token. The handler takes [`Person`].
    Person,
    /// A person by session alone: a token must not make tokens. The handler takes [`Person`].
    Session,
    /// A member of the organization `{organization}` in the path with at least this role. The handler takes [`Member`].
    Organization(Role),
    /// The agent of a cluster. The handler takes [`crate::principal::Agent`].
    Agent,
    /// An automator. The handler takes [`Automator`].
    Automator,
}

impl Permission {
    /// The word in the OpenAPI document's `x-heddle-permission`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Person => "person",
            Self::Session => "session",
            Self::Organization(Role::Viewer) => "organization:viewer",
            Self::Organization(Role::Operator) => "organization:operator",
            Self::Organization(Role::Admin) => "organization:admin",
            Self::Organization(Role::Owner) => "organization:owner",
            Self::Agent => "agent",
            Self::Automator => "automator",
        }
    }

    /// The OpenAPI security schemes, of which any one is enough.
    pub const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Public => &[],
            Self::Person | Self::Organization(_) => &["session", "token"],
            Self::Session => &["session"],
            Self::Agent => &["agent"],
            Self::Automator => &["automator"],
        }
    }
}

/// Proves that the asker has the route's permission and hands the handler who it is.
///
/// # Errors
/// 401, 403 or 404 when the asker has not.
pub async fn guard(
    Extension(app): Extension<App>,
    Extension(permission): Extension<Permission>,
    Extension(request_id): Extension<RequestId>,
    path: RawPathParams,
    mut request: Request,
    next: Next,
) -> ApiResult<Response> {
    match permission {
        Permission::Public => {
            refuse_other_origins(&app, request.method(), request.headers())?;
        }
        Permission::Person | Permission::Session => {
            let person = authenticate(&app, request.method(), request.headers(), request_id).await?;
            if permission == Permission::Session && !matches!(person.credential, Credential::Session(_)) {
                return Err(ApiError::forbidden("session-needed", "this needs a signed-in browser, not an API token"));
            }
            request.extensions_mut().insert(person);
        }
        Permission::Organization(least) => {
            let person = authenticate(&app, request.method(), request.headers(), request_id).await?;
            let member = find_member(&app, person, &path).await?;
            if member.role < least {
                return Err(ApiError::forbidden(
                    "role-too-low",
                    format!("this needs the role {}; yours is {}", role_word(least), role_word(member.role)),
                ));
            }
            request.extensions_mut().insert(member);
        }
        Permission::Agent => {
            agent_auth::check_protocol(request.headers())?;
            let notices = app.db.notices();
            let agent = agent_auth::authenticate(&app, bearer(request.headers())?, request_id).await?;
            let cluster = agent.cluster;
            let still_in = agent_auth::watch(&app, &agent, notices);
            request.extensions_mut().insert(agent);
            return until_revoked(cluster, still_in, next.run(request)).await;
        }
        Permission::Automator => {
            let automator = authenticate_automator(&app, request.headers(), request_id)?;
            request.extensions_mut().insert(automator);
        }
    }
    Ok(next.run(request).await)
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

/// The session cookie's text, if the browser sent one.
pub fn session_cookie(headers: &HeaderMap) -> Option<String> {
    axum_extra::extract::cookie::CookieJar::from_headers(headers)
        .get(SESSION_COOKIE)
        .map(|cookie| cookie.value().to_owned())
}

async fn authenticate(
    app: &App,
    method: &Method,
    headers: &HeaderMap,
    RequestId(request_id): RequestId,
) -> ApiResult<Person> {
    if headers.contains_key(header::AUTHORIZATION) {
        let text = bearer(headers)?;
        if !text.starts_with(Purpose::ApiToken.prefix()) {
            return Err(ApiError::unauthorized("this is no API token; make one in the dashboard under Settings"));
        }
        let mut tx = app.db.routing().await?;
        let used = heddle_db::tokens::touch(&mut *tx, &secret::hash(text)).await?;
        tx.commit().await?;
        let used = used.ok_or_else(|| ApiError::unauthorized("this API token is not known, or has ended"))?;
        return Ok(Person {
            user: used.user,
            label: format!("token `{}`", used.name),
            credential: Credential::Token {
                token: used.token,
                organization: used.organization,
                role: parse_role(&used.role)?,
            },
            request_id,
        });
    }
    let cookie = session_cookie(headers).ok_or_else(|| ApiError::unauthorized("sign in first"))?;
    let mut tx = app.db.routing().await?;
    let used = heddle_db::sessions::touch(&mut *tx, &secret::hash(&cookie)).await?;
    tx.commit().await?;
    let used = used.ok_or_else(|| ApiError::unauthorized("this session has ended; sign in again"))?;
    if !is_read(method) && headers.get(header::ORIGIN).is_none() {
        return Err(ApiError::forbidden(
            "origin-missing",
            "a write with a session cookie needs the header `Origin`; programs use an API token",
        ));
    }
    refuse_other_origins(app, method, headers)?;
    Ok(Person { user: used.user, label: used.email, credential: Credential::Session(used.session), request_id })
}

/// Another site's page may not write with this browser's cookie, nor log it in.
fn refuse_other_origins(app: &App, method: &Method, headers: &HeaderMap) -> ApiResult<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if is_read(method) || origin.as_bytes() == app.public_origin().as_bytes() {
        return Ok(());
    }
    Err(ApiError::forbidden(
        "origin-refused",
        format!("writes from a browser are taken from {} alone (HEDDLE_PUBLIC_URL)", app.public_origin()),
    ))
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

async fn find_member(app: &App, person: Person, path: &RawPathParams) -> ApiResult<Member> {
    let unknown = || ApiError::not_found("there is no such organization, or you do not belong to it");
    let organization: OrganizationId = path
        .iter()
        .find(|(name, _)| *name == "organization")
        .and_then(|(_, id)| id.parse().ok())
        .ok_or_else(unknown)?;
    let mut tx = app.db.member(organization, person.user).await?;
    let membership = heddle_db::organizations::find_membership(&mut *tx, organization, person.user).await?;
    tx.commit().await?;
    let mut role = parse_role(&membership.ok_or_else(unknown)?.role)?;
    if let Credential::Token { organization: own, role: granted, .. } = person.credential {
        if own != organization {
            return Err(unknown());
        }
        role = role.min(granted);
    }
    Ok(Member { organization, role, person })
}

fn authenticate_automator(app: &App, headers: &HeaderMap, RequestId(request_id): RequestId) -> ApiResult<Automator> {
    let text = bearer(headers)?;
    let known = app
        .automator_token_hash
        .as_deref()
        .ok_or_else(|| ApiError::unauthorized("no automator token is set here (HEDDLE_AUTOMATOR_TOKEN_FILE)"))?;
    if !secret::matches(text, known) {
        return Err(ApiError::unauthorized("this is not the automator token"));
    }
    Ok(Automator { request_id })
}

/// Ends what an agent waits for as soon as it is out, on whichever replica it waits.
async fn until_revoked(
    cluster: ClusterId,
    out: impl Future<Output = ()>,
    response: impl Future<Output = Response>,
) -> ApiResult<Response> {
    tokio::select! {
        response = response => Ok(response),
        () = out => {
            tracing::info!(%cluster, "ended a request of a revoked agent");
            Err(ApiError::unauthorized("this cluster's key is revoked"))
        }
    }
}

/// Waits for the next notice; a gap counts as [`Notice::Missed`]. `None` when the store is closed.
pub async fn next_notice(notices: &mut tokio::sync::broadcast::Receiver<Notice>) -> Option<Notice> {
    match notices.recv().await {
        Ok(notice) => Some(notice),
        Err(RecvError::Lagged(_)) => Some(Notice::Missed),
        Err(RecvError::Closed) => None,
    }
}
