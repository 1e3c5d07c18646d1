//! Clusters: adding one, its install manifest, its keys, its end.

mod view;

use axum::http::StatusCode;
use chrono::{Duration, Utc};
use heddle_core::{
    git::RepoName,
    id::{ClusterId, ClusterKeyId, OrganizationId, RepositoryId},
    name::EnvironmentName,
};
use heddle_db::{
    DbError, Tx, audit, cluster_repositories, clusters,
    notice::{Notice, Topic},
    repositories,
};
use heddle_wire::{
    secret::WireSecret,
    view::{ClusterCreated, ClusterView, CreateCluster, Role},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use self::view::{read, view_cluster, view_clusters};
use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    flow::report,
    manifest::{self, FirstSync, Install},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult, FieldChecks},
    quotas,
    secret::{self, Purpose},
};

/// A bootstrap token that was not used is worth nothing after this.
const BOOTSTRAP_HOURS: i64 = 24;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_clusters))
        .add(Permission::Organization(Role::Admin), routes!(create_cluster))
        .add(Permission::Organization(Role::Viewer), routes!(load_cluster))
        .add(Permission::Organization(Role::Admin), routes!(delete_cluster))
        .add(Permission::Organization(Role::Admin), routes!(renew_manifest))
        .add(Permission::Organization(Role::Admin), routes!(revoke_cluster))
        .add(Permission::Organization(Role::Admin), routes!(revoke_cluster_key))
        .add(Permission::Organization(Role::Admin), routes!(approve_repository))
}

/// The organization's clusters by name.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/clusters", tag = "clusters",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<ClusterView>))
)]
async fn list_clusters(app: App, member: Member) -> ApiResult<Json<Vec<ClusterView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let shown = view_clusters(&mut tx, member.organization).await?;
    tx.commit().await?;
    Ok(Json(shown))
}

/// One cluster.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/clusters/{cluster}", tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path)),
    responses((status = 200, body = ClusterView))
)]
async fn load_cluster(app: App, member: Member, Path(ids): Path<(Uuid, ClusterId)>) -> ApiResult<Json<ClusterView>> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let shown = view_cluster(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok(Json(shown))
}

/// Adds a cluster and hands out the manifest that installs its agent. It is shown this once: it holds a token.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/clusters", tag = "clusters",
    params(("organization" = OrganizationId, Path)), request_body = CreateCluster,
    responses((status = 201, body = ClusterCreated))
)]
async fn create_cluster(
    app: App,
    member: Member,
    Json(request): Json<CreateCluster>,
) -> ApiResult<(StatusCode, Json<ClusterCreated>)> {
    let path = request.path.trim_matches('/').to_owned();
    check_cluster(&request, &path)?;
    let mut tx = app.db.organization(member.organization).await?;
    let repository = repositories::find(&mut *tx, member.organization, request.repository)
        .await?
        .ok_or_else(|| ApiError::invalid("repository", "the organization has no such repository"))?;
    let sync = FirstSync {
        repository: clone_url(&app, &repository.name)?,
        branch: request.branch,
        path,
        namespaces: request.namespaces,
    };
    let quota = quotas::clusters(app.config.most_clusters);
    let turn = quota.take_turn(&mut tx, member.organization.0).await?;
    turn.refuse_more(clusters::list(&mut *tx, member.organization).await?.len())?;
    let id = ClusterId(Uuid::now_v7());
    let stored = serde_json::to_value(&sync).map_err(ApiError::internal)?;
    match clusters::insert(&mut *tx, member.organization, id, &request.name, &stored).await {
        Err(DbError::Exists { .. }) => {
            return Err(ApiError::conflict("cluster-exists", "the organization has a cluster of this name"));
        }
        other => other?,
    }
    let details = json!({ "repository": repository.name, "path": sync.path, "namespaces": sync.namespaces });
    audit::record(&mut *tx, Some(member.organization), &member.author(), "cluster.create", &request.name, details)
        .await?;
    let created = hand_out(&app, &mut tx, &member, id, &sync).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// A new manifest for a cluster whose first one ended unused, or whose keys are revoked.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/clusters/{cluster}/manifest", tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path)),
    responses((status = 201, body = ClusterCreated))
)]
async fn renew_manifest(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, ClusterId)>,
) -> ApiResult<(StatusCode, Json<ClusterCreated>)> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let cluster = find(&mut tx, member.organization, id).await?;
    let sync: FirstSync = read("clusters.first_sync", cluster.first_sync)?;
    record(&mut tx, &member, "cluster.manifest", &cluster.name).await?;
    let created = hand_out(&app, &mut tx, &member, id, &sync).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Puts the cluster's agent out, at once and everywhere. The cluster goes on with what it runs.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/clusters/{cluster}/revoke", tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path)),
    responses((status = 204))
)]
async fn revoke_cluster(app: App, member: Member, Path(ids): Path<(Uuid, ClusterId)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let cluster = find(&mut tx, member.organization, id).await?;
    clusters::revoke(&mut tx, id).await?;
    record(&mut tx, &member, "cluster.revoke", &cluster.name).await?;
    announce(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a cluster read another repository than that of its manifest, before or after one of its Syncs asks for it.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/clusters/{cluster}/repositories/{repository}/approve",
    tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path), ("repository" = RepositoryId, Path)),
    responses((status = 204))
)]
async fn approve_repository(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, ClusterId, RepositoryId)>,
) -> ApiResult<StatusCode> {
    let (_, id, repository) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let cluster = find(&mut tx, member.organization, id).await?;
    if !cluster_repositories::approve(&mut *tx, member.organization, id, repository).await? {
        return Err(ApiError::not_found("the organization has no such repository"));
    }
    let details = json!({ "repository": repository });
    let author = member.author();
    audit::record(&mut *tx, Some(member.organization), &author, "cluster.approve", &cluster.name, details).await?;
    // The agent asks for its token again.
    tx.notify(&Notice::Resync { cluster: id }).await?;
    let (organization, about) = (member.organization, Some(id.0));
    tx.notify(&Notice::Changed { organization, topic: Topic::Status, id: about }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes one key of a cluster.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/clusters/{cluster}/keys/{key}", tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path), ("key" = ClusterKeyId, Path)),
    responses((status = 204))
)]
async fn revoke_cluster_key(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, ClusterId, ClusterKeyId)>,
) -> ApiResult<StatusCode> {
    let (_, id, key) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let cluster = find(&mut tx, member.organization, id).await?;
    if !clusters::revoke_key(&mut *tx, id, key).await? {
        return Err(ApiError::not_found("the cluster has no such living key"));
    }
    let keys = clusters::list_keys(&mut *tx, member.organization).await?;
    if !keys.iter().any(|key| key.cluster == id && key.revoked_at.is_none()) {
        clusters::revoke(&mut tx, id).await?;
    }
    record(&mut tx, &member, "cluster.key.revoke", &cluster.name).await?;
    announce(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a cluster off the list and puts its agent out. Its history stays, and so does what runs in it.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/clusters/{cluster}", tag = "clusters",
    params(("organization" = OrganizationId, Path), ("cluster" = ClusterId, Path)),
    responses((status = 204))
)]
async fn delete_cluster(app: App, member: Member, Path(ids): Path<(Uuid, ClusterId)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let cluster = find(&mut tx, member.organization, id).await?;
    let scope = report::Scope { organization: member.organization, cluster: id, now: Utc::now() };
    report::retire_cluster(&mut tx, scope).await?;
    clusters::retire(&mut tx, id).await?;
    record(&mut tx, &member, "cluster.delete", &cluster.name).await?;
    announce(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_cluster(request: &CreateCluster, path: &str) -> ApiResult<()> {
    let label = |text: &str| text.parse::<EnvironmentName>().is_ok();
    let mut checks = FieldChecks::default();
    checks.check(label(&request.name), "name", "a cluster's name is up to 63 lower-case letters, digits and `-`");
    checks.check(
        path.len() <= 1024 && !path.split('/').any(|part| part == "..") && !path.chars().any(char::is_control),
        "path",
        "a path lies in the repository, without `..`",
    );
    checks.check(
        (1..=50).contains(&request.namespaces.len()),
        "namespaces",
        "name the namespaces that the cluster's Sync deploys to, 1 to 50",
    );
    for (index, namespace) in request.namespaces.iter().enumerate() {
        let message = format!("`{namespace}` is no namespace: up to 63 lower-case letters, digits and `-`");
        checks.check(label(namespace), &format!("namespaces[{index}]"), message);
        let message = format!(
            "`{namespace}` belongs to Kubernetes or to the agent, whose key lies there; deploy to a namespace of your own"
        );
        checks.check(!is_reserved(namespace), &format!("namespaces[{index}]"), message);
        let twice = request.namespaces[..index].contains(namespace);
        checks.check(!twice, &format!("namespaces[{index}]"), format!("`{namespace}` stands here twice"));
    }
    checks.finish()
}

/// Whoever may write there reads the agent's key, or rules the cluster.
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces>.
fn is_reserved(namespace: &str) -> bool {
    namespace == manifest::AGENT_NAMESPACE || namespace.starts_with("kube-")
}

/// The address that an agent fetches from.
pub(crate) fn clone_url(app: &App, repository: &RepoName) -> ApiResult<url::Url> {
    let host = app.config.github.as_ref().map_or("https://github.com", |github| github.web_url.as_str());
    format!("{}/{repository}", host.trim_end_matches('/')).parse().map_err(ApiError::internal)
}

async fn hand_out(
    app: &App,
    tx: &mut Tx,
    member: &Member,
    id: ClusterId,
    sync: &FirstSync,
) -> ApiResult<ClusterCreated> {
    let token = secret::generate(Purpose::Bootstrap)?;
    let expires_at = Utc::now() + Duration::hours(BOOTSTRAP_HOURS);
    let hash = secret::hash(token.expose_secret());
    clusters::insert_bootstrap(tx, member.organization, id, &hash, expires_at).await?;
    let install = Install {
        api_url: &app.config.agent_api_url,
        ca_pem: &app.config.ca_pem.as_deref().map(String::from_utf8_lossy).unwrap_or_default(),
        image: &app.config.agent_image,
        bootstrap_token: token.expose_secret(),
    };
    let manifest = manifest::render(&install, sync);
    changed(tx, member.organization, id).await?;
    Ok(ClusterCreated {
        cluster: view_cluster(tx, member.organization, id).await?,
        manifest_sha256: hex::encode(secret::hash(&manifest)),
        manifest: WireSecret::from(manifest),
        bootstrap_expires_at: expires_at,
        agent_image: app.config.agent_image.clone(),
    })
}

async fn find(tx: &mut Tx, organization: OrganizationId, id: ClusterId) -> ApiResult<clusters::Cluster> {
    clusters::find(&mut **tx, organization, id)
        .await?
        .ok_or_else(|| ApiError::not_found("the organization has no such cluster"))
}

async fn record(tx: &mut Tx, member: &Member, action: &str, name: &str) -> ApiResult<()> {
    Ok(audit::record(&mut **tx, Some(member.organization), &member.author(), action, name, json!({})).await?)
}

async fn announce(tx: &mut Tx, organization: OrganizationId, cluster: ClusterId) -> ApiResult<()> {
    tx.notify(&Notice::Revoked { cluster }).await?;
    changed(tx, organization, cluster).await
}

async fn changed(tx: &mut Tx, organization: OrganizationId, cluster: ClusterId) -> ApiResult<()> {
    Ok(tx.notify(&Notice::Changed { organization, topic: Topic::Clusters, id: Some(cluster.0) }).await?)
}
