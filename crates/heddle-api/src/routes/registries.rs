//! Logins of an organization to registries. Their secrets go in and never come out.

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::{id::OrganizationId, image::ImageRepository, registry::Reach};
use heddle_db::{
    Tx, audit,
    registry_logins::{self, Login, NewLogin},
    work,
};
use heddle_wire::{
    registry::LoginOutcome,
    view::{
        AddDockerLogins, EnterRegistryLogin, LoginTestView, RegistryLoginView, RegistryLogins, Role, TestRegistryLogin,
    },
};
use secrecy::zeroize::Zeroizing;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use self::enter::Entered;
use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    flow::registry,
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
    quotas,
};

mod docker;
mod enter;
#[cfg(test)]
mod tests;

pub use enter::MAX_TEXT_BYTES;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_registry_logins))
        .add(Permission::Organization(Role::Admin), routes!(add_registry_login))
        .add(Permission::Organization(Role::Admin), routes!(add_docker_logins))
        .add(Permission::Organization(Role::Admin), routes!(enter_registry_login))
        .add(Permission::Organization(Role::Admin), routes!(delete_registry_login))
        .add(Permission::Organization(Role::Admin), routes!(test_registry_login))
}

/// The organization's logins by host and prefix.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/registry-logins", tag = "registries",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = RegistryLogins))
)]
async fn list_registry_logins(app: App, member: Member) -> ApiResult<Json<RegistryLogins>> {
    let mut tx = app.db.organization(member.organization).await?;
    let logins = registry_logins::list(&mut *tx, member.organization).await?;
    tx.commit().await?;
    let logins = logins.into_iter().map(|login| view(&app, login)).collect();
    Ok(Json(RegistryLogins { missing: app.sealing.missing().map(str::to_owned), logins }))
}

/// Adds a login. The images that it is for are scanned at once.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/registry-logins", tag = "registries",
    params(("organization" = OrganizationId, Path)), request_body = EnterRegistryLogin,
    responses((status = 201, body = RegistryLoginView))
)]
async fn add_registry_login(
    app: App,
    member: Member,
    Json(request): Json<EnterRegistryLogin>,
) -> ApiResult<(StatusCode, Json<RegistryLoginView>)> {
    let entered = Entered::check(request)?;
    let mut tx = app.db.organization(member.organization).await?;
    let id = add(&app, &member, &mut tx, &entered).await?;
    registry::request_scans(&mut tx, member.organization, &[&entered.reach]).await?;
    let login = load(&mut tx, member.organization, id).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view(&app, login))))
}

/// Adds a login for each host of a Docker configuration, or none when one of them cannot be added.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/registry-logins/docker-config", tag = "registries",
    params(("organization" = OrganizationId, Path)), request_body = AddDockerLogins,
    responses((status = 201, body = Vec<RegistryLoginView>))
)]
async fn add_docker_logins(
    app: App,
    member: Member,
    Json(request): Json<AddDockerLogins>,
) -> ApiResult<(StatusCode, Json<Vec<RegistryLoginView>>)> {
    let all = docker::read(&request.config)?;
    let all = all.into_iter().map(Entered::check).collect::<ApiResult<Vec<_>>>()?;
    let mut tx = app.db.organization(member.organization).await?;
    let mut added = Vec::new();
    for entered in &all {
        let id = add(&app, &member, &mut tx, entered).await?;
        added.push(view(&app, load(&mut tx, member.organization, id).await?));
    }
    let reaches: Vec<&Reach> = all.iter().map(|entered| &entered.reach).collect();
    registry::request_scans(&mut tx, member.organization, &reaches).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Enters a login again, with another secret, host, prefix or token server.
#[utoipa::path(
    put, path = "/api/v1/organizations/{organization}/registry-logins/{login}", tag = "registries",
    params(("organization" = OrganizationId, Path), ("login" = Uuid, Path)), request_body = EnterRegistryLogin,
    responses((status = 200, body = RegistryLoginView))
)]
async fn enter_registry_login(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, Uuid)>,
    Json(request): Json<EnterRegistryLogin>,
) -> ApiResult<Json<RegistryLoginView>> {
    let (_, id) = ids;
    let entered = Entered::check(request)?;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let before = load(&mut tx, organization, id).await?;
    let others = registry_logins::list_at(&mut *tx, organization, entered.reach.host.as_str()).await?;
    if others.iter().any(|other| other.id != id && other.reach == entered.reach) {
        return Err(taken(&entered.reach));
    }
    let sealed = seal(&app, organization, id, &entered)?;
    if !registry_logins::replace(&mut *tx, organization, id, &sealed.row(&entered, &member.person.label)).await? {
        return Err(unknown());
    }
    record(&mut tx, &member, "registry-login.enter", &entered).await?;
    registry::request_scans(&mut tx, organization, &[&before.reach, &entered.reach]).await?;
    let login = load(&mut tx, organization, id).await?;
    registry::announce(&mut tx, organization, id).await?;
    tx.commit().await?;
    Ok(Json(view(&app, login)))
}

/// Removes a login. What an automator holds of it at the moment, it uses to the end of its scan; what it finds with it
/// counts no more.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/registry-logins/{login}", tag = "registries",
    params(("organization" = OrganizationId, Path), ("login" = Uuid, Path)),
    responses((status = 204))
)]
async fn delete_registry_login(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let login = load(&mut tx, organization, id).await?;
    registry_logins::delete(&mut *tx, organization, id).await?;
    let details = json!({ "kind": login.kind, "user_name": login.user_name });
    let object = login.reach.to_string();
    audit::record(&mut *tx, Some(organization), &member.author(), "registry-login.delete", &object, details).await?;
    work::forget(&mut *tx, &[id]).await?;
    registry::request_scans(&mut tx, organization, &[&login.reach]).await?;
    registry::announce(&mut tx, organization, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tries a login on an image. An automator does it; the answer comes into the login's `test`.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/registry-logins/{login}/test", tag = "registries",
    params(("organization" = OrganizationId, Path), ("login" = Uuid, Path)), request_body = TestRegistryLogin,
    responses((status = 202, body = RegistryLoginView))
)]
async fn test_registry_login(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, Uuid)>,
    Json(request): Json<TestRegistryLogin>,
) -> ApiResult<(StatusCode, Json<RegistryLoginView>)> {
    let (_, id) = ids;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let login = load(&mut tx, organization, id).await?;
    let image = image_of(&login.reach, &request.image)?;
    app.sealing.ready()?;
    app.rates.login_tests.take(organization.0)?;
    registry_logins::ask_test(&mut *tx, organization, id, &image).await?;
    let details = json!({ "image": image.as_str() });
    let object = login.reach.to_string();
    audit::record(&mut *tx, Some(organization), &member.author(), "registry-login.test", &object, details).await?;
    work::request_test(&mut tx, organization, id).await?;
    let login = load(&mut tx, organization, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(view(&app, login))))
}

/// The image that a person names, with or without the host.
fn image_of(reach: &Reach, text: &str) -> ApiResult<ImageRepository> {
    let text = text.trim();
    let host = format!("{}/", reach.host);
    let path = text.strip_prefix(&host).unwrap_or(text);
    let image: ImageRepository =
        format!("{host}{path}").parse().map_err(|error| ApiError::invalid("image", format!("{error}")))?;
    if reach.covers(&image) {
        return Ok(image);
    }
    Err(ApiError::invalid("image", format!("this login is for images below `{reach}` alone; name one of them")))
}

/// A secret, sealed for its row.
struct SealedSecret {
    sealed: crate::seal::Sealed,
    version: Uuid,
}

impl SealedSecret {
    fn row<'a>(&'a self, entered: &'a Entered, added_by: &'a str) -> NewLogin<'a> {
        NewLogin {
            reach: &entered.reach,
            kind: entered.secret.kind(),
            user_name: &entered.user_name,
            last_four: &entered.last_four,
            auth_host: entered.auth_host.as_deref(),
            sealed: &self.sealed.bytes,
            sealed_with: self.sealed.key.as_bytes(),
            version: self.version,
            added_by,
        }
    }
}

fn seal(app: &App, organization: OrganizationId, id: Uuid, entered: &Entered) -> ApiResult<SealedSecret> {
    let text = Zeroizing::new(serde_json::to_vec(&entered.secret).map_err(ApiError::internal)?);
    let sealed = app.sealing.ready()?.seal(registry::place(organization, id), &text)?;
    Ok(SealedSecret { sealed, version: Uuid::new_v4() })
}

async fn add(app: &App, member: &Member, tx: &mut Tx, entered: &Entered) -> ApiResult<Uuid> {
    let organization = member.organization;
    let id = Uuid::now_v7();
    let sealed = seal(app, organization, id, entered)?;
    let turn = quotas::REGISTRY_LOGINS.take_turn(tx, organization.0).await?;
    let there = registry_logins::count(&mut **tx, organization).await?;
    turn.refuse_more(there)?;
    let row = sealed.row(entered, &member.person.label);
    if !registry_logins::insert(&mut **tx, organization, id, &row).await? {
        return Err(taken(&entered.reach));
    }
    record(tx, member, "registry-login.add", entered).await?;
    registry::announce(tx, organization, id).await?;
    Ok(id)
}

async fn record(tx: &mut Tx, member: &Member, action: &str, entered: &Entered) -> ApiResult<()> {
    let details = json!({
        "kind": entered.secret.kind(), "user_name": entered.user_name, "auth_host": entered.auth_host,
    });
    let object = entered.reach.to_string();
    Ok(audit::record(&mut **tx, Some(member.organization), &member.author(), action, &object, details).await?)
}

async fn load(tx: &mut Tx, organization: OrganizationId, id: Uuid) -> ApiResult<Login> {
    registry_logins::find(&mut **tx, organization, id).await?.ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("the organization has no such login")
}

fn taken(reach: &Reach) -> ApiError {
    let message = format!("there is a login for `{reach}`; enter that one again, or name a longer prefix");
    ApiError::conflict("login-exists", message)
}

fn view(app: &App, login: Login) -> RegistryLoginView {
    let unreadable = registry::unreadable(&app.sealing, &login);
    let (used_at, outcome, reason) = match login.used {
        Some(used) => (Some(used.at), LoginOutcome::parse(&used.state), used.reason),
        None => (None, None, None),
    };
    let test = login.test.map(|test| {
        let (done_at, passed, message) = match test.done {
            Some((at, passed, message)) => (Some(at), Some(passed), Some(message)),
            None => (None, None, None),
        };
        LoginTestView { image: test.image, asked_at: test.asked_at.min(Utc::now()), done_at, passed, message }
    });
    RegistryLoginView {
        id: login.id,
        host: login.reach.host.to_string(),
        prefix: login.reach.prefix().to_owned(),
        kind: login.kind,
        user_name: login.user_name,
        last_four: login.last_four,
        auth_host: login.auth_host,
        offered_host: login.offered_host,
        added_by: login.added_by,
        added_at: login.added_at,
        unreadable,
        used_at,
        outcome,
        reason,
        test,
    }
}
