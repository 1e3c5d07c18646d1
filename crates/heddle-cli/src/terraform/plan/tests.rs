use heddle_reconcile::diff::Difference;
use serde_json::json;

use super::*;

fn read(plan: &Value) -> Look {
    read_plan(plan.to_string().as_bytes(), Mask::new("salt")).unwrap()
}

/// A plan with one change of one resource.
fn plan(address: &str, change: Value) -> Value {
    json!({"format_version": "1.2", "resource_changes": [{"address": address, "mode": "managed", "change": change}]})
}

fn difference(path: &str, live: Option<Value>, desired: Option<Value>) -> Difference {
    Difference { path: path.to_owned(), live, desired }
}

#[test]
fn drift_is_told_from_what_is_not_applied_yet() {
    let look = read(&json!({
        "format_version": "1.2",
        "resource_drift": [
            {"address": "x.gone", "change": {"actions": ["delete"], "before": {"a": 1}, "after": null}},
            {"address": "x.other", "change": {"actions": ["update"], "before": {"a": 1}, "after": {"a": 2}}},
            {"address": "x.moved", "change": {"actions": ["no-op"], "before": {"a": 1}, "after": {"a": 1}}},
        ],
        "resource_changes": [
            {"address": "x.other", "change": {"actions": ["update"], "before": {"a": 2}, "after": {"a": 1}}},
            {"address": "x.same", "change": {"actions": ["no-op"], "before": {"a": 1}, "after": {"a": 1}}},
            {"address": "data.x.d", "mode": "data", "change": {"actions": ["read"], "after": {}}},
        ],
    }));
    let drift: Vec<_> = look.drift.iter().map(|one| (one.object.as_str(), one.state)).collect();
    assert_eq!(drift, [("x.gone", Deviation::Missing), ("x.other", Deviation::Changed)]);
    assert_eq!(look.drift[1].differences, [difference("a", Some(json!(2)), Some(json!(1)))]);
    let changes: Vec<_> = look.changes.iter().map(|one| one.object.as_str()).collect();
    assert_eq!(changes, ["x.other"]);
    assert_eq!(look.changes[0].differences, [difference("a", Some(json!(2)), Some(json!(1)))]);
    assert_eq!(look.data, ["data.x.d"]);
    assert!(!look.is_same() && look.wants_apply());
}

#[test]
fn every_action_is_a_state() {
    for (actions, state) in [
        (json!(["create"]), Deviation::Missing),
        (json!(["update"]), Deviation::Changed),
        (json!(["delete"]), Deviation::Unwanted),
        (json!(["delete", "create"]), Deviation::Replaced),
        (json!(["create", "delete"]), Deviation::Replaced),
        (json!(["create", "forget"]), Deviation::Replaced),
        (json!(["forget"]), Deviation::Forgotten),
        (json!(["something new"]), Deviation::Changed),
    ] {
        let look = read(&plan("x.a", json!({"actions": actions, "before": {"a": 1}, "after": {"a": 2}})));
        assert_eq!(look.changes.first().map(|one| one.state), Some(state), "{actions}");
    }
    for actions in [json!(["no-op"]), json!(["read"]), json!([])] {
        let look = read(&plan("x.a", json!({"actions": actions, "before": {"a": 1}, "after": {"a": 1}})));
        assert!(look.is_same(), "{actions}");
    }
}

#[test]
fn data_sources_are_no_difference_and_moves_and_imports_are() {
    let data = json!({"format_version": "1.0", "resource_changes": [
        {"address": "data.x.d", "mode": "data", "change": {"actions": ["read"], "before": null, "after": {}}}]});
    assert!(read(&data).is_same());
    let moved = json!({"format_version": "1.0", "resource_changes": [
        {"address": "x.new", "previous_address": "x.old", "change": {"actions": ["no-op"]}}]});
    let look = read(&moved);
    assert_eq!(look.moves, [Move { from: "x.old".to_owned(), to: "x.new".to_owned() }]);
    assert!(!look.is_same() && look.changes.is_empty());
    let imported = plan("x.a", json!({"actions": ["no-op"], "importing": {"id": "i-1"}}));
    let look = read(&imported);
    assert_eq!(look.imports, [Import { object: "x.a".to_owned(), id: "i-1".to_owned() }]);
    assert!(!look.is_same() && look.changes.is_empty());
}

#[test]
fn what_was_put_off_is_never_the_same() {
    let look = read(&json!({"format_version": "1.2", "deferred_changes": [
        {"reason": "provider_config_unknown", "resource_change": {"address": "x.a", "change": {"actions": ["create"]}}}]}));
    assert_eq!(look.not_looked_at, ["x.a"]);
    assert!(!look.is_same());
    assert!(!read(&json!({"format_version": "1.2", "complete": false})).is_same());
    assert!(read(&json!({"format_version": "1.2", "complete": true})).is_same());
}

#[test]
fn only_what_differs_is_told_with_what_is_not_known_yet() {
    let look = read(&plan(
        "x.a",
        json!({
            "actions": ["update"],
            "before": {"id": "1", "tags": {"a": "x", "b.c": "y"}, "list": [1, 2], "gone": "z", "same": [{"n": 1}]},
            "after": {"tags": {"a": "x", "b.c": "w"}, "list": [1, 3, 4], "gone": null, "same": [{"n": 1}]},
            "after_unknown": {"id": true, "new": true, "tags": {}, "list": [false, false, false]},
        }),
    ));
    let told = |path: &str| look.changes[0].differences.iter().find(|one| one.path == path).cloned().unwrap();
    assert_eq!(told("id"), difference("id", Some(json!("1")), Some(json!("(known after apply)"))));
    assert_eq!(told("new"), difference("new", None, Some(json!("(known after apply)"))));
    assert_eq!(told("tags[b.c]"), difference("tags[b.c]", Some(json!("y")), Some(json!("w"))));
    assert_eq!(told("list[1]"), difference("list[1]", Some(json!(2)), Some(json!(3))));
    assert_eq!(told("list[2]"), difference("list[2]", None, Some(json!(4))));
    assert_eq!(told("gone"), difference("gone", Some(json!("z")), None));
    assert_eq!(look.changes[0].differences.len(), 6);
}

#[test]
fn what_is_secret_is_told_nowhere() {
    let door = "hunter2hunter2";
    let look = read(&json!({
        "format_version": "1.2",
        "variables": {"door": {"value": door}, "open": {"value": "color"}},
        "configuration": {"root_module": {"variables": {"door": {"sensitive": true}, "open": {}}}},
        "resource_drift": [{"address": format!("x.a[\"{door}\"]"), "change": {
            "actions": ["update"], "before": {"url": format!("https://u:{door}@h/"), "pin": 73319046, "all": {"p": "abc"}},
            "after": {"url": "https://h/", "pin": 1, "all": {"p": "xyz"}},
            "before_sensitive": {"pin": true, "all": true}, "after_sensitive": {"all": true}}}],
        "resource_changes": [{"address": "x.b", "action_reason": "replace_because_tainted", "change": {
            "actions": ["delete", "create"], "before": {"key": "outoftheplan"}, "after": {"key": door, "n": "73319046"}}}],
        "output_changes": {"o": {"actions": ["update"], "before": "old-value-1", "after": [door],
            "before_sensitive": true, "after_sensitive": true}},
        "prior_state": {"values": {"root_module": {"child_modules": [{"resources": [
            {"values": {"token": "outoftheplan"}, "sensitive_values": {"token": true}}]}]}}},
    }));
    let told = serde_json::to_string(&(&look.drift, &look.changes, &look.outputs)).unwrap();
    for value in [door, "73319046", "outoftheplan", "old-value-1", "abc", "xyz"] {
        assert!(!told.contains(value), "{value} in {told}");
    }
    assert!(told.contains("https://u:<secret ") && told.contains("\"tainted\""), "{told}");
    assert_eq!(look.outputs[0].differences[0].path, "value");
    assert!(!look.secrets.hide(&format!("failed with {door}")).contains(door));
    assert_eq!(look.secrets.hide("color"), "color");
    assert!(look.has_secrets);
}

#[test]
fn another_format_is_refused_and_no_text_of_it_is_repeated() {
    let refused = |text: &str| read_plan(text.as_bytes(), Mask::new("salt")).err().unwrap().to_string();
    assert!(refused(r#"{"format_version": "2.0"}"#).contains("`2.0`"));
    let fault = refused(r#"{"format_version": "1.0", "resource_changes": "hunter2hunter2"}"#);
    assert!(fault.contains("line 1") && !fault.contains("hunter2"), "{fault}");
    assert!(read_plan(br#"{"format_version": "1.99", "new": [1]}"#, Mask::new("salt")).unwrap().is_same());
}

#[test]
fn what_the_configuration_gives_to_secret_variables_of_modules_is_secret() {
    let inner = json!({
        "expressions": {"pin": {"constant_value": "innersecret"}, "open": {"constant_value": "plaintext"}},
        "module": {"variables": {"pin": {"sensitive": true}, "open": {}, "other": {"sensitive": true, "default": "bydefault"}}},
    });
    let outer = json!({
        "expressions": {"door": {"constant_value": "outersecret"}},
        "module": {"variables": {"door": {"sensitive": true}}, "module_calls": {"inner": inner}},
    });
    let look = read(&json!({
        "format_version": "1.2", "configuration": {"root_module": {"module_calls": {"outer": outer}}},
    }));
    let hidden = look.secrets.hide("innersecret outersecret bydefault plaintext");
    assert!(look.has_secrets && !hidden.contains("innersecret") && !hidden.contains("outersecret"), "{hidden}");
    assert!(!hidden.contains("bydefault") && hidden.ends_with(" plaintext"), "{hidden}");
}
