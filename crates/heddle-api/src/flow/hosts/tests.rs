#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;

use super::*;

fn automator(number: u128, hosts: &[&str]) -> OwnAutomator {
    OwnAutomator {
        id: Uuid::from_u128(number),
        name: number.to_string(),
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        added_by: "ada@example.com".into(),
        added_at: DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(number).unwrap()),
        seen_at: None,
    }
}

#[test]
fn a_host_is_served_by_the_automator_that_says_the_most_of_it() {
    let all = [
        automator(1, &["*.example.com"]),
        automator(2, &["registry.example.com", "quay.io"]),
        automator(3, &["*.b.example.com", "quay.io"]),
    ];
    let claimer = |host: &str| claimer(&all, host).map(|id| id.as_u128());
    assert_eq!(claimer("registry.example.com"), Some(2));
    assert_eq!(claimer("other.example.com"), Some(1));
    assert_eq!(claimer("a.b.example.com:5000"), Some(3));
    assert_eq!(claimer("quay.io"), Some(2), "the one that was there first");
    assert_eq!(claimer("ghcr.io"), None);
}
