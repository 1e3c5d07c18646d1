//! Leases one piece of work after the other, and holds the lease while the work runs, within its deadline.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use heddle_client::ClientError;
use heddle_core::registry::pace::HostReport;
use heddle_service::backoff::Backoff;
use heddle_wire::automator::{
    Done, Lease, LeaseRequest, ScanOutcome, ScanReport, ScanWork, TestReport, TestWork, Work,
};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    context::Context,
    error::{WorkError, chain},
    lent,
    limits::{READ_DEADLINE, REPORT_DEADLINE, SCAN_DEADLINE, UPDATE_DEADLINE},
    read,
    scan::{self, Scanned},
    share::{GivenBack, Ticket},
    update,
};

/// How long one request waits for work.
const WAIT_SECS: u64 = 50;

/// Works until `shutdown`. What fails is reported, and never ends the loop.
pub(crate) async fn run(context: Context, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
    loop {
        let request = LeaseRequest {
            wait_secs: WAIT_SECS,
            automator: context.name.clone(),
            knows_requests: heddle_core::request::KNOWN_REQUESTS,
        };
        let leased = tokio::select! {
            () = shutdown.cancelled() => return,
            leased = context.api.lease(&request) => leased,
        };
        match leased {
            Ok(lease) => {
                backoff.reset();
                // Work in hand is finished or, at a second signal, lost: the lease ends by itself.
                let mut next = lease;
                while let Some(lease) = next {
                    next = keep(&context, Arc::new(lease)).await;
                }
            }
            Err(error) => {
                let wait = backoff.next_wait();
                tracing::warn!(error = %chain(&error), "no work could be leased, trying again in {wait:.1?}");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = sleep(wait) => {}
                }
            }
        }
    }
}

/// Does the work while the lease is renewed, and reports what failed. Gives the work that a report handed over.
async fn keep(context: &Context, lease: Arc<Lease>) -> Option<Lease> {
    match hold(context, &lease).await {
        Ok(next) => next,
        Err(WorkError::LeaseLost) => {
            tracing::info!(lease = %lease.id, "the lease was lost, its work is dropped");
            None
        }
        Err(error) => {
            tracing::warn!(lease = %lease.id, work = word(&lease.work), error = %chain(&error), "work failed");
            let read_due = matches!(error, WorkError::Moved | WorkError::OtherRules);
            end(
                context,
                &lease,
                &Done { failed: Some(error.sentence()), retry_at: error.retry_at(), read_due, given_back: false },
            )
            .await;
            None
        }
    }
}

/// A lost lease or a missed deadline ends the work at its next wait.
async fn hold(context: &Context, lease: &Arc<Lease>) -> Result<Option<Lease>, WorkError> {
    let ticket = match context.share.admit(lease.organization, &lease.work, Instant::now()) {
        Ok(ticket) => ticket,
        Err(given_back) => {
            give_back(context, lease, given_back).await;
            return Ok(None);
        }
    };
    let length = deadline(&lease.work);
    // A task of its own, so that work which computes for long does not keep it waiting; and it has the deadline too, so that
    // such work does not hold the lease for ever.
    let renewal = tokio::spawn(renew(context.clone(), Arc::clone(lease), Instant::now() + length));
    let mut renewal = AbortOnDropHandle::new(renewal);
    tokio::select! {
        outcome = timeout(length, do_work(context, lease, &ticket)) => {
            outcome.unwrap_or(Err(WorkError::Overdue { secs: length.as_secs() }))
        }
        ended = &mut renewal => Err(match ended {
            Ok(Renewal::Lost) => WorkError::LeaseLost,
            Ok(Renewal::Overdue) => WorkError::Overdue { secs: length.as_secs() },
            Err(error) => WorkError::Other(format!("renewing the lease failed: {error}")),
        }),
    }
}

async fn do_work(context: &Context, lease: &Lease, ticket: &Ticket) -> Result<Option<Lease>, WorkError> {
    match &lease.work {
        Work::Read(work) => read::read(context, lease, work).await.map(|()| None),
        Work::Scan(work) => do_scan(context, lease, work, ticket).await,
        Work::Update(work) => update::update(context, lease, work).await.map(|()| None),
        Work::Test(work) => do_test(context, lease, work, ticket).await.map(|()| None),
    }
}

/// Scans and reports; the answer may hand over the update that new tags made due.
async fn do_scan(
    context: &Context,
    lease: &Lease,
    work: &ScanWork,
    ticket: &Ticket,
) -> Result<Option<Lease>, WorkError> {
    let scanned = timeout(SCAN_DEADLINE, scan::scan(context, lease.organization, work, ticket)).await;
    let report = match scanned {
        Ok(Scanned::Done(report)) => *report,
        Ok(Scanned::Unfinished(reason)) => {
            // It neither failed nor came to its end: a rest of the registry stays as it is.
            give_back(context, lease, GivenBack { wait: Duration::ZERO, reason }).await;
            return Ok(None);
        }
        Err(_) => {
            let seconds = SCAN_DEADLINE.as_secs();
            let reason = format!("`{}` could not be read within {seconds} s", work.image.registry());
            let login = work.login.as_ref().map(|login| lent::used(login, false, None));
            ScanReport { login, ..ScanReport::new(ScanOutcome::Failed { reason, retry_at: None, fault: None }) }
        }
    };
    if let ScanOutcome::Failed { reason, .. } = &report.outcome {
        tracing::warn!(image = %work.image, "could not list the tags of {}: {reason}", work.image);
    }
    ticket.scan_ended(matches!(report.outcome, ScanOutcome::Failed { .. }), Instant::now());
    Ok(context.api.scan_report(lease, &report).await?)
}

/// Tries a login and reports.
async fn do_test(context: &Context, lease: &Lease, work: &TestWork, ticket: &Ticket) -> Result<(), WorkError> {
    let report = timeout(SCAN_DEADLINE, lent::test(context, work)).await;
    let report = report.unwrap_or_else(|_| TestReport {
        image: work.image.clone(),
        passed: false,
        message: format!("`{}` could not be read within {} s", work.image.registry(), SCAN_DEADLINE.as_secs()),
        login: lent::used(&work.login, false, None),
        host: HostReport::default(),
    });
    ticket.scan_ended(!report.passed, Instant::now());
    Ok(context.api.test_report(lease, &report).await?)
}

async fn give_back(context: &Context, lease: &Lease, given_back: GivenBack) {
    let GivenBack { wait, reason } = given_back;
    tracing::debug!(lease = %lease.id, work = word(&lease.work), "given back: {reason}");
    let retry_at = Some(Utc::now() + wait);
    // The reason is for an API that knows failures alone.
    end(context, lease, &Done { failed: Some(reason), retry_at, given_back: true, read_due: false }).await;
}

async fn end(context: &Context, lease: &Lease, done: &Done) {
    if let Err(error) = context.api.done(lease, done).await {
        tracing::warn!(lease = %lease.id, error = %chain(&error), "the end of a lease could not be reported");
    }
}

/// Why a lease is renewed no more.
enum Renewal {
    Lost,
    Overdue,
}

/// Renews until the lease is lost or the work is overdue. While the API is away the work goes on: what it writes is safe by
/// compare-and-swap, and its report is refused if the lease ended meanwhile.
async fn renew(context: Context, lease: Arc<Lease>, until: Instant) -> Renewal {
    let term = (lease.expires_at - Utc::now()).to_std().unwrap_or_default();
    let pause = (term / 3).clamp(Duration::from_millis(200), Duration::from_secs(20));
    loop {
        let next = Instant::now() + pause;
        sleep_until(next.min(until)).await;
        let renewed = timeout_at(until, context.api.renew(&lease)).await;
        match renewed {
            Err(_) => return Renewal::Overdue,
            Ok(Ok(())) => {}
            Ok(Err(ClientError::LeaseLost)) => return Renewal::Lost,
            Ok(Err(error)) => tracing::debug!(lease = %lease.id, error = %chain(&error), "the lease was not renewed"),
        }
    }
}

fn deadline(work: &Work) -> Duration {
    match work {
        Work::Read(_) => READ_DEADLINE,
        Work::Scan(_) | Work::Test(_) => SCAN_DEADLINE + REPORT_DEADLINE,
        Work::Update(_) => UPDATE_DEADLINE,
    }
}

fn word(work: &Work) -> &'static str {
    match work {
        Work::Read(_) => "read",
        Work::Scan(_) => "scan",
        Work::Update(_) => "update",
        Work::Test(_) => "test",
    }
}
