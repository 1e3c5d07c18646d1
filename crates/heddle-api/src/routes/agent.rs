//! What agents call once they are enrolled: reports in, hints out, tokens to fetch with.

use std::time::Duration;

use axum::{Extension, http::StatusCode};
use chrono::Utc;
use heddle_core::git::RepoUrl;
use heddle_db::{
    Tx, agent_outboxes, cluster_repositories, clusters, hints,
    notice::{Notice, NoticeStream, Topic},
    repositories::{self, Repository},
    syncs,
};
use heddle_github::Permissions;
use heddle_wire::agent::{
    GitTokenRequest, GitTokenResponse, Hint, HintsResponse, MAX_REPORT_BYTES, Report, ReportResponse,
};
use heddle_wire::secret::WireSecret;
use serde::Deserialize;
use tokio::time::{Instant, sleep_until};
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::{App, Shutdown},
    extract::{Json, Query},
    flow::report,
    manifest::FirstSync,
    permission::Permission,
    principal::Agent,
    problem::{ApiError, ApiResult},
};

/// An agent waits no longer than this for a hint.
const LONGEST_WAIT_SECS: u64 = 55;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add_large(Permission::Agent, MAX_REPORT_BYTES, routes!(take_report))
        .add(Permission::Agent, routes!(list_hints))
        .add(Permission::Agent, routes!(mint_git_token))
}

/// What is in the cluster. Sending it again changes nothing.
#[utoipa::path(
    post, path = "/agent/v1/report", tag = "agent", request_body = Report,
    responses((status = 200, body = ReportResponse))
)]
async fn take_report(app: App, agent: Agent, Json(sent): Json<Report>) -> ApiResult<Json<ReportResponse>> {
    sent.check_size()
        .map_err(|excess| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "report-too-large", excess.to_string()))?;
    let mut tx = app.db.organization(agent.organization).await?;
    if !clusters::try_lock(&mut *tx, agent.cluster).await? {
        let words = "another report of this cluster is being taken; send this one again";
        return Err(ApiError::unavailable("busy", words));
    }
    let scope = report::Scope { organization: agent.organization, cluster: agent.cluster, now: Utc::now() };
    let acknowledged = if report::apply(&mut tx, scope, &sent).await? {
        note_report(&mut tx, scope, &sent).await?;
        sent.sequence
    } else {
        agent_outboxes::find(&mut *tx, agent.cluster, sent.epoch).await?.map_or(0, i64::unsigned_abs)
    };
    let resync = sent.present.is_none() && !syncs::has_any(&mut *tx, agent.cluster).await?;
    tx.commit().await?;
    Ok(Json(ReportResponse { acknowledged, resync }))
}

/// Notes that a report was taken, and what the agent says of itself.
async fn note_report(tx: &mut Tx, scope: report::Scope, sent: &Report) -> ApiResult<()> {
    let said = clusters::Said {
        agent_version: &sent.agent.version,
        kubernetes_version: &sent.agent.kubernetes_version,
        started_at: scope.time(sent.agent.started_at),
        rejected: sent.rejected.as_ref().map(serde_json::to_value).transpose().map_err(ApiError::internal)?,
    };
    if clusters::note_report(&mut **tx, scope.cluster, &said, scope.now).await? {
        let (organization, id) = (scope.organization, Some(scope.cluster.0));
        tx.notify(&Notice::Changed { organization, topic: Topic::Clusters, id }).await?;
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct HintsQuery {
    wait: Option<u64>,
}

/// Something worth a look, as soon as there is something.
#[utoipa::path(
    get, path = "/agent/v1/hints", tag = "agent",
    params(("wait" = Option<u64>, Query, description = "Seconds to wait, at most 55.")),
    responses((status = 200, body = HintsResponse))
)]
async fn list_hints(
    app: App,
    Extension(Shutdown(shutdown)): Extension<Shutdown>,
    agent: Agent,
    Query(query): Query<HintsQuery>,
) -> ApiResult<Json<HintsResponse>> {
    let wait = query.wait.unwrap_or(LONGEST_WAIT_SECS).min(LONGEST_WAIT_SECS);
    let deadline = Instant::now() + Duration::from_secs(wait);
    let mut notices = app.db.notices();
    loop {
        let mut tx = app.db.organization(agent.organization).await?;
        let found = hints::take(&mut *tx, agent.cluster).await?;
        tx.commit().await?;
        if !found.is_empty() {
            return Ok(Json(HintsResponse { hints: found.into_iter().map(shown).collect() }));
        }
        tokio::select! {
            () = wait_for_hint(&mut notices, &agent) => {}
            () = sleep_until(deadline) => return Ok(Json(HintsResponse { hints: Vec::new() })),
            () = shutdown.cancelled() => return Ok(Json(HintsResponse { hints: Vec::new() })),
        }
    }
}

async fn wait_for_hint(notices: &mut NoticeStream, agent: &Agent) {
    loop {
        match notices.next().await {
            Some(Notice::BranchMoved { organization, .. }) if organization == agent.organization => return,
            Some(Notice::Resync { cluster }) if cluster == agent.cluster => return,
            Some(Notice::Missed) => return,
            Some(_) => {}
            // The store closes only when the program ends.
            None => std::future::pending().await,
        }
    }
}

fn shown(hint: hints::Hint) -> Hint {
    match hint {
        hints::Hint::BranchMoved { repository, branch, revision } => Hint::BranchMoved { repository, branch, revision },
        hints::Hint::Resync => Hint::Resync,
    }
}

/// A token that reads one repository that a person approved for this cluster.
#[utoipa::path(
    post, path = "/agent/v1/git-token", tag = "agent", request_body = GitTokenRequest,
    responses((status = 200, body = GitTokenResponse))
)]
async fn mint_git_token(
    app: App,
    agent: Agent,
    Json(request): Json<GitTokenRequest>,
) -> ApiResult<Json<GitTokenResponse>> {
    app.rates.git_tokens.take(agent.cluster.0)?;
    let repository = find_followed(&app, &agent, &request.repository).await?;
    let (tokens, _) = app.github_app()?;
    // GitHub is asked for one when the last is too old to be handed out, whoever asks.
    let minted = tokens.mint(repository.installation_id, &repository.name, Permissions::Fetch).await?;
    Ok(Json(GitTokenResponse {
        username: "x-access-token".to_owned(),
        token: WireSecret(minted.secret),
        expires_at: minted.expires_at,
    }))
}

/// The bound repository at `url`, when a person approved it for the agent's cluster: by making a manifest that follows it,
/// or by name. One that a Sync follows and nobody approved is asked for.
async fn find_followed(app: &App, agent: &Agent, url: &RepoUrl) -> ApiResult<Repository> {
    let refused = |why: String| ApiError::new(StatusCode::NOT_FOUND, "repository-not-connected", why);
    let mut tx = app.db.organization(agent.organization).await?;
    let bound = match repositories::find_bound(&mut *tx, agent.organization, url).await? {
        Some(id) => repositories::find(&mut *tx, agent.organization, id).await?,
        None => None,
    };
    let repository = bound.ok_or_else(|| {
        let at = app.public_url("repositories");
        refused(format!("{url} is not connected to this cluster's organization; connect it at {at}"))
    })?;
    let reported = syncs::list_of_cluster(&mut *tx, agent.cluster).await?;
    let installed = clusters::find(&mut *tx, agent.organization, agent.cluster).await?;
    let installed = installed.and_then(|cluster| FirstSync::read(cluster.first_sync)).map(|sync| sync.repository);
    let installed = installed.and_then(|address| RepoUrl::try_from(address.to_string()).ok());
    let follows = reported.iter().any(|sync| sync.repository_url == *url);
    let approved = cluster_repositories::is_approved(&mut *tx, agent.cluster, repository.id).await?;
    if follows && !approved && installed.as_ref() != Some(url) {
        let new = cluster_repositories::ask(&mut *tx, agent.organization, agent.cluster, repository.id).await?;
        if new {
            let (organization, id) = (agent.organization, Some(agent.cluster.0));
            tx.notify(&Notice::Changed { organization, topic: Topic::Status, id }).await?;
        }
    }
    tx.commit().await?;
    if approved || installed.as_ref() == Some(url) {
        return Ok(repository);
    }
    if !follows {
        return Err(refused(format!(
            "no Sync that this cluster reported follows {url} yet; it is asked for again after the report"
        )));
    }
    let at = app.public_url("");
    Err(refused(format!("nobody approved yet that this cluster reads {url}; an administrator does so at {at}")))
}
