//! Who sends notices: registries with a receiver's secret, GitHub with a signature, reporters of drift with their token.

use axum::{
    extract::RawPathParams,
    http::{HeaderMap, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use heddle_github::webhook;
use uuid::Uuid;

use crate::{
    app::App,
    permission::bearer,
    principal::{Receiver, Reporter},
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// The receiver that the path names, when its secret is shown.
///
/// # Errors
/// 401 when it is not; 429 when its notices come too often.
pub async fn authenticate(app: &App, headers: &HeaderMap, path: &RawPathParams) -> ApiResult<Receiver> {
    let refused = || ApiError::unauthorized("there is no such receiver, or this is not its secret");
    let shown = shown_secret(headers)?;
    let named = path.iter().find(|(name, _)| *name == "receiver");
    let id: Uuid = named.and_then(|(_, id)| id.parse().ok()).ok_or_else(refused)?;
    let mut tx = app.db.routing().await?;
    let known = heddle_db::receivers::find_known(&mut *tx, id).await?;
    tx.commit().await?;
    let known = known.filter(|known| secret::matches(&shown, &known.secret_hash)).ok_or_else(refused)?;
    app.rates.notices.take(id)?;
    Ok(Receiver { id, organization: known.organization })
}

/// The reporter whose token is shown.
///
/// # Errors
/// 401 when it is nobody's, or was revoked; 429 when its looks come too often.
pub async fn authenticate_reporter(app: &App, headers: &HeaderMap) -> ApiResult<Reporter> {
    let text = bearer(headers)?;
    if !text.starts_with(Purpose::Reporter.prefix()) {
        return Err(ApiError::unauthorized("this is no reporter's token; make one in the dashboard under Settings"));
    }
    let mut tx = app.db.routing().await?;
    let known = heddle_db::reporters::find_known(&mut *tx, &secret::hash(text)).await?;
    tx.commit().await?;
    let known = known.ok_or_else(|| ApiError::unauthorized("this reporter's token is not known"))?;
    if known.revoked {
        return Err(ApiError::unauthorized(
            "this reporter was revoked; make another one in the dashboard under Settings",
        ));
    }
    app.rates.looks.take(known.id)?;
    Ok(Reporter { id: known.id, organization: known.organization, record: known.record })
}

/// Senders differ in what they can send: a token, a header of one's own, or a login within an address.
fn shown_secret(headers: &HeaderMap) -> ApiResult<String> {
    let refused = || ApiError::unauthorized("send the receiver's secret in the header `Authorization`");
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    match shown.split_once(' ') {
        None => Ok(shown.to_owned()),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim().to_owned()),
        Some((scheme, login)) if scheme.eq_ignore_ascii_case("basic") => {
            let login = STANDARD.decode(login.trim()).ok().and_then(|login| String::from_utf8(login).ok());
            login.and_then(|login| Some(login.split_once(':')?.1.to_owned())).ok_or_else(refused)
        }
        Some(_) => Err(refused()),
    }
}

/// The signature that a delivery of GitHub claims, before its body is read.
///
/// # Errors
/// 401 when there is none, 503 when no App is set up.
pub fn claimed_signature<'a>(app: &App, headers: &'a HeaderMap) -> ApiResult<&'a str> {
    if app.config.github.is_none() {
        return Err(ApiError::unavailable(
            "github-not-configured",
            "no GitHub App is configured here (HEDDLE_GITHUB_APP_ID)",
        ));
    }
    headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok()).ok_or_else(unsigned)
}

/// Proves the signature over the body as it came: HMAC-SHA-256, compared in constant time.
///
/// # Errors
/// 401 when it does not hold.
pub fn verify(app: &App, signature: &str, body: &[u8]) -> ApiResult<()> {
    let secret = app.config.github.as_ref().map(|github| &github.webhook_secret).ok_or_else(unsigned)?;
    if webhook::verify_signature(std::slice::from_ref(secret), body, signature) { Ok(()) } else { Err(unsigned()) }
}

fn unsigned() -> ApiError {
    ApiError::unauthorized("the signature in `X-Hub-Signature-256` does not hold")
}
