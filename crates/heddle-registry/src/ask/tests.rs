use super::*;

#[test]
fn a_wait_is_seconds_or_a_date_and_has_a_bound() {
    let now = DateTime::parse_from_rfc3339("2026-11-23T10:00:00Z").unwrap().with_timezone(&Utc);
    let wait = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_at(&headers, now).map(|at| (at - now).num_seconds())
    };
    assert_eq!(wait("120"), Some(120));
    assert_eq!(wait("Mon, 23 Nov 2026 10:05:00 GMT"), Some(300));
    assert_eq!(wait("Mon, 23 Nov 2026 09:00:00 GMT"), Some(0));
    assert_eq!(wait("99999999999"), Some(86_400));
    assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), Some(0));
    assert_eq!(wait("soon"), None);
}
