//! What people ask to be written. Each is a row that an update carries out; nothing here writes to Git.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::{
    change::Mode,
    id::{OrganizationId, RepositoryId, RequestId},
    image::{ImageRepository, Tag},
    name::EnvironmentName,
    request::{RequestState, Requested, Requester},
};
use heddle_db::{
    Tx, audit, changes,
    notice::{Notice, Topic},
    requests::{self, Request},
    users, work,
};
use heddle_wire::view::{NewRequest, ReleasePreview, RequestPage, RequestView, Role, Wish, WishedRelease};
use serde::Deserialize;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    flow::request::{self, Failures, Moment, Preview, Wanted},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
    quotas, rights,
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(preview_release))
        .add(Permission::Organization(Role::Viewer), routes!(list_requests))
        .add(Permission::Organization(Role::Viewer), routes!(load_request))
        .add(Permission::Granted, routes!(create_request))
        .add(Permission::Granted, routes!(withdraw_request))
}

#[derive(Debug, Deserialize)]
struct ReleaseQuery {
    environment: EnvironmentName,
    image: ImageRepository,
    tag: Option<Tag>,
    repository: Option<RepositoryId>,
    #[serde(default)]
    by_pull_request: bool,
}

/// What releasing a tag would do, and whether the asker may ask for it.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/release", tag = "requests",
    params(
        ("organization" = OrganizationId, Path), ("environment" = EnvironmentName, Query),
        ("image" = String, Query, description = "The image's repository."),
        ("tag" = Option<Tag>, Query, description = "Left out: the greatest that the rule there allows."),
        ("repository" = Option<RepositoryId>, Query, description = "Where several have the environment."),
        ("by_pull_request" = Option<bool>, Query, description = "By pull request, also where the rule commits."),
    ),
    responses((status = 200, body = ReleasePreview))
)]
async fn preview_release(
    app: App,
    member: Member,
    Query(query): Query<ReleaseQuery>,
) -> ApiResult<Json<ReleasePreview>> {
    let ReleaseQuery { environment, image, tag, repository, by_pull_request } = query;
    let wanted = Wanted { repository, environment, image, tag, by_pull_request };
    let mut tx = app.db.organization(member.organization).await?;
    let preview = request::preview(&mut tx, member.organization, &wanted).await?;
    let refusal = refusal(&mut tx, &member, &preview).await?;
    tx.commit().await?;
    Ok(Json(ReleasePreview {
        shown: preview.fingerprint(&wanted)?,
        does: preview.does(),
        repository: preview.repository.id,
        repository_name: preview.repository.name,
        branch: preview.branch,
        head: preview.head,
        environment: wanted.environment,
        image: wanted.image,
        to: preview.to,
        places: preview.places,
        environments: preview.touched.into_iter().collect(),
        mode: preview.mode,
        passed_over: preview.passed_over,
        afterwards: preview.afterwards,
        unknown: preview.unknown,
        refusal,
    }))
}

async fn refusal(tx: &mut Tx, member: &Member, preview: &Preview) -> ApiResult<Option<String>> {
    let refusal = rights::refusal_of(tx, member, preview.repository.id, &preview.touched).await?;
    if refusal.is_some() {
        return Ok(refusal);
    }
    let open = requests::list_open(&mut **tx, preview.repository.id).await?;
    Ok(request::in_the_way(&open, preview).map(taken))
}

fn taken(other: &Request) -> String {
    let Request { requested, to, environment, .. } = other;
    format!("{} has asked for `{to}` in {environment}; that request must end first", requested.by.name)
}

/// Asks for something to be written.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/requests", tag = "requests", request_body = NewRequest,
    params(("organization" = OrganizationId, Path)),
    responses((status = 201, body = RequestView))
)]
async fn create_request(
    app: App,
    member: Member,
    Json(asked): Json<NewRequest>,
) -> ApiResult<(StatusCode, Json<RequestView>)> {
    let Wish::Release(WishedRelease { repository, environment, image, tag, by_pull_request, despite }) = asked.wish;
    let wanted = Wanted { repository, environment, image, tag: Some(tag), by_pull_request };
    let mut tx = app.db.organization(member.organization).await?;
    let preview = request::preview(&mut tx, member.organization, &wanted).await?;
    rights::require(&mut tx, &member, preview.repository.id, &preview.touched).await?;
    if preview.fingerprint(&wanted)? != asked.shown {
        let message = "it would do something else by now than what was shown; look at it again";
        return Err(ApiError::conflict("shown-other", message));
    }
    requests::lock(&mut *tx, preview.repository.id).await?;
    let open = requests::list_open(&mut *tx, preview.repository.id).await?;
    if let Some(other) = request::in_the_way(&open, &preview) {
        return Err(ApiError::conflict("request-open", taken(other)));
    }
    let turn = quotas::REQUESTS.take_turn(&mut tx, member.organization.0).await?;
    let there = requests::count_open(&mut *tx, member.organization).await?;
    turn.refuse_more(there)?;
    let user = users::find(&mut *tx, member.person.user).await?;
    let by = Requester::new(user.as_ref().map_or("", |user| user.name.as_str()), member.person.user);
    let (id, requested) = (RequestId(Uuid::now_v7()), Requested { by, reason: asked.reason });
    let new = requests::NewRequest {
        id,
        repository: preview.repository.id,
        requested: &requested,
        branch: &preview.branch,
        head: &preview.head,
        environment: &wanted.environment,
        image: &wanted.image,
        to: &preview.to,
        mode: preview.mode,
        places: &preview.places,
        despite: &despite,
    };
    requests::insert(&mut *tx, member.organization, &new).await?;
    let details = json!({
        "kind": "release", "image": wanted.image, "tag": preview.to, "environments": preview.touched,
        "repository": preview.repository.name, "reason": requested.reason, "despite": despite,
    });
    audit::record(&mut *tx, Some(member.organization), &member.author(), "request.create", &id.to_string(), details)
        .await?;
    work::request_updates(&mut tx, member.organization, &[preview.repository.id.0]).await?;
    tell(&mut tx, member.organization).await?;
    let stored = requests::find(&mut *tx, member.organization, id).await?.ok_or_else(missing)?;
    let view = views(&mut tx, vec![stored]).await?.pop().ok_or_else(missing)?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(view)))
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    state: Option<String>,
    after: Option<Uuid>,
    limit: Option<i64>,
}

/// A page of requests, newest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/requests", tag = "requests",
    params(
        ("organization" = OrganizationId, Path),
        ("state" = Option<String>, Query, description = "`open` or `all`, which is taken when left out."),
        ("after" = Option<Uuid>, Query, description = "The page before's `next`."),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 when left out."),
    ),
    responses((status = 200, body = RequestPage))
)]
async fn list_requests(app: App, member: Member, Query(query): Query<PageQuery>) -> ApiResult<Json<RequestPage>> {
    let open_only = match query.state.as_deref() {
        None | Some("all") => false,
        Some("open") => true,
        Some(other) => {
            return Err(ApiError::bad_request("bad-query", format!("`{other}` is no state; write `open` or `all`")));
        }
    };
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let mut tx = app.db.organization(member.organization).await?;
    let page = requests::list_page(&mut *tx, member.organization, open_only, query.after, limit).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == limit);
    let next = page.last().filter(|_| full).map(|request| request.id.to_string());
    let items = views(&mut tx, page).await?;
    tx.commit().await?;
    Ok(Json(RequestPage { items, next }))
}

/// What somebody asked for, and where it is.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/requests/{request}", tag = "requests",
    params(("organization" = OrganizationId, Path), ("request" = RequestId, Path)),
    responses((status = 200, body = RequestView))
)]
async fn load_request(
    app: App,
    member: Member,
    Path((organization, request)): Path<(OrganizationId, RequestId)>,
) -> ApiResult<Json<RequestView>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = requests::find(&mut *tx, organization, request).await?.ok_or_else(missing)?;
    let view = views(&mut tx, vec![found]).await?.pop().ok_or_else(missing)?;
    tx.commit().await?;
    Ok(Json(view))
}

/// Takes back what was asked for, by whoever asked for it or might have. Its pull request is closed; what was merged stays.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/requests/{request}", tag = "requests",
    params(("organization" = OrganizationId, Path), ("request" = RequestId, Path)),
    responses((status = 204))
)]
async fn withdraw_request(
    app: App,
    member: Member,
    Path((organization, request)): Path<(OrganizationId, RequestId)>,
) -> ApiResult<StatusCode> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = requests::find(&mut *tx, organization, request).await?.ok_or_else(missing)?;
    let touched: BTreeSet<_> = found.places.iter().flat_map(|place| place.environments.iter().cloned()).collect();
    // Their own anybody takes back, whatever they may ask for by now.
    if found.requested.by.user != member.person.user {
        rights::require(&mut tx, &member, found.repository, &touched).await?;
    }
    let held = requests::hold(&mut tx, found.repository, request).await?;
    let carrier = held.and_then(|held| held.carrier);
    if carrier.is_some_and(|carrier| carrier.is_announced && carrier.mode == Mode::Commit) {
        // A commit cannot be called back, and nobody knows yet whether it stands on the branch.
        let message = "it is being written, and a commit cannot be called back; look at it again in a moment";
        return Err(ApiError::conflict("being-written", message));
    }
    if !requests::end(&mut *tx, found.repository, request, RequestState::Withdrawn, None, Utc::now()).await? {
        let message = format!("it has ended already: {}", found.state.word());
        return Err(ApiError::conflict("request-ended", message));
    }
    audit::record(&mut *tx, Some(organization), &member.author(), "request.withdraw", &request.to_string(), json!({}))
        .await?;
    work::request_updates(&mut tx, organization, &[found.repository.0]).await?;
    tell(&mut tx, organization).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn missing() -> ApiError {
    ApiError::not_found("there is no such request")
}

async fn tell(tx: &mut Tx, organization: OrganizationId) -> ApiResult<()> {
    Ok(tx.notify(&Notice::Changed { organization, topic: Topic::Changes, id: None }).await?)
}

async fn views(tx: &mut Tx, found: Vec<Request>) -> ApiResult<Vec<RequestView>> {
    let moment = Moment { automator_seen_at: work::automator_seen_at(&mut **tx).await?, now: Utc::now() };
    let proposals: Vec<Uuid> = found.iter().filter_map(|request| Some(request.proposal?.0)).collect();
    let carried = changes::list_of_proposals(&mut **tx, &proposals).await?;
    let open = found.iter().filter(|request| !request.state.has_ended());
    let repositories: BTreeSet<Uuid> = open.map(|request| request.repository.0).collect();
    let repositories: Vec<Uuid> = repositories.into_iter().collect();
    let reads = work::list_failures(&mut **tx, work::Kind::Read, &repositories).await?;
    let updates = work::list_failures(&mut **tx, work::Kind::Update, &repositories).await?;
    let view = |request: Request| {
        let of = |failures: &BTreeMap<Uuid, String>| failures.get(&request.repository.0).cloned();
        let (read, update) = (of(&reads), of(&updates));
        let failures = Failures { read: read.as_deref(), update: update.as_deref() };
        let is_own =
            |change: &&changes::TrackedChange| change.proposal.is_some() && change.proposal == request.proposal;
        RequestView {
            message: request::in_words(&request, failures, &moment),
            changes: carried.iter().filter(is_own).map(|change| change.id).collect(),
            id: request.id,
            repository: request.repository,
            repository_name: request.repository_name,
            branch: request.branch,
            environment: request.environment,
            image: request.image,
            to: request.to,
            places: request.places,
            mode: request.mode,
            despite: request.despite,
            requested_by: request.requested.by.name,
            user: request.requested.by.user,
            reason: request.requested.reason,
            state: request.state,
            proposal: request.proposal_ref,
            created_at: request.created_at,
            ended_at: request.ended_at,
        }
    };
    Ok(found.into_iter().map(view).collect())
}
