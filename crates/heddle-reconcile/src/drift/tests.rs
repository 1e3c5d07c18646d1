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
fn a_field_that_is_written_again_shows_and_what_controllers_write_beside_it_does_not() {
    let theirs = |manager: &str, subresource: &str, time: &str, fields: Value| json!({"manager": manager, "operation": "Update", "subresource": subresource, "time": time, "fieldsV1": fields});
    let replicas = || json!({"f:spec": {"f:replicas": {}}});
    let status = |time: &str| theirs("kube-controller-manager", "status", time, json!({"f:status": {}}));
    let paused = |time: &str| theirs("ada", "", time, json!({"f:spec": {"f:paused": {}}}));
    let scaled = |time: &str| theirs("kubectl-scale", "scale", time, replicas());
    let all =
        |status: Value, paused: Value, scaled: Value| json!([ours(without_replicas(), "t1"), status, paused, scaled]);
    let fields = ["spec.replicas".to_owned()];
    let hash = |entries: &Value| hash_holders(entries, &fields);
    let before = hash(&all(status("t5"), paused("t5"), scaled("t5")));
    assert_eq!(hash(&all(status("t6"), paused("t6"), scaled("t5"))), before);
    assert_ne!(hash(&all(status("t5"), paused("t5"), scaled("t6"))), before);
    assert_ne!(hash(&json!([ours(without_replicas(), "t1")])), before);
    assert_ne!(hash(&json!([ours(replicas_and_image(), "t1"), scaled("t5")])), before);
    // Where it is not known which field it is, it may be any.
    let any = |paused: Value| hash_holders(&all(status("t5"), paused, scaled("t5")), &[]);
    assert_ne!(any(paused("t5")), any(paused("t6")));
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

fn at(second: u32) -> chrono::DateTime<chrono::Utc> {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("2026-01-01T{hour:02}:{minute:02}:{second:02}Z").parse().unwrap()
}

/// kc#732: two owners of one field put it back for ever.
#[test]
fn kc_732_a_fight_is_left_alone_and_tried_again_ever_more_seldom() {
    let mut breaker = FightBreaker::default();
    for second in [0, 5, 10, 15] {
        breaker.note(at(second));
        assert!(!breaker.is_paused(at(second + 1)));
    }
    breaker.note(at(20));
    assert_eq!(breaker.paused_until(at(21)), Some(at(80)));
    assert!(breaker.is_paused(at(79)) && !breaker.is_paused(at(80)));
    // One try, and it is changed again at once.
    breaker.note(at(80));
    assert_eq!(breaker.paused_until(at(81)), Some(at(200)));
    breaker.note(at(200));
    assert_eq!(breaker.paused_until(at(201)), Some(at(440)));
    let mut now = 440;
    for _ in 0..10 {
        breaker.note(at(now));
        now = (breaker.paused_until(at(now)).unwrap() - at(0)).num_seconds().try_into().unwrap();
    }
    let before = breaker.clone();
    breaker.note(at(now));
    assert_eq!(breaker.paused_until(at(now)), Some(at(now + 3600)), "no pause is longer: {before:?}");
}

#[test]
fn what_stays_quiet_after_a_try_is_forgotten() {
    let mut breaker = FightBreaker::default();
    (0..5).for_each(|second| breaker.note(at(second)));
    breaker.note(at(64));
    assert_eq!(breaker.paused_until(at(65)), Some(at(184)));
    assert!(!breaker.is_over(at(303)) && breaker.is_over(at(304)));
    // A repair later than that is the first one of its own.
    breaker.note(at(304));
    assert!(!breaker.is_paused(at(305)));
}

#[test]
fn a_fight_goes_on_as_it_was_after_it_was_kept() {
    let now = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut breaker = FightBreaker::default();
    for heals in 0..=MAX_HEALS {
        let contest = Contest {
            field: "data.k".into(),
            manager: Some("ada".into()),
            wanted: "h".into(),
            breaker: breaker.clone(),
        };
        let text = serde_json::to_string(&contest).unwrap();
        assert_eq!(serde_json::from_str::<Contest>(&text).unwrap(), contest, "after {heals} repairs");
        breaker.note(now);
    }
    assert!(breaker.is_paused(now));
}

#[test]
fn repairs_far_apart_are_no_fight() {
    let mut breaker = FightBreaker::default();
    for minute in 0..30 {
        assert!(breaker.is_over(at(minute * 60)));
        breaker.note(at(minute * 60));
        assert!(!breaker.is_paused(at(minute * 60)));
    }
}

#[track_caller]
fn check_rules(manifest: Value, manager: &str, field: &str, is_left: bool) {
    let rules = DriftRules::of(&manifest, Vec::new());
    let kind = crate::ObjectKey::of(&manifest).kind;
    assert_eq!(rules.allow(&kind, field, manager), is_left, "{manifest} {manager} {field}");
}

/// flux2#2472: the rules of an aggregated role were emptied by each apply.
#[test]
fn flux2_2472_the_rules_of_an_aggregated_role_are_its_controllers() {
    let role = |more: Value| {
        let mut role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []});
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        role
    };
    let aggregated = || role(json!({"aggregationRule": {"clusterRoleSelectors": []}}));
    check_rules(aggregated(), "clusterrole-aggregation-controller", "rules", true);
    check_rules(aggregated(), "kubectl-edit", "metadata.labels.a", false);
    check_rules(role(json!({})), "clusterrole-aggregation-controller", "rules", false);
}

#[test]
fn authorities_are_left_to_whoever_injects_them() {
    let object = |api_version: &str, kind: &str, annotation: Option<&str>| {
        let annotations: serde_json::Map<_, _> =
            annotation.map(|name| (name.to_owned(), "x".into())).into_iter().collect();
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"annotations": annotations}})
    };
    let inject = "cert-manager.io/inject-ca-from";
    let openshift = "service.beta.openshift.io/inject-cabundle";
    for (api_version, kind, field) in [
        ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "webhooks[name=a].clientConfig.caBundle"),
        ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "webhooks[name=a].clientConfig.caBundle"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec.conversion.webhook.clientConfig.caBundle"),
        ("apiregistration.k8s.io/v1", "APIService", "spec.caBundle"),
    ] {
        for manager in ["cert-manager-cainjector", "kube-webhook-certgen", "service-ca-operator"] {
            check_rules(object(api_version, kind, None), manager, field, true);
        }
        check_rules(object(api_version, kind, None), "kubectl-edit", field, false);
        check_rules(object(api_version, kind, Some(inject)), "some-injector", field, true);
        check_rules(object(api_version, kind, Some(openshift)), "some-injector", field, true);
        check_rules(object(api_version, kind, Some(inject)), "some-injector", "spec.group", false);
    }
    check_rules(object("v1", "ConfigMap", Some(openshift)), "anybody", "data.service-ca.crt", true);
    check_rules(object("v1", "ConfigMap", None), "service-ca-operator", "data.service-ca.crt", false);
}

#[test]
fn what_others_put_into_an_empty_map_is_no_change_of_it() {
    let manifest = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"annotations": {}},
        "spec": {"template": {"metadata": {"annotations": {}, "labels": {"a": "b"}}}}});
    let rules = DriftRules::of(&manifest, Vec::new());
    let ours_now =
        |fields: Value| json!([ours(fields, "t1"), writer("kube-controller-manager", json!({"f:metadata": {}}))]);
    let applied = json!([ours(json!({"f:metadata": {"f:annotations": {}}, "f:spec": {"f:replicas": {}}}), "t1")]);
    let now = ours_now(json!({"f:spec": {"f:replicas": {}}}));
    assert!(matches!(judge_drift(&deployment(), &applied, &now, &rules), DriftVerdict::Yielded { .. }));
    check_rules(manifest.clone(), "anybody", "spec.template.metadata.annotations", true);
    check_rules(manifest, "anybody", "spec.template.metadata.labels.a", false);
}
