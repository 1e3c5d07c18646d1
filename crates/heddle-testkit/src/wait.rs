//! Waiting for a condition, with a deadline, and with words when it does not come.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

/// How long tests wait for anything. Generous, since two cores run everything at once; what takes long is a fault that
/// shows in the message, not a number to assert on.
pub const LONG: Duration = Duration::from_secs(60);

/// Looks again and again until `look` gives a value. `look` says what it saw instead, and the last of that stands in
/// the error when `limit` is over.
///
/// # Errors
/// When the value did not come.
pub async fn until<T, E: Display>(
    what: impl Display,
    limit: Duration,
    mut look: impl AsyncFnMut() -> std::result::Result<T, E>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        let seen = match look().await {
            Ok(value) => return Ok(value),
            Err(seen) => seen,
        };
        if started.elapsed() > limit {
            bail!("waited {} s for {what}; last seen: {seen:#}", limit.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
