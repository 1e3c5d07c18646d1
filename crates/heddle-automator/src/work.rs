//! Leases one piece of work after the other, and holds the lease while the work runs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use heddle_client::ClientError;
use heddle_github::{CommitError, GitHubError};
use heddle_service::backoff::Backoff;
use heddle_source::{FetchError, ReadError};
use heddle_wire::automator::{Done, Lease, LeaseRequest, Work};
use tokio_util::sync::CancellationToken;

use crate::{context::Context, read, scan, update};

/// How long one request waits for work.
const WAIT_SECS: u64 = 50;

/// Why a piece of work ended without its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// The work is somebody else's now. Nothing more is reported.
    #[error("the lease was lost")]
    LeaseLost,
    /// The branch moved while it was read or written; a read is due.
    #[error("the branch moved")]
    Moved,
    /// The API did not take it.
    #[error("the API failed")]
    Api(#[source] ClientError),
    /// Git.
    #[error("the repository could not be fetched")]
    Fetch(#[from] FetchError),
    /// The local clone.
    #[error("the local clone could not be read")]
    Store(#[from] ReadError),
    /// GitHub.
    #[error("GitHub failed")]
    GitHub(#[source] GitHubError),
    /// GitHub asks for patience.
    #[error("GitHub's rate limit lasts until {0}")]
    RateLimited(DateTime<Utc>),
    /// What cannot happen unless a task panicked.
    #[error("{0}")]
    Other(String),
}

/// Works until `shutdown`. What fails is reported, and never ends the loop.
pub(crate) async fn run(context: Context, shutdown: CancellationToken) {
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
    loop {
        let request = LeaseRequest { wait_secs: WAIT_SECS, automator: context.name.clone() };
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
                    next = keep(&context, &lease).await;
                }
            }
            Err(error) => {
                let wait = backoff.next_wait();
                tracing::warn!(error = %chain(&error), "no work could be leased, trying again in {wait:.1?}");
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
}

/// Does the work while the lease is renewed; a lost lease ends the work at its next wait.
async fn keep(context: &Context, lease: &Lease) -> Option<Lease> {
    let outcome = tokio::select! {
        outcome = do_work(context, lease) => outcome,
        () = renew(context, lease) => Err(WorkError::LeaseLost),
    };
    match outcome {
        Ok(next) => next,
        Err(WorkError::LeaseLost) => {
            tracing::info!(lease = %lease.id, "the lease was lost, its work is dropped");
            None
        }
        Err(error) => {
            tracing::warn!(lease = %lease.id, work = word(&lease.work), error = %chain(&error), "work failed");
            let read_due = matches!(error, WorkError::Moved);
            let done = Done { failed: Some(sentence(&error)), retry_at: retry_at(&error), read_due };
            if let Err(error) = context.api.done(lease, &done).await {
                tracing::warn!(lease = %lease.id, error = %chain(&error), "a failure could not be reported");
            }
            None
        }
    }
}

async fn do_work(context: &Context, lease: &Lease) -> Result<Option<Lease>, WorkError> {
    match &lease.work {
        Work::Read(work) => read::read(context, lease, work).await.map(|()| None),
        Work::Scan(work) => scan::scan(context, lease, work).await,
        Work::Update(work) => update::update(context, lease, work).await.map(|()| None),
    }
}

/// Returns when the lease is lost. While the API is away the work goes on: what it writes is safe by compare-and-swap,
/// and its report is refused if the lease ended meanwhile.
async fn renew(context: &Context, lease: &Lease) {
    let term = (lease.expires_at - Utc::now()).to_std().unwrap_or_default();
    let pause = (term / 3).clamp(Duration::from_millis(200), Duration::from_secs(20));
    loop {
        tokio::time::sleep(pause).await;
        match context.api.renew(lease).await {
            Ok(()) => {}
            Err(ClientError::LeaseLost) => return,
            Err(error) => tracing::debug!(lease = %lease.id, error = %chain(&error), "the lease was not renewed"),
        }
    }
}

impl From<ClientError> for WorkError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::LeaseLost => Self::LeaseLost,
            other => Self::Api(other),
        }
    }
}

impl From<GitHubError> for WorkError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::RateLimited { retry_at } => Self::RateLimited(retry_at),
            other => Self::GitHub(other),
        }
    }
}

impl From<CommitError> for WorkError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Moved { .. } => Self::Moved,
            CommitError::RateLimited { retry_at } => Self::RateLimited(retry_at),
            CommitError::Other(error) => Self::GitHub(error),
            other => Self::Other(other.to_string()),
        }
    }
}

fn retry_at(error: &WorkError) -> Option<DateTime<Utc>> {
    match error {
        WorkError::RateLimited(at) => Some(*at),
        // The read that is due now sees the new head.
        WorkError::Moved => Some(Utc::now()),
        _ => None,
    }
}

/// The failure for people: our words and those of its cause.
fn sentence(error: &WorkError) -> String {
    chain(error).chars().take(500).collect()
}

/// An error with its causes, once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

fn word(work: &Work) -> &'static str {
    match work {
        Work::Read(_) => "read",
        Work::Scan(_) => "scan",
        Work::Update(_) => "update",
    }
}
