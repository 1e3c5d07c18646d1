//! Members of an organization and their roles.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::{
    id::{OrganizationId, RepositoryId, UserId},
    request::RequestState,
};
use heddle_db::{
    Tx, audit, environments, grants, members,
    repositories::{self, Repository},
    requests, work,
};
use heddle_wire::view::{ChangeRole, Grant, GrantView, MemberView, Role, SetGrants};
use serde_json::json;
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    permission::{Permission, parse_role, role_word},
    principal::Member,
    problem::{ApiError, ApiResult},
    rights,
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_members))
        .add(Permission::Organization(Role::Owner), routes!(change_role))
        .add(Permission::Organization(Role::Owner), routes!(set_grants))
        .add(Permission::Organization(Role::Viewer), routes!(remove_member))
}

/// Who belongs to the organization.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/members", tag = "organizations",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<MemberView>))
)]
async fn list_members(app: App, member: Member) -> ApiResult<Json<Vec<MemberView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = members::list(&mut *tx, member.organization).await?;
    let granted = grants::list(&mut *tx, member.organization).await?;
    let repositories = repositories::list(&mut *tx, member.organization).await?;
    tx.commit().await?;
    found.into_iter().map(|member| view(member, &granted, &repositories)).collect::<ApiResult<Vec<_>>>().map(Json)
}

fn view(
    member: members::Member,
    granted: &[(UserId, grants::Grant)],
    repositories: &[Repository],
) -> ApiResult<MemberView> {
    let named = |(_, grant): &(UserId, grants::Grant)| {
        let repository = repositories.iter().find(|repository| repository.id == grant.repository)?;
        Some(GrantView {
            repository: grant.repository,
            repository_name: repository.name.clone(),
            environment: grant.environment.clone(),
        })
    };
    Ok(MemberView {
        role: parse_role(&member.role)?,
        grants: granted.iter().filter(|(user, _)| *user == member.user).filter_map(named).collect(),
        user: member.user,
        email: member.email,
        name: member.name,
        joined_at: member.joined_at,
    })
}

/// Gives a member another role. One owner always stays.
#[utoipa::path(
    put, path = "/api/v1/organizations/{organization}/members/{user}/role", tag = "organizations",
    params(("organization" = OrganizationId, Path), ("user" = UserId, Path)), request_body = ChangeRole,
    responses((status = 204))
)]
async fn change_role(
    app: App,
    member: Member,
    Path((organization, user)): Path<(OrganizationId, UserId)>,
    Json(request): Json<ChangeRole>,
) -> ApiResult<StatusCode> {
    let mut tx = app.db.organization(organization).await?;
    if request.role != Role::Owner {
        refuse_last_owner(&mut tx, organization, user).await?;
    }
    let role = role_word(request.role);
    if !members::set_role(&mut *tx, organization, user, role).await? {
        return Err(no_member());
    }
    end_uncovered(&mut tx, organization, user, request.role).await?;
    let (object, details) = (user.to_string(), json!({ "role": role }));
    audit::record(&mut *tx, Some(organization), &member.author(), "member.role", &object, details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says for which environments a member may ask as an operator. They count while the role is operator, for tokens too.
#[utoipa::path(
    put, path = "/api/v1/organizations/{organization}/members/{user}/grants", tag = "organizations",
    params(("organization" = OrganizationId, Path), ("user" = UserId, Path)), request_body = SetGrants,
    responses((status = 204))
)]
async fn set_grants(
    app: App,
    member: Member,
    Path((organization, user)): Path<(OrganizationId, UserId)>,
    Json(request): Json<SetGrants>,
) -> ApiResult<StatusCode> {
    let mut tx = app.db.organization(organization).await?;
    let role = parse_role(&members::lock_role(&mut *tx, organization, user).await?.ok_or_else(no_member)?)?;
    let known = environments::list(&mut *tx, organization).await?;
    let granted: BTreeSet<grants::Grant> = request.grants.into_iter().map(grant).collect();
    let before = grants::list_of(&mut *tx, organization, user).await?;
    let is_known = |one: &grants::Grant| {
        let named = |(id, known): &(RepositoryId, environments::Environment)| {
            *id == one.repository && known.path.name == one.environment
        };
        // One that was granted may stay while its environment is not there.
        before.contains(one) || known.iter().any(named)
    };
    if let Some(unknown) = granted.iter().find(|one| !is_known(one)) {
        let message = format!("no repository with that id has an environment `{}`", unknown.environment);
        return Err(ApiError::invalid("grants", message));
    }
    let granted: Vec<grants::Grant> = granted.into_iter().collect();
    grants::replace(&mut tx, organization, user, &granted, &member.author().actor).await?;
    end_uncovered(&mut tx, organization, user, role).await?;
    let told = granted.iter().map(|one| json!({ "repository": one.repository, "environment": one.environment }));
    let details = json!({ "grants": told.collect::<Vec<_>>() });
    audit::record(&mut *tx, Some(organization), &member.author(), "member.grants", &user.to_string(), details).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes back what a member asked for and may not ask for any more.
async fn end_uncovered(tx: &mut Tx, organization: OrganizationId, user: UserId, role: Role) -> ApiResult<()> {
    let granted = grants::list_of(&mut **tx, organization, user).await?;
    let mut asked = Vec::new();
    for open in requests::list_open_of_person(&mut **tx, organization, user).await? {
        let here = granted.iter().filter(|grant| grant.repository == open.repository);
        let here = here.map(|grant| grant.environment.clone()).collect();
        if rights::refusal_of_asked(role, &here, &open.asked).is_some() {
            let (state, why) = (RequestState::Withdrawn, Some("who asked for it may not any more"));
            requests::end(&mut **tx, open.repository, open.id, state, why, Utc::now()).await?;
            asked.push(open.repository.0);
        }
    }
    work::request_updates(tx, organization, &asked).await?;
    Ok(())
}

fn grant(one: Grant) -> grants::Grant {
    grants::Grant { repository: one.repository, environment: one.environment }
}

/// Ends a membership: an owner anybody's, everybody their own, at a signed-in browser. One owner always stays.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/members/{user}", tag = "organizations",
    params(("organization" = OrganizationId, Path), ("user" = UserId, Path)),
    responses((status = 204))
)]
async fn remove_member(
    app: App,
    member: Member,
    Path((organization, user)): Path<(OrganizationId, UserId)>,
) -> ApiResult<StatusCode> {
    // A token acts in its organization, never on its owner's account.
    if user == member.person.user {
        member.person.session()?;
    }
    let mut tx = app.db.organization(organization).await?;
    let is_known = members::list(&mut *tx, organization).await?.iter().any(|known| known.user == user);
    if !is_known {
        return Err(no_member());
    }
    if user != member.person.user && member.role != Role::Owner {
        return Err(ApiError::forbidden("role-too-low", "only an owner ends the membership of another"));
    }
    refuse_last_owner(&mut tx, organization, user).await?;
    members::lock_role(&mut *tx, organization, user).await?;
    let asked = requests::end_of_person(&mut *tx, organization, user, Utc::now()).await?;
    work::request_updates(&mut tx, organization, &asked).await?;
    members::remove(&mut tx, organization, user).await?;
    audit::record(&mut *tx, Some(organization), &member.author(), "member.remove", &user.to_string(), json!({}))
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn refuse_last_owner(tx: &mut Tx, organization: OrganizationId, user: UserId) -> ApiResult<()> {
    if members::lock_owners(tx, organization).await? == [user] {
        return Err(ApiError::conflict("last-owner", "an organization keeps one owner; make somebody else one first"));
    }
    Ok(())
}

fn no_member() -> ApiError {
    ApiError::not_found("the organization has no such member")
}
