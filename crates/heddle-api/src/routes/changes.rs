//! Changes with their lines.

use chrono::{DateTime, TimeDelta, Utc};
use heddle_core::{
    id::{ChangeId, OrganizationId},
    pipeline::{KnotState, Line, RolloutLine},
};
use heddle_db::{
    Tx,
    changes::{self, Change, Filter},
    clusters, syncs,
};
use heddle_wire::view::{ChangeCounts, ChangeDetail, ChangePage, ChangeView, Link, Role, RolloutView};
use serde::Deserialize;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path, Query},
    flow::{facts, link},
    permission::Permission,
    principal::Member,
    problem::{ApiError, ApiResult},
};

/// Lines are computed for this many unfinished changes at most when the stuck ones are counted.
const COUNTED: i64 = 2000;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Organization(Role::Viewer), routes!(list_changes))
        .add(Permission::Organization(Role::Viewer), routes!(load_change))
}

#[derive(Debug, Deserialize)]
struct PageQuery {
    state: Option<String>,
    environment: Option<String>,
    after: Option<Uuid>,
    limit: Option<i64>,
}

/// A page of changes, newest first.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/changes", tag = "changes",
    params(
        ("organization" = OrganizationId, Path),
        ("state" = Option<String>, Query, description = "`in-flight`, `ended` or `all`, which is taken when left out."),
        ("environment" = Option<String>, Query, description = "Of this environment only."),
        ("after" = Option<Uuid>, Query, description = "The page before's `next`."),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 when left out."),
    ),
    responses((status = 200, body = ChangePage))
)]
async fn list_changes(app: App, member: Member, Query(query): Query<PageQuery>) -> ApiResult<Json<ChangePage>> {
    let filter = match query.state.as_deref() {
        None | Some("all") => Filter::All,
        Some("in-flight") => Filter::InFlight,
        Some("ended") => Filter::Ended,
        Some(other) => {
            let message = format!("`{other}` is no state; write `in-flight`, `ended` or `all`");
            return Err(ApiError::bad_request("bad-query", message));
        }
    };
    let limit = query.limit.unwrap_or(50).clamp(1, 200);
    let now = Utc::now();
    let mut tx = app.db.organization(member.organization).await?;
    let environment = query.environment.as_deref();
    let page = changes::list_page(&mut *tx, member.organization, filter, environment, query.after, limit).await?;
    let full = i64::try_from(page.len()).is_ok_and(|count| count == limit);
    let next = page.last().filter(|_| full).map(|change| change.id.to_string());
    let items = facts::lines(&mut tx, member.organization, page, now).await?;
    let items = items.into_iter().map(|(change, line)| view(&change, line)).collect();
    let counts = count(&mut tx, member.organization, now).await?;
    tx.commit().await?;
    Ok(Json(ChangePage { items, next, counts }))
}

async fn count(tx: &mut Tx, organization: OrganizationId, now: DateTime<Utc>) -> ApiResult<ChangeCounts> {
    let (in_flight, healthy_today) = changes::count(&mut **tx, organization, now - TimeDelta::hours(24)).await?;
    let ids = changes::list_in_flight_ids(&mut **tx, organization, COUNTED).await?;
    let open = changes::list_by_id(&mut **tx, &ids).await?;
    let lines = facts::lines(tx, organization, open, now).await?;
    let stuck = lines.iter().filter(|(_, line)| is_stuck(line)).count();
    Ok(ChangeCounts { in_flight, stuck: i64::try_from(stuck).unwrap_or(i64::MAX), healthy_today })
}

fn is_stuck(line: &Line) -> bool {
    line.end.is_none() && line.knots.iter().any(|knot| matches!(knot.state, KnotState::Waiting | KnotState::Failed))
}

/// A change with where, what, why, and each cluster's result.
#[utoipa::path(
    get, path = "/api/v1/organizations/{organization}/changes/{change}", tag = "changes",
    params(("organization" = OrganizationId, Path), ("change" = ChangeId, Path)),
    responses((status = 200, body = ChangeDetail))
)]
async fn load_change(
    app: App,
    member: Member,
    Path((_organization, change)): Path<(OrganizationId, ChangeId)>,
) -> ApiResult<Json<ChangeDetail>> {
    let now = Utc::now();
    let mut tx = app.db.organization(member.organization).await?;
    let found = changes::find(&mut *tx, change).await?;
    let found = found.ok_or_else(|| ApiError::not_found("there is no such change"))?;
    let Some((change, line)) = facts::lines(&mut tx, member.organization, vec![found], now).await?.pop() else {
        return Err(ApiError::not_found("there is no such change"));
    };
    let clusters = clusters::list(&mut *tx, member.organization).await?;
    let syncs = syncs::list(&mut *tx, member.organization).await?;
    let ids: Vec<Uuid> = line.rollouts.iter().map(|rollout| rollout.rollout.cluster.0).collect();
    let mut names = clusters::list_names(&mut *tx, &ids).await?;
    tx.commit().await?;
    let view_of = |rollout: &RolloutLine| {
        let name = names.remove(&rollout.rollout.cluster).unwrap_or_default();
        rollout_view(rollout, name, &clusters, &syncs, now)
    };
    let rollouts = line.rollouts.iter().map(view_of).collect();
    Ok(Json(ChangeDetail {
        places: change.places.clone(),
        diff: change.diff.clone(),
        why: change.why.clone(),
        rollouts,
        change: view(&change, line),
    }))
}

fn rollout_view(
    line: &RolloutLine,
    cluster_name: String,
    clusters: &[clusters::Cluster],
    syncs: &[syncs::Sync],
    now: DateTime<Utc>,
) -> RolloutView {
    let key = &line.rollout;
    let cluster = clusters.iter().find(|cluster| cluster.id == key.cluster);
    let sync = syncs.iter().find(|sync| sync.key == *key);
    RolloutView {
        cluster: key.cluster,
        cluster_name,
        sync: key.sync.clone(),
        link: cluster.map_or(Link::Revoked, |cluster| link::of(&cluster.heard(), now)),
        last_seen_at: cluster.and_then(|cluster| cluster.last_seen_at),
        revision: sync.and_then(|sync| sync.applied_revision.clone()),
        line: line.clone(),
    }
}

fn view(change: &Change, line: Line) -> ChangeView {
    ChangeView {
        id: change.id,
        repository: change.repository_name.clone(),
        branch: change.branch.clone(),
        environment: change.environment.clone(),
        image: change.image.clone(),
        from: change.from.clone(),
        to: change.to.clone(),
        to_digest: change.to_digest.clone(),
        mode: change.mode,
        line,
        proposal: change.proposal_ref.clone(),
        created_at: change.created_at,
    }
}
