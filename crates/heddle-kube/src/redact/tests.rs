use heddle_reconcile::GroupKind;
use serde_json::json;

use super::*;

#[test]
fn values_of_secrets_are_hidden_encoded_and_decoded_and_line_by_line() {
    let secret = json!({"kind": "Secret", "data": {"password": "aHVudGVyMjI="},
        "stringData": {"key": "-----BEGIN-----\nabcdef\n"}});
    let config = json!({"kind": "ConfigMap", "data": {"motto": "visible"}});
    let redactor = Redactor::of([&secret, &config]);
    let text = redactor.redact("aHVudGVyMjI= hunter22 abcdef visible");
    assert_eq!(text, "[redacted] [redacted] [redacted] visible");
    assert!(!format!("{redactor:?}").contains("hunter"));
}

#[test]
fn values_that_are_no_text_are_hidden_as_they_are_written() {
    let secret = json!({"kind": "Secret", "data": {"pin": 831_294}});
    assert_eq!(Redactor::of([&secret]).redact("cannot use 831294"), "cannot use [redacted]");
}

#[test]
fn values_of_the_wrong_type_are_hidden_with_all_that_is_in_them() {
    let nested = json!({"kind": "Secret", "stringData": {"password": {"hunter22": ["tr0ub4dor"]}}});
    let text = json!({"kind": "Secret", "stringData": "correct-horse"});
    let redactor = Redactor::of([&nested, &text]);
    assert_eq!(redactor.redact("map[hunter22:[tr0ub4dor]] correct-horse"), "map[[redacted]:[[redacted]]] [redacted]");
}

#[test]
fn what_cannot_be_a_key_is_a_value() {
    let secret = json!({"kind": "Secret", "data": {"hunter22 is it": "", "tls.crt": "x"}});
    let told = Redactor::of([&secret]).redact("data[hunter22 is it]: Invalid value, tls.crt");
    assert_eq!(told, "data[[redacted]]: Invalid value, tls.crt");
}

/// What is told of a message about an object, beside a Secret whose values are words of it.
#[track_caller]
fn check(object: &Value, message: &str, told: &str) {
    let secret = json!({"kind": "Secret", "stringData": {
        "host": "web1", "mode": "spec", "kind": "Deployment", "side": "sidecar", "password": "hunter22"}});
    let key = ObjectKey {
        kind: GroupKind::new(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()),
        namespace: Some("shop".into()),
        name: object["metadata"]["name"].as_str().unwrap().into(),
    };
    assert_eq!(Redactor::of([&secret]).redact_about(message, &Words::of_object(&key, object)), told);
}

#[test]
fn the_words_of_the_object_itself_stay_and_tell_no_value() {
    let containers = json!([{"name": "sidecar", "imagee": "x", "env": [{"name": "A", "value": "hunter22"}]}]);
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web1"},
        "spec": {"replicass": 1, "template": {"spec": {"containers": containers}}}});
    let message = "failed to create typed patch object (shop/web1; apps/v1, Kind=Deployment): \
        .spec.template.spec.containers[name=\"sidecar\"].imagee: field not declared in schema";
    check(&deployment, message, message);
    check(
        &deployment,
        "env hunter22 and web1, myweb1 or web1x",
        "env [redacted] and web1, my[redacted] or [redacted]x",
    );
    // What a Secret holds is never one of its words.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"},
        "stringData": {"name": "hunter22", "hunter22": "x"}});
    check(&secret, "Secret \"db\" is invalid: data: hunter22", "Secret \"db\" is invalid: data: [redacted]");
}

#[test]
fn values_that_overlap_are_hidden_as_one() {
    let secret = json!({"kind": "Secret", "stringData": {"a": "abcdef", "b": "defghi", "c": "cdef"}});
    assert_eq!(Redactor::of([&secret]).redact("xabcdefghiy abcdef"), "x[redacted]y [redacted]");
}
