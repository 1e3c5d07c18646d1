use std::future::pending;

use futures::future::{BoxFuture, FutureExt, ready};

use super::*;

#[tokio::test]
async fn what_has_ended_is_kept_and_the_rest_is_given_up() {
    let stop = CancellationToken::new();
    let stops = stop.clone();
    let requests: Vec<BoxFuture<'static, u8>> = vec![
        ready(1).boxed(),
        async move {
            stops.cancel();
            2
        }
        .boxed(),
        pending().boxed(),
        async { panic!("it is not to be begun") }.boxed(),
    ];
    assert_eq!(until_stopped(requests, 2, &stop).await, [1, 2]);
}
