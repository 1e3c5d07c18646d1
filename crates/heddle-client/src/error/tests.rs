use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn problem(code: &str, message: &str) -> Vec<u8> {
    format!(r#"{{"status":0,"code":"{code}","message":"{message}","request_id":"r1"}}"#).into_bytes()
}

fn check(status: u16, body: &[u8], expected: &str) {
    let error = ClientError::from_answer("https://h", StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body);
    assert!(format!("{error:?}").starts_with(expected), "{status}: {error:?}");
}

#[test]
fn each_refusal_is_what_a_caller_acts_on() {
    check(401, &problem("token-expired", "expired"), "Unauthorized");
    check(409, &problem("lease-lost", "lost"), "LeaseLost");
    check(409, &problem("name-taken", "taken"), "Problem");
    check(404, &problem("repository-not-connected", "connect it"), "NotConnected");
    check(404, &problem("not-found", "no such change"), "Problem");
    check(410, &problem("protocol-too-old", "update the agent"), "Gone { message: \"update the agent\" }");
    check(429, b"slow down", "RateLimited");
    check(500, &problem("internal", "sorry"), "Unavailable");
    check(502, b"<html>bad gateway</html>", "Unavailable");
    check(404, b"<html>not here</html>", "Foreign");
}

#[test]
fn a_body_that_is_no_problem_is_never_shown() {
    let error = ClientError::from_answer("https://h", StatusCode::NOT_FOUND, &HeaderMap::new(), b"token=hunter2");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn retry_after_is_read_as_seconds_and_as_a_date() {
    let now = DateTime::UNIX_EPOCH;
    let check = |pairs: &[(&'static str, &str)], expected: Option<u64>| {
        assert_eq!(read_retry_after(&headers(pairs), now), expected.map(Duration::from_secs));
    };
    check(&[], None);
    check(&[("retry-after", "7")], Some(7));
    check(&[("retry-after", "soon")], None);
    let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    check(&[date, ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")], Some(30));
    check(&[date, ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")], Some(0));
}

#[test]
fn a_redirect_is_named_without_its_query() {
    let headers = headers(&[("location", "https://login.example/start?code=hunter2")]);
    let error = ClientError::from_answer("https://h", StatusCode::FOUND, &headers, b"");
    assert_eq!(
        error.to_string(),
        "the answer of https://h is not one of Heddle's: it leads to `https://login.example/start` (status 302 Found); \
         set the API's own address"
    );
}
