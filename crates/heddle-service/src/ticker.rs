//! Runs something again and again.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::backoff::random_fraction;

/// Runs `tick` now and then each `period` (give or take a tenth, so that replicas do not march in step), until
/// `shutdown`. A tick that takes longer than the period delays the next one; ticks never overlap.
pub async fn run<F, Fut>(period: Duration, shutdown: CancellationToken, mut tick: F)
where
    F: FnMut() -> Fut,
    Fut: Future<Output = ()>,
{
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tick() => {}
        }
        let pause = period.mul_f64(0.9 + random_fraction() / 5.0);
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
