use serde_json::json;

use super::*;
use crate::GroupKind;

fn ours(fields: Value, time: &str) -> Value {
    json!({"manager": "heddle", "operation": "Apply", "apiVersion": "apps/v1", "time": time, "fieldsV1": fields})
}

fn replicas_and_image() -> Value {
    json!({"f:spec": {
        "f:replicas": {},
        "f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}, "f:name": {}}}}},
    }})
}

fn without_replicas() -> Value {
    let mut fields = replicas_and_image();
    fields["f:spec"].as_object_mut().unwrap().remove("f:replicas");
    fields
}

#[test]
fn our_entry_is_equal_while_nobody_touches_our_fields() {
    let alone = json!([ours(replicas_and_image(), "t1")]);
    let status = json!({"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
        "time": "t9", "fieldsV1": {"f:status": {"f:replicas": {}}}});
    let with_status = json!([ours(replicas_and_image(), "t1"), status]);
    assert_eq!(OwnEntry::find(&alone), OwnEntry::find(&with_status));
    assert!(OwnEntry::find(&alone).is_some());
}

#[test]
fn a_lost_field_another_time_and_another_operation_are_seen() {
    let before = OwnEntry::find(&json!([ours(replicas_and_image(), "t1")]));
    assert_ne!(before, OwnEntry::find(&json!([ours(without_replicas(), "t1")])));
    assert_ne!(before, OwnEntry::find(&json!([ours(replicas_and_image(), "t2")])));
    let mut update = ours(replicas_and_image(), "t1");
    update["operation"] = "Update".into();
    assert_eq!(OwnEntry::find(&json!([update])), None);
    assert_eq!(OwnEntry::find(&Value::Null), None);
}

#[test]
fn the_changed_fields_and_who_changed_them_are_named() {
    let scaled = json!({"manager": "kubectl-scale", "operation": "Update", "time": "t5",
        "fieldsV1": {"f:spec": {"f:replicas": {}}}});
    let noise = json!({"manager": "kube-controller-manager", "operation": "Update", "time": "t8",
        "fieldsV1": {"f:status": {}}});
    let drifted = json!([ours(without_replicas(), "t1"), scaled, noise]);
    let healed = json!([ours(replicas_and_image(), "t6"), noise]);

    let fields = changed_fields(&drifted, &healed);
    assert_eq!(fields, ["spec.replicas"]);
    let who = managers_of(&drifted, &fields).unwrap();
    assert_eq!((who.manager.as_str(), who.time.as_str()), ("kubectl-scale", "t5"));
}

#[test]
fn list_elements_are_named_by_their_key_and_a_removal_by_the_last_writer() {
    let nothing_left = json!([{"manager": "kubectl-edit", "operation": "Update", "time": "t3", "fieldsV1": {}}]);
    let healed = json!([ours(replicas_and_image(), "t4")]);
    let fields = changed_fields(&nothing_left, &healed);
    assert!(fields.contains(&"spec.template.spec.containers[name=api].image".to_owned()), "{fields:?}");
    assert_eq!(managers_of(&nothing_left, &fields).unwrap().manager, "kubectl-edit");
}

fn deployment() -> GroupKind {
    GroupKind::new("apps/v1", "Deployment")
}

fn judged(now: Value, ignore: &[&str]) -> DriftVerdict {
    let rules = DriftRules { ignore: ignore.iter().map(|path| (*path).to_owned()).collect() };
    judge_drift(&deployment(), &json!([ours(replicas_and_image(), "t1")]), &now, &rules)
}

fn writer(manager: &str, fields: Value) -> Value {
    json!({"manager": manager, "operation": "Update", "time": "t5", "fieldsV1": fields})
}

fn scaled_by(manager: &str) -> Value {
    json!([ours(without_replicas(), "t1"), writer(manager, json!({"f:spec": {"f:replicas": {}}}))])
}

#[test]
fn a_foreign_addition_is_no_drift() {
    let added = writer("kubectl-label", json!({"f:metadata": {"f:labels": {"f:team": {}}}}));
    assert_eq!(judged(json!([ours(replicas_and_image(), "t1"), added]), &[]), DriftVerdict::None);
}

#[test]
fn what_was_changed_is_told_with_who_and_when() {
    let by = Some(Takeover { manager: "kubectl-scale".into(), time: "t5".into() });
    let paths = vec!["spec.replicas".to_owned()];
    assert_eq!(judged(scaled_by("kubectl-scale"), &[]), DriftVerdict::Changed { paths, by });
}

/// flux2#2514, flux1#924, kubernetes#94585: an apply took the replicas back that an autoscaler had set.
#[test]
fn flux2_2514_an_autoscalers_replicas_are_its_own() {
    let verdict = judged(scaled_by("kube-controller-manager"), &[]);
    assert!(matches!(verdict, DriftVerdict::Yielded { .. }), "{verdict:?}");
}

#[test]
fn a_place_may_be_given_to_anybody() {
    for pattern in ["spec.replicas", "spec.*", "*replicas"] {
        let verdict = judged(scaled_by("kubectl-scale"), &[pattern]);
        assert!(matches!(verdict, DriftVerdict::Yielded { .. }), "{pattern}: {verdict:?}");
    }
    assert!(matches!(judged(scaled_by("kubectl-scale"), &["spec.paused"]), DriftVerdict::Changed { .. }));
}

#[test]
fn what_the_metadata_does_not_tell_is_looked_at_in_full() {
    let gone = judged(json!([writer("kubectl", json!({}))]), &[]);
    assert_eq!(gone, DriftVerdict::LookInFull(LookReason::NoEntry));
    let again = judged(json!([ours(replicas_and_image(), "t9")]), &[]);
    assert_eq!(again, DriftVerdict::LookInFull(LookReason::AppliedUnderOurName));
    let mut more = replicas_and_image();
    more["f:spec"]["f:paused"] = json!({});
    assert_eq!(judged(json!([ours(more, "t1")]), &[]), DriftVerdict::LookInFull(LookReason::MoreFields));
}

/// kc#732: two owners of one field put it back for ever.
#[test]
fn kc_732_a_fight_is_left_alone_for_a_minute_and_then_tried_again() {
    let at = |second: u32| format!("2026-01-01T00:{:02}:{:02}Z", second / 60, second % 60).parse().unwrap();
    let mut breaker = FightBreaker::default();
    for second in [0, 5, 10, 15] {
        assert_eq!(breaker.held_until(at(second)), None);
        breaker.note(at(second));
    }
    breaker.note(at(20));
    assert_eq!(breaker.held_until(at(21)), Some(at(60)));
    assert_eq!(breaker.held_until(at(59)), Some(at(60)));
    assert_eq!(breaker.held_until(at(60)), None);
    breaker.note(at(60));
    assert_eq!(breaker.held_until(at(61)), Some(at(65)));
}

#[test]
fn repairs_far_apart_are_no_fight() {
    let mut breaker = FightBreaker::default();
    for minute in 0..30 {
        let now = format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap();
        assert_eq!(breaker.held_until(now), None);
        breaker.note(now);
    }
}
