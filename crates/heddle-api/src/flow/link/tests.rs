use super::*;

/// An agent that was heard and whose last report was taken so many seconds ago.
#[track_caller]
fn check(seen: i64, reported: Option<i64>, link: Link) {
    let now: DateTime<Utc> = "2026-06-01T12:00:00Z".parse().unwrap();
    let ago = |seconds| now - TimeDelta::seconds(seconds);
    let heard = LastHeard { seen_at: Some(ago(seen)), reported_at: reported.map(ago), revoked_at: None };
    assert_eq!(of(&heard, now), link);
}

#[test]
fn an_agent_is_as_far_as_it_was_heard() {
    check(10, Some(10), Link::Connected);
    check(100, Some(100), Link::Late);
    check(400, Some(400), Link::Offline);
}

#[test]
fn an_agent_that_asks_while_its_reports_do_not_arrive_is_silent() {
    check(10, Some(301), Link::Silent);
    check(10, Some(299), Link::Connected);
    check(400, Some(1000), Link::Offline);
    check(10, None, Link::Connected);
}
