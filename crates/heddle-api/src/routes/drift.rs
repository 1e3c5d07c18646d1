//! Is the world as Git says? Every Sync, Terraform folder and playbook in one list, and each record with its history.

use axum::http::StatusCode;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use heddle_core::{
    drift::{DriftState, DriftTool},
    id::OrganizationId,
    name::EnvironmentName,
};
use heddle_db::{
    Tx, audit, drift_expectations,
    drift_records::{self, Which},
    drift_spells::{self, Content, Spell},
    notice::{Notice, Topic},
    reporters,
};
use heddle_wire::view::{DriftCounts, DriftPage, DriftRecordDetail, DriftRecordView, DriftSpell, Role, SpellDetail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
};

mod issue;
mod rows;
mod states;

pub use rows::MOST_JUDGED;
pub use states::States;

use rows::{Judged, judge_all};

/// How many spells of a record's history come at once.
const SPELLS: i64 = 50;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_drift))
        .add(Permission::Organization(Role::Viewer), routes!(load_drift_record))
        .add(Permission::Organization(Role::Admin), routes!(forget_drift_record))
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    environment: Option<EnvironmentName>,
    state: Option<DriftState>,
    tool: Option<DriftTool>,
    after: Option<String>,
    limit: Option<usize>,
}

/// Where a record stands in the list: what is not the same first, then by name.
type Key = (u8, String, DriftTool, String, String, String);

fn key(row: &DriftRecordView) -> Key {
    let rank = match row.state {
        DriftState::Differs => 0,
        DriftState::NotLookedAt => 1,
        DriftState::Unknown => 2,
        DriftState::Same => 3,
    };
    let environment = row.environment.as_ref().map_or_else(String::new, ToString::to_string);
    let id = row.id.map(|id| id.to_string());
    let sync = row.sync.as_ref().map(|sync| format!("{}/{}", sync.cluster, sync.sync));
    let repository = row.repository.as_ref().map_or_else(String::new, ToString::to_string);
    (rank, environment, row.tool, row.source.clone(), repository, id.or(sync).unwrap_or_default())
}

/// A page of everything that is looked at, what is not the same first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/drift", tag = "drift",
    params(
        ("organization" = OrganizationId, Path),
        ("environment" = Option<String>, Query, description = "Of this environment only."),
        ("state" = Option<String>, Query, description = "`same`, `differs`, `unknown` or `not-looked-at`."),
        ("tool" = Option<String>, Query, description = "`kubernetes`, `terraform` or `ansible`."),
        ("after" = Option<String>, Query, description = "The page before's `next`."),
        ("limit" = Option<usize>, Query, description = "1 to 200; 50 when left out."),
    ),
    responses((status = 200, body = DriftPage))
)]
async fn list_drift(app: App, member: Member, Query(query): Query<PageQuery>) -> ApiResult<Json<DriftPage>> {
    let after = query.after.as_deref().map(read_cursor).transpose()?;
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let mut tx = app.db.organization(member.organization).await?;
    let which = Which { id: None, environment: query.environment.as_ref(), tool: query.tool };
    let Judged { mut rows, not_judged } = judge_all(&mut tx, member.organization, which, Utc::now()).await?;
    tx.commit().await?;
    let counts = count(&rows, not_judged);
    rows.retain(|row| query.state.is_none_or(|wanted| row.state == wanted));
    let mut rows: Vec<(Key, DriftRecordView)> = rows.into_iter().map(|row| (key(&row), row)).collect();
    rows.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| is_more).map(|(key, _)| write_cursor(key)).transpose()?;
    Ok(Json(DriftPage { items: rows.into_iter().map(|(_, row)| row).collect(), next, counts }))
}

fn count(rows: &[DriftRecordView], not_judged: i64) -> DriftCounts {
    let of =
        |state: DriftState| i64::try_from(rows.iter().filter(|row| row.state == state).count()).unwrap_or(i64::MAX);
    DriftCounts {
        same: of(DriftState::Same),
        differs: of(DriftState::Differs),
        unknown: of(DriftState::Unknown),
        not_looked_at: of(DriftState::NotLookedAt),
        not_judged,
    }
}

fn write_cursor(key: &Key) -> ApiResult<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).map_err(ApiError::internal)?))
}

fn read_cursor(text: &str) -> ApiResult<Key> {
    let read = URL_SAFE_NO_PAD.decode(text).ok().and_then(|text| serde_json::from_slice(&text).ok());
    read.ok_or_else(|| ApiError::bad_request("bad-query", "`after` is no page's `next`"))
}

#[derive(Debug, Deserialize)]
struct DetailQuery {
    spell: Option<Uuid>,
    before: Option<Uuid>,
}

/// A record with what its last look found, or an earlier one, and its history.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/drift/{record}", tag = "drift",
    params(
        ("organization" = OrganizationId, Path), ("record" = Uuid, Path),
        ("spell" = Option<Uuid>, Query, description = "Show this spell; the newest when left out."),
        ("before" = Option<Uuid>, Query, description = "The history before this spell: the page before's `next`."),
    ),
    responses((status = 200, body = DriftRecordDetail))
)]
async fn load_drift_record(
    app: App,
    member: Member,
    Path(ids): Path<(Uuid, Uuid)>,
    Query(query): Query<DetailQuery>,
) -> ApiResult<Json<DriftRecordDetail>> {
    let (_, id) = ids;
    let mut tx = app.db.organization(member.organization).await?;
    let which = Which { id: Some(id), ..Which::default() };
    let record = drift_records::list(&mut *tx, member.organization, which, 1).await?.pop().ok_or_else(unknown)?;
    let shown = drift_spells::find(&mut *tx, id, query.spell).await?;
    if shown.is_none() && query.spell.is_some() {
        return Err(ApiError::not_found("the record has no such spell; it may be forgotten by now"));
    }
    // What is to be done now is said by the last look, whichever is shown.
    let last = match query.spell {
        Some(_) => drift_spells::find(&mut *tx, id, None).await?,
        None => shown.clone(),
    };
    let spells = drift_spells::list(&mut *tx, id, query.before, SPELLS).await?;
    let askers = drift_expectations::list_askers(&mut *tx, id).await?;
    tx.commit().await?;
    let is_full = i64::try_from(spells.len()).is_ok_and(|count| count == SPELLS);
    let shown = shown.map(|(spell, content)| view_content(spell, content)).transpose()?;
    let last = last.map(|(spell, content)| view_content(spell, content)).transpose()?;
    let record = rows::view_record(record, Utc::now());
    let host = app.config.github.as_ref().map(|github| &github.web_url);
    Ok(Json(DriftRecordDetail {
        issue: issue::write(&record, last.as_ref(), &app.public_url(&format!("drift/{id}")), host),
        next: spells.last().filter(|_| is_full).map(|spell| spell.id),
        record,
        shown,
        asked_in: askers.first().map(|(repository, line)| format!("{repository}:.heddle.yaml:{line}")),
        history: spells.into_iter().map(view_spell).collect(),
    }))
}

/// Forgets a record that nobody asks for and nobody may report, with its history.
#[utoipa::path(
    delete, path = "/api/v1/organizations/{organization}/drift/{record}", tag = "drift",
    params(("organization" = OrganizationId, Path), ("record" = Uuid, Path)),
    responses((status = 204))
)]
async fn forget_drift_record(app: App, member: Member, Path(ids): Path<(Uuid, Uuid)>) -> ApiResult<StatusCode> {
    let (_, id) = ids;
    let organization = member.organization;
    let mut tx = app.db.organization(organization).await?;
    drift_records::lock(&mut *tx, id).await?.ok_or_else(unknown)?;
    refuse_living(&mut tx, id).await?;
    let name = drift_records::delete(&mut *tx, organization, id).await?.ok_or_else(unknown)?;
    let details = json!({ "repository": name.repository, "environment": name.environment, "tool": name.tool });
    let (author, object) = (member.author(), name.source.as_str());
    audit::record(&mut *tx, Some(organization), &author, "drift-record.forget", object, details).await?;
    tx.notify(&Notice::Changed { organization, topic: Topic::Drift, id: Some(id) }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn refuse_living(tx: &mut Tx, id: Uuid) -> ApiResult<()> {
    if let Some((repository, line)) = drift_expectations::list_askers(&mut **tx, id).await?.first() {
        let message = format!("`drift:` asks for it in {repository}:.heddle.yaml:{line}; take it out there first");
        return Err(ApiError::conflict("record-asked-for", message));
    }
    if let Some(name) = reporters::list_living_of(&mut **tx, id).await?.first() {
        let message = format!("the reporter `{name}` may report it; revoke it first");
        return Err(ApiError::conflict("record-reported", message));
    }
    Ok(())
}

/// A folder or a playbook as a shell takes it. One that begins with a dash is no option.
pub(super) fn shell_word(source: &str) -> String {
    let dash = if source.starts_with('-') { "./" } else { "" };
    format!("'{dash}{}'", source.replace('\'', r"'\''"))
}

fn unknown() -> ApiError {
    ApiError::not_found("the organization has no such record of drift")
}

fn view_spell(spell: Spell) -> DriftSpell {
    DriftSpell {
        id: spell.id,
        found: spell.found,
        first_at: spell.first_at,
        last_at: spell.last_at,
        looks: spell.looks,
        differences: spell.differences,
        reporter: spell.reporter_name,
        by_revoked: spell.is_by_revoked,
        commit: spell.commit,
    }
}

fn view_content(spell: Spell, content: Content) -> ApiResult<SpellDetail> {
    // What was stored before hashes were read, and is none, is left out.
    let plan_hash = content.plan_hash.filter(|_| !spell.is_by_revoked).and_then(|hash| hash.parse().ok());
    Ok(SpellDetail {
        spell: view_spell(spell),
        program: content.program.into(),
        version: content.version.map(Into::into),
        items: read("drift_spells.items", content.items)?,
        more: content.more,
        not_looked_at: read("drift_spells.not_looked_at", content.not_looked_at)?,
        more_not_looked_at: content.more_not_looked_at,
        failure: content.failure.map(Into::into),
        plan_hash,
    })
}

/// A stored body, as it came.
fn read<T: DeserializeOwned>(column: &'static str, stored: Value) -> ApiResult<T> {
    serde_json::from_value(stored)
        .map_err(|error| ApiError::internal(anyhow::Error::new(error).context(format!("column `{column}` is broken"))))
}
