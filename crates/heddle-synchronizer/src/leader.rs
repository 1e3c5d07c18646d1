//! Of all agents in a cluster one works, and the others wait until it gives up or dies.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    path::Path,
    pin::pin,
    time::Duration,
};

use anyhow::{Context, bail};
use heddle_kube::{Election, Leadership};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::metrics;

/// How long the others wait for a holder that says nothing.
pub const LEASE: Duration = Duration::from_secs(15);

/// How often the holder says something.
const RENEW_EVERY: Duration = Duration::from_secs(5);

/// A holder that could not renew for so long stops to work: sooner than another one may begin.
const RENEW_LIMIT: Duration = Duration::from_secs(10);

/// How often the others look.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a program that ends tries to give the Lease up.
const RELEASE_LIMIT: Duration = Duration::from_secs(5);

/// What `/readyz` says: nothing, or why not.
pub type Readiness = watch::Sender<Result<(), &'static str>>;

/// This process among all agents, as long as it is held.
pub struct Instance {
    name: String,
    _lock: File,
}

impl Instance {
    /// The instance that `dir` belongs to. A process that was killed and started again with the same directory is the
    /// same one, so it need not wait for its own Lease.
    ///
    /// # Errors
    /// When another process uses the directory, or it cannot be written.
    pub fn claim(dir: &Path, host: &str) -> anyhow::Result<Self> {
        let path = dir.join("instance");
        let mut lock = File::options().create(true).append(true).open(&path).context("HEDDLE_STATE_DIR")?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("HEDDLE_STATE_DIR: another process uses `{}`; give each its own folder", dir.display())
            }
            Err(TryLockError::Error(error)) => return Err(error).context("HEDDLE_STATE_DIR"),
        }
        let kept = fs::read_to_string(&path).context("HEDDLE_STATE_DIR")?;
        let name = match kept.trim() {
            "" => {
                let name = format!("{host}_{}", Uuid::new_v4());
                lock.write_all(name.as_bytes()).context("HEDDLE_STATE_DIR")?;
                name
            }
            kept => kept.to_owned(),
        };
        Ok(Self { name, _lock: lock })
    }

    /// Its name, which no other has.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Runs `work` whenever this process holds the Lease, until `shutdown`. The token that `work` gets ends with the Lease.
///
/// # Errors
/// Those of `work`.
pub async fn lead<Work: Future<Output = anyhow::Result<()>>>(
    mut election: Election,
    ready: &Readiness,
    shutdown: &CancellationToken,
    work: impl Fn(CancellationToken) -> Work,
) -> anyhow::Result<()> {
    metrics::leads(false);
    while shutdown.run_until_cancelled(await_lease(&mut election, ready)).await.is_some() {
        info!("this agent holds the Lease and begins to work");
        metrics::leads(true);
        let term = shutdown.child_token();
        let mut working = pin!(work(term.clone()));
        let result = tokio::select! {
            result = &mut working => result,
            reason = renew(&mut election) => {
                warn!("this agent stops to work: {reason}");
                term.cancel();
                working.await
            }
        };
        metrics::leads(false);
        result?;
        if shutdown.is_cancelled()
            && let Ok(Err(error)) = tokio::time::timeout(RELEASE_LIMIT, election.release()).await
        {
            warn!("the Lease could not be given up, so the next agent waits for its end: {error}");
        }
    }
    Ok(())
}

async fn await_lease(election: &mut Election, ready: &Readiness) {
    let mut known = None;
    loop {
        match election.claim().await {
            Ok(Leadership::Leads) => return,
            Ok(Leadership::Waits { holder }) => {
                // One that waits is as it should be.
                let _before = ready.send_replace(Ok(()));
                if known.as_ref() != Some(&holder) {
                    info!(holder, "{holder} holds the Lease, so this agent waits");
                    known = Some(holder);
                }
            }
            Err(error) => warn!("the Lease cannot be asked for: {error}"),
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Renews the Lease until that fails for good; gives the reason.
async fn renew(election: &mut Election) -> String {
    let mut renewed_at = Instant::now();
    loop {
        sleep(RENEW_EVERY.min((renewed_at + RENEW_LIMIT).saturating_duration_since(Instant::now()))).await;
        match tokio::time::timeout_at(renewed_at + RENEW_LIMIT, election.claim()).await {
            Ok(Ok(Leadership::Leads)) => renewed_at = Instant::now(),
            Ok(Ok(Leadership::Waits { holder })) => return format!("{holder} holds the Lease"),
            Ok(Err(error)) if renewed_at.elapsed() < RENEW_LIMIT => {
                warn!("the Lease could not be renewed, next try soon: {error}");
                sleep(Duration::from_secs(1)).await;
            }
            Ok(Err(error)) => return format!("the Lease cannot be renewed: {error}"),
            Err(_) => return "the API server does not answer, so the Lease cannot be renewed".to_owned(),
        }
    }
}
