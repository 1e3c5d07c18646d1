//! `scan`: lists the tags of one image, and describes those that a policy must know more of.

mod describe;
mod verify;

use chrono::Utc;
use heddle_core::{id::OrganizationId, request::KNOWN_REQUESTS};
use heddle_registry::{Begun, Failure, Session, TagPage};
use heddle_wire::automator::{ScanFault, ScanOutcome, ScanReport, ScanWork};
use tokio::time::{Instant, sleep};

use self::describe::Described;
use crate::{
    context::Context,
    lent,
    limits::{DESCRIBE_TIME, QUICK_SCAN, SLOW_LOOK},
    lists::{self, Part, Site},
    share::Ticket,
};

/// What came of a scan.
pub(crate) enum Scanned {
    /// What is to be reported.
    Done(Box<ScanReport>),
    /// The list needs more time, and the next scan goes on; why, for people.
    Unfinished(String),
}

/// Lists and describes. Each scan logs in anew: a token says what one owner may read, so none is kept for another.
pub(crate) async fn scan(context: &Context, organization: OrganizationId, work: &ScanWork, ticket: &Ticket) -> Scanned {
    let login = match &work.login {
        Some(login) => lent::open(context, &work.image, login).map(Some),
        // One that is hosted has none with itself.
        None => context.pull_secrets.find(&work.image),
    };
    let login = match login {
        Ok(login) => login,
        Err(failure) => {
            let login = work.login.as_ref().map(|login| lent::used(login, false, Some(&failure)));
            return Scanned::Done(Box::new(ScanReport { login, ..ScanReport::new(failed(failure)) }));
        }
    };
    let session = Session::new(context.registries.clone(), work.image.registry(), login);
    let started = Instant::now();
    let site = Site::new(organization, work);
    let Part { mut begun, since, asked } = context.lists.take(&site, started, work.asked);
    let before = begun.pages();
    let (outcome, failure) = read(&session, work, ticket, &mut begun).await;
    // A failure of another kind left nothing of what was begun.
    if matches!(outcome, ScanOutcome::Failed { .. }) && begun.pages() > before {
        let (now, tags) = (Instant::now(), begun.count());
        if context.lists.keep(site, Part { begun, since, asked }, now) {
            return Scanned::Unfinished(lists::in_words(&work.image, tags, now - since));
        }
    }
    let login = work.login.as_ref().map(|login| lent::used(login, session.login_works(), failure.as_ref()));
    let host = lent::told(&session, failure.as_ref());
    Scanned::Done(Box::new(ScanReport {
        outcome,
        take_update: true,
        knows_requests: KNOWN_REQUESTS,
        login,
        host,
        begun: Some(asked),
    }))
}

/// Keeps the first failure, or one that is of all images.
fn keep(kept: &mut Option<Failure>, failure: Failure) {
    if kept.is_none() || failure.concerns_all() {
        *kept = Some(failure);
    }
}

/// Why something is left to a later scan, which is no fault of the registry's.
fn left(reason: String) -> Failure {
    Failure { reason, retry_at: None, throttled: false, login: None }
}

fn failed(failure: Failure) -> ScanOutcome {
    let fault = lent::fault(&failure);
    ScanOutcome::Failed { reason: failure.reason, retry_at: failure.retry_at, fault }
}

/// What was found, and why no more.
async fn read(
    session: &Session,
    work: &ScanWork,
    ticket: &Ticket,
    begun: &mut Begun,
) -> (ScanOutcome, Option<Failure>) {
    let until = Instant::now() + DESCRIBE_TIME;
    let page = tokio::select! {
        page = session.list_on(&work.image, work.etag.as_deref(), begun) => page,
        () = giving_way(ticket) => {
            let (registry, seconds) = (work.image.registry(), QUICK_SCAN.as_secs());
            let reason = format!("`{registry}` answered too slowly: after {seconds} s the scan gave way to other work");
            TagPage::Failed(left(reason))
        }
    };
    match page {
        TagPage::Complete { tags, etag } => {
            let enough = || Instant::now() >= until || ticket.gives_way(Instant::now());
            let now = Utc::now();
            let Described { mut tags, mut failure } = describe::describe(session, work, tags, now, enough).await;
            let is_refused = failure.as_ref().is_some_and(Failure::concerns_all);
            let unverified = verify::check_signatures(session, work, &mut tags, now, || is_refused || enough()).await;
            if let Some(unverified) = unverified {
                keep(&mut failure, unverified);
            }
            if let Some(failure) = &failure {
                tracing::warn!(image = %work.image, "not all tags of {} are described: {}", work.image, failure.reason);
            }
            let undescribed = failure.clone().map(|Failure { reason, retry_at, .. }| ScanFault { reason, retry_at });
            (ScanOutcome::Complete { tags, etag, undescribed }, failure)
        }
        TagPage::Unchanged => (ScanOutcome::Unchanged, None),
        TagPage::Failed(failure) => (failed(failure.clone()), Some(failure)),
    }
}

/// Returns when the scan must give way to others.
async fn giving_way(ticket: &Ticket) {
    sleep(QUICK_SCAN).await;
    while !ticket.gives_way(Instant::now()) {
        sleep(SLOW_LOOK).await;
    }
}
