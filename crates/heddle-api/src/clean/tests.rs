use super::*;

#[track_caller]
fn check_body(json: &str, refused: Refused, field: Option<&str>) {
    let told = check_json(json.as_bytes(), refused).err();
    assert_eq!(told.as_ref().map(|told| told.fields[0].field.as_str()), field, "{json}");
}

#[test]
fn a_nul_is_found_wherever_it_stands() {
    for refused in [Refused::Nul, Refused::Control] {
        check_body(r#"{"name":"a\u0000b"}"#, refused, Some("name"));
        check_body(r#"{"a":{"b":[1,"x",{"c":"\u0000"}]}}"#, refused, Some("a.b[2].c"));
        check_body(r#"["\u0000"]"#, refused, Some("[0]"));
        check_body(r#"{"a":1,"b\u0000":2}"#, refused, Some("b\u{fffd}"));
        check_body(r#"{"a":"\\u0000"}"#, refused, None);
    }
}

#[test]
fn other_control_characters_are_refused_where_a_person_writes() {
    for (json, field) in [
        (r#"{"name":"\u001b[2J"}"#, Some("name")),
        (r#"{"name":"\b"}"#, Some("name")),
        (r#"{"name":"\f"}"#, Some("name")),
        ("{\"name\":\"\u{7f}\"}", Some("name")),
        (r#"{"name":"two\n\tlines\r\n"}"#, None),
        (r#"{"name":"\u00e9 \\b"}"#, None),
    ] {
        check_body(json, Refused::Control, field);
        check_body(json, Refused::Nul, None);
    }
}

#[track_caller]
fn check_no_json(json: &str) {
    let told = check_json(json.as_bytes(), Refused::Nul).unwrap_err();
    assert_eq!((told.status.as_u16(), &*told.code), (400, "bad-json"), "{json}");
}

#[test]
fn what_cannot_be_looked_through_is_refused() {
    check_no_json(r#"{"a": \u0000}"#);
    check_no_json(r#"{"a":"\ud800","b":"\u0000"}"#);
    check_no_json(r#"{"a":1} "\u0000""#);
    // A reader that ignores `a` does not mind how deep it is.
    check_no_json(&format!(r#"{{"a":{}{},"b":"\u0000"}}"#, "[".repeat(5000), "]".repeat(5000)));
}

#[test]
fn what_holds_no_control_character_is_left_to_its_reader() {
    check_body(r#"{"name":"#, Refused::Nul, None);
    check_body(&format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), Refused::Nul, None);
}
