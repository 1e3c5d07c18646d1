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
mod tests {
    use super::*;

    #[tokio::test]
    async fn others_go_on_while_something_is_computed() {
        // With one thread for all tasks, this ends only when the work is not done there.
        let (sender, receiver) = std::sync::mpsc::channel();
        let waits = compute(move || receiver.recv());
        let other = async { sender.send(7) };
        let (value, sent) = tokio::join!(waits, other);
        assert!(sent.is_ok() && value == Ok(7));
    }

    #[tokio::test]
    async fn few_take_turns_and_a_panic_ends_one() {
        static TURNS: Turns = Turns::new();
        for _ in 0..=MAX_AT_ONCE {
            let ended = tokio::spawn(TURNS.take(Pace::Slow, || panic!("at work"))).await;
            assert!(ended.is_err_and(|error| error.is_panic()));
        }
        let held = TURNS.all.acquire_many(u32::try_from(MAX_AT_ONCE).unwrap()).await.unwrap();
        let mut waits = std::pin::pin!(TURNS.take(Pace::Quick, || 7));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        drop(held);
        assert_eq!(waits.await, 7);
    }

    #[tokio::test]
    async fn slow_ones_never_hold_all_turns() {
        static TURNS: Turns = Turns::new();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let first = tokio::spawn(TURNS.take(Pace::Slow, move || ended.recv()));
        while TURNS.all.available_permits() == MAX_AT_ONCE {
            tokio::task::yield_now().await;
        }
        let mut second = std::pin::pin!(TURNS.take(Pace::Slow, || 2));
        assert!(futures::poll!(second.as_mut()).is_pending());
        assert_eq!(TURNS.take(Pace::Quick, || 1).await, 1);
        drop(end);
        assert!(first.await.unwrap().is_err());
        assert_eq!(second.await, 2);
    }

    #[tokio::test]
    async fn a_panic_is_the_callers() {
        let ended = tokio::spawn(compute(|| panic!("at work"))).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
}
