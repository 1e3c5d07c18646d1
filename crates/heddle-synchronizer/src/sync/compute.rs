//! Work that computes for long, kept off the threads on which everything else waits for its turn. The Lease is renewed
//! there too.

use tokio::sync::Semaphore;

/// How many paths are rendered, or matched with their cluster, at once in this process. Each may take all the memory that a
/// path may take, and a core, so many Syncs that begin together would take what the agent does not have.
pub(crate) const MAX_AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(MAX_AT_ONCE);

/// Like [`compute`], for what takes much memory too: it waits for its turn, and keeps that until `work` ends, even when the
/// caller is gone by then.
pub(super) async fn compute_in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let turn = TURNS.acquire().await.expect("nobody closes it");
    compute(move || {
        let _turn = turn;
        work()
    })
    .await
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
        for _ in 0..=MAX_AT_ONCE {
            let ended = tokio::spawn(compute_in_turn(|| panic!("at work"))).await;
            assert!(ended.is_err_and(|error| error.is_panic()));
        }
        let held = TURNS.acquire_many(u32::try_from(MAX_AT_ONCE).unwrap()).await.unwrap();
        let mut waits = std::pin::pin!(compute_in_turn(|| 7));
        assert!(futures::poll!(waits.as_mut()).is_pending());
        assert!(TURNS.try_acquire().is_err());
        drop(held);
        assert_eq!(waits.await, 7);
    }

    #[tokio::test]
    async fn a_panic_is_the_callers() {
        let ended = tokio::spawn(compute(|| panic!("at work"))).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
}
