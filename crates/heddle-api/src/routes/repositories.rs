//! Config repositories: binding one to the organization, and what is known of it.

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::id::{OrganizationId, RepositoryId};
use heddle_db::{
    DbError, Tx, audit, environments,
    notice::{Notice, Topic},
    occurrences, reads,
    repositories::{self, Repository, ShutOut},
    revisions, syncs, work,
};
use heddle_wire::view::{ConnectRepository, EnvironmentView, RepositoryView, Role};
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{
    Routes, clusters,
    github::{canonical_url, list_grants},
};
use crate::{
    app::App,
    extract::{Json, Path},
    flow,
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
    quotas,
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_repositories))
        .add(Permission::Organization(Role::Admin), routes!(connect_repository))
        .add(Permission::Organization(Role::Admin), routes!(disconnect_repository))
}

/// The organization's config repositories by name.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/repositories", tag = "repositories",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<RepositoryView>))
)]
async fn list_repositories(app: App, member: Member) -> ApiResult<Json<Vec<RepositoryView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = repositories::list(&mut *tx, member.organization).await?;
    let shown = view(&app, &mut tx, member.organization, found).await?;
    tx.commit().await?;
    Ok(Json(shown))
}

/// Binds a repository that the asker administers at GitHub.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/repositories", tag = "repositories",
    params(("organization" = OrganizationId, Path)), request_body = ConnectRepository,
    responses((status = 201, body = RepositoryView))
)]
async fn connect_repository(
    app: App,
    member: Member,
    Json(request): Json<ConnectRepository>,
) -> ApiResult<(StatusCode, Json<RepositoryView>)> {
    let grants = list_grants(&app, &member).await?;
    let wanted = |one: &heddle_db::github_grants::Grant| {
        one.installation_id == request.installation_id && one.name == request.name
    };
    let grant = grants.into_iter().find(wanted).ok_or_else(|| {
        ApiError::not_found(
            "GitHub names no such repository that you administer and the App reaches; sign in there again",
        )
    })?;
    let repository = Repository {
        id: RepositoryId(Uuid::now_v7()),
        organization: member.organization,
        installation_id: grant.installation_id,
        url: canonical_url(&app, &grant.name)?,
        name: grant.name,
        default_branch: grant.default_branch,
        private: grant.private,
        created_at: Utc::now(),
    };
    let mut tx = app.db.organization(member.organization).await?;
    refuse_bound(&mut tx, &repository).await?;
    let quota = quotas::repositories(app.config.most_repositories);
    let turn = quota.take_turn(&mut tx, member.organization.0).await?;
    turn.refuse_more(repositories::list(&mut *tx, member.organization).await?.len())?;
    repositories::insert(&mut *tx, &repository, member.person.user).await.map_err(bound_elsewhere)?;
    begin(&mut tx, &repository).await?;
    let object = repository.name.to_string();
    let details = json!({ "installation_id": repository.installation_id });
    audit::record(&mut *tx, Some(member.organization), &member.author(), "repository.connect", &object, details)
        .await?;
    let shown = view(&app, &mut tx, member.organization, vec![repository]).await?;
    tx.commit().await?;
    let shown = shown.into_iter().next().ok_or_else(|| ApiError::internal(anyhow::anyhow!("nothing to show")))?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Lets a repository go. Nothing in it changes; agents get no more tokens for it.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/repositories/{repository}", tag = "repositories",
    params(("organization" = OrganizationId, Path), ("repository" = RepositoryId, Path)),
    responses((status = 204))
)]
async fn disconnect_repository(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, RepositoryId)>,
) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let repository = repositories::find(&mut *tx, member.organization, id)
        .await?
        .ok_or_else(|| ApiError::not_found("the organization has no such repository"))?;
    work::forget(&mut *tx, &[id.0]).await?;
    repositories::delete(&mut *tx, member.organization, id).await?;
    let object = repository.name.to_string();
    audit::record(&mut *tx, Some(member.organization), &member.author(), "repository.disconnect", &object, json!({}))
        .await?;
    changed(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 409 when the organization has the repository already.
async fn refuse_bound(tx: &mut Tx, repository: &Repository) -> ApiResult<()> {
    match repositories::find_binding(&mut **tx, &repository.url).await? {
        None => Ok(()),
        Some(binding) if binding.organization == repository.organization => {
            Err(ApiError::conflict("repository-connected", format!("{} is connected already", repository.name)))
        }
        Some(_) => Err(elsewhere()),
    }
}

/// Two organizations at the same moment: the second hears it from the index.
fn bound_elsewhere(error: DbError) -> ApiError {
    match error {
        DbError::Exists { .. } => elsewhere(),
        other => other.into(),
    }
}

fn elsewhere() -> ApiError {
    ApiError::conflict(
        "repository-bound-elsewhere",
        "another organization has this repository; one of its admins must let it go first",
    )
}

/// What a new binding sets going: a first read, and agents that waited for it.
async fn begin(tx: &mut Tx, repository: &Repository) -> ApiResult<()> {
    let (organization, id) = (repository.organization, repository.id);
    work::request_read(tx, organization, id).await?;
    if syncs::join(tx, organization, id, &repository.url).await? {
        flow::read::hint(tx, organization, &repository.url, None, None).await?;
    }
    changed(tx, organization, id).await
}

async fn changed(tx: &mut Tx, organization: OrganizationId, id: RepositoryId) -> ApiResult<()> {
    Ok(tx.notify(&Notice::Changed { organization, topic: Topic::Repositories, id: Some(id.0) }).await?)
}

async fn view(
    app: &App,
    tx: &mut Tx,
    organization: OrganizationId,
    found: Vec<Repository>,
) -> ApiResult<Vec<RepositoryView>> {
    let reads = reads::list(&mut **tx, organization).await?;
    let environments = environments::list(&mut **tx, organization).await?;
    let images = occurrences::count_images(&mut **tx, organization).await?;
    let shut_out = repositories::list_shut_out(&mut **tx, organization).await?;
    let mut shown = Vec::with_capacity(found.len());
    for repository in found {
        let heads = revisions::list_heads(&mut **tx, repository.id).await?;
        let error = match shut_out.get(&repository.id) {
            Some(shut_out) => Some(in_words(*shut_out).to_owned()),
            None => work::find_failure(&mut **tx, work::Kind::Read, repository.id.0).await?,
        };
        let own = environments.iter().filter(|(id, _)| *id == repository.id);
        let head = heads.into_iter().find(|head| head.branch == repository.default_branch);
        shown.push(RepositoryView {
            web_url: clusters::clone_url(app, &repository.name)?.to_string(),
            read_at: reads.iter().find(|(id, _)| *id == repository.id).map(|(_, at)| *at),
            head: head.map(|head| head.revision),
            error,
            environments: own.map(|(_, environment)| view_environment(environment)).collect(),
            images: images.iter().find(|(id, _)| *id == repository.id).map_or(0, |(_, count)| *count),
            id: repository.id,
            name: repository.name,
            url: repository.url,
            default_branch: repository.default_branch,
        });
    }
    Ok(shown)
}

fn in_words(shut_out: ShutOut) -> &'static str {
    match shut_out {
        ShutOut::Suspended => "the GitHub App is suspended for this repository; unsuspend it in its settings at GitHub",
        ShutOut::Uninstalled => "the GitHub App was uninstalled; install it again and connect the repository anew",
        ShutOut::Removed => "the repository was taken out of the GitHub App's installation; add it there again",
    }
}

fn view_environment(environment: &environments::Environment) -> EnvironmentView {
    EnvironmentView {
        name: environment.path.name.clone(),
        path: environment.path.path.clone(),
        branch: environment.path.branch.clone(),
        implicit: environment.implicit,
    }
}
