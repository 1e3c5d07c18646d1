//! Automators that an organization runs itself, for registries whose secrets stay with it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use heddle_core::{id::OrganizationId, registry::HostPattern};
use heddle_db::{
    audit,
    own_automators::{self, NewOwnAutomator, OwnAutomator},
};
use heddle_wire::{
    secret::WireSecret,
    view::{AddOwnAutomator, OwnAutomatorAdded, OwnAutomatorView, Role},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    flow::hosts,
    manifest::automator::{AutomatorInstall, render},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult, FieldChecks},
    quotas,
    secret::{self, Purpose},
};

/// The most registries, or domains of some, that one automator serves.
pub const MOST_HOSTS: usize = 50;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_own_automators))
        .add(Permission::Organization(Role::Admin), routes!(add_own_automator))
        .add(Permission::Organization(Role::Admin), routes!(delete_own_automator))
}

/// The organization's own automators by name.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/automators", tag = "registries",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<OwnAutomatorView>))
)]
async fn list_own_automators(app: App, member: Member) -> ApiResult<Json<Vec<OwnAutomatorView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let all = own_automators::list(&mut *tx, member.organization).await?;
    let counts = own_automators::count_images(&mut *tx, member.organization).await?;
    tx.commit().await?;
    let counts: BTreeMap<Uuid, i64> = counts.into_iter().collect();
    let images = |one: &OwnAutomator| counts.get(&one.id).copied().unwrap_or_default();
    Ok(Json(all.into_iter().map(|one| view(images(&one), one)).collect()))
}

/// Adds one; its token is shown this once. From now on nobody else scans the registries that it serves.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/automators", tag = "registries",
    params(("organization" = OrganizationId, Path)), request_body = AddOwnAutomator,
    responses((status = 201, body = OwnAutomatorAdded))
)]
async fn add_own_automator(
    app: App,
    member: Member,
    Json(request): Json<AddOwnAutomator>,
) -> ApiResult<(StatusCode, Json<OwnAutomatorAdded>)> {
    let (name, hosts) = check(&request)?;
    let organization = member.organization;
    let (id, token) = (Uuid::now_v7(), secret::generate(Purpose::Automator)?);
    let mut tx = app.db.organization(organization).await?;
    let turn = quotas::OWN_AUTOMATORS.take_turn(&mut tx, organization.0).await?;
    let there = own_automators::list(&mut *tx, organization).await?;
    turn.refuse_more(there.len())?;
    if let Some((pattern, other)) = served(&hosts, &there) {
        let message = format!("the automator `{other}` serves `{pattern}`; remove it first, or name other registries");
        return Err(ApiError::conflict("registry-served", message));
    }
    let new = NewOwnAutomator {
        id,
        name: &name,
        hosts: &hosts,
        secret_hash: &secret::hash(token.expose_secret()),
        added_by: &member.person.label,
    };
    if !own_automators::insert(&mut *tx, organization, new).await? {
        return Err(ApiError::conflict(
            "automator-exists",
            format!("there is an automator `{name}`; take another name"),
        ));
    }
    let details = json!({ "hosts": hosts });
    audit::record(&mut *tx, Some(organization), &member.author(), "automator.add", &name, details).await?;
    hosts::place_anew(&mut tx, organization, &hosts).await?;
    let added = own_automators::list(&mut *tx, organization).await?.into_iter().find(|one| one.id == id);
    let added = added.ok_or_else(|| ApiError::internal(anyhow::anyhow!("what was added is not there")))?;
    tx.commit().await?;
    let ca_pem = app.config.ca_pem.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let manifest = render(&AutomatorInstall {
        api_url: &app.config.agent_api_url,
        ca_pem: &ca_pem,
        image: &app.config.automator_image,
        token: token.expose_secret(),
    });
    let added = OwnAutomatorAdded { automator: view(0, added), token: WireSecret(token), manifest };
    Ok((StatusCode::CREATED, Json(added)))
}

/// Removes one: its token counts no more, and the hosted automators scan its registries again.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/automators/{automator}", tag = "registries",
    params(("organization" = OrganizationId, Path), ("automator" = Uuid, Path)),
    responses((status = 204))
)]
async fn delete_own_automator(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    let unknown = || ApiError::not_found("the organization has no such automator");
    let gone = own_automators::list(&mut *tx, organization).await?.into_iter().find(|one| one.id == id);
    let gone = gone.ok_or_else(unknown)?;
    own_automators::delete(&mut *tx, organization, id).await?.ok_or_else(unknown)?;
    let details = json!({ "hosts": gone.hosts });
    audit::record(&mut *tx, Some(organization), &member.author(), "automator.delete", &gone.name, details).await?;
    hosts::place_anew(&mut tx, organization, &gone.hosts).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(request: &AddOwnAutomator) -> ApiResult<(String, Vec<HostPattern>)> {
    let mut checks = FieldChecks::default();
    let name = request.name.trim().to_owned();
    let fits = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    checks.check(fits, "name", "a name takes 1 to 100 characters");
    let fits = (1..=MOST_HOSTS).contains(&request.hosts.len());
    checks.check(fits, "hosts", format!("name 1 to {MOST_HOSTS} registries, such as `registry.example.com`"));
    let mut hosts: Vec<HostPattern> = Vec::new();
    for text in &request.hosts {
        match text.parse() {
            Ok(pattern) if !hosts.contains(&pattern) => hosts.push(pattern),
            Ok(_) => {}
            Err(error) => {
                checks.check(false, "hosts", error.to_string());
            }
        }
    }
    checks.finish()?;
    Ok((name, hosts))
}

/// The first of these registries that another automator serves by the same words.
fn served<'a>(hosts: &'a [HostPattern], others: &'a [OwnAutomator]) -> Option<(&'a HostPattern, &'a str)> {
    let by_other = |pattern: &'a HostPattern| {
        let other = others.iter().find(|other| other.hosts.contains(pattern))?;
        Some((pattern, other.name.as_str()))
    };
    hosts.iter().find_map(by_other)
}

fn view(images: i64, one: OwnAutomator) -> OwnAutomatorView {
    OwnAutomatorView {
        id: one.id,
        name: one.name,
        hosts: one.hosts.iter().map(ToString::to_string).collect(),
        added_by: one.added_by,
        added_at: one.added_at,
        seen_at: one.seen_at,
        images,
    }
}
