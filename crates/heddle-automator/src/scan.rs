//! `scan`: lists the tags of one image, and describes those that a policy must know more of.

mod describe;

use chrono::Utc;
use heddle_registry::{Credential, Failure, Session, TagPage};
use heddle_wire::automator::{ScanFault, ScanOutcome, ScanWork};
use tokio::time::{Instant, sleep};

use self::describe::Described;
use crate::{
    context::Context,
    limits::{DESCRIBE_TIME, QUICK_SCAN, SLOW_LOOK},
    share::Ticket,
};

/// Lists and describes. Each scan logs in anew: a token says what one owner may read, so none is kept for another.
pub(crate) async fn scan(context: &Context, work: &ScanWork, ticket: &Ticket) -> ScanOutcome {
    let until = Instant::now() + DESCRIBE_TIME;
    let credential = work.credential.as_ref();
    let credential =
        credential.map(|login| Credential { username: login.username.clone(), password: login.password.0.clone() });
    let session = Session::new(context.registries.clone(), work.image.registry(), credential);
    let page = tokio::select! {
        page = session.list_tags(&work.image, work.etag.as_deref()) => page,
        () = giving_way(ticket) => {
            let (registry, seconds) = (work.image.registry(), QUICK_SCAN.as_secs());
            let reason = format!("`{registry}` answered too slowly: after {seconds} s the scan gave way to other work");
            TagPage::Failed(Failure { reason, retry_at: None })
        }
    };
    match page {
        TagPage::Complete { tags, etag } => {
            let enough = || Instant::now() >= until || ticket.gives_way(Instant::now());
            let Described { tags, failure } = describe::describe(&session, work, tags, Utc::now(), enough).await;
            if let Some(failure) = &failure {
                tracing::warn!(image = %work.image, "not all tags of {} are described: {}", work.image, failure.reason);
            }
            let undescribed = failure.map(|Failure { reason, retry_at }| ScanFault { reason, retry_at });
            ScanOutcome::Complete { tags, etag, undescribed }
        }
        TagPage::Unchanged => ScanOutcome::Unchanged,
        TagPage::Failed(Failure { reason, retry_at }) => ScanOutcome::Failed { reason, retry_at },
    }
}

/// Returns when the scan must give way to others.
async fn giving_way(ticket: &Ticket) {
    sleep(QUICK_SCAN).await;
    while !ticket.gives_way(Instant::now()) {
        sleep(SLOW_LOOK).await;
    }
}
