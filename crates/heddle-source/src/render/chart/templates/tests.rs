use super::*;

fn calls(text: &str) -> Calls {
    let mut calls = Calls::default();
    calls.take(text);
    calls
}

#[test]
fn calls_are_those_of_actions_and_not_of_texts_comments_fields_or_prose() {
    for other in [
        "now and then: lookup",
        "{{/* now lookup */}}",
        "{{- /* randAlphaNum 5 */ -}}",
        "{{ \"now }} lookup\" }}",
        "{{ `now` }}",
        "{{ .Values.now }} {{ $now }} {{ .lookup }}",
        "{{ nowhere }}",
        "{{",
        "{{ \"unclosed",
    ] {
        assert_eq!(calls(other), Calls::default(), "{other}");
    }
    assert!(calls("{{ now }}").clock && calls("{{- $x := (now | date \"2006\") -}}").clock);
    assert!(calls("a {{ b }} {{ .Values.p | default (randAlphaNum 10) }}").random);
    assert!(calls("{{ \"a\" }}{{ (lookup \"v1\" \"Secret\" .Release.Namespace \"x\").data }}").lookup);
    let keys = calls("{{ keys .Values.a }}");
    assert!(keys.few && keys.vary() && !keys.lookup);
    assert!(!calls("{{ lookup \"v1\" }}").vary(), "what a render sees of a cluster is always the same");
}

#[test]
fn another_time_stands_for_now_alone() {
    assert_eq!(at_another_time("{{ .Values.now }} now {{ \"now\" }}"), None);
    let changed = at_another_time("at: {{ now | date \"now\" }} é {{ (now).Unix }} now\n").unwrap();
    assert_eq!(
        changed,
        "at: {{ (toDate \"2006-01-02\" \"1997-07-13\") | date \"now\" }} é {{ ((toDate \"2006-01-02\" \
         \"1997-07-13\")).Unix }} now\n"
    );
}

#[test]
fn values_beside_a_call_are_named() {
    let text = "{{ .Values.other }}{{ .Values.auth.password | default (randAlphaNum 10) | b64enc }}\n\
        {{- if $.Values.tls.crt }}{{ end }}{{ $ca := genCA $.Values.tls.name 365 }}";
    assert_eq!(values_beside_calls(text).into_iter().collect::<Vec<_>>(), ["auth.password", "tls.name"]);
    assert!(values_beside_calls("{{ uuidv4 }} {{ .Values.a }}").is_empty());
}
