#![allow(clippy::unwrap_used)]

use super::*;

#[track_caller]
fn check(automator_seen: Option<i64>, scan: Option<&str>, update: Option<&str>, expected: &str) {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let push = Waiting {
        image: "ghcr.io/acme/api".parse().unwrap(),
        tag: "1.4.2".parse().unwrap(),
        pushed_at: now,
        scan_error: scan.map(str::to_owned),
        update_error: update.map(str::to_owned),
        rests_until: None,
        served_by: None,
    };
    let seen = automator_seen.map(|seconds| now - TimeDelta::seconds(seconds));
    assert_eq!(reason(&push, seen, now), expected);
}

#[test]
fn the_farthest_obstacle_is_the_reason() {
    check(None, None, None, "no automator has asked for work yet");
    check(Some(58 * 60 + 20), Some("403"), None, "no automator for 58 min");
    check(Some(3 * 3600), None, None, "no automator for 3 h");
    check(Some(50), Some("403"), Some("x"), "its registry could not be read: 403");
    check(Some(50), None, Some("GitHub failed"), "the last update failed: GitHub failed");
    check(Some(50), None, None, "an automator looks at it next");
}

#[test]
fn a_registry_that_rests_or_whose_own_automator_is_silent_is_said() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    let push = Waiting {
        image: "ghcr.io/acme/api".parse().unwrap(),
        tag: "1.4.2".parse().unwrap(),
        pushed_at: now,
        scan_error: Some("429".into()),
        update_error: None,
        rests_until: Some(now + TimeDelta::seconds(90)),
        served_by: None,
    };
    let rests = "its registry asks for fewer requests; it is asked again at 00:01:30 UTC";
    assert_eq!(reason(&push, Some(now), now), rests);
    assert_eq!(reason(&push, Some(now), now + TimeDelta::seconds(91)), "its registry could not be read: 429");
    let seen_at = Some(now - TimeDelta::minutes(12));
    let served = Waiting { served_by: Some(("eu".into(), seen_at)), ..push };
    let silent = "the automator `eu`, which alone serves its registry, is silent for 12 min";
    assert_eq!(reason(&served, Some(now), now), silent);
    let served = Waiting { served_by: Some(("eu".into(), Some(now))), ..served };
    assert_eq!(reason(&served, Some(now), now), rests);
}
