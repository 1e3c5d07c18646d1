use heddle_reconcile::{GroupKind, LiveObject};
use serde_json::json;

use super::*;

fn key(name: &str) -> ObjectKey {
    ObjectKey { kind: GroupKind::new("v1", "ConfigMap"), namespace: Some("shop".into()), name: name.into() }
}

fn now() -> DateTime<Utc> {
    "2026-11-24T01:00:00Z".parse().unwrap()
}

fn drift(name: &str, field: &str, healed_at: Option<DateTime<Utc>>) -> DriftReport {
    let object = key(name).to_string().into();
    DriftReport { object, manager: None, fields: vec![field.into()], at: now(), healed_at }
}

/// The drifts that are not over: object and first field.
fn open(log: &DriftLog) -> Vec<String> {
    let open = log.reports().filter(|drift| drift.healed_at.is_none());
    open.map(|drift| format!("{} {}", &*drift.object, &*drift.fields[0])).collect()
}

/// An object whose field `k` is of `manager` since `time`, and of which a controller writes beside it.
fn seen(manager: &str, time: &str, noise: &str) -> Observed {
    let mut observed = Observed::default();
    let entry = |manager: &str, time: &str, field: &str| json!({"manager": manager, "operation": "Update", "time": time, "fieldsV1": {"f:data": {(format!("f:{field}")): {}}}});
    observed.observe_changed(&key("a"), json!([entry(manager, time, "k"), entry("noisy", noise, "other")]));
    observed
}

#[test]
fn of_an_object_one_drift_is_open_and_it_ends_when_a_look_finds_it_as_git_has_it() {
    let mut log = DriftLog::default();
    let field = || vec!["data.k".to_owned()];
    log.push(drift("a", "data.j", None));
    log.push(drift("b", "data.k", None));
    log.push(drift("a", "data.k", None));
    assert_eq!(open(&log), ["ConfigMap shop/a data.k", "ConfigMap shop/b data.k"]);
    let changed = seen("eve", "t1", "t1");
    assert!(!log.was_looked_at(&key("a"), &changed));
    log.remember_look(&key("a"), field(), &changed, true, now());
    assert!(log.is_open(&key("a")) && log.was_looked_at(&key("a"), &changed));
    assert!(log.was_looked_at(&key("a"), &seen("eve", "t1", "t2")), "nobody wrote the field");

    let back = seen("ada", "t2", "t2");
    assert!(!log.was_looked_at(&key("a"), &back));
    log.remember_look(&key("a"), field(), &back, false, now());
    assert_eq!(open(&log), ["ConfigMap shop/b data.k"]);
    // It is looked at again when anybody writes the field again, and not before.
    assert!(log.was_looked_at(&key("a"), &back));
    assert!(log.was_looked_at(&key("a"), &seen("ada", "t2", "t3")));
    assert!(!log.was_looked_at(&key("a"), &seen("eve", "t4", "t3")));
    assert!(!log.was_looked_at(&key("a"), &Observed::default()), "it is gone");
}

#[test]
fn what_was_found_as_git_has_it_is_looked_at_when_it_is_gone() {
    let (mut log, mut observed) = (DriftLog::default(), Observed::default());
    observed.live.covered.insert((key("a").kind, Some("shop".into())));
    observed.live.objects.insert(key("a"), LiveObject::default());
    log.remember_look(&key("a"), Vec::new(), &observed, false, now());
    assert!(log.was_looked_at(&key("a"), &observed));
    observed.forget(&key("a"));
    assert!(!log.was_looked_at(&key("a"), &observed));
    log.remember_look(&key("a"), Vec::new(), &observed, true, now());
    assert!(log.was_looked_at(&key("a"), &observed), "that it is gone was told");
}

#[test]
fn beside_as_many_that_are_open_the_new_drift_is_the_one_that_is_told() {
    let mut log = DriftLog::default();
    for number in 0..MAX_DRIFTS {
        log.push(drift(&number.to_string(), "data.k", None));
    }
    log.push(drift("healed", "data.k", Some(now())));
    let latest = log.reports().next().unwrap();
    assert_eq!((&*latest.object, log.reports().count()), ("ConfigMap shop/healed", MAX_DRIFTS));
}

#[test]
fn of_too_many_drifts_those_go_first_that_are_over() {
    let mut log = DriftLog::default();
    log.push(drift("open", "data.k", None));
    for number in 0..MAX_DRIFTS {
        log.push(drift(&number.to_string(), "data.k", Some(now())));
    }
    assert_eq!((log.reports().count(), log.is_open(&key("open"))), (MAX_DRIFTS, true));
    for number in 0..MAX_DRIFTS {
        log.push(drift(&format!("more-{number}"), "data.k", None));
    }
    assert_eq!((log.reports().count(), open(&log).len(), log.is_open(&key("open"))), (MAX_DRIFTS, MAX_DRIFTS, false));
}
