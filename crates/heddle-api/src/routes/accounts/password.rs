//! Changing a password, and choosing a new one by a link.

use axum::{Extension, http::StatusCode};
use chrono::{Duration, Utc};
use heddle_core::id::UserId;
use heddle_db::{Tx, audit, audit::Author, devices, notice::Notice, password_links, sessions, users};
use heddle_wire::view::{ChangePassword, ResetPassword};
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use url::Url;
use utoipa_axum::routes;
use uuid::Uuid;

use super::super::Routes;
use crate::{
    address::ClientAddress,
    app::App,
    attempts::{self, Limit},
    extract::Json,
    layers::RequestId,
    password,
    permission::Permission,
    principal::Person,
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// How long a link is good for.
pub const LINK_LIFE: Duration = Duration::hours(24);

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add(Permission::Session, routes!(change)).add(Permission::Public, routes!(reset))
}

/// Gives the asker another password. Every other session of theirs ends; API tokens stay.
#[utoipa::path(
    post, path = "/api/v1/password", tag = "accounts", request_body = ChangePassword, responses((status = 204))
)]
async fn change(app: App, person: Person, Json(request): Json<ChangePassword>) -> ApiResult<StatusCode> {
    let session = person.session()?;
    let counted = person.user.to_string();
    attempts::count(&app, Limit::Password, &counted).await?;
    let mut tx = app.db.user(person.user).await?;
    let known = users::find_password(&mut *tx, person.user).await?;
    tx.commit().await?;
    let (email, hash) = known.ok_or_else(|| ApiError::unauthorized("this account is gone"))?;
    let good = request.current.expose().len() <= password::MOST_CHARACTERS * 4
        && app.hasher.verify(request.current.0, Some(hash.clone())).await?;
    if !good {
        return Err(not_yours());
    }
    refuse_weak(request.password.expose(), &email)?;
    attempts::forget(&app, Limit::Password, &counted).await?;
    let new = app.hasher.hash(request.password.0).await?;
    let mut tx = app.db.user(person.user).await?;
    // Somebody may have changed it since it was looked at.
    if !users::keeps_password(&mut *tx, person.user, &hash).await? {
        return Err(not_yours());
    }
    replace(&mut tx, person.user, &new, Some(session)).await?;
    audit::record(&mut *tx, None, &person.author(), "password.change", &email, json!({})).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Chooses a new password by a link, which is good once. Every session of the account ends.
#[utoipa::path(
    post, path = "/api/v1/password/reset", tag = "accounts", request_body = ResetPassword,
    responses(
        (status = 204, description = "Sign in with it now."),
        (status = 410, description = "The link was used, has ended, or is none."),
    )
)]
async fn reset(
    app: App,
    Extension(RequestId(request_id)): Extension<RequestId>,
    ClientAddress(address): ClientAddress,
    Json(request): Json<ResetPassword>,
) -> ApiResult<StatusCode> {
    attempts::count(&app, Limit::PasswordLinkAddress, &address).await?;
    let link = secret::hash(request.link.expose());
    let mut tx = app.db.routing().await?;
    let user = password_links::find(&mut *tx, &link).await?;
    tx.commit().await?;
    let user = user.ok_or_else(link_is_gone)?;
    let mut tx = app.db.user(user).await?;
    let known = users::find_password(&mut *tx, user).await?;
    tx.commit().await?;
    let (email, _) = known.ok_or_else(link_is_gone)?;
    refuse_weak(request.password.expose(), &email)?;
    // No connection waits while it is hashed.
    let hash = app.hasher.hash(request.password.0).await?;
    let mut tx = app.db.user(user).await?;
    // Of two who use it at once one is late.
    if password_links::take(&mut *tx, &link).await? != Some(user) {
        return Err(link_is_gone());
    }
    replace(&mut tx, user, &hash, None).await?;
    let author = Author { user: Some(user), actor: email.clone(), via: "link", request_id };
    audit::record(&mut *tx, None, &author, "password.reset", &email, json!({ "address": address })).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_weak(text: &str, email: &str) -> ApiResult<()> {
    password::fault(text, email).map_or(Ok(()), |fault| Err(ApiError::invalid("password", fault)))
}

fn not_yours() -> ApiError {
    ApiError::invalid("current", "this is not your password")
}

fn link_is_gone() -> ApiError {
    let told = "this link was used or has ended; ask whoever runs this installation for another one";
    ApiError::new(StatusCode::GONE, "link-ended", told)
}

/// Whoever knew the old password is out: in browsers, and in those that limits on log-ins do not stop.
async fn replace(tx: &mut Tx, user: UserId, hash: &str, kept: Option<Uuid>) -> ApiResult<()> {
    users::set_password(&mut **tx, user, hash).await?;
    password_links::end(&mut **tx).await?;
    devices::forget_all(&mut **tx, user).await?;
    for session in sessions::delete_others(&mut **tx, user, kept).await? {
        tx.notify(&Notice::SessionEnded { session }).await?;
    }
    Ok(())
}

/// Makes a link for the account of `email` and gives its address; `None` where there is no such account. The secret stands behind
/// the `#`, so that no server and no log sees it.
///
/// # Errors
/// When the store cannot be reached.
pub async fn make_link(owner: &PgConnectOptions, public_url: &Url, email: &str) -> anyhow::Result<Option<String>> {
    let text = secret::generate(Purpose::PasswordLink)?;
    let hash = secret::hash(text.expose_secret());
    let made = password_links::make(owner, email.trim(), &hash, Utc::now() + LINK_LIFE).await?;
    let base = public_url.as_str().trim_end_matches('/');
    Ok(made.map(|_| format!("{base}/password#{}", text.expose_secret())))
}
