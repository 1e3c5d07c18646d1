//! What people ask to be written. Each is a row that an update carries out; nothing here writes to Git.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::{
    change::{Gate, Mode},
    id::{OrganizationId, RequestId},
    image::ImageRepository,
    request::{Override, Reason, RequestState, Requested, Requester, Step},
};
use heddle_db::{
    Tx, audit, changes,
    notice::{Notice, Topic},
    requests::{self, Request},
    users, work,
};
use heddle_wire::view::{
    KeptBack, NewRequest, PreviewGate, PreviewRequest, PreviewStep, RequestPage, RequestPreview, RequestView, Role,
};
use serde::Deserialize;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    flow::request::{self, Failures, Lacking, Moment, Preview, rules},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
    quotas, rights,
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(preview_request))
        .add(Permission::Organization(Role::Viewer), routes!(list_holds))
        .add(Permission::Organization(Role::Viewer), routes!(list_requests))
        .add(Permission::Organization(Role::Viewer), routes!(load_request))
        .add(Permission::Granted, routes!(create_request))
        .add(Permission::Granted, routes!(withdraw_request))
}

/// What a wish would do, and whether the asker may ask for it. It writes nothing.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/requests/preview", tag = "requests", request_body = PreviewRequest,
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = RequestPreview))
)]
async fn preview_request(
    app: App,
    member: Member,
    Json(asked): Json<PreviewRequest>,
) -> ApiResult<Json<RequestPreview>> {
    let requested = requested(&app, &member, asked.reason).await?;
    let preview = request::preview(&app, member.organization, &asked.wish, &requested).await?;
    let mut tx = app.db.organization(member.organization).await?;
    let refusal = refusal(&mut tx, &member, &preview).await?;
    tx.commit().await?;
    let step = |step: Step<'_>| PreviewStep {
        image: step.image.clone(),
        to: step.to.clone(),
        to_digest: step.to_digest.cloned(),
        places: step.places.to_vec(),
    };
    let gate = |gate: Gate| PreviewGate { despite: Override::of(gate.kind), reason: gate.reason };
    Ok(Json(RequestPreview {
        shown: preview.fingerprint()?,
        does: preview.does(),
        title: preview.asked.to_string(),
        environments: preview.asked.touched().into_iter().collect(),
        steps: preview.asked.steps().map(step).collect(),
        repository: preview.repository.id,
        repository_name: preview.repository.name,
        branch: preview.branch,
        head: preview.head,
        mode: preview.mode,
        rules_diff: preview.rules_diff,
        left: preview.left,
        gates: preview.gates.into_iter().map(gate).collect(),
        passed_over: preview.passed_over,
        afterwards: preview.afterwards,
        notes: preview.notes,
        refusal,
    }))
}

/// Who asks, as commits name them, and why.
async fn requested(app: &App, member: &Member, reason: Option<Reason>) -> ApiResult<Requested> {
    let mut tx = app.db.organization(member.organization).await?;
    let user = users::find(&mut *tx, member.person.user).await?;
    tx.commit().await?;
    let by = Requester::new(user.as_ref().map_or("", |user| user.name.as_str()), member.person.user);
    Ok(Requested { by, reason })
}

async fn refusal(tx: &mut Tx, member: &Member, preview: &Preview) -> ApiResult<Option<String>> {
    let refusal = rights::refusal_of(tx, member, preview.repository.id, &preview.asked).await?;
    if refusal.is_some() {
        return Ok(refusal);
    }
    let open = requests::list_open(&mut **tx, preview.repository.id).await?;
    Ok(request::in_the_way(&open, preview).map(taken))
}

fn taken(other: &Request) -> String {
    format!("{} has asked to {}; that request must end first", other.requested.by.name, other.asked)
}

/// Asks for something to be written.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/requests", tag = "requests", request_body = NewRequest,
    params(("organization" = OrganizationId, Path)),
    responses((status = 201, body = RequestView))
)]
async fn create_request(
    app: App,
    mut member: Member,
    Json(asked): Json<NewRequest>,
) -> ApiResult<(StatusCode, Json<RequestView>)> {
    let requested = requested(&app, &member, asked.reason).await?;
    let preview = request::preview(&app, member.organization, &asked.wish, &requested).await?;
    let despite = asked.wish.despite();
    let touched = preview.asked.touched();
    let mut tx = app.db.organization(member.organization).await?;
    rights::hold(&mut tx, &mut member).await?;
    rights::require(&mut tx, &member, preview.repository.id, &preview.asked).await?;
    if preview.fingerprint()? != asked.shown {
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
    let id = RequestId(Uuid::now_v7());
    let new = requests::NewRequest {
        id,
        repository: preview.repository.id,
        requested: &requested,
        branch: &preview.branch,
        head: &preview.head,
        asked: &preview.asked,
        mode: preview.mode,
        despite,
    };
    requests::insert(&mut *tx, member.organization, &new).await?;
    let lacks = Lacking::load(&mut tx, member.organization, preview.asked.steps()).await?;
    let lacking: BTreeSet<&ImageRepository> =
        preview.asked.steps().filter(|step| lacks.has(step)).map(|step| step.image).collect();
    let undescribed = request::list_undescribed(&mut tx, member.organization, &lacking).await?;
    let undescribed: Vec<Uuid> = undescribed.into_keys().collect();
    work::request_scans(&mut tx, member.organization, &undescribed).await?;
    let details = json!({
        "kind": preview.asked.kind(), "asked": preview.asked.to_string(), "environments": touched,
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

/// What the rules of each repository keep back: its holds and freezes, as they were read last.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/holds", tag = "requests",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = [KeptBack]))
)]
async fn list_holds(app: App, member: Member) -> ApiResult<Json<Vec<KeptBack>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let all = rules::list_kept_back(&mut tx, member.organization, Utc::now()).await?;
    tx.commit().await?;
    Ok(Json(all))
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
    mut member: Member,
    Path((organization, request)): Path<(OrganizationId, RequestId)>,
) -> ApiResult<StatusCode> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = requests::find(&mut *tx, organization, request).await?.ok_or_else(missing)?;
    // Their own anybody takes back, whatever they may ask for by now.
    if found.requested.by.user != member.person.user {
        rights::hold(&mut tx, &mut member).await?;
        rights::require(&mut tx, &member, found.repository, &found.asked).await?;
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
    let mut seen_at = BTreeMap::new();
    for needs in found.iter().map(|request| request.asked.needs()).collect::<BTreeSet<_>>() {
        seen_at.insert(needs, work::automator_for_seen_at(&mut **tx, needs).await?);
    }
    let now = Utc::now();
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
        let automator_seen_at = seen_at.get(&request.asked.needs()).copied().flatten();
        RequestView {
            message: request::in_words(&request, failures, &Moment { automator_seen_at, now }),
            changes: carried.iter().filter(is_own).map(|change| change.id).collect(),
            id: request.id,
            repository: request.repository,
            repository_name: request.repository_name,
            branch: request.branch,
            kind: request.asked.kind(),
            title: request.asked.to_string(),
            environments: request.asked.touched().into_iter().collect(),
            image: request.asked.image().map(|(image, _)| image.clone()),
            to: request.asked.image().map(|(_, to)| to.clone()),
            places: request.asked.places().cloned().collect(),
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
