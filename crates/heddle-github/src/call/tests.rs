use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn limit(status: StatusCode, pairs: &[(&'static str, &str)]) -> Option<i64> {
    let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
    match refusal(status, &headers(pairs), "{}", "/x", now) {
        GitHubError::RateLimited { retry_at } => Some((retry_at - now).num_seconds()),
        _ => None,
    }
}

#[test]
fn a_rate_limit_says_when_to_come_again() {
    assert_eq!(limit(StatusCode::FORBIDDEN, &[("retry-after", "30")]), Some(30));
    assert_eq!(limit(StatusCode::TOO_MANY_REQUESTS, &[]), Some(60));
    let reset = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000090")];
    assert_eq!(limit(StatusCode::FORBIDDEN, &reset), Some(90));
    assert_eq!(limit(StatusCode::FORBIDDEN, &[("x-ratelimit-remaining", "12")]), None, "403 alone is a missing right");
    assert_eq!(
        limit(StatusCode::FORBIDDEN, &[("retry-after", "999999999999")]),
        Some(7200),
        "no header stops us for years"
    );
}

#[test]
fn a_next_page_is_a_path_within_the_api() {
    let link = "<https://host/api/v3/repos/a/b/commits?page=1>; rel=\"prev\", <https://host/api/v3/repos/a/b/commits?per_page=2&page=3>; rel=\"next\"";
    assert_eq!(next_page(&headers(&[("link", link)]), "/api/v3").unwrap(), "/repos/a/b/commits?per_page=2&page=3");
    assert_eq!(next_page(&headers(&[("link", link)]), "/elsewhere"), None);
    assert_eq!(next_page(&headers(&[("link", "<x>; rel=\"next\"")]), ""), None);
    assert_eq!(next_page(&HeaderMap::new(), ""), None);
}

#[test]
fn a_path_keeps_slashes_and_hides_what_would_end_it() {
    assert_eq!(path(&["git", "ref", "heads", "heddle/prod/1"]), "/git/ref/heads/heddle/prod/1");
    assert_eq!(path(&["a#b?c d%ä"]), "/a%23b%3Fc%20d%25%C3%A4");
}
