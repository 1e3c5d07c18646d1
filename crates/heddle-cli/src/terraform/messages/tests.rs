use heddle_reconcile::diff::Mask;
use serde_json::json;

use super::*;

fn line(diagnostic: serde_json::Value) -> String {
    json!({"@level": "error", "type": "diagnostic", "diagnostic": diagnostic}).to_string() + "\n"
}

#[test]
fn a_message_has_its_place_and_no_source() {
    let printed = line(json!({
        "severity": "error", "summary": "Invalid value.", "detail": "a number is required.",
        "range": {"filename": "main.tf", "start": {"line": 3, "column": 1, "byte": 9}},
        "snippet": {"code": "door = \"hunter2\"", "values": []},
    }));
    let texts = Messages::read(printed.as_bytes()).texts(Severity::Error, None);
    assert_eq!(texts, ["main.tf:3: Invalid value: a number is required."]);
}

#[test]
fn a_provider_is_not_quoted_where_its_secrets_are_not_known() {
    let printed = line(json!({"severity": "error", "summary": "could not log in with hunter2", "address": "x.a"}));
    let messages = Messages::read(printed.as_bytes());
    let unknown = messages.texts(Severity::Error, None).join("");
    assert!(unknown.starts_with("x.a: ") && !unknown.contains("hunter2"), "{unknown}");
    let door = json!("hunter2");
    let known = messages.texts(Severity::Error, Some(&Secrets::of([&door], Mask::new("salt")))).join("");
    assert!(known.starts_with("x.a: could not log in with <secret "), "{known}");
}

#[test]
fn what_is_no_message_is_passed_over_and_what_is_too_much_is_counted() {
    let mut printed = "no JSON\n{\"type\":\"version\"}\n".to_owned();
    printed += &line(json!({"severity": "warning", "summary": "x".repeat(2 * MAX_TOOL_MESSAGE_BYTES)}))
        .repeat(MAX_TOOL_MESSAGES + 2);
    printed +=
        "{\"type\":\"change_summary\",\"changes\":{\"add\":1,\"change\":0,\"remove\":2,\"operation\":\"apply\"}}\n";
    let messages = Messages::read(printed.as_bytes());
    assert_eq!((messages.told.len(), messages.more), (MAX_TOOL_MESSAGES, 2));
    assert_eq!(messages.summary, Some(Summary { add: 1, change: 0, remove: 2 }));
    assert!(messages.texts(Severity::Warning, None).iter().all(|text| text.len() <= MAX_TOOL_MESSAGE_BYTES));
}

#[test]
fn what_only_init_mends_is_known() {
    let wants = |detail: &str, severity: &str| {
        let printed =
            line(json!({"severity": severity, "summary": "Required plugins are not installed", "detail": detail}));
        Messages::read(printed.as_bytes()).wants_init
    };
    assert!(wants("To download them, run:\n  tofu init", "error"));
    assert!(wants("run \"terraform init\"", "error"));
    assert!(!wants("run \"terraform init\"", "warning"));
    assert!(!wants("initial", "error"));
}

#[test]
fn a_plan_of_some_objects_alone_is_known() {
    let leaves_out =
        |summary: &str| Messages::read(line(json!({"severity": "warning", "summary": summary})).as_bytes()).leaves_out;
    assert!(leaves_out("Resource targeting is in effect"));
    assert!(!leaves_out("Deprecated attribute"));
    let others = line(json!({"severity": "error", "summary": "one"})).repeat(MAX_TOOL_MESSAGES);
    let both = line(json!({"severity": "error", "summary": "Exclusion targeting is in effect", "detail": "tofu init"}));
    let messages = Messages::read(format!("{others}{both}").as_bytes());
    assert_eq!((messages.leaves_out, messages.wants_init, messages.more), (true, true, 1));
}
