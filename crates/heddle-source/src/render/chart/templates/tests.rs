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

#[test]
fn what_keys_gives_is_sorted_wherever_the_call_stands_and_then_it_does_not_vary() {
    for (text, sorted) in [
        ("{{ keys .Values.a }}", "{{ keys .Values.a | sortAlpha }}"),
        ("{{- range $k := keys .a -}}x{{- end -}}", "{{- range $k := keys .a | sortAlpha -}}x{{- end -}}"),
        ("{{ keys (dict \"a|\" 1) .b | join \",\" }}", "{{ keys (dict \"a|\" 1) .b | sortAlpha | join \",\" }}"),
        ("{{ has \"a\" (keys .m) }}", "{{ has \"a\" (keys .m | sortAlpha) }}"),
        ("{{ .m | keys | first }}{{ keys .n }}", "{{ .m | keys | sortAlpha | first }}{{ keys .n | sortAlpha }}"),
    ] {
        assert_eq!(with_sorted_keys(text).as_deref(), Some(sorted));
        assert_eq!(with_sorted_keys(sorted), None);
        assert!(calls(text).vary() && !calls(sorted).vary(), "{text}");
    }
    assert_eq!(with_sorted_keys("{{ .keys }} keys {{ \"keys\" }} {{ values .m }}"), None);
}

#[test]
fn a_call_in_a_text_of_values_is_seen_however_its_quotes_are_written() {
    let text = "at: \"{{ dateInZone \\\"2006\\\" now \\\"UTC\\\" }}\"\nother: 1\n";
    let mut calls = Calls::default();
    calls.take_values(text);
    assert!(calls.clock);
    let later = values_at_another_time(text).unwrap();
    assert!(later.contains("1997-07-13") && later.contains("\"other\":1"), "{later}");
    assert_eq!(values_at_another_time("at: now\n"), None);
}
