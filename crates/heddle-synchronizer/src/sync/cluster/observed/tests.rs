use chrono::TimeDelta;
use heddle_kube::{Judged, WatchVerb};
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
        ..LiveObject::default()
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
        deleting: false,
        uid: name.to_owned(),
        resource_version: version.to_string(),
        entry: None,
        managed_fields: Value::Null,
        settled: Default::default(),
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

fn fault(fault: KubeError) -> WatchEvent {
    WatchEvent::Unwatchable(place(), WatchVerb::Watch, fault)
}

#[test]
fn a_place_that_cannot_be_watched_has_no_last_verdict() {
    let now = Utc::now();
    let why = |event: WatchEvent, later: TimeDelta| {
        let mut observed = observed([seen_at("a", 1), WatchEvent::Complete(place())]);
        observed.observe(event, None, now);
        assert!(!observed.live.covers(&key("a")));
        observed.blindness(&key("a"), now + later)
    };
    let forbidden = || fault(KubeError::Forbidden("cannot watch".into()));
    assert_eq!(why(forbidden(), TimeDelta::zero()).unwrap(), "it cannot be watched (watch): cannot watch");
    // What may pass has a while for it.
    let away = || fault(KubeError::Unavailable("refused".into()));
    assert_eq!(why(away(), TimeDelta::seconds(5)), None);
    assert!(why(away(), TimeDelta::seconds(20)).is_some());

    let mut observed = observed([seen_at("a", 1), WatchEvent::Complete(place())]);
    observed.observe(away(), None, now);
    assert_eq!(observed.next_change(now), Some(now + BLIND_AFTER));
    observed.observe(away(), None, now + TimeDelta::seconds(30));
    assert!(observed.blindness(&key("a"), now + TimeDelta::seconds(30)).is_some(), "it began anew");
    observed.observe(WatchEvent::Complete(place()), None, now);
    assert_eq!(observed.blind_spots(now + TimeDelta::days(1)).count(), 0);
}

#[test]
fn a_version_that_is_not_served_is_news_once() {
    let mut observed = Observed::default();
    let unserved = || fault(KubeError::NotServed("404 page not found".into()));
    assert!(observed.observe(unserved(), None, Utc::now()));
    assert!(!observed.observe(unserved(), None, Utc::now()));
    assert!(!observed.observe(fault(KubeError::Forbidden(String::new())), None, Utc::now()));
    assert!(observed.observe(unserved(), None, Utc::now()));
}

#[test]
fn a_place_that_is_watched_anew_is_not_known_until_its_list_has_come() {
    let mut observed = observed([WatchEvent::Complete(place()), fault(KubeError::NotServed(String::new()))]);
    observed.observe(WatchEvent::Complete(place()), None, Utc::now());
    observed.watch(&[place()].into(), &[]);
    assert!(!observed.awaits_lists());
    observed.watch(&[place()].into(), &[place()]);
    assert!(observed.awaits_lists());
    // Whoever began it may have been cut short: then it is not new any more, and nothing is known all the same.
    observed.watch(&[place()].into(), &[]);
    assert!(observed.awaits_lists());
    observed.observe(WatchEvent::Complete(place()), None, Utc::now());
    assert!(!observed.awaits_lists());
}

#[test]
fn only_what_heddle_applied_is_left_over() {
    let entry = OwnEntry { fields: "f".into(), time: "t".into() };
    let left = |change: &dyn Fn(&mut LiveObject)| {
        let mut live = live("a", "gone", 1);
        live.entry = Some(entry.clone());
        change(&mut live);
        let mut observed = Observed::default();
        observed.observe_foreign(&place(), vec![(key("a"), live)]);
        observed.leftovers(|_, owner| owner == "there").len()
    };
    assert_eq!(left(&|_| {}), 1);
    assert_eq!(left(&|live| live.owner = Some("there".into())), 0);
    assert_eq!(left(&|live| live.entry = None), 0);
    assert_eq!(left(&|live| live.is_owned = true), 0);
    assert_eq!(left(&|live| live.guard = PruneGuard::Keep("heddle.dev/prune")), 0);
    assert_eq!(left(&|live| live.deleting = true), 0);
}

#[test]
fn what_another_sync_has_where_nothing_is_seen_is_known_as_long_as_it_is_wanted() {
    let mut observed = Observed::default();
    let found = |name: &str| (key(name), live(name, "another", 1));
    observed.observe_foreign(&place(), vec![found("wanted"), found("left")]);

    observed.forget_foreign(|key| key.name == "wanted");
    let foreign: Vec<&str> = observed.foreign().map(|(key, _)| &*key.name).collect();
    assert_eq!(foreign, ["wanted"]);

    // Where a watch sees, the list there says what is gone.
    observed.observe(WatchEvent::Complete(place()), None, Utc::now());
    observed.forget_foreign(|_| false);
    assert_eq!(observed.foreign().count(), 1);
}
