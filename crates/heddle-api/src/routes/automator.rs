//! What automators call: leases of work, and reports under them.

use std::time::Duration;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use chrono::Utc;
use heddle_core::id::{IntentId, LeaseId, OrganizationId, ProposalId, RepositoryId};
use heddle_db::{
    Tx, audit,
    notice::Notice,
    work::{self, Held, Kind},
};
use heddle_wire::automator::{
    Done, IntentOutcome, Lease, LeaseRequest, PlanRequest, PlanResponse, ProposalClosed, ReadReport, ScanReport,
};
use serde_json::json;
use tokio::time::{Instant, sleep_until};
use utoipa_axum::routes;

use super::Routes;
use crate::{
    app::App,
    extract::{Json, Path},
    flow::{
        lease::{self, Next},
        plan, read, scan,
    },
    permission::{Permission, next_notice},
    principal::Automator,
    problem::{ApiError, ApiResult},
    router::Shutdown,
};

/// An automator waits no longer than this for work.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

/// 100,000 tags with digests, or the occurrences of 10,000 manifests.
const REPORT_LIMIT_BYTES: usize = 32 << 20;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Automator, routes!(lease_work))
        .add(Permission::Automator, routes!(renew_lease))
        .add_large(Permission::Automator, REPORT_LIMIT_BYTES, routes!(report_read))
        .add_large(Permission::Automator, REPORT_LIMIT_BYTES, routes!(report_scan))
        .add_large(Permission::Automator, REPORT_LIMIT_BYTES, routes!(announce_intents))
        .add(Permission::Automator, routes!(settle_intent))
        .add(Permission::Automator, routes!(note_closed))
        .add(Permission::Automator, routes!(end_lease))
}

/// Work that is due, as soon as there is some.
#[utoipa::path(
    post, path = "/automator/v1/lease", tag = "automator", request_body = LeaseRequest,
    responses((status = 200, body = Lease), (status = 204, description = "Nothing became due in time."))
)]
async fn lease_work(
    State(app): State<App>,
    Extension(Shutdown(shutdown)): Extension<Shutdown>,
    _automator: Automator,
    Json(request): Json<LeaseRequest>,
) -> ApiResult<Response> {
    let deadline = Instant::now() + Duration::from_secs(request.wait_secs).min(LONGEST_WAIT);
    let mut notices = app.db.notices();
    loop {
        let due_in = match lease::next(&app, &request.automator).await? {
            Next::Work(lease) => return Ok(Json(*lease).into_response()),
            Next::Nothing { due_in } => due_in,
        };
        let due = due_in.map_or(deadline, |due_in| (Instant::now() + due_in).min(deadline));
        let woken =
            async { while !matches!(next_notice(&mut notices).await, Some(Notice::Work | Notice::Missed) | None) {} };
        tokio::select! {
            () = woken => {}
            () = sleep_until(due) => {}
            () = shutdown.cancelled() => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
        if Instant::now() >= deadline {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
    }
}

/// A lease in its transaction: nothing else can end it until that is over.
struct Under {
    tx: Tx,
    organization: OrganizationId,
    held: Held,
}

impl Under {
    async fn hold(app: &App, lease: LeaseId, headers: &HeaderMap, kind: Option<Kind>) -> ApiResult<Self> {
        let lost = || ApiError::conflict("lease-lost", "this lease has ended; what was done under it counts no more");
        let fence: i64 = headers
            .get("heddle-fence")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.parse().ok())
            .ok_or_else(|| ApiError::bad_request("fence-missing", "send the lease's number as `Heddle-Fence`"))?;
        let mut tx = app.db.routing().await?;
        let organization = work::find_organization(&mut *tx, lease).await?;
        tx.commit().await?;
        let organization = organization.ok_or_else(lost)?;
        let mut tx = app.db.organization(organization).await?;
        let held = work::hold(&mut *tx, lease, fence).await?.ok_or_else(lost)?;
        if kind.is_some_and(|kind| kind != held.kind) {
            return Err(ApiError::conflict("other-work", "this lease is of another kind of work"));
        }
        Ok(Self { tx, organization, held })
    }

    fn scope(&self) -> plan::Scope {
        plan::Scope { organization: self.organization, repository: RepositoryId(self.held.subject), now: Utc::now() }
    }
}

/// Keeps the work for another term.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/renew", tag = "automator",
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn renew_lease(
    State(app): State<App>,
    _automator: Automator,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let mut under = Under::hold(&app, lease, &headers, None).await?;
    work::renew(&mut *under.tx, &under.held, app.config.lease).await?;
    under.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What stands in a repository. Ends the lease.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/read-report", tag = "automator", request_body = ReadReport,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn report_read(
    State(app): State<App>,
    _automator: Automator,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(report): Json<ReadReport>,
) -> ApiResult<StatusCode> {
    let mut under = Under::hold(&app, lease, &headers, Some(Kind::Read)).await?;
    let scope = under.scope();
    let bot = app.config.github.as_ref().map(|github| format!("{}[bot]", github.slug));
    read::apply(&mut under.tx, scope.organization, scope.repository, &report, bot.as_deref(), scope.now).await?;
    let again = scope.now + app.config.read_interval;
    work::finish(&mut *under.tx, &under.held, Some(again), None).await?;
    under.tx.notify(&Notice::Work).await?;
    under.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a registry listed. Ends the lease, and may hand over the update that it made due.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/scan-report", tag = "automator", request_body = ScanReport,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 200, body = Lease), (status = 204, description = "No update is handed over."))
)]
async fn report_scan(
    State(app): State<App>,
    _automator: Automator,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(report): Json<ScanReport>,
) -> ApiResult<Response> {
    let mut under = Under::hold(&app, lease, &headers, Some(Kind::Scan)).await?;
    let now = Utc::now();
    let interval = app.config.scan_interval;
    let due = scan::apply(&mut under.tx, under.organization, &under.held, &report.outcome, interval, now).await?;
    let leased = if report.take_update && !due.is_empty() {
        work::lease(&mut *under.tx, &under.held.automator, app.config.lease, Some(&due)).await?
    } else {
        None
    };
    under.tx.commit().await?;
    let handed = match &leased {
        Some(leased) => lease::hand_out(&app, leased).await?,
        None => None,
    };
    Ok(handed.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |lease| Json(lease).into_response()))
}

/// Announces the writes of one update.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/intents", tag = "automator", request_body = PlanRequest,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 200, body = PlanResponse))
)]
async fn announce_intents(
    State(app): State<App>,
    automator: Automator,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(request): Json<PlanRequest>,
) -> ApiResult<Json<PlanResponse>> {
    let mut under = Under::hold(&app, lease, &headers, Some(Kind::Update)).await?;
    let scope = under.scope();
    let url = |change| app.public_url(&format!("changes/{change}"));
    let response = plan::announce(&mut under.tx, scope, &request, url).await?;
    if let Some(at) = request.next_due_at {
        work::come_back(&mut *under.tx, &under.held, at).await?;
    }
    for posted in &response.intents {
        let details = json!({ "proposal": posted.proposal, "changes": posted.changes });
        let object = posted.id.to_string();
        let author = automator.author();
        audit::record(&mut *under.tx, Some(scope.organization), &author, "intent.announce", &object, details).await?;
    }
    under.tx.commit().await?;
    Ok(Json(response))
}

/// Says what came of a write.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/intents/{intent}/outcome", tag = "automator",
    request_body = IntentOutcome,
    params(("lease" = LeaseId, Path), ("intent" = IntentId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn settle_intent(
    State(app): State<App>,
    automator: Automator,
    Path((lease, intent)): Path<(LeaseId, IntentId)>,
    headers: HeaderMap,
    Json(outcome): Json<IntentOutcome>,
) -> ApiResult<StatusCode> {
    let mut under = Under::hold(&app, lease, &headers, Some(Kind::Update)).await?;
    let scope = under.scope();
    plan::settle(&mut under.tx, scope, &under.held, intent, &outcome).await?;
    let details = serde_json::to_value(&outcome).map_err(ApiError::internal)?;
    let object = intent.to_string();
    let author = automator.author();
    audit::record(&mut *under.tx, Some(scope.organization), &author, "intent.settle", &object, details).await?;
    under.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that we closed the pull request of a proposal.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/proposals/{proposal}/closed", tag = "automator",
    request_body = ProposalClosed,
    params(("lease" = LeaseId, Path), ("proposal" = ProposalId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn note_closed(
    State(app): State<App>,
    automator: Automator,
    Path((lease, proposal)): Path<(LeaseId, ProposalId)>,
    headers: HeaderMap,
    Json(closed): Json<ProposalClosed>,
) -> ApiResult<StatusCode> {
    let mut under = Under::hold(&app, lease, &headers, Some(Kind::Update)).await?;
    let scope = under.scope();
    plan::closed(&mut under.tx, scope, proposal, &closed.reason).await?;
    let details = json!({ "reason": closed.reason });
    let object = proposal.to_string();
    let author = automator.author();
    audit::record(&mut *under.tx, Some(scope.organization), &author, "proposal.close", &object, details).await?;
    under.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a lease, also when its work failed.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/done", tag = "automator", request_body = Done,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn end_lease(
    State(app): State<App>,
    _automator: Automator,
    Path(lease): Path<LeaseId>,
    headers: HeaderMap,
    Json(done): Json<Done>,
) -> ApiResult<StatusCode> {
    let mut under = Under::hold(&app, lease, &headers, None).await?;
    match &done.failed {
        Some(reason) => {
            tracing::warn!(kind = ?under.held.kind, subject = %under.held.subject, "work failed: {reason}");
            work::fail(&mut under.tx, &under.held, reason, done.retry_at).await?;
        }
        None => {
            let next = match under.held.kind {
                Kind::Read => Some(Utc::now() + app.config.read_interval),
                Kind::Scan => Some(Utc::now() + app.config.scan_interval),
                Kind::Update => None,
            };
            work::finish(&mut *under.tx, &under.held, next, done.retry_at).await?;
        }
    }
    if done.read_due && under.held.kind == Kind::Update {
        work::request_read(&mut *under.tx, under.organization, RepositoryId(under.held.subject)).await?;
    }
    under.tx.notify(&Notice::Work).await?;
    under.tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
