//! What automators call: leases of work, and reports under them.

mod under;

use std::time::Duration;

use axum::{
    Extension,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::Utc;
use heddle_core::id::{IntentId, LeaseId, ProposalId, RepositoryId, RequestId};
use heddle_db::{
    notice::Notice,
    work::{self, Kind},
};
use heddle_wire::{
    automator::{
        Done, IntentOutcome, Lease, LeaseRequest, PlanRequest, PlanResponse, ProposalClosed, ReadReport, ScanOutcome,
        ScanReport, TestReport,
    },
    text::Message,
};
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use utoipa_axum::routes;

use self::under::Call;
use super::Routes;
use crate::{
    app::{App, Shutdown},
    extract::{Json, Path},
    flow::{
        hosts, lease, plan, read,
        registry::{self, Reported},
        scan, settle,
    },
    permission::Permission,
    principal::{Automator, Own},
    problem::{ApiError, ApiResult},
    quotas,
};

/// An automator waits no longer than this for work.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

/// How often an organization's own automator looks for work that nobody announced, and how often it looks at most.
const OWN_LOOK: Duration = Duration::from_secs(5);
const OWN_PAUSE: Duration = Duration::from_secs(1);

/// 100,000 tags with digests, or the occurrences of 10,000 manifests.
pub const REPORT_LIMIT_BYTES: usize = 32 << 20;

/// This module's routes.
pub fn routes() -> Routes {
    Routes::new()
        .add(Permission::Automator, routes!(lease_work))
        .add(Permission::Automator, routes!(renew_lease))
        .add_large(Permission::Automator, REPORT_LIMIT_BYTES, routes!(report_read))
        .add_large(Permission::Automator, REPORT_LIMIT_BYTES, routes!(report_scan))
        .add(Permission::Automator, routes!(report_test))
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
    app: App,
    Extension(Shutdown(shutdown)): Extension<Shutdown>,
    automator: Automator,
    Json(request): Json<LeaseRequest>,
) -> ApiResult<Response> {
    let deadline = Instant::now() + Duration::from_secs(request.wait_secs).min(LONGEST_WAIT);
    if let Some(own) = &automator.own {
        return lease_own(&app, shutdown, own, &request.automator, deadline).await;
    }
    loop {
        if let Some(lease) = lease::next(&app, &request.automator, request.knows_requests).await? {
            return Ok(Json(lease).into_response());
        }
        tokio::select! {
            () = app.bell.rung() => {}
            () = sleep_until(deadline) => return Ok(StatusCode::NO_CONTENT.into_response()),
            () = shutdown.cancelled() => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}

/// Waits for a scan of a registry that an organization's own automator serves. The bell wakes one who may take any work; this
/// one may not, so it hears of work by itself, and looks no more often than each second.
async fn lease_own(
    app: &App,
    shutdown: CancellationToken,
    own: &Own,
    process: &str,
    deadline: Instant,
) -> ApiResult<Response> {
    let mut notices = app.db.notices();
    loop {
        let looked = Instant::now();
        if let Some(lease) = lease::next_own(app, own, process).await? {
            return Ok(Json(lease).into_response());
        }
        let next = async {
            // What becomes due by the clock is announced by nobody.
            let announced =
                async { while !matches!(notices.next().await, None | Some(Notice::Work | Notice::Missed)) {} };
            let _ = timeout_at(looked + OWN_LOOK, announced).await;
            sleep_until(looked + OWN_PAUSE).await;
        };
        tokio::select! {
            () = next => {}
            () = sleep_until(deadline) => return Ok(StatusCode::NO_CONTENT.into_response()),
            () = shutdown.cancelled() => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}

/// Keeps the work for another term.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/renew", tag = "automator",
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn renew_lease(call: Call, Path(lease): Path<LeaseId>) -> ApiResult<StatusCode> {
    call.renew(lease).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What stands in a repository. Ends the lease.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/read-report", tag = "automator", request_body = ReadReport,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn report_read(call: Call, Path(lease): Path<LeaseId>, Json(report): Json<ReadReport>) -> ApiResult<StatusCode> {
    let mut under = call.hold(lease, Some(Kind::Read)).await?;
    let images = read::governed_images(&report).len();
    if images > quotas::IMAGES.most {
        under.fail(&quotas::IMAGES.in_words(images), None).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let scope = under.scope();
    let bot = under.app.config.github.as_ref().map(|github| format!("{}[bot]", github.slug));
    read::apply(&mut under.tx, scope.organization, scope.repository, &report, bot.as_deref(), scope.now).await?;
    under.finish(None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a registry listed. Ends the lease, and may hand over the update that it made due.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/scan-report", tag = "automator", request_body = ScanReport,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 200, body = Lease), (status = 204, description = "No update is handed over."))
)]
async fn report_scan(call: Call, Path(lease): Path<LeaseId>, Json(report): Json<ScanReport>) -> ApiResult<Response> {
    let mut under = call.hold(lease, Some(Kind::Scan)).await?;
    let (image, own) = (under.held.subject, under.own());
    under.held.begun = report.begun;
    let listed = !matches!(report.outcome, ScanOutcome::Failed { .. });
    let used = Reported { login: report.login.as_ref(), by: own, listed };
    let counts = registry::take_use(&mut under.tx, under.organization, image, used, Utc::now()).await?;
    if hosts::says_something(&report.host, !listed) {
        hosts::note(&mut under.tx, under.organization, image, &report.host, Utc::now()).await?;
    }
    if !counts {
        // Another login is there by now, or none. Whoever changed it has asked for another scan.
        under.finish(None).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let app = under.app.clone();
    let due = scan::apply(&app, &mut under.tx, under.organization, &under.held, &report, Utc::now()).await?;
    if let ScanOutcome::Failed { reason, retry_at, .. } = &report.outcome {
        let reason = String::from(Message::from(reason.as_str()));
        under.fail(&reason, *retry_at).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let not_before = match &report.outcome {
        ScanOutcome::Complete { undescribed: Some(fault), .. } => fault.retry_at,
        _ => None,
    };
    under.end(not_before).await?;
    let leased = if report.take_update && own.is_none() && !due.is_empty() {
        let (process, length, knows) = (&under.held.automator, under.app.config.lease, report.knows_requests.into());
        work::lease(&mut *under.tx, process, length, Some(&due), knows).await?
    } else {
        None
    };
    under.tx.commit().await?;
    let handed = match &leased {
        Some(leased) => lease::hand_out(&under.app, leased, None).await?,
        None => None,
    };
    Ok(handed.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |lease| Json(lease).into_response()))
}

/// What a registry said to a login. Ends the lease.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/test-report", tag = "automator", request_body = TestReport,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn report_test(call: Call, Path(lease): Path<LeaseId>, Json(report): Json<TestReport>) -> ApiResult<StatusCode> {
    let mut under = call.hold(lease, Some(Kind::Test)).await?;
    registry::note_test(&mut under.tx, under.organization, under.held.subject, &report, Utc::now()).await?;
    under.finish(None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Announces the writes of one update.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/intents", tag = "automator", request_body = PlanRequest,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 200, body = PlanResponse))
)]
async fn announce_intents(
    call: Call,
    Path(lease): Path<LeaseId>,
    Json(request): Json<PlanRequest>,
) -> ApiResult<Json<PlanResponse>> {
    let mut under = call.hold(lease, Some(Kind::Update)).await?;
    let scope = under.scope();
    let app = under.app.clone();
    let url = |change| app.public_url(&format!("changes/{change}"));
    let response = plan::announce(&mut under.tx, scope, &request, url).await?;
    let is_left_out = |request: RequestId| response.left_out.contains(&request);
    let announced = request.proposals.iter().filter(|planned| !planned.request.is_some_and(is_left_out));
    for (planned, posted) in announced.zip(&response.intents) {
        let details = json!({ "proposal": posted.proposal, "changes": posted.changes, "request": planned.request });
        under.record("intent.announce", &posted.id.to_string(), details).await?;
    }
    for refused in &request.refused {
        under.record("request.refuse", &refused.id.to_string(), json!({ "reason": refused.reason })).await?;
    }
    if let Some(at) = request.next_due_at {
        work::come_back(&mut *under.tx, &under.held, at).await?;
    }
    under.commit().await?;
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
    call: Call,
    Path((lease, intent)): Path<(LeaseId, IntentId)>,
    Json(outcome): Json<IntentOutcome>,
) -> ApiResult<StatusCode> {
    let mut under = call.hold(lease, Some(Kind::Update)).await?;
    let details = serde_json::to_value(&outcome).map_err(ApiError::internal)?;
    under.record("intent.settle", &intent.to_string(), details).await?;
    let scope = under.scope();
    settle::settle(&mut under.tx, scope, &under.held, intent, &outcome).await?;
    under.commit().await?;
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
    call: Call,
    Path((lease, proposal)): Path<(LeaseId, ProposalId)>,
    Json(closed): Json<ProposalClosed>,
) -> ApiResult<StatusCode> {
    let mut under = call.hold(lease, Some(Kind::Update)).await?;
    under.record("proposal.close", &proposal.to_string(), json!({ "reason": closed.reason })).await?;
    let scope = under.scope();
    settle::closed(&mut under.tx, scope, proposal, &closed.reason).await?;
    under.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a lease, also when its work failed.
#[utoipa::path(
    post, path = "/automator/v1/leases/{lease}/done", tag = "automator", request_body = Done,
    params(("lease" = LeaseId, Path), ("Heddle-Fence" = i64, Header)),
    responses((status = 204))
)]
async fn end_lease(call: Call, Path(lease): Path<LeaseId>, Json(done): Json<Done>) -> ApiResult<StatusCode> {
    let mut under = call.hold(lease, None).await?;
    if done.read_due && under.held.kind == Kind::Update {
        work::request_read(&mut under.tx, under.organization, RepositoryId(under.held.subject)).await?;
    }
    match &done.failed {
        _ if done.given_back => under.give_back(done.retry_at.unwrap_or_else(Utc::now)).await?,
        Some(reason) => {
            let reason = String::from(Message::from(reason.as_str()));
            tracing::warn!(kind = ?under.held.kind, subject = %under.held.subject, "work failed: {reason}");
            under.fail(&reason, done.retry_at).await?;
        }
        None => under.finish(done.retry_at).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}
