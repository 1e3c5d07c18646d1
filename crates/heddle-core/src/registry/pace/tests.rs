use super::*;

fn now() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn seconds(seconds: i64) -> TimeDelta {
    TimeDelta::seconds(seconds)
}

fn left(remaining: u64, limit: u64, resets_in: i64) -> HostReport {
    let allowance = Allowance { limit, remaining, resets_at: Some(now() + seconds(resets_in)) };
    HostReport { allowance: Some(allowance), ..HostReport::default() }
}

fn throttled(retry_in: Option<i64>) -> HostReport {
    HostReport { throttled: true, retry_at: retry_in.map(|retry| now() + seconds(retry)), allowance: None }
}

/// Scans at once, and for how many seconds nothing begins.
fn pace(before: Pace, told: &HostReport) -> (u32, Option<i64>) {
    let after = before.after(told, now());
    (after.at_once, after.not_before.map(|at| (at - now()).num_seconds()))
}

#[test]
fn what_is_left_lasts_until_it_is_full_again() {
    let free = Pace::default();
    assert_eq!(pace(free, &HostReport::default()), (MOST_AT_ONCE, None), "it says nothing");
    assert_eq!(pace(free, &left(51, 100, 3600)), (MOST_AT_ONCE, None), "more than half is left");
    assert_eq!(pace(free, &left(50, 100, 3600)), (1, Some(72)));
    assert_eq!(pace(free, &left(6, 100, 3600)), (1, Some(600)));
    assert_eq!(pace(free, &left(1, 100, 21_600)), (1, Some(600)), "no longer than the longest rest while some is left");
    assert_eq!(pace(free, &left(0, 100, 21_600)), (1, Some(21_600)), "nothing is left");
    assert_eq!(pace(free, &left(0, 100, -5)), (1, Some(0)), "it is full again by now");
    let silent = HostReport {
        allowance: Some(Allowance { limit: 100, remaining: 0, resets_at: None }),
        ..HostReport::default()
    };
    assert_eq!(pace(free, &silent), (1, Some(600)), "it does not say until when");
}

#[test]
fn a_host_that_asks_for_fewer_requests_rests_as_long_as_it_says() {
    assert_eq!(pace(Pace::default(), &throttled(Some(120))), (1, Some(120)));
    let mut slow = Pace::default();
    for expected in [30, 60, 120, 240, 480, 600, 600] {
        slow = Pace { not_before: None, ..slow }.after(&throttled(None), now());
        assert_eq!(slow.not_before, Some(now() + seconds(expected)));
    }
    assert_eq!((slow.at_once, slow.slow_since), (1, Some(now())));
    let free = slow.after(&HostReport::default(), now() + seconds(601));
    assert_eq!(free, Pace::default(), "one scan tries it, and then all go on");
}

#[test]
fn scans_that_were_under_way_say_it_once() {
    let first = Pace::default().after(&throttled(None), now());
    let second = first.after(&throttled(None), now());
    assert_eq!((second.throttled, second.not_before), (1, first.not_before));
    assert_eq!(first.after(&HostReport::default(), now()), first, "one that was let through ends no rest");
    let longer = first.after(&throttled(Some(300)), now());
    assert_eq!(longer.not_before, Some(now() + seconds(300)));
    let shorter = longer.after(&throttled(Some(5)), now());
    assert_eq!(shorter.not_before, longer.not_before, "the latest that was said counts");
}

#[test]
fn a_host_that_was_slowed_down_goes_on_when_more_is_left() {
    let slow = Pace::default().after(&left(10, 100, 600), now());
    assert_eq!(slow.not_before, Some(now() + seconds(60)));
    let later = now() + seconds(61);
    let full = HostReport {
        allowance: Some(Allowance { limit: 100, remaining: 90, resets_at: None }),
        ..HostReport::default()
    };
    assert_eq!(slow.after(&full, later), Pace::default());
}
