use chrono::TimeDelta;
use heddle_reconcile::{GroupKind, PruneGuard, health::judge};
use serde_json::json;

use super::*;

fn kind() -> GroupKind {
    GroupKind { group: "example.org".into(), kind: "Widget".into() }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey { kind: kind(), namespace: None, name: name.to_owned() }
}

fn place() -> WatchPlace {
    (kind(), None)
}

fn live(name: &str, owner: &str, version: u64) -> LiveObject {
    LiveObject {
        uid: name.to_owned(),
        resource_version: version.to_string(),
        owner: Some(owner.to_owned()),
        entry: None,
        deleting: false,
        guard: PruneGuard::None,
    }
}

fn seen_at(name: &str, version: u64) -> WatchEvent {
    let live = live(name, "own", version);
    WatchEvent::Object(Box::new(WatchedObject {
        key: key(name),
        live,
        managed_fields: Value::Null,
        inherited: None,
        judged: None,
    }))
}

fn seen(name: &str, object: &Value, now: DateTime<Utc>) -> WatchEvent {
    let judged = Judged { verdict: judge(object, now), images: Vec::new(), pod_labels: Vec::new() };
    let live = live(name, "own", 1);
    WatchEvent::Object(Box::new(WatchedObject {
        inherited: None,
        key: key(name),
        live,
        managed_fields: Value::Null,
        judged: Some(judged),
    }))
}

/// What is known once these events were taken in.
fn observed(events: impl IntoIterator<Item = WatchEvent>) -> Observed {
    let mut observed = Observed::default();
    for event in events {
        observed.observe(event, None, Utc::now());
    }
    observed
}

fn applied(name: &str, version: u64) -> Applied {
    Applied {
        inherited: None,
        guard: PruneGuard::None,
        uid: name.to_owned(),
        resource_version: version.to_string(),
        entry: None,
        managed_fields: Value::Null,
        taken: Vec::new(),
    }
}

#[test]
fn a_verdict_that_changes_by_itself_is_looked_at_when_it_does() {
    let now: DateTime<Utc> = "2026-11-24T01:00:00Z".parse().unwrap();
    let mut observed = Observed::default();
    let widget = |created: &str| {
        let metadata = json!({"name": "w", "generation": 1, "creationTimestamp": created});
        json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": metadata, "spec": {}})
    };
    observed.observe(seen("old", &widget("2026-11-23T01:00:00Z"), now), None, now);
    assert_eq!(observed.next_change(now), None);
    for (name, created) in [("young", "2026-11-24T00:59:40Z"), ("younger", "2026-11-24T00:59:50Z")] {
        observed.observe(seen(name, &widget(created), now), None, now);
    }
    let first = observed.next_change(now).unwrap();
    assert!(first > now && first < now + TimeDelta::seconds(60), "{first}");
    let second = observed.next_change(first).unwrap();
    assert_eq!(second - first, TimeDelta::seconds(10));
    assert_eq!(observed.next_change(second), None);
}

#[test]
fn what_is_not_listed_again_is_gone() {
    let mut observed = observed([seen_at("a", 1), seen_at("b", 2)]);
    for event in [WatchEvent::Restarted(place()), seen_at("a", 1), WatchEvent::Complete(place())] {
        observed.observe(event, None, Utc::now());
    }
    let names: Vec<_> = observed.live.objects.keys().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn an_object_that_is_applied_while_its_place_is_listed_is_not_gone_when_the_list_is_complete() {
    let mut observed = observed([WatchEvent::Restarted(place()), seen_at("a", 1)]);
    // The list was read before this object was made.
    observed.observe_applied(&key("new"), "own", &applied("new", 5));
    observed.observe(WatchEvent::Complete(place()), None, Utc::now());
    assert!(observed.live.objects.contains_key(&key("new")));
    assert!(!observed.is_missed(&key("new")));
}

#[test]
fn objects_of_other_syncs_are_known_as_they_were_listed_and_become_ours_when_they_are_seen() {
    let mut observed = observed([WatchEvent::Restarted(place()), seen_at("own", 1), WatchEvent::Complete(place())]);
    let theirs = |names: &[&str]| names.iter().map(|name| (key(name), live(name, "other", 3))).collect();
    observed.observe_foreign(&place(), theirs(&["x", "y"]));
    assert_eq!(observed.live.objects[&key("x")].owner.as_deref(), Some("other"));
    // Neither a list of our own says anything about them, nor theirs about ours.
    for event in [WatchEvent::Restarted(place()), seen_at("own", 1), WatchEvent::Complete(place())] {
        observed.observe(event, None, Utc::now());
    }
    assert!(observed.live.objects.contains_key(&key("x")));
    observed.observe(seen_at("y", 4), None, Utc::now());
    observed.observe_foreign(&place(), theirs(&["y"]));
    assert!(!observed.live.objects.contains_key(&key("x")), "it is not theirs any more");
    assert_eq!(observed.live.objects[&key("y")].owner.as_deref(), Some("own"), "the list is older");
    assert!(observed.live.objects.contains_key(&key("own")));
}
