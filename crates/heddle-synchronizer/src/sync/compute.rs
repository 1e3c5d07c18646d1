//! Work that computes for long, kept off the threads on which everything else waits for its turn. The Lease is renewed
//! there too.

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
    async fn a_panic_is_the_callers() {
        let ended = tokio::spawn(compute(|| panic!("at work"))).await;
        assert!(ended.is_err_and(|error| error.is_panic()));
    }
}
