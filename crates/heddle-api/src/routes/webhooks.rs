//! What Git hosts and registries tell us. It is only a hint: what is true is read from them.

mod installation;

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::Utc;
use heddle_core::{
    git::{BranchName, RepoUrl},
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
    notice::{self, Push, Receiver},
};
use heddle_db::{
    Tx, images,
    notice::{Notice, Topic},
    pushes, receivers, repositories, work,
};
use heddle_github::webhook::{self, Hint};
use secrecy::SecretString;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::Path,
    flow::read,
    permission::Permission,
    problem::{ApiError, ApiResult},
    secret,
};

/// Larger payloads are refused before they are read; polling makes good what they said.
const LIMIT_BYTES: usize = 2 << 20;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add_large(Permission::Public, LIMIT_BYTES, routes!(take_github)).add_large(
        Permission::Public,
        LIMIT_BYTES,
        routes!(take_registry),
    )
}

/// A delivery of GitHub, signed with the App's webhook secret.
#[utoipa::path(
    post, path = "/webhooks/github", tag = "webhooks",
    request_body(content = Vec<u8>, content_type = "application/json"),
    params(
        ("X-GitHub-Event" = String, Header), ("X-GitHub-Delivery" = String, Header),
        ("X-Hub-Signature-256" = String, Header),
    ),
    responses((status = 202, description = "Taken, now or before."))
)]
async fn take_github(State(app): State<App>, headers: HeaderMap, body: Bytes) -> ApiResult<StatusCode> {
    let github = app.config.github.as_ref().ok_or_else(|| {
        ApiError::unavailable("github-not-configured", "no GitHub App is configured (HEDDLE_GITHUB_APP_ID)")
    })?;
    verify(&github.webhook_secret, &headers, &body)?;
    let delivery = text(&headers, "x-github-delivery")
        .filter(|delivery| delivery.len() <= 100)
        .ok_or_else(|| ApiError::bad_request("delivery-missing", "the header `X-GitHub-Delivery` is missing"))?;
    let event = text(&headers, "x-github-event").unwrap_or_default();
    let hint = webhook::parse_hint(event, &body)
        .map_err(|error| ApiError::bad_request("bad-json", format!("{:#}", anyhow::Error::from(error))))?;
    let (at, branch) = match hint {
        Hint::BranchMoved { at, branch, .. } => (at, Some(branch)),
        Hint::PullRequestChanged { at, .. } => (at, None),
        Hint::InstallationChanged { installation, action } => {
            installation::take(&app, delivery, installation, &action).await?;
            return Ok(StatusCode::ACCEPTED);
        }
        Hint::Nothing => return Ok(StatusCode::ACCEPTED),
    };
    // By its name and the address we know the host under: what a payload calls the host is not asked.
    let url = super::github::canonical_url(&app, &at.repository)?;
    let mut tx = app.db.routing().await?;
    let binding = repositories::find_binding(&mut *tx, &url).await?;
    tx.commit().await?;
    let Some(binding) = binding.filter(|binding| u64::try_from(binding.installation_id).ok() == at.installation) else {
        tracing::debug!(event, "a webhook is about no repository of ours");
        return Ok(StatusCode::ACCEPTED);
    };
    let mut tx = app.db.organization(binding.organization).await?;
    // In the same transaction: a delivery that was not acted on may come again.
    if work::note_delivery(&mut *tx, delivery).await? {
        act(&mut tx, &binding, &url, branch.as_ref()).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// A read becomes due, and the agents that follow the branch are told when it moved.
async fn act(tx: &mut Tx, binding: &repositories::Binding, url: &RepoUrl, moved: Option<&BranchName>) -> ApiResult<()> {
    work::request_read(tx, binding.organization, binding.repository).await?;
    if moved.is_some() {
        read::hint(tx, binding.organization, url, moved).await?;
    }
    Ok(())
}

/// HMAC-SHA-256 over the bytes as they came, compared in constant time.
fn verify(secret: &SecretString, headers: &HeaderMap, body: &[u8]) -> ApiResult<()> {
    let signature = text(headers, "x-hub-signature-256").unwrap_or_default();
    if webhook::verify_signature(std::slice::from_ref(secret), body, signature) {
        return Ok(());
    }
    Err(ApiError::unauthorized("the signature in `X-Hub-Signature-256` does not hold"))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Push notices of a registry, or of what relays them, with the receiver's secret: as a bearer token, as the whole header
/// `Authorization`, or as the password of a basic login. Docker Hub, GitHub, Harbor, Quay, Azure, Artifactory, Alibaba,
/// Amazon by EventBridge, CloudEvents, CNCF Distribution and `{"name", "tag"}` are known by their shape.
#[utoipa::path(
    post, path = "/webhooks/registry/{receiver}", tag = "webhooks", request_body = serde_json::Value,
    params(("receiver" = Uuid, Path)),
    responses(
        (status = 202, description = "Taken."),
        (status = 400, description = "It tells of no push; the message says why."),
    )
)]
async fn take_registry(
    State(app): State<App>,
    Path(receiver): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<StatusCode> {
    let shown = shown_secret(&headers)?;
    let mut tx = app.db.routing().await?;
    let known = receivers::find_known(&mut *tx, receiver).await?;
    tx.commit().await?;
    let refused = || ApiError::unauthorized("there is no such receiver, or this is not its secret");
    let known = known.filter(|known| secret::matches(&shown, &known.secret_hash)).ok_or_else(refused)?;
    // Registries send a media type of their own, so the body is read as JSON whatever it says it is.
    let body = serde_json::from_slice(&body).map_err(|error| ApiError::bad_request("bad-json", error.to_string()))?;
    let pushes =
        notice::read(&body, &Receiver::default()).map_err(|why| ApiError::bad_request("no-push", why.to_string()))?;
    let mut tx = app.db.organization(known.organization).await?;
    receivers::note_notice(&mut *tx, receiver).await?;
    note_pushes(&mut tx, known.organization, &pushes).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// Senders differ in what they can send: a token, a header of one's own, or a login within an address.
fn shown_secret(headers: &HeaderMap) -> ApiResult<String> {
    let refused = || ApiError::unauthorized("send the receiver's secret in the header `Authorization`");
    let shown = text(headers, "authorization").ok_or_else(refused)?;
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

/// A tag that a notice says was pushed to an image.
struct Pushed<'a> {
    image: Uuid,
    tag: Tag,
    push: &'a Push,
}

async fn note_pushes(tx: &mut Tx, organization: OrganizationId, told: &[Push]) -> ApiResult<()> {
    let mut due = BTreeSet::new();
    let mut pushes = Vec::new();
    for push in told {
        let names = push.registries.iter().filter_map(|host| format!("{host}/{}", push.repository).parse().ok());
        let names: Vec<String> = names.map(|name: ImageRepository| name.to_string()).collect();
        let named = images::list_named(&mut **tx, organization, &names).await?;
        if named.is_empty() {
            // Behind a proxy a registry knows itself by another host; the path alone makes a scan due, and no more.
            let there = images::list_at_path(&mut **tx, organization, &push.repository).await?;
            due.extend(there.into_iter().map(|image| image.id));
        }
        let tag = push.tag.as_ref().and_then(|tag| tag.parse::<Tag>().ok());
        due.extend(named.iter().map(|image| image.id));
        pushes.extend(
            tag.into_iter()
                .flat_map(|tag| named.iter().map(move |image| Pushed { image: image.id, tag: tag.clone(), push })),
        );
    }
    // One that a read forgot meanwhile is watched no more.
    let due = images::lock(&mut **tx, &due.into_iter().collect::<Vec<_>>()).await?;
    for Pushed { image, tag, push } in pushes.iter().filter(|pushed| due.contains(&pushed.image)) {
        let digest = push.digest.as_ref().and_then(|digest| digest.parse::<Digest>().ok());
        // A registry cannot push tomorrow.
        let now = Utc::now();
        let at = push.at.map_or(now, |at| at.min(now));
        pushes::note(&mut **tx, organization, *image, tag, digest.as_ref(), at).await?;
    }
    work::request_scans(tx, organization, &due).await?;
    for id in due {
        tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(id) }).await?;
    }
    Ok(())
}
