//! Environments that follow others.

use super::*;

/// Prod follows staging, whose tags were healthy from one minute to another.
fn following(after: &str, prod: &str, proven: &[(&str, i64, Option<i64>)]) -> World {
    let mut world = World::new("1.4.3", prod, &["1.4.1", "1.4.2", "1.4.3"]);
    let promote = format!("{{name: prod, path: prod, promote: {{from: staging, after: {after}}}}}");
    world.rules = world.rules.replace("{name: prod, path: prod}", &promote);
    let minute = |minute: i64| DateTime::UNIX_EPOCH - TimeDelta::hours(1) + TimeDelta::minutes(minute);
    let healthy = |(tag, since, until): &(&str, i64, Option<i64>)| Proven {
        environment: "staging".parse().unwrap(),
        image: "acme/api".parse().unwrap(),
        tag: tag.parse().unwrap(),
        since: minute(*since),
        until: until.map(minute),
    };
    world.proven = proven.iter().map(healthy).collect();
    world
}

#[test]
fn an_environment_that_follows_takes_what_was_healthy_for_long_enough() {
    let update = |tag: &str| format!("new pull-request prod: Update api to {tag} in prod [prod/kustomization.yaml]\n");
    let waits = "gated prod 1.4.3: waits until `staging` was healthy with it for 30 min (`.heddle.yaml:4`)\n";
    // It is an hour after the first minute.
    following("30m", "1.4.1", &[("1.4.3", 30, None)]).check(&update("1.4.3"));
    following("30m", "1.4.1", &[("1.4.2", 0, Some(30)), ("1.4.3", 31, None)]).check(&update("1.4.2"));
    following("30m", "1.4.1", &[("1.4.2", 0, Some(29))]).check(waits);
    following("30m", "1.4.1", &[]).check(waits);
    let plan = following("30m", "1.4.1", &[("1.4.3", 31, None)]).check(waits);
    assert_eq!(plan.request.next_due_at, Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(1)));
    following("0s", "1.4.1", &[("1.4.3", 60, None)]).check(&update("1.4.3"));
    following("30m", "1.4.3", &[]).check("");
}

#[test]
fn a_place_that_both_share_is_not_promoted() {
    let mut world = following("0s", "1.4.1", &[("1.4.3", 0, None)]);
    world.files = vec![
        ("base/kustomization.yaml".into(), "images:\n  - name: acme/api\n    newTag: 1.4.1\n".into()),
        ("staging/kustomization.yaml".into(), "resources: [../base]\n".into()),
        ("prod/kustomization.yaml".into(), "resources: [../base]\n".into()),
    ];
    world.check(
        "finding shared-place `prod` follows an environment that shares this place, so it is not updated: give each an \
         `images:` entry of its own in its overlay\n",
    );
}

#[test]
fn a_promotion_names_its_tag_and_waits_where_that_is_below_what_runs() {
    let below = "gated prod 1.4.2: `staging` is healthy with it, and it is a lower version than `1.4.3`, which runs now \
                 (`.heddle.yaml:4`)\n";
    following("30m", "1.4.3", &[("1.4.1", 0, Some(10)), ("1.4.2", 0, None)]).check(below);
    // What stood there before is history.
    following("30m", "1.4.3", &[("1.4.1", 0, Some(40)), ("1.4.3", 20, None)]).check("");
    // What runs needs no place in the order.
    let named = "new pull-request prod: Update api to 1.4.2 in prod [prod/kustomization.yaml]\n";
    following("30m", "stable", &[("1.4.2", 0, None)]).check(named);
}
