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
