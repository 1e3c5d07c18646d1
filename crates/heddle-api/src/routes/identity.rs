//! How an agent gets its identity, a token that works once for a key that was made in the cluster, and renews it.

use axum::{
    Extension,
    http::{HeaderMap, StatusCode},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use heddle_core::id::{ClusterId, ClusterKeyId, OrganizationId};
use heddle_db::{
    DbError, Tx,
    audit::{self, Author},
    clusters::{self, Bootstrap},
    notice::{Notice, Topic},
};
use heddle_wire::agent::{EnrollRequest, EnrollResponse, KeyRequest, KeyResponse};
use serde_json::json;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    address::ClientAddress,
    agent_auth,
    app::App,
    attempts::{self, Limit},
    extract::{Json, Path},
    layers::RequestId,
    permission::{Permission, bearer},
    principal::Agent,
    problem::{ApiError, ApiResult},
    secret::{self, Purpose},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Public, routes!(enroll))
        .add(Permission::Agent, routes!(add_key))
        .add(Permission::Agent, routes!(end_key))
}

fn read_key(text: &str) -> ApiResult<Vec<u8>> {
    let key = URL_SAFE_NO_PAD.decode(text).ok().filter(|key| key.len() == 32);
    key.ok_or_else(|| ApiError::invalid("public_key", "send the 32 bytes of an Ed25519 key in unpadded base64url"))
}

fn explain(error: DbError) -> ApiError {
    match error {
        DbError::Exists { .. } => ApiError::invalid("public_key", "this key is in use; make a new one"),
        other => other.into(),
    }
}

/// Exchanges a bootstrap token, sent as Bearer, for a lasting identity.
#[utoipa::path(
    post, path = "/agent/v1/enroll", tag = "agent", request_body = EnrollRequest,
    responses((status = 200, body = EnrollResponse))
)]
async fn enroll(
    app: App,
    Extension(RequestId(request_id)): Extension<RequestId>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(request): Json<EnrollRequest>,
) -> ApiResult<Json<EnrollResponse>> {
    agent_auth::check_protocol(&headers)?;
    let token = bearer(&headers)?;
    if !token.starts_with(Purpose::Bootstrap.prefix()) {
        return Err(ApiError::unauthorized("this is no bootstrap token; it stands in the install manifest"));
    }
    let public_key = read_key(&request.public_key)?;
    attempts::count(&app, Limit::EnrollAddress, &address).await?;

    let mut tx = app.db.routing().await?;
    let known = clusters::use_bootstrap(&mut *tx, &secret::hash(token)).await?;
    let bootstrap = known.ok_or_else(|| {
        ApiError::unauthorized("this bootstrap token is not known; take a new manifest from the dashboard")
    })?;
    tx.enter(bootstrap.organization).await?;
    let author = Author { user: None, actor: format!("agent at {address}"), via: "agent", request_id };
    if !bootstrap.fresh {
        return settle_repeated(tx, &bootstrap, &public_key, &author).await;
    }
    let Bootstrap { organization, cluster, .. } = bootstrap;
    let enrolled = clusters::enroll(
        &mut tx,
        organization,
        cluster,
        &public_key,
        &request.agent_version,
        &request.kubernetes_version,
    )
    .await;
    let key_id = enrolled.map_err(explain)?;
    let details = json!({ "agent_version": request.agent_version, "kubernetes_version": request.kubernetes_version });
    let known = Known { organization, cluster, author };
    known.record(tx, "cluster.enroll", details).await?;
    Ok(Json(EnrollResponse { cluster_id: cluster, key_id }))
}

/// The token was used before, or too late. An agent that never got the answer to its exchange gets it again; anybody
/// else is refused, and the organization is told.
async fn settle_repeated(
    mut tx: Tx,
    bootstrap: &Bootstrap,
    public_key: &[u8],
    author: &Author,
) -> ApiResult<Json<EnrollResponse>> {
    if let Some(key_id) = clusters::find_key_of(&mut *tx, bootstrap.cluster, public_key).await? {
        tx.commit().await?;
        return Ok(Json(EnrollResponse { cluster_id: bootstrap.cluster, key_id }));
    }
    let object = bootstrap.cluster.to_string();
    audit::record(&mut *tx, Some(bootstrap.organization), author, "cluster.enroll.refuse", &object, json!({})).await?;
    tx.commit().await?;
    Err(ApiError::gone(
        "bootstrap-used",
        "this bootstrap token was used before, or is older than 24 hours; take a new manifest from the dashboard",
    ))
}

/// Makes another key of the cluster known. The one that signs the request stays good, until the agent ends it or gets a
/// third. Sent again, it is answered as before.
#[utoipa::path(
    post, path = "/agent/v1/keys", tag = "agent", request_body = KeyRequest,
    responses((status = 200, body = KeyResponse))
)]
async fn add_key(app: App, agent: Agent, Json(request): Json<KeyRequest>) -> ApiResult<Json<KeyResponse>> {
    let public_key = read_key(&request.public_key)?;
    let mut tx = app.db.organization(agent.organization).await?;
    if let Some(key_id) = clusters::find_key_of(&mut *tx, agent.cluster, &public_key).await? {
        return Ok(Json(KeyResponse { key_id }));
    }
    let added = clusters::add_key(&mut tx, agent.organization, agent.cluster, &public_key).await;
    let key_id = added.map_err(explain)?;
    Known::of(&agent).record(tx, "cluster.key.add", json!({ "key": key_id })).await?;
    Ok(Json(KeyResponse { key_id }))
}

/// Ends a key of the cluster, as an agent does with the one before. One that has ended may be named again.
#[utoipa::path(
    delete, path = "/agent/v1/keys/{key}", tag = "agent", params(("key" = ClusterKeyId, Path)),
    responses((status = 204))
)]
async fn end_key(app: App, agent: Agent, Path(key): Path<ClusterKeyId>) -> ApiResult<StatusCode> {
    if key == agent.key {
        return Err(ApiError::conflict(
            "key-in-use",
            "this key signs the request; make another known and sign with that",
        ));
    }
    let mut tx = app.db.organization(agent.organization).await?;
    if clusters::revoke_key(&mut *tx, agent.cluster, key).await? {
        tx.notify(&Notice::Revoked { cluster: agent.cluster }).await?;
        Known::of(&agent).record(tx, "cluster.key.end", json!({ "key": key })).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A cluster whose identity changes, and who changes it.
struct Known {
    organization: OrganizationId,
    cluster: ClusterId,
    author: Author,
}

impl Known {
    fn of(agent: &Agent) -> Self {
        Self { organization: agent.organization, cluster: agent.cluster, author: agent.author() }
    }

    /// Writes down what became of a key, tells the dashboard, and commits.
    async fn record(self, mut tx: Tx, action: &str, details: serde_json::Value) -> ApiResult<()> {
        let Self { organization, cluster, author } = self;
        let object = cluster.to_string();
        audit::record(&mut *tx, Some(organization), &author, action, &object, details).await?;
        tx.notify(&Notice::Changed { organization, topic: Topic::Clusters, id: Some(cluster.0) }).await?;
        Ok(tx.commit().await?)
    }
}
