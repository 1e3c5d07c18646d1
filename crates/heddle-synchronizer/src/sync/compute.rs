//! Work that computes for long, kept off the threads on which everything else waits for its turn. The Lease is renewed
//! there too.

use std::time::Duration;

use tokio::sync::Semaphore;

/// How many paths are rendered, or matched with their cluster, at once in this process. Each may take all the memory that a
/// path may take, and a core, so many Syncs that begin together would take what the agent does not have.
pub(crate) const MAX_AT_ONCE: usize = 2;

/// How many of them may take longer than [`QUICK_LIMIT`]: the others get the rest of the turns however many are slow.
const MAX_SLOW: usize = 1;

/// How long a path may hold any turn. One that takes longer begins anew in its turn among the slow ones.
pub(crate) const QUICK_LIMIT: Duration = Duration::from_secs(15);

static TURNS: Turns = Turns::new();

/// For which turns a path waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// For any, which it holds for [`QUICK_LIMIT`] at the most.
    #[default]
    Quick,
    /// For those of the slow ones.
    Slow,
}

/// The turns of all Syncs.
struct Turns {
    all: Semaphore,
    slow: Semaphore,
}

impl Turns {
    const fn new() -> Self {
        Self { all: Semaphore::const_new(MAX_AT_ONCE), slow: Semaphore::const_new(MAX_SLOW) }
    }

    /// Runs `work` when it has its turn, and keeps that until `work` ends, even when the caller is gone by then.
    async fn take<T: Send + 'static>(&'static self, pace: Pace, work: impl FnOnce() -> T + Send + 'static) -> T {
        // The slow ones wait for each other first, so that one that waits holds none of the others up.
        let slow = match pace {
            Pace::Quick => None,
            Pace::Slow => Some(self.slow.acquire().await.expect("nobody closes it")),
        };
        let turn = self.all.acquire().await.expect("nobody closes it");
        compute(move || {
            let _turns = (slow, turn);
            work()
        })
        .await
    }
}

/// Like [`compute`], for what takes much memory too: it waits for its turn.
pub(super) async fn compute_in_turn<T: Send + 'static>(pace: Pace, work: impl FnOnce() -> T + Send + 'static) -> T {
    TURNS.take(pace, work).await
}

/// Runs `work` on a thread of its own. A panic goes on in the caller.
pub(super) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests;
