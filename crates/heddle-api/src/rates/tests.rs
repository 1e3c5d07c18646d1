use axum::http::StatusCode;

use super::*;

#[test]
fn an_empty_bucket_says_when_it_has_one_again_and_empties_no_other() {
    let buckets = Buckets::new(Rate { burst: 2, each: Duration::from_secs(3600) });
    let [one, other] = [Uuid::now_v7(), Uuid::now_v7()];
    assert!(buckets.take(one).is_ok() && buckets.take(one).is_ok());
    let refused = buckets.take(one).unwrap_err();
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.retry_after.is_some_and(|wait| !wait.is_zero()));
    assert!(buckets.take(other).is_ok());
}
