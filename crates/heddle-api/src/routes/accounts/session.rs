//! Sessions: signing in and out.

use axum::{
    Extension,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use chrono::{Duration, Utc};
use heddle_core::id::UserId;
use heddle_db::{Tx, audit, audit::Author, notice::Notice, sessions, users};
use heddle_wire::view::{LoginRequest, Me, SessionView};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{super::Routes, read_me};
use crate::{
    address::ClientAddress,
    app::App,
    attempts::{self, Limit},
    devices::{self, Device},
    extract::{Json, Path},
    layers::RequestId,
    password,
    permission::{Permission, SESSION_COOKIE},
    principal::{Credential, Person},
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// A session ends after this, however often it is used; after a week without use it ends before.
const SESSION_DAYS: i64 = 30;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Public, routes!(login))
        .add(Permission::Session, routes!(logout))
        .add(Permission::Session, routes!(list_sessions))
        .add(Permission::Session, routes!(end_session))
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
        && app.hasher.verify(request.password.0, hash.clone()).await?;
    let Some(user) = user.filter(|_| good) else {
        if let Some(user) = user {
            // Beside the answer, whose time must not tell that there is an account.
            let author = Author { user: Some(user), actor: email, via: "session", request_id };
            tokio::spawn(record_refusal(app, user, author, address));
        }
        return Err(refused());
    };
    // The address may be that of others, too.
    for (limit, of) in limits.into_iter().filter(|(limit, _)| !matches!(limit, Limit::LoginAddress)) {
        attempts::forget(&app, limit, of).await?;
    }
    let author = Author { user: Some(user), actor: email.clone(), via: "session", request_id };
    let mut tx = app.db.user(user).await?;
    // A password that was replaced meanwhile begins no session: those that it had have ended.
    if !users::keeps_password(&mut *tx, user, &hash.unwrap_or_default()).await? {
        return Err(refused());
    }
    audit::record(&mut *tx, None, &author, "session.create", &email, json!({ "address": address })).await?;
    let cookies = begin_session(&mut tx, user, &headers, device).await?;
    let me = read_me(&mut tx, user, None).await?;
    tx.commit().await?;
    Ok((AppendHeaders(cookies), Json(me)))
}

fn refused() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "login-refused", "address or password is wrong")
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
pub(super) async fn begin_session(
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
