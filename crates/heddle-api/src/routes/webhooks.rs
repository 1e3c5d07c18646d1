//! What Git hosts and registries tell us. It is only a hint: what is true is read from them.

mod installation;

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode},
};
use chrono::Utc;
use heddle_core::{
    git::{BranchName, RepoUrl, Revision},
    notice::{self, NoNotice},
};
use heddle_db::{Tx, deliveries, receivers, repositories, work};
use heddle_github::webhook::{self, Hint};
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    flow::{push, read},
    permission::Permission,
    principal::Receiver,
    problem::{ApiError, ApiResult},
};

/// A delivery of GitHub. Polling makes good what a larger one said.
pub const DELIVERY_LIMIT_BYTES: usize = 2 << 20;

/// A registry's notice.
pub const NOTICE_LIMIT_BYTES: usize = 256 << 10;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new().add_large(Permission::GitHub, DELIVERY_LIMIT_BYTES, routes!(take_github)).add_large(
        Permission::Receiver,
        NOTICE_LIMIT_BYTES,
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
async fn take_github(app: App, headers: HeaderMap, body: Bytes) -> ApiResult<StatusCode> {
    let delivery = text(&headers, "x-github-delivery")
        .filter(|delivery| delivery.len() <= 100)
        .ok_or_else(|| ApiError::bad_request("delivery-missing", "the header `X-GitHub-Delivery` is missing"))?;
    let event = text(&headers, "x-github-event").unwrap_or_default();
    let hint = webhook::parse_hint(event, &body)
        .map_err(|error| ApiError::bad_request("bad-json", format!("{:#}", anyhow::Error::from(error))))?;
    let (at, moved) = match hint {
        Hint::BranchMoved { at, branch, head } => (at, Some((branch, head))),
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
    if deliveries::note(&mut *tx, delivery).await? {
        act(&mut tx, &binding, &url, moved.as_ref()).await?;
    }
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

/// A read becomes due, and the agents that follow the branch are told when it moved.
async fn act(
    tx: &mut Tx,
    binding: &repositories::Binding,
    url: &RepoUrl,
    moved: Option<&(BranchName, Option<Revision>)>,
) -> ApiResult<()> {
    work::request_read(tx, binding.organization, binding.repository).await?;
    if let Some((branch, head)) = moved {
        read::hint(tx, binding.organization, url, Some(branch), head.as_ref()).await?;
    }
    Ok(())
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
        (status = 413, description = "It is too large, or tells of more than 100 pushes."),
    )
)]
async fn take_registry(app: App, receiver: Receiver, body: Bytes) -> ApiResult<StatusCode> {
    // Registries send a media type of their own, so the body is read as JSON whatever it says it is.
    let pushes = notice::read(&body, &notice::Receiver::default()).map_err(|why| {
        let told = why.to_string();
        match why {
            NoNotice::NotJson(_) => ApiError::bad_request("bad-json", told),
            NoNotice::TooMany(_) => ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-pushes", told),
            NoNotice::NoPush(_) => ApiError::bad_request("no-push", told),
        }
    })?;
    let mut tx = app.db.organization(receiver.organization).await?;
    receivers::note_notice(&mut *tx, receiver.id).await?;
    push::note(&mut tx, receiver.organization, &pushes, Utc::now()).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}
