//! What Git hosts and registries tell us. It is only a hint: what is true is read from them.

mod installation;

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use chrono::{DateTime, Utc};
use heddle_core::{
    git::{BranchName, RepoUrl},
    id::OrganizationId,
    image::{Digest, ImageRepository, Tag},
};
use heddle_db::{
    Tx, images,
    notice::{Notice, Topic},
    pushes, receivers, repositories, work,
};
use heddle_github::webhook::{self, Hint};
use secrecy::SecretString;
use serde::Deserialize;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::Path,
    flow::read,
    permission::{Permission, bearer},
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

/// Notifications of CNCF Distribution, with the fields we use.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct RegistryNotices {
    events: Vec<RegistryEvent>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct RegistryEvent {
    timestamp: DateTime<Utc>,
    action: String,
    target: RegistryTarget,
    request: Option<RegistryRequest>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct RegistryTarget {
    repository: Option<String>,
    tag: Option<String>,
    digest: Option<String>,
    url: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct RegistryRequest {
    host: Option<String>,
}

/// Push notices of a registry, with the receiver's secret.
#[utoipa::path(
    post, path = "/webhooks/registry/{receiver}", tag = "webhooks", request_body = RegistryNotices,
    params(("receiver" = Uuid, Path)),
    responses((status = 202, description = "Taken."))
)]
async fn take_registry(
    State(app): State<App>,
    Path(receiver): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<StatusCode> {
    let shown = bearer(&headers)?.to_owned();
    let mut tx = app.db.routing().await?;
    let known = receivers::find_known(&mut *tx, receiver).await?;
    tx.commit().await?;
    let refused = || ApiError::unauthorized("there is no such receiver, or this is not its secret");
    let known = known.filter(|known| secret::matches(&shown, &known.secret_hash)).ok_or_else(refused)?;
    // Registries send a media type of their own, so the body is read as JSON whatever it says it is.
    let notices: RegistryNotices =
        serde_json::from_slice(&body).map_err(|error| ApiError::bad_request("bad-json", error.to_string()))?;
    let mut tx = app.db.organization(known.organization).await?;
    receivers::note_notice(&mut *tx, receiver).await?;
    note_pushes(&mut tx, known.organization, &notices).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// A tag that a notice says was pushed to an image.
struct Pushed<'a> {
    image: Uuid,
    tag: Tag,
    event: &'a RegistryEvent,
}

async fn note_pushes(tx: &mut Tx, organization: OrganizationId, notices: &RegistryNotices) -> ApiResult<()> {
    let mut due = BTreeSet::new();
    let mut pushes = Vec::new();
    for event in notices.events.iter().filter(|event| event.action == "push") {
        let Some(path) = &event.target.repository else { continue };
        let Some(tag) = event.target.tag.as_ref().and_then(|tag| tag.parse::<Tag>().ok()) else { continue };
        let names: Vec<String> = names_of(event, path).iter().map(ToString::to_string).collect();
        let named = images::list_named(&mut **tx, organization, &names).await?;
        if named.is_empty() {
            // Behind a proxy a registry knows itself by another host; the path alone makes a scan due, and no more.
            due.extend(images::list_at_path(&mut **tx, organization, path).await?.into_iter().map(|image| image.id));
        }
        pushes.extend(named.into_iter().map(|image| Pushed { image: image.id, tag: tag.clone(), event }));
    }
    due.extend(pushes.iter().map(|pushed| pushed.image));
    // One that a read forgot meanwhile is watched no more.
    let due = images::lock(&mut **tx, &due.into_iter().collect::<Vec<_>>()).await?;
    for Pushed { image, tag, event } in pushes.iter().filter(|pushed| due.contains(&pushed.image)) {
        let digest = event.target.digest.as_ref().and_then(|digest| digest.parse::<Digest>().ok());
        // A registry cannot push tomorrow.
        let at = event.timestamp.min(Utc::now());
        pushes::note(&mut **tx, organization, *image, tag, digest.as_ref(), at).await?;
    }
    work::request_scans(tx, organization, &due).await?;
    for id in due {
        tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: Some(id) }).await?;
    }
    Ok(())
}

/// The image's names by each host that the notice gives.
fn names_of(event: &RegistryEvent, path: &str) -> Vec<ImageRepository> {
    let asked = event.request.as_ref().and_then(|request| request.host.clone());
    let own = event.target.url.as_ref().and_then(|url| url::Url::parse(url).ok()).and_then(|url| {
        let host = url.host_str()?.to_owned();
        Some(url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    });
    asked.into_iter().chain(own).filter_map(|host| format!("{host}/{path}").parse().ok()).collect()
}
