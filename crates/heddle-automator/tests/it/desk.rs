//! The API's side of `/automator/v1`: hands out what a test gives, and keeps what is reported.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use chrono::{TimeDelta, Utc};
use heddle_core::id::{ChangeId, IntentId, LeaseId, OrganizationId, ProposalId};
use heddle_wire::automator::{
    Done, IntentOutcome, Lease, PlanRequest, PlanResponse, PostedIntent, ProposalClosed, ReadReport, ScanOutcome,
    ScanReport, Work,
};
use tokio::sync::Notify;
use url::Url;
use uuid::Uuid;

/// What an automator said of one piece of work.
#[derive(Debug, Default, Clone)]
pub struct Heard {
    pub read: Option<ReadReport>,
    pub scan: Option<ScanReport>,
    pub plan: Option<PlanRequest>,
    pub posted: Vec<PostedIntent>,
    pub outcomes: Vec<(IntentId, IntentOutcome)>,
    pub closed: Vec<(ProposalId, String)>,
    pub done: Option<Done>,
}

#[derive(Default)]
struct Inner {
    due: VecDeque<Work>,
    heard: Heard,
    ended: bool,
    lost: bool,
}

#[derive(Clone, Default)]
pub struct Desk {
    inner: Arc<Mutex<Inner>>,
    changed: Arc<Notify>,
}

impl Desk {
    /// Listens on loopback.
    pub async fn start() -> (Self, Url) {
        let desk = Self::default();
        let router = Router::new()
            .route("/automator/v1/lease", post(lease))
            .route("/automator/v1/leases/{id}/renew", post(renew))
            .route("/automator/v1/leases/{id}/read-report", post(read_report))
            .route("/automator/v1/leases/{id}/scan-report", post(scan_report))
            .route("/automator/v1/leases/{id}/intents", post(intents))
            .route("/automator/v1/leases/{id}/intents/{intent}/outcome", post(outcome))
            .route("/automator/v1/leases/{id}/proposals/{proposal}/closed", post(closed))
            .route("/automator/v1/leases/{id}/done", post(done))
            .with_state(desk.clone());
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (desk, url)
    }

    /// Hands out one piece of work and waits until it ended.
    pub async fn work(&self, work: Work) -> Heard {
        self.give(work);
        self.ended().await
    }

    /// Hands out one piece of work.
    pub fn give(&self, work: Work) {
        let mut inner = self.inner.lock().unwrap();
        inner.heard = Heard::default();
        inner.ended = false;
        inner.due.push_back(work);
        self.changed.notify_waiters();
    }

    /// Waits until the work ended; gives what was said of it.
    pub async fn ended(&self) -> Heard {
        self.until(|inner| inner.ended).await
    }

    /// Waits until a scan gave a whole list, whatever else is reported meanwhile.
    pub async fn listed(&self) -> Heard {
        let whole = |report: &ScanReport| matches!(report.outcome, ScanOutcome::Complete { .. });
        self.until(|inner| inner.heard.scan.as_ref().is_some_and(whole)).await
    }

    /// Waits until nothing is left to be handed out.
    pub async fn all_taken(&self) {
        self.until(|inner| inner.due.is_empty()).await;
    }

    async fn until(&self, holds: impl Fn(&Inner) -> bool) -> Heard {
        let wait = async {
            loop {
                let changed = self.changed.notified();
                {
                    let inner = self.inner.lock().unwrap();
                    if holds(&inner) {
                        return inner.heard.clone();
                    }
                }
                changed.await;
            }
        };
        tokio::time::timeout(heddle_testkit::wait::LONG, wait).await.expect("the work did not come so far")
    }

    /// What was said so far.
    pub fn heard(&self) -> Heard {
        self.inner.lock().unwrap().heard.clone()
    }

    /// From now on the lease is somebody else's.
    pub fn lose_lease(&self) {
        self.inner.lock().unwrap().lost = true;
    }

    fn hear(&self, ends: bool, take: impl FnOnce(&mut Heard)) -> Result<(), Lost> {
        let mut inner = self.inner.lock().unwrap();
        if inner.lost {
            let problem = r#"{"status":409,"code":"lease-lost","message":"this lease has ended","request_id":"1"}"#;
            return Err((StatusCode::CONFLICT, problem));
        }
        take(&mut inner.heard);
        inner.ended |= ends;
        self.changed.notify_waiters();
        Ok(())
    }
}

/// What a call under a lost lease is answered.
type Lost = (StatusCode, &'static str);
type Answer = Result<StatusCode, Lost>;

async fn lease(State(desk): State<Desk>) -> Response {
    let wait = async {
        loop {
            let changed = desk.changed.notified();
            {
                let mut inner = desk.inner.lock().unwrap();
                if let Some(work) = inner.due.pop_front() {
                    inner.lost = false;
                    desk.changed.notify_waiters();
                    return work;
                }
            }
            changed.await;
        }
    };
    let work = wait.await;
    Json(Lease {
        id: LeaseId(Uuid::now_v7()),
        fence: 1,
        expires_at: Utc::now() + TimeDelta::seconds(3),
        organization: OrganizationId(Uuid::nil()),
        work,
    })
    .into_response()
}

async fn renew(State(desk): State<Desk>) -> Answer {
    desk.hear(false, |_| {}).map(|()| StatusCode::NO_CONTENT)
}

async fn read_report(State(desk): State<Desk>, Json(report): Json<ReadReport>) -> Answer {
    desk.hear(true, |heard| heard.read = Some(report)).map(|()| StatusCode::NO_CONTENT)
}

async fn scan_report(State(desk): State<Desk>, Json(report): Json<ScanReport>) -> Answer {
    desk.hear(true, |heard| heard.scan = Some(report)).map(|()| StatusCode::NO_CONTENT)
}

async fn intents(State(desk): State<Desk>, Json(plan): Json<PlanRequest>) -> Result<Json<PlanResponse>, Lost> {
    let posted: Vec<PostedIntent> = plan
        .proposals
        .iter()
        .map(|planned| {
            let proposal = planned.updates.unwrap_or(ProposalId(Uuid::now_v7()));
            let pull = planned.mode == heddle_core::change::Mode::PullRequest;
            PostedIntent {
                id: IntentId(Uuid::now_v7()),
                proposal,
                head_branch: pull.then(|| format!("heddle/{}/{proposal}", planned.group).parse().unwrap()),
                changes: planned.changes.iter().map(|_| ChangeId(Uuid::now_v7())).collect(),
            }
        })
        .collect();
    let answer = PlanResponse { intents: posted.clone(), left_out: Vec::new() };
    desk.hear(false, |heard| (heard.plan, heard.posted) = (Some(plan), posted))?;
    Ok(Json(answer))
}

async fn outcome(
    State(desk): State<Desk>,
    Path((_, intent)): Path<(LeaseId, IntentId)>,
    Json(outcome): Json<IntentOutcome>,
) -> Answer {
    desk.hear(false, |heard| heard.outcomes.push((intent, outcome))).map(|()| StatusCode::NO_CONTENT)
}

async fn closed(
    State(desk): State<Desk>,
    Path((_, proposal)): Path<(LeaseId, ProposalId)>,
    Json(closed): Json<ProposalClosed>,
) -> Answer {
    desk.hear(false, |heard| heard.closed.push((proposal, closed.reason))).map(|()| StatusCode::NO_CONTENT)
}

async fn done(State(desk): State<Desk>, Json(done): Json<Done>) -> Answer {
    desk.hear(true, |heard| heard.done = Some(done)).map(|()| StatusCode::NO_CONTENT)
}
