//! Reporters of drift: each may report one record and nothing else.

use axum::http::StatusCode;
use chrono::Utc;
use heddle_core::{
    drift::{DriftTool, Found, RecordName},
    id::OrganizationId,
};
use heddle_db::{
    Tx, audit, drift_records,
    notice::{Notice, Topic},
    reporters::{self, Reporter as Row},
};
use heddle_wire::{
    drift::{DriftLook, LookTaken, MAX_LOOK_BYTES, ReporterRecord},
    secret::WireSecret,
    view::{CreateReporter, ReporterCreated, ReporterView, Role},
};
use secrecy::ExposeSecret;
use serde_json::json;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{Routes, drift::shell_word};
use crate::{
    app::App,
    extract::{Json, Path},
    flow::drift,
    permission::Permission,
    principal::{Member, Reporter},
    problem::{ApiError, ApiResult},
    quotas,
    secret::{self, Purpose},
};

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_reporters))
        .add(Permission::Organization(Role::Admin), routes!(create_reporter))
        .add(Permission::Organization(Role::Admin), routes!(revoke_reporter))
        .add(Permission::Reporter, routes!(load_reporter_record))
        .add_large(Permission::Reporter, MAX_LOOK_BYTES, routes!(take_look))
}

/// The organization's reporters, the revoked ones last.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/reporters", tag = "drift",
    params(("organization" = OrganizationId, Path)),
    responses((status = 200, body = Vec<ReporterView>))
)]
async fn list_reporters(app: App, member: Member) -> ApiResult<Json<Vec<ReporterView>>> {
    let mut tx = app.db.organization(member.organization).await?;
    let found = reporters::list(&mut *tx, member.organization).await?;
    tx.commit().await?;
    Ok(Json(found.into_iter().map(view).collect()))
}

/// Makes a reporter; its token is shown this once.
#[utoipa::path(
    post, path = "/api/v1/organizations/{organization}/reporters", tag = "drift",
    params(("organization" = OrganizationId, Path)), request_body = CreateReporter,
    responses((status = 201, body = ReporterCreated))
)]
async fn create_reporter(
    app: App,
    member: Member,
    Json(request): Json<CreateReporter>,
) -> ApiResult<(StatusCode, Json<ReporterCreated>)> {
    let name = request.name.trim().to_owned();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::invalid("name", "a name takes 1 to 100 characters"));
    }
    let CreateReporter { repository, environment, tool, source, .. } = request;
    let record = RecordName { repository: Some(repository), environment, tool, source };
    let organization = member.organization;
    let (id, text) = (Uuid::now_v7(), secret::generate(Purpose::Reporter)?);
    let mut tx = app.db.organization(organization).await?;
    let turn = quotas::REPORTERS.take_turn(&mut tx, organization.0).await?;
    let there = reporters::count_living(&mut *tx, organization).await?;
    turn.refuse_more(there)?;
    drift::refuse_one_more(&mut tx, organization, &record).await?;
    let record_id = drift_records::ensure(&mut *tx, organization, &record).await?;
    let hash = secret::hash(text.expose_secret());
    let by = &member.person.label;
    reporters::insert(&mut *tx, organization, (id, &name), record_id, &hash, by).await?;
    write_down(&mut tx, &member, "reporter.create", &name, &record).await?;
    announce(&mut tx, organization, record_id).await?;
    tx.commit().await?;
    let row = Row {
        id,
        name,
        created_by: by.clone(),
        created_at: Utc::now(),
        reported_at: None,
        revoked_at: None,
        record: (record_id, record),
    };
    let command = command(&row.record.1);
    Ok((StatusCode::CREATED, Json(ReporterCreated { reporter: view(row), token: WireSecret(text), command })))
}

/// Revokes a reporter: its looks are refused from now on, and what it said last is marked.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/reporters/{reporter}", tag = "drift",
    params(("organization" = OrganizationId, Path), ("reporter" = Uuid, Path)),
    responses((status = 204))
)]
async fn revoke_reporter(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let organization = member.organization;
    let unknown = || ApiError::not_found("the organization has no such reporter, or it is revoked already");
    let mut tx = app.db.organization(organization).await?;
    // The record first, as whoever takes a look does: two that lock both never wait for each other.
    let record_id = reporters::find_living(&mut *tx, organization, id).await?.ok_or_else(unknown)?;
    let record = drift_records::lock(&mut *tx, record_id).await?.ok_or_else(unknown)?;
    let name = reporters::revoke(&mut *tx, organization, id).await?.ok_or_else(unknown)?;
    write_down(&mut tx, &member, "reporter.revoke", &name, &record).await?;
    announce(&mut tx, organization, record_id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What this token reports, and the API's time.
#[utoipa::path(
    get, path = "/reporter/v1/record", tag = "drift",
    responses((status = 200, body = ReporterRecord))
)]
async fn load_reporter_record(app: App, reporter: Reporter) -> ApiResult<Json<ReporterRecord>> {
    let mut tx = app.db.organization(reporter.organization).await?;
    // Before all else: a time that is too early is right for whoever begins after the answer.
    let now = drift_records::now(&mut *tx).await?;
    let name = drift_records::find_name(&mut *tx, reporter.record).await?;
    tx.commit().await?;
    let name = name.ok_or_else(|| ApiError::unauthorized("this reporter's token is not known"))?;
    Ok(Json(ReporterRecord { record: reporter.record, name, now }))
}

/// What a reporter found. Sending it again changes nothing, and an older look never replaces a newer one.
#[utoipa::path(
    post, path = "/reporter/v1/looks", tag = "drift", request_body = DriftLook,
    responses((status = 200, body = LookTaken))
)]
async fn take_look(app: App, reporter: Reporter, Json(look): Json<DriftLook>) -> ApiResult<Json<LookTaken>> {
    let taken = store(&app, reporter, &look).await;
    let (tool, outcome) = (look.tool.as_str(), taken.as_ref().map_or("refused", |found| found.as_str()));
    metrics::counter!("heddle_drift_looks_total", "tool" => tool, "found" => outcome).increment(1);
    let url = app.public_url(&format!("drift/{}", reporter.record));
    Ok(Json(LookTaken { record: reporter.record, url, found: taken? }))
}

async fn store(app: &App, reporter: Reporter, look: &DriftLook) -> ApiResult<Found> {
    look.check_size()
        .map_err(|excess| ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "look-too-large", excess.to_string()))?;
    let mut tx = app.db.organization(reporter.organization).await?;
    // Before all else: a time that is too early is right for whoever begins after the answer.
    let now = drift_records::now(&mut *tx).await?;
    let found = drift::take(&mut tx, reporter, look, now).await?;
    tx.commit().await?;
    Ok(found)
}

async fn write_down(tx: &mut Tx, member: &Member, action: &str, name: &str, record: &RecordName) -> ApiResult<()> {
    let RecordName { repository, environment, tool, source } = record;
    let details = json!({ "repository": repository, "environment": environment, "tool": tool, "source": source });
    Ok(audit::record(&mut **tx, Some(member.organization), &member.author(), action, name, details).await?)
}

async fn announce(tx: &mut Tx, organization: OrganizationId, record: Uuid) -> ApiResult<()> {
    Ok(tx.notify(&Notice::Changed { organization, topic: Topic::Drift, id: Some(record) }).await?)
}

/// The command that looks and reports, as a shell takes it.
fn command(record: &RecordName) -> String {
    let RecordName { environment, tool, source, .. } = record;
    let source = shell_word(source.as_str());
    match tool {
        DriftTool::Kubernetes => format!("heddle diff {source} --report {environment}"),
        DriftTool::Terraform => format!("heddle diff terraform {source} --report {environment}"),
        DriftTool::Ansible => format!("heddle diff ansible {source} -i INVENTORY --report {environment}"),
    }
}

fn view(row: Row) -> ReporterView {
    let (record, RecordName { repository, environment, tool, source }) = row.record;
    ReporterView {
        id: row.id,
        name: row.name,
        repository,
        environment,
        tool,
        source,
        record,
        created_by: row.created_by,
        created_at: row.created_at,
        reported_at: row.reported_at,
        revoked_at: row.revoked_at,
    }
}
