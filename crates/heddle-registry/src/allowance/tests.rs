use reqwest::header::{HeaderName, HeaderValue};

use super::*;

fn now() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

/// Limit, what is left of it, and in how many seconds it is full again.
fn check(headers: &[(&'static str, &'static str)], expected: Option<(u64, u64, Option<i64>)>) {
    let map: HeaderMap =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let found = allowance(&map, now());
    let found = found.map(|one| (one.limit, one.remaining, one.resets_at.map(|at| (at - now()).num_seconds())));
    assert_eq!(found, expected, "{headers:?}");
}

#[test]
fn every_published_form_is_read() {
    let docker = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")];
    check(&docker, Some((100, 76, None)));
    let draft = [("ratelimit-limit", "10"), ("ratelimit-remaining", "9"), ("ratelimit-reset", "4")];
    check(&draft, Some((10, 9, Some(4))));
    let windows = [("ratelimit-limit", "10, 10;w=1, 50;w=60"), ("ratelimit-remaining", "9"), ("ratelimit-reset", "1")];
    check(&windows, Some((10, 9, Some(1))));
    check(&[("ratelimit", "limit=100, remaining=50, reset=5")], Some((100, 50, Some(5))));
    let policy = ("ratelimit-policy", "\"burst\";q=100;w=60,\"daily\";q=1000;w=86400");
    check(&[("ratelimit", "\"burst\";r=50;t=30"), policy], Some((100, 50, Some(30))));
    check(&[("ratelimit", "\"daily\";r=7"), policy], Some((1000, 7, None)));
    // 1780315260 is a minute after noon.
    let github = [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1780315260")];
    check(&github, Some((5000, 0, Some(60))));
    let gitlab = [("ratelimit-limit", "60"), ("ratelimit-remaining", "10"), ("ratelimit-reset", "1780315260")];
    check(&gitlab, Some((60, 10, Some(60))));
}

#[test]
fn what_says_nothing_or_lies_is_passed_over_or_bounded() {
    check(&[], None);
    check(&[("ratelimit-limit", "100")], None);
    check(&[("ratelimit-limit", "0"), ("ratelimit-remaining", "0")], None);
    check(&[("ratelimit-limit", "many"), ("ratelimit-remaining", "1")], None);
    check(&[("ratelimit-limit", "-1"), ("ratelimit-remaining", "-1")], None);
    check(&[("ratelimit", "\"a\";r=1"), ("ratelimit-policy", "\"b\";q=1")], None);
    check(&[("ratelimit-limit", "10"), ("ratelimit-remaining", "99")], Some((10, 10, None)));
    let long = [("ratelimit-limit", "10"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "999999999")];
    check(&long, Some((10, 0, Some(24 * 3600))));
    let past = [("ratelimit-limit", "10"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "1000000000")];
    check(&past, Some((10, 0, Some(0))));
}

#[test]
fn the_answer_that_leaves_the_least_counts() {
    let of = |remaining, limit| Some(Allowance { limit, remaining, resets_at: None });
    assert_eq!(least(of(50, 100), of(40, 100)), of(40, 100));
    assert_eq!(least(of(50, 1000), of(40, 100)), of(50, 1000), "in parts of its limit");
    assert_eq!(least(None, of(1, 2)), of(1, 2));
    assert_eq!(least(None, None), None);
}
