//! Accounts, sessions and API tokens of the asker.

use axum::{
    Extension,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use chrono::{Duration, Utc};
use heddle_core::id::{OrganizationId, UserId};
use heddle_db::{Tx, audit, audit::Author, notice::Notice, organizations, sessions, tokens, users};
use heddle_wire::{
    secret::WireSecret,
    view::{CreateToken, LoginRequest, Me, OrganizationView, SessionView, SignUpRequest, TokenCreated, TokenView},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    address::ClientAddress,
    app::App,
    attempts::{self, Limit},
    config::Signup,
    devices::{self, Device},
    extract::{Json, Path},
    layers::RequestId,
    password,
    permission::{Permission, SESSION_COOKIE, parse_role, role_word},
    principal::{Credential, Person},
    problem::{ApiError, ApiResult, FieldChecks},
    quotas,
    secret::{self, Purpose},
};

/// A session ends after this, however often it is used; after a week without use it ends before.
const SESSION_DAYS: i64 = 30;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Public, routes!(sign_up))
        .add(Permission::Public, routes!(login))
        .add(Permission::Session, routes!(logout))
        .add(Permission::Person, routes!(load_me))
        .add(Permission::Session, routes!(list_sessions))
        .add(Permission::Session, routes!(end_session))
        .add(Permission::Session, routes!(list_tokens))
        .add(Permission::Session, routes!(create_token))
        .add(Permission::Session, routes!(delete_token))
}

/// Makes an account and signs in.
#[utoipa::path(
    post, path = "/api/v1/sign-up", tag = "accounts", request_body = SignUpRequest,
    responses((status = 201, body = Me, description = "Signed in by cookie."))
)]
async fn sign_up(
    app: App,
    Extension(RequestId(request_id)): Extension<RequestId>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(request): Json<SignUpRequest>,
) -> ApiResult<impl IntoResponse> {
    attempts::count(&app, Limit::SignUpAddress, &address).await?;
    let email = request.email.trim().to_lowercase();
    check_sign_up(&request, &email)?;
    let invitation = find_invitation(&app, &request, &email).await?;

    if invitation.is_none() {
        refuse_closed(&app).await?;
    }
    // No connection waits while it is hashed.
    let hash = app.hasher.hash(request.password.0).await?;
    let id = UserId(Uuid::now_v7());
    let author = Author { user: Some(id), actor: email.clone(), via: "session", request_id };
    let mut tx = match &invitation {
        Some(invitation) => app.db.member(invitation.organization, id).await?,
        None => app.db.user(id).await?,
    };
    if invitation.is_none() {
        check_open(&mut tx, app.config.signup).await?;
    }
    match users::insert(&mut *tx, id, &email, request.name.trim(), &hash).await {
        Err(heddle_db::DbError::Exists { .. }) => {
            return Err(ApiError::conflict("email-taken", "this address has an account; sign in instead"));
        }
        other => other?,
    }
    if let Some(invitation) = invitation {
        heddle_db::invitations::accept(&mut *tx, invitation.id).await?;
        organizations::insert_member(&mut *tx, invitation.organization, id, &invitation.role).await?;
        audit::record(&mut *tx, Some(invitation.organization), &author, "member.join", &email, json!({})).await?;
    }
    audit::record(&mut *tx, None, &author, "account.create", &email, json!({})).await?;
    let cookies = begin_session(&mut tx, id, &headers, None).await?;
    let me = read_me(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, AppendHeaders(cookies), Json(me)))
}

fn check_sign_up(request: &SignUpRequest, email: &str) -> ApiResult<()> {
    let mut checks = FieldChecks::default();
    checks.check(is_email(email), "email", "write an address, such as ada@example.com");
    checks.check((1..=100).contains(&request.name.trim().chars().count()), "name", "a name takes 1 to 100 characters");
    let fault = password::fault(request.password.expose(), email);
    checks.check(fault.is_none(), "password", fault.unwrap_or_default());
    checks.finish()
}

/// One `@` with something on both sides, no blanks: the rest only a mail would show.
pub(super) fn is_email(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host))
}

/// The invitation that the sign-up comes with, if any.
async fn find_invitation(
    app: &App,
    request: &SignUpRequest,
    email: &str,
) -> ApiResult<Option<heddle_db::invitations::Invitation>> {
    let mut tx = app.db.routing().await?;
    let found = match &request.invitation {
        Some(code) => heddle_db::invitations::find(&mut *tx, &secret::hash(code.trim())).await?,
        None => None,
    };
    tx.commit().await?;
    match found {
        Some(invitation) if invitation.email == email => Ok(Some(invitation)),
        Some(_) => Err(ApiError::invalid("email", "this invitation is for another address")),
        None if request.invitation.is_some() => {
            Err(ApiError::invalid("invitation", "this invitation is not known, was used, or has ended"))
        }
        None => Ok(None),
    }
}

/// Before anything is hashed for somebody who may not come in anyway.
async fn refuse_closed(app: &App) -> ApiResult<()> {
    let mut tx = app.db.routing().await?;
    let closed = match app.config.signup {
        Signup::Open => false,
        Signup::FirstUser => users::exist(&mut *tx).await?,
        Signup::Invite => true,
    };
    tx.commit().await?;
    if closed { Err(invitation_needed()) } else { Ok(()) }
}

fn invitation_needed() -> ApiError {
    ApiError::forbidden("invitation-needed", "sign-up needs an invitation here; ask an owner for one")
}

/// Whether somebody without an invitation may come in. Of two who would be the first, the second waits here and is told.
async fn check_open(tx: &mut Tx, signup: Signup) -> ApiResult<()> {
    let is_open = match signup {
        Signup::Open => true,
        Signup::FirstUser => {
            users::lock_first(&mut **tx).await?;
            !users::exist(&mut **tx).await?
        }
        Signup::Invite => false,
    };
    if is_open {
        return Ok(());
    }
    Err(invitation_needed())
}

/// Signs in.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "accounts", request_body = LoginRequest,
    responses((status = 200, body = Me, description = "Signed in by cookie."))
)]
async fn login(
    app: App,
    Extension(RequestId(request_id)): Extension<RequestId>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(request): Json<LoginRequest>,
) -> ApiResult<impl IntoResponse> {
    let email = request.email.trim().to_lowercase();
    let pair = format!("{email}\n{address}");
    let device = Device::find(&app, &headers).await?;
    let mut tx = app.db.routing().await?;
    let known = users::find_login(&mut *tx, &email).await?;
    tx.commit().await?;
    let (user, hash) = known.map(|known| (known.user, known.password_hash)).unzip();
    // Counted before the password is looked at, so that of many tries at once no more are made than may be. What others
    // try, also behind the same address, is not held against a browser that the account knows.
    let limits = match &device {
        Some(device) if user.is_some_and(|user| device.is_of(user)) => vec![(Limit::LoginDevice, device.subject())],
        _ => vec![
            (Limit::LoginAddress, address.as_str()),
            (Limit::LoginPair, pair.as_str()),
            (Limit::LoginAccount, email.as_str()),
        ],
    };
    for (limit, of) in &limits {
        attempts::count(&app, *limit, of).await?;
    }
    let good = request.password.expose().len() <= password::MOST_CHARACTERS * 4
        && app.hasher.verify(request.password.0, hash).await?;
    let Some(user) = user.filter(|_| good) else {
        if let Some(user) = user {
            // Beside the answer, whose time must not tell that there is an account.
            let author = Author { user: Some(user), actor: email, via: "session", request_id };
            tokio::spawn(record_refusal(app, user, author, address));
        }
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "login-refused", "address or password is wrong"));
    };
    // The address may be that of others, too.
    for (limit, of) in limits.into_iter().filter(|(limit, _)| !matches!(limit, Limit::LoginAddress)) {
        attempts::forget(&app, limit, of).await?;
    }
    let author = Author { user: Some(user), actor: email.clone(), via: "session", request_id };
    let mut tx = app.db.user(user).await?;
    audit::record(&mut *tx, None, &author, "session.create", &email, json!({ "address": address })).await?;
    let cookies = begin_session(&mut tx, user, &headers, device).await?;
    let me = read_me(&mut tx, user, None).await?;
    tx.commit().await?;
    Ok((AppendHeaders(cookies), Json(me)))
}

async fn record_refusal(app: App, user: UserId, author: Author, address: String) {
    let recorded = async {
        let mut tx = app.db.user(user).await?;
        let details = json!({ "address": address });
        audit::record(&mut *tx, None, &author, "session.refuse", &author.actor, details).await?;
        tx.commit().await
    };
    if let Err(error) = recorded.await {
        tracing::warn!(%error, "a refused log-in was not put on record");
    }
}

/// The cookies of a new session and of its browser.
async fn begin_session(
    tx: &mut Tx,
    user: UserId,
    headers: &HeaderMap,
    device: Option<Device>,
) -> ApiResult<[(HeaderName, String); 2]> {
    let text = secret::generate(Purpose::Session)?;
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agent: String = agent.chars().take(300).collect();
    let expires_at = Utc::now() + Duration::days(SESSION_DAYS);
    let hash = secret::hash(text.expose_secret());
    sessions::insert(&mut **tx, Uuid::now_v7(), user, &hash, &agent, expires_at).await?;
    let session = session_cookie(text.expose_secret(), Duration::days(SESSION_DAYS));
    Ok([session, devices::remember(tx, user, device).await?].map(|cookie| (header::SET_COOKIE, cookie)))
}

fn session_cookie(text: &str, age: Duration) -> String {
    format!("{SESSION_COOKIE}={text}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={}", age.num_seconds())
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/api/v1/logout", tag = "accounts", responses((status = 204)))]
async fn logout(app: App, person: Person) -> ApiResult<impl IntoResponse> {
    if let Credential::Session(session) = person.credential {
        end(&app, &person, session).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, session_cookie("", Duration::zero()))])))
}

/// Who asks.
#[utoipa::path(get, path = "/api/v1/me", tag = "accounts", responses((status = 200, body = Me)))]
async fn load_me(app: App, person: Person) -> ApiResult<Json<Me>> {
    let only = match person.credential {
        Credential::Session(_) => None,
        Credential::Token { organization, .. } => Some(organization),
    };
    let mut tx = app.db.user(person.user).await?;
    let me = read_me(&mut tx, person.user, only).await?;
    tx.commit().await?;
    Ok(Json(me))
}

async fn read_me(tx: &mut Tx, id: UserId, only: Option<OrganizationId>) -> ApiResult<Me> {
    let user = users::find(&mut **tx, id).await?.ok_or_else(|| ApiError::unauthorized("this account is gone"))?;
    let organizations = organizations::list_of(&mut **tx, id).await?;
    Ok(Me {
        id,
        email: user.email,
        name: user.name,
        organizations: organizations
            .into_iter()
            .filter(|known| only.is_none_or(|only| only == known.id))
            .map(|known| Ok(OrganizationView { id: known.id, name: known.name, role: parse_role(&known.role)? }))
            .collect::<ApiResult<_>>()?,
        github_login: user.github_login,
    })
}

/// The asker's own sessions.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "accounts", responses((status = 200, body = Vec<SessionView>)))]
async fn list_sessions(app: App, person: Person) -> ApiResult<Json<Vec<SessionView>>> {
    let mut tx = app.db.user(person.user).await?;
    let found = sessions::list(&mut *tx, person.user).await?;
    tx.commit().await?;
    let own = |id| matches!(person.credential, Credential::Session(session) if session == id);
    let shown = found.into_iter().map(|session| SessionView {
        id: session.id,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        user_agent: session.user_agent,
        current: own(session.id),
    });
    Ok(Json(shown.collect()))
}

/// Ends one of the asker's own sessions.
#[utoipa::path(
    delete, path = "/api/v1/sessions/{session}", tag = "accounts",
    params(("session" = Uuid, Path)), responses((status = 204))
)]
async fn end_session(app: App, person: Person, Path(session): Path<Uuid>) -> ApiResult<StatusCode> {
    if end(&app, &person, session).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("you have no such session"))
}

async fn end(app: &App, person: &Person, session: Uuid) -> ApiResult<bool> {
    let mut tx = app.db.user(person.user).await?;
    let ended = sessions::delete(&mut *tx, person.user, session).await?;
    if ended {
        audit::record(&mut *tx, None, &person.author(), "session.end", &session.to_string(), json!({})).await?;
        tx.notify(&Notice::SessionEnded { session }).await?;
    }
    tx.commit().await?;
    Ok(ended)
}

/// The asker's own API tokens.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "accounts", responses((status = 200, body = Vec<TokenView>)))]
async fn list_tokens(app: App, person: Person) -> ApiResult<Json<Vec<TokenView>>> {
    let mut tx = app.db.user(person.user).await?;
    let found = tokens::list(&mut *tx, person.user).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(view_token).collect::<ApiResult<_>>()?))
}

/// Makes an API token; its text is shown this once.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "accounts", request_body = CreateToken,
    responses((status = 201, body = TokenCreated))
)]
async fn create_token(
    app: App,
    person: Person,
    Json(request): Json<CreateToken>,
) -> ApiResult<(StatusCode, Json<TokenCreated>)> {
    let mut checks = FieldChecks::default();
    let name = request.name.trim().to_owned();
    checks.check((1..=100).contains(&name.chars().count()), "name", "a name takes 1 to 100 characters");
    checks.check((1..=365).contains(&request.expires_in_days), "expires_in_days", "a token lives 1 to 365 days");
    checks.finish()?;
    let mut tx = app.db.member(request.organization, person.user).await?;
    let membership = organizations::find_membership(&mut *tx, request.organization, person.user)
        .await?
        .ok_or_else(|| ApiError::invalid("organization", "you belong to no such organization"))?;
    if parse_role(&membership.role)? < request.role {
        return Err(ApiError::invalid("role", "a token may not do more than you may"));
    }
    quotas::refuse_more(quotas::TOKENS, tokens::list(&mut *tx, person.user).await?.len())?;
    let text = secret::generate(Purpose::ApiToken)?;
    let now = Utc::now();
    let token = tokens::Token {
        id: Uuid::now_v7(),
        name,
        organization: request.organization,
        role: role_word(request.role).to_owned(),
        created_at: now,
        expires_at: now + Duration::days(request.expires_in_days.into()),
        last_used_at: None,
    };
    tokens::insert(&mut *tx, &token, person.user, &secret::hash(text.expose_secret())).await?;
    let details = json!({ "role": token.role, "expires_at": token.expires_at });
    audit::record(&mut *tx, Some(request.organization), &person.author(), "token.create", &token.name, details).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(TokenCreated { token: view_token(token)?, secret: WireSecret(text) })))
}

/// Ends one of the asker's own API tokens.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{token}", tag = "accounts",
    params(("token" = Uuid, Path)), responses((status = 204))
)]
async fn delete_token(app: App, person: Person, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    let mut tx = app.db.user(person.user).await?;
    let known = tokens::list(&mut *tx, person.user).await?.into_iter().find(|token| token.id == id);
    tx.commit().await?;
    let token = known.ok_or_else(|| ApiError::not_found("you have no such token"))?;
    let mut tx = app.db.member(token.organization, person.user).await?;
    tokens::delete(&mut *tx, person.user, id).await?;
    audit::record(&mut *tx, Some(token.organization), &person.author(), "token.delete", &token.name, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view_token(token: tokens::Token) -> ApiResult<TokenView> {
    Ok(TokenView {
        id: token.id,
        name: token.name,
        organization: token.organization,
        role: parse_role(&token.role)?,
        created_at: token.created_at,
        expires_at: token.expires_at,
        last_used_at: token.last_used_at,
    })
}
