//! Many requests at a time, until there is something newer to be done.

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

/// What these come to, `at_once` at a time. When `stop` is cancelled no more are begun, those under way are given up, and
/// what has ended by then is given. The API server gives up a request whose connection ends; whether it was done all the
/// same shows in the watch.
pub(in crate::sync) async fn until_stopped<T>(
    requests: Vec<impl Future<Output = T>>,
    at_once: usize,
    stop: &CancellationToken,
) -> Vec<T> {
    let mut ended = Vec::with_capacity(requests.len());
    let mut requests = futures::stream::iter(requests).buffer_unordered(at_once);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return ended,
            next = requests.next() => match next {
                Some(result) => ended.push(result),
                None => return ended,
            },
        }
    }
}

#[cfg(test)]
mod tests;
